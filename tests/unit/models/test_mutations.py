"""Mutations of good examples: each is refused, by the schema and by the gate, at the place where it is broken.

Here some of each model are tried; `MUTATIONS=1000` tries as many as `make figures AREA=models` does.
"""

from __future__ import annotations

import os
from functools import cache, partial

import pytest
from jsonschema_rs import Draft202012Validator

from datamodels import schemas
from datamodels.library import Library, built_in, read_library
from datamodels.mutations import mutations
from datamodels.trying import pointer_of

HOW_MANY = int(os.environ.get("MUTATIONS", "100"))


@cache
def library() -> Library:
    return read_library(built_in())


PACKAGES = sorted(name for name, package in library().packages.items() if package.models)


@pytest.mark.parametrize("name", PACKAGES)
def test_mutations_are_refused_with_the_right_pointer(name: str) -> None:
    package = library().packages[name]
    words = partial(library().vocabulary, package)
    wrong, tried = [], 0
    for model in package.models.values():
        validator = Draft202012Validator(schemas.normalized(model, words))
        for one in mutations(model, words, HOW_MANY):
            tried += 1
            places = {pointer_of(error) for error in validator.iter_errors(one.entity)}
            if not any(place == one.pointer or place.startswith(f"{one.pointer}/") for place in places):
                wrong.append(f"{model.name}: {one.pointer} {one.rule}, refused at {sorted(places)}")
    print(f"figure mutations_{name.replace('-', '_')} {tried}")
    assert tried == HOW_MANY * len(package.models)
    assert wrong == []


def test_mutations_are_the_same_each_time() -> None:
    package = library().packages["misono-energy"]
    words, model = partial(library().vocabulary, package), package.models["DigitalGridRouter"]
    assert [*mutations(model, words, 300)] == [*mutations(model, words, 300)]
