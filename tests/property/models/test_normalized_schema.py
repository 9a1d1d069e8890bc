"""The schema of the normalized form takes exactly what the decoder reads back as the same entity of the model.

For any body, by terms:

    normalized(body)  ==  decode(body) is an entity, it is written out as the body was, and stored(decode(body))

The same but for members that are the broker's (`createdAt` …), which clients may send and which are left out.
What a JSON Schema cannot say is not drawn: rings that are not closed, one datasetId twice, names of one meaning.
"""

from __future__ import annotations

import json
from functools import cache, partial
from random import Random
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from broker.decode.entity import decode_entity
from broker.encode.entity import encode_normalized
from broker.errors import NgsiError
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.compile import compile_context
from broker.model.kinds import SYSTEM_MEMBERS
from datamodels import examples, schemas
from datamodels.contexts import context_of
from datamodels.library import Library, built_in, read_library
from datamodels.source import Model, Package
from tests.strategies.wire import TERMS, attributes, instances

LABELS = SYSTEM_MEMBERS | {"expiresAt", "lang", "@context"}
JUNK: list[Any] = [
    None, True, 0, -1, 1.5, 1e9, 2**70, "", "x", "urn:ngsi-ld:null", "urn:x:1", [], {}, ["urn:ngsi-ld:null"], [1],
    ["a", "a"], {"@none": "urn:ngsi-ld:null"}, {"a": {"b": "urn:ngsi-ld:null"}}, {"a": ["urn:ngsi-ld:null"]},
    {"dataset": {"@none": 1}}, {"value": 1}, {"type": "Property", "value": 1}, [{"type": "Property", "value": 1}],
    {"type": "Point", "coordinates": [1, 2]}, {"type": "Point", "coordinates": [181, 2]}, {"ja": "あ"}, {"ja": ["あ"]},
    {"type": "LineString", "coordinates": [[1, 2]]}, {"no tag": "a"}, [{"object": "urn:x:1"}], "/a/b", ["/a", "/b"],
    [{"object": "urn:x:1", "a": 1}], {"@type": "DateTime", "@value": "2026-01-01T00:00:00Z"}, "2026-02-29T00:00:00Z",
    "2024-02-29T00:00:00.5Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00+09:00", "WTT", "KWT", "Property",
    "Relationship", "RelationShip",
]  # fmt: skip
MEMBERS = [
    "type", "value", "object", "vocab", "languageMap", "json", "valueList", "objectList", "unitCode", "observedAt",
    "datasetId", "valueType", "objectType", "createdAt", "instanceId", "entity", "previousValue", "id", "scope", "@id",
    "@type", "@context", "lang", "provider", "a b", "外気温", "location", "ngsildproof", "entityIdSealed", "https://x.example/a",
]  # fmt: skip


@cache
def library() -> Library:
    return read_library(built_in())


MODELS = sorted(f"{package.name}/{model.name}" for package, model in library())


@cache
def held(name: str) -> tuple[Package, Model, ActiveContext, Draft202012Validator, Draft202012Validator]:
    """A model with its names and the two schemas that are compared."""
    package = library().packages[name.partition("/")[0]]
    model = package.models[name.partition("/")[2]]
    words = partial(library().vocabulary, package)
    names = compile_context(context_of(package)["@context"], pytest.fail)
    normalized, stored = schemas.normalized(model, words), schemas.normalized(model, words, schemas.IRIS)
    return package, model, names, Draft202012Validator(normalized), Draft202012Validator(stored)


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An example of a model, some of its attributes drawn anew, and here and there something that may not be."""
    name = draw(st.sampled_from(MODELS))
    package, model, *_ = held(name)
    words = partial(library().vocabulary, package)
    entity: dict[str, Any] = examples.full(model, words, draw(st.integers(0, 3)))
    entity = {
        each: entity[each] for each in draw(st.sets(st.sampled_from(sorted(entity)), max_size=4)) | _needed(model)
    }
    for each in draw(st.lists(st.sampled_from([*model.attributes, *TERMS]), max_size=2)):
        entity[each] = draw(attributes(depth=1))
    if draw(st.booleans()):
        twice = draw(st.sampled_from(sorted(_needed(model) - {"id", "type"}) or ["a"]))
        first = entity.get(twice)
        second = draw(st.one_of(instances(0), st.just(first if isinstance(first, dict) else {})))
        entity[twice] = [first, {**second, "datasetId": "urn:x:data:1"}]
    for _ in range(draw(st.integers(0, 2))):
        entity = spoilt(entity, Random(draw(st.integers(0, 2**32))))
    return name, entity


def _needed(model: Model) -> set[str]:
    return {"id", "type"} | {one.name for one in model.attributes.values() if one.presence == "required"}


def spoilt(value: Any, chance: Random, depth: int = 0) -> Any:
    """The value with something else in one place of it."""
    if not isinstance(value, dict | list) or not value or (depth and chance.random() < 0.3):
        return chance.choice(JUNK)
    keys = [*value] if isinstance(value, dict) else [*range(len(value))]
    at = chance.choice(keys)
    if isinstance(value, list):
        return [*value[:at], spoilt(value[at], chance, depth + 1), *value[at + 1 :]]
    if chance.random() < 0.2:
        return {key: one for key, one in value.items() if key != at}
    if chance.random() < 0.2:
        return {**value, chance.choice(MEMBERS): chance.choice(JUNK)}
    return {**value, at: spoilt(value[at], chance, depth + 1)}


def without_labels(value: Any, *, of_instances: bool = True) -> Any:
    """A body without what is the broker's to write, where it may stand: on entities and instances."""
    if isinstance(value, list):
        return [without_labels(one) for one in value]
    if not isinstance(value, dict):
        return value
    values = {"value", "languageMap", "json", "valueList"}
    kept = {name: one for name, one in value.items() if name not in LABELS or isinstance(one, dict | list)}
    kept.pop("@context", None)
    return {name: one if of_instances and name in values else without_labels(one) for name, one in kept.items()}


def read_back(body: dict[str, Any], names: ActiveContext) -> dict[str, Any] | None:
    """The entity as it is kept, where it is written out as it came; else None."""
    try:
        document = decode_entity(body, names)
    except NgsiError:
        return None
    document.pop("expiresAt", None)
    sent, back = without_labels(body, of_instances=True), without_labels(encode_normalized(document, names))
    same = json.dumps(sent, sort_keys=True) == json.dumps(back, sort_keys=True)
    return document if same else None


def drawn(value: Any) -> bool:
    """Whether a body is without what a JSON Schema cannot say."""
    if isinstance(value, list):
        datasets = [one.get("datasetId") for one in value if isinstance(one, dict) and "type" in one]
        return len(set(map(str, datasets))) == len(datasets) and all(map(drawn, value))
    if isinstance(value, dict):
        return all(map(drawn, value.values()))
    return True


@given(changed())
def test_the_normalized_schema_takes_exactly_what_reads_back_as_the_same_entity(
    one: tuple[str, dict[str, Any]],
) -> None:
    name, body = one
    if not drawn(body):
        return
    _, _, names, normalized, stored = held(name)
    document = read_back(body, names)
    told = document is not None and stored.is_valid(document)
    event(f"taken: {told}, read back: {document is not None}")
    found = [f"{error.instance_path}: {error.message[:200]}" for error in normalized.iter_errors(body)]
    assert (not found) == told, (name, body, found, document is not None)
