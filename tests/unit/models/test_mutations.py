"""Mutations of good examples: each is refused, by the schema and by the broker, at the place where it is broken.

Here some of each model are tried; `MUTATIONS=1000` tries as many as `make figures AREA=models` does.
"""

from __future__ import annotations

import os
from functools import cache, partial

import pytest
from jsonschema_rs import Draft202012Validator

from broker.decode.entity import decode_entity
from broker.errors import NgsiError
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.compile import compile_context
from broker.model.values import Json
from datamodels import schemas
from datamodels.contexts import context_of
from datamodels.holding import Held, compile_model
from datamodels.library import Library, built_in, read_library
from datamodels.mutations import mutations
from datamodels.trying import pointer_of

HOW_MANY = int(os.environ.get("MUTATIONS", "100"))


@cache
def library() -> Library:
    return read_library(built_in())


TRIED: dict[str, int] = {}
"""Mutations that were tried, by package."""
PACKAGES = sorted(name for name, package in library().packages.items() if package.models)


@pytest.mark.parametrize("name", PACKAGES)
def test_mutations_are_refused_with_the_right_pointer(name: str) -> None:
    package = library().packages[name]
    words = partial(library().vocabulary, package)
    names = compile_context(context_of(package)["@context"], pytest.fail)
    wrong, tried = [], 0
    for model in package.models.values():
        validator = Draft202012Validator(schemas.normalized(model, words))
        held = compile_model(package, model, library())
        for one in mutations(model, words, HOW_MANY):
            tried += 1
            by_schema = {pointer_of(error) for error in validator.iter_errors(one.entity)}
            for who, places in (("the schema", by_schema), ("the broker", refused(one.entity, names, held))):
                if not any(leads(place, one.pointer) for place in places):
                    wrong.append(f"{model.name}: {one.pointer} {one.rule}: {who} refuses {sorted(places)}")
    TRIED[name] = tried
    print(f"figure mutated_models {sum(TRIED.values()) / HOW_MANY} {sum(TRIED.values())}")
    assert tried == HOW_MANY * len(package.models)
    assert wrong == []


def refused(entity: dict[str, Json], names: ActiveContext, held: Held) -> set[str]:
    """The places that a broker names when the entity is sent to it: the decoder's, or the gate's."""
    try:
        document = decode_entity(entity, names)
    except NgsiError as refusal:
        return {str(refusal.pointer)}
    return {violation.pointer for violation in held.violations(document)}


def leads(place: str, pointer: str) -> bool:
    """Whether a place that was named is the broken one, inside of it, or the whole instance that it is a part of."""
    return f"{place}/".startswith(f"{pointer}/") or (place != "" and f"{pointer}/".startswith(f"{place}/"))


def test_mutations_are_the_same_each_time() -> None:
    package = library().packages["misono-energy"]
    words, model = partial(library().vocabulary, package), package.models["DigitalGridRouter"]
    assert [*mutations(model, words, 300)] == [*mutations(model, words, 300)]
