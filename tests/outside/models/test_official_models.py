"""Our models and the official ones they follow: each one's examples under the other's rules, and the same triples.

`official_refused.tsv` has what our gate says against an official example, and which rule of theirs (or of NGSI-LD) it
breaks; `ours_refused.tsv` what an official schema says against an example of ours, and why that is no fault of it.
"""

from __future__ import annotations

import csv
from functools import cache, partial
from pathlib import Path
from typing import Any

from pyld import jsonld

from broker.decode.entity import decode_entity
from broker.errors import NgsiError
from broker.ldcontext.compile import compile_context
from broker.ldcontext.core import CORE_URL, core_document
from datamodels import examples
from datamodels.contexts import context_of
from datamodels.holding import compile_model
from tests.outside.models.official import Carried, carried, library, there_are

HERE = Path(__file__).resolve().parent
NUMBERS = 4
"""Examples of a kind that are tried of each model."""


Said = tuple[str, str, str]
"""Model, pointer and rule."""


def told(file: str, models: list[Carried]) -> set[Said]:
    """What a list beside this file says of these models."""
    names = {one.name for one in models}
    with (HERE / file).open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["model"] in names]
    assert all(row["why"] for row in rows)
    return {(row["model"], row["pointer"], row["rule"]) for row in rows}


def judged(one: Carried) -> set[Said]:
    """What is said against the official example on its way in: by the decoder, or by the gate."""
    body = one.example()
    if body is None:
        return set()
    names = compile_context("https://official.example/context.jsonld", lambda _url: {"@context": one.context})
    try:
        document = decode_entity(body, names)
    except NgsiError as refusal:
        return {(one.name, str(refusal.pointer), str(refusal.clause))}
    held = compile_model(one.package, one.model, library())
    return {(one.name, violation.pointer, violation.rule) for violation in held.violations(document)}


def official(one: Carried) -> set[Said]:
    """What the official schema says against our examples."""
    words, validator = partial(library().vocabulary, one.package), one.validator()
    found = set()
    for number in range(NUMBERS):
        for make in (examples.full, examples.sparse):
            entity = examples.simplified(make(one.model, words, number))
            for error in validator.iter_errors(entity):
                found.add((one.name, "".join(f"/{part}" for part in error.absolute_path), str(error.validator)))
    return found


def test_official_examples_pass_our_gate_but_those_that_are_named() -> None:
    models = [one for one in carried() if one.example() is not None]
    there_are(models)
    expected = told("official_refused.tsv", models)
    found = {said for one in models for said in judged(one)}
    print(f"figure official_examples {len(models)}")
    print(f"figure official_unexplained {len(found - expected)} {len(models)}")
    assert found == expected, "\n".join("\t".join(said) for said in sorted(found ^ expected))


def test_our_examples_are_valid_under_the_official_schemas() -> None:
    models = carried()
    there_are(models)
    expected = told("ours_refused.tsv", models)
    found = {said for one in models for said in official(one)}
    print(f"figure ours_unexplained {len(found - expected)} {len(models) * NUMBERS * 2}")
    assert found == expected, "\n".join("\t".join(said) for said in sorted(found ^ expected))


def test_the_official_context_and_ours_give_the_same_triples_for_shared_terms() -> None:
    models = carried()
    there_are(models)
    differing, triples = {}, 0
    for one in models:
        words = partial(library().vocabulary, one.package)
        ours = context_of(one.package)["@context"]
        assert isinstance(ours, dict)
        shared = (one.context.keys() & ours.keys()) | core().keys()
        for entity in (one.example(), examples.full(one.model, words)):
            if entity is not None and isinstance(entity["id"], str):
                kept = of_shared(entity, shared)
                theirs, mine = (quads({"@context": [context, core()], **kept}) for context in (one.context, ours))
                triples += len(mine)
                if mine != theirs:
                    differing[one.name] = sorted(mine ^ theirs)[:8]
    print(f"figure triples_differing {len(differing)} {triples}")
    assert differing == {}


def test_a_member_that_is_not_shared_is_left_out() -> None:
    entity = {"type": "House", "a": {"type": "Property", "value": {"b": [{"c": 1, "a": 2}]}}, "c": 1}
    kept = of_shared(entity, {"a", "b", "value", "type", "Property"})
    assert kept == {"a": {"type": "Property", "value": {"b": [{"a": 2}]}}}


@cache
def core() -> dict[str, Any]:
    """The core @context without the one term whose context would have to be fetched."""
    context = core_document(CORE_URL)["@context"]
    assert isinstance(context, dict)
    return {term: definition for term, definition in context.items() if term != "ngsildproof"}


def of_shared(value: Any, shared: set[str]) -> Any:
    """The value without names that one of the contexts does not have; types that are such names too."""
    if isinstance(value, list):
        return [of_shared(one, shared) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {name: one for name, one in value.items() if name in shared or name[0] == "@"}
    if isinstance(kept.get("type"), str) and kept["type"] not in shared:
        del kept["type"]
    return {name: of_shared(one, shared) for name, one in kept.items()}


def quads(document: Any) -> set[str]:
    """Its triples, with blank nodes named the same way each time."""
    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": _refuse}
    return set(jsonld.normalize(document, options).splitlines())


def _refuse(url: str, _options: object) -> None:
    raise AssertionError(url)  # nothing is fetched
