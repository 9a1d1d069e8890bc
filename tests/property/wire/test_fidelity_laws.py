"""What went in comes out: every value exactly as sent, in every lossless representation (clauses 4.5.2, 4.6.4)."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.decode.entity import decode_entity, decode_simplified
from broker.decode.text import parse_json
from broker.encode.entity import Representation, encode_entity, encode_normalized
from broker.encode.text import dump
from broker.ldcontext.core import core_context
from broker.model.entity import Document, Entity
from tests.strategies import wire

NAMES = core_context()
NOW = 1_767_225_600_000_000


def exact(value: Any) -> Any:
    """The value in a form that tells 1 from 1.0 and True, 0.0 from -0.0, and one member order from another."""
    if isinstance(value, dict):
        return [(name, exact(inner)) for name, inner in value.items()]
    if isinstance(value, list):
        return [[exact(inner)] for inner in value]
    if isinstance(value, float):
        return ("float", value.hex(), math.copysign(1, value))
    return (type(value).__name__, value)


def unordered(value: Any) -> Any:
    """The same for entities and instances, whose members have no order."""
    return {
        name: [unordered(one) for one in inner]
        if isinstance(inner, list) and inner and all(isinstance(one, dict) and "type" in one for one in inner)
        else unordered(inner)
        if isinstance(inner, dict) and name not in VALUE_NAMES
        else exact(inner)
        for name, inner in value.items()
    }


VALUE_NAMES = {name for name, _ in wire.VALUES.values()}


def sent(body: Any) -> Document:
    """The document of a body that went over the wire."""
    return decode_entity(parse_json(json.dumps(body, ensure_ascii=False).encode()), NAMES)


def answered(body: Any, representation: Representation) -> Any:
    """The body as it is answered over the wire in a representation."""
    entity = Entity(sent(body), NOW, NOW)
    return parse_json(dump(encode_entity(entity, representation, NAMES)))


@given(wire.json_values())
def test_a_value_is_read_and_written_exactly(value: Any) -> None:
    assert exact(parse_json(dump(value))) == exact(value)
    assert exact(parse_json(json.dumps(value).encode())) == exact(value)


@given(wire.bodies())
def test_a_normalized_entity_comes_back_as_it_was_sent(body: dict[str, Any]) -> None:
    assert unordered(answered(body, Representation())) == unordered(body)


@given(wire.bodies())
def test_reading_what_was_written_gives_the_same_document(body: dict[str, Any]) -> None:
    document = sent(body)
    again = sent(encode_normalized(document, NAMES))
    assert again == document
    assert unordered(again) == unordered(document)


@given(wire.bodies())
def test_the_concise_representation_posted_back_gives_the_same_entity(body: dict[str, Any]) -> None:
    document = sent(body)
    again = sent(answered(body, Representation("concise")))
    assert again == document
    assert unordered(again) == unordered(document)


@given(wire.bodies())
def test_system_attributes_are_ignored_when_they_come_back(body: dict[str, Any]) -> None:
    shown = answered(body, Representation(sys_attrs=True))
    assert shown["createdAt"] == shown["modifiedAt"] == "2026-01-01T00:00:00.000000Z"
    assert sent(shown) == sent(body)


def _inferable(kind: str, value: Any) -> bool:
    """Whether a value alone tells its kind."""
    if kind == "Property":
        return not isinstance(value, dict | list)
    return kind in ("GeoProperty", "LanguageProperty", "VocabProperty", "JsonProperty")


@st.composite
def _simple_bodies(draw: st.DrawFn) -> dict[str, Any]:
    body: dict[str, Any] = {"id": "urn:x:1", "type": "House"}
    for term in draw(st.lists(st.sampled_from(wire.TERMS), unique=True, max_size=4)):
        kind = draw(st.sampled_from(sorted(wire.VALUES)))
        name, values = wire.VALUES[kind]
        value = draw(values)
        if _inferable(kind, value):
            body[term] = {"type": kind, name: value}
            if draw(st.booleans()):
                body[term] = [body[term], {"type": kind, name: value, "datasetId": wire.DATASETS[0]}]
    return body


@given(_simple_bodies())
def test_the_simplified_representation_posted_back_gives_the_same_entity(body: dict[str, Any]) -> None:
    shown = answered(body, Representation("simplified"))
    assert sent(shown) == sent(body)
    assert decode_simplified(shown, NAMES) == sent(body)
