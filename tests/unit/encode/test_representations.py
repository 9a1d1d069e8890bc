"""Entities as they are answered (clauses 4.5.2 to 4.5.5, 4.5.16, 4.5.17, 4.5.23.2, 4.15, 6.3.11)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.decode.entity import decode_entity
from broker.encode.entity import Representation, encode_document, encode_entity, encode_normalized, stamped
from broker.encode.geojson import encode_collection, encode_feature, geometry_of
from broker.encode.text import dump
from broker.ldcontext.core import core_context
from broker.model.entity import Entity
from broker.model.values import to_instant

NAMES = core_context()
CREATED, CHANGED, EXPIRES = "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.250000Z", "2100-01-01T00:00:00Z"
POINT: Any = {"type": "Point", "coordinates": [1.0, 2.0]}
KINDS: Any = {
    "id": "urn:x:1",
    "type": ["House", "Room"],
    "scope": "/misono",
    "size": {"type": "Property", "value": 55, "unitCode": "MTR", "valueType": "Length"},
    "tags": {"type": "Property", "value": ["a"]},
    "place": {"type": "GeoProperty", "value": POINT},
    "label": {"type": "LanguageProperty", "languageMap": {"en": "hi", "ja": "やあ"}},
    "sex": {"type": "VocabProperty", "vocab": "Male"},
    "raw": {"type": "JsonProperty", "json": {"size": 1}},
    "depths": {"type": "ListProperty", "valueList": [1.5]},
    "owner": {"type": "Relationship", "object": "urn:x:2", "objectType": "Person"},
    "route": {"type": "ListRelationship", "objectList": [{"object": "urn:x:3"}]},
    "speed": [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:x:gps"}],
}


def instant(text: str) -> int:
    """The instant of a DateTime that is one."""
    found = to_instant(text)
    assert found is not None
    return found


def entity(body: Any) -> Entity:
    """The entity of a body."""
    return Entity(decode_entity(json.loads(json.dumps(body)), NAMES), instant(CREATED), instant(CHANGED))


def shown(body: Any, **how: Any) -> Any:
    """The body as it is answered."""
    return json.loads(dump(encode_entity(entity(body), Representation(**how), NAMES)))


def test_normalized_is_what_was_sent() -> None:
    assert shown(KINDS) == KINDS
    assert shown(KINDS, dataset_ids=frozenset({"@none", "urn:x:gps"})) == KINDS


def test_the_answer_starts_with_id_and_type() -> None:
    assert list(shown(KINDS))[:3] == ["id", "type", "scope"]


def test_concise_leaves_out_what_can_be_told() -> None:
    assert shown(KINDS, format="concise") == {
        "id": "urn:x:1",
        "type": ["House", "Room"],
        "scope": "/misono",
        "size": {"value": 55, "unitCode": "MTR", "valueType": "Length"},
        "tags": ["a"],
        "place": POINT,
        "label": {"languageMap": {"en": "hi", "ja": "やあ"}},
        "sex": {"vocab": "Male"},
        "raw": {"json": {"size": 1}},
        "depths": {"valueList": [1.5]},
        "owner": {"object": "urn:x:2", "objectType": "Person"},
        "route": {"objectList": ["urn:x:3"]},
        "speed": [{"value": 1}, {"value": 2, "datasetId": "urn:x:gps"}],
    }


@pytest.mark.parametrize(
    ("value", "concise"),
    [
        ({"value": 1}, {"value": {"value": 1}}),
        ({"type": "x"}, {"value": {"type": "x"}}),
        ([{"x": 1}], {"value": [{"x": 1}]}),
        ({"dataset": {"@none": 1}}, {"value": {"dataset": {"@none": 1}}}),
        ({"x": {"type": "Property", "value": 1}}, {"value": {"x": {"type": "Property", "value": 1}}}),
        (POINT, {"type": "Property", "value": POINT}),
        ({"x": {"value": 1}}, {"x": {"value": 1}}),
    ],
)
def test_a_value_that_would_be_misread_is_not_bare(value: Any, concise: Any) -> None:
    body = {"id": "urn:x:1", "type": "House", "a": {"type": "Property", "value": value}}
    answered = shown(body, format="concise")
    assert answered["a"] == concise
    assert decode_entity(answered, NAMES) == entity(body).document


def test_simplified_wraps_what_has_to_be_told_apart() -> None:
    assert shown(KINDS, format="simplified") == {
        "id": "urn:x:1",
        "type": ["House", "Room"],
        "scope": "/misono",
        "size": 55,
        "tags": ["a"],
        "place": POINT,
        "label": {"languageMap": {"en": "hi", "ja": "やあ"}},
        "sex": {"vocab": "Male"},
        "raw": {"json": {"size": 1}},
        "depths": [1.5],
        "owner": "urn:x:2",
        "route": ["urn:x:3"],
        "speed": {"dataset": {"@none": 1, "urn:x:gps": 2}},
    }


def test_datasets_that_are_not_asked_for_are_left_out() -> None:
    gps = frozenset({"urn:x:gps"})
    normalized = shown(KINDS, dataset_ids=gps)
    assert normalized.keys() == {"id", "type", "scope", "speed"}
    assert normalized["speed"] == {"type": "Property", "value": 2, "datasetId": "urn:x:gps"}
    assert shown(KINDS, dataset_ids=gps, format="simplified")["speed"] == 2
    assert shown(KINDS, dataset_ids=frozenset({"@none"}))["speed"] == {"type": "Property", "value": 1}


def test_a_single_instance_of_a_dataset_stays_told_apart() -> None:
    body = {"id": "urn:x:1", "type": "House", "a": {"type": "Property", "value": 2, "datasetId": "urn:x:gps"}}
    assert shown(body, format="simplified")["a"] == {"dataset": {"urn:x:gps": 2}}


@pytest.mark.parametrize("form", ["normalized", "concise"])
def test_one_language_is_shown_with_its_tag(form: str) -> None:
    label = shown(KINDS, lang="ja", format=form)["label"]
    assert label == ({"type": "Property"} if form == "normalized" else {}) | {"value": "やあ", "lang": "ja"}
    assert shown(KINDS, lang="ja", format="simplified")["label"] == "やあ"


def _stamped_entity() -> Entity:
    inner = {"type": "Property", "value": 1}
    document: Any = {
        "id": "urn:x:1",
        "type": NAMES.expand("House"),
        NAMES.expand("a"): {
            "type": "Property",
            "value": 5,
            "modifiedAt": CHANGED,
            "expiresAt": EXPIRES,
            NAMES.expand("b"): {**inner, "createdAt": CHANGED},
        },
        NAMES.expand("c"): inner,
    }
    return Entity(document, instant(CREATED), instant(CHANGED), instant(EXPIRES))


def test_system_attributes_at_every_depth() -> None:
    times = {"createdAt": CREATED, "modifiedAt": CREATED}
    inner = {"type": "Property", "value": 1}
    assert encode_entity(_stamped_entity(), Representation(sys_attrs=True), NAMES) == {
        "id": "urn:x:1",
        "type": "House",
        "createdAt": CREATED,
        "modifiedAt": CHANGED,
        "expiresAt": EXPIRES,
        "a": {
            "type": "Property",
            "value": 5,
            "createdAt": CREATED,
            "modifiedAt": CHANGED,
            "expiresAt": EXPIRES,
            "b": {**inner, "createdAt": CHANGED, "modifiedAt": CHANGED},
        },
        "c": {**inner, **times},
    }


def test_no_system_attributes_unless_asked_for() -> None:
    plain = {"id": "urn:x:1", "type": "House", "a": {"type": "Property", "value": 5}, "c": {"type": "Property"}}
    answered: Any = encode_entity(_stamped_entity(), Representation(), NAMES)
    assert answered.keys() == plain.keys()
    assert answered["a"] == {"type": "Property", "value": 5, "b": {"type": "Property", "value": 1}}
    assert "At" not in json.dumps(encode_entity(_stamped_entity(), Representation("simplified"), NAMES))


def test_linked_entities_are_shown_inline() -> None:
    linked = _stamped_entity()
    relation: Any = {"type": "Relationship", "object": "urn:x:1", "entity": linked.document}
    document: Any = {"id": "urn:x:0", "type": NAMES.expand("City"), NAMES.expand("owner"): relation}
    inner = encode_normalized(linked.document, NAMES)
    answered: Any = encode_document(document, Representation(), NAMES)
    assert answered["owner"] == {"type": "Relationship", "object": "urn:x:1", "entity": inner}
    simplified: Any = encode_document(document, Representation("simplified"), NAMES)
    assert simplified["owner"] == {"id": "urn:x:1", "type": "House", "a": 5, "c": 1}


def test_a_linked_entity_has_times_of_its_own() -> None:
    linked = _stamped_entity()
    relation: Any = {"type": "ListRelationship", "objectList": [], "entityList": [stamped(linked)]}
    document: Any = {"id": "urn:x:0", "type": NAMES.expand("City"), NAMES.expand("route"): relation}
    whole = Entity(document, instant(CHANGED), instant(CHANGED))
    answered: Any = encode_entity(whole, Representation(sys_attrs=True), NAMES)
    assert answered["route"]["createdAt"] == CHANGED
    assert answered["route"]["entityList"] == [encode_entity(linked, Representation(sys_attrs=True), NAMES)]


def test_a_feature_has_the_default_instance_as_geometry() -> None:
    other: Any = {"type": "Point", "coordinates": [9.0, 9.0]}
    places = [
        {"type": "GeoProperty", "value": other, "datasetId": "urn:x:gps"},
        {"type": "GeoProperty", "value": POINT},
    ]
    whole = entity({"id": "urn:x:1", "type": "House", "location": places, "size": 5})
    location = NAMES.expand("location")
    assert geometry_of(whole, location) == POINT
    assert geometry_of(whole, location, frozenset({"urn:x:gps"})) == other
    assert geometry_of(whole, NAMES.expand("size")) is None
    assert geometry_of(whole, NAMES.expand("nowhere")) is None
    feature = encode_feature(whole, Representation("simplified"), NAMES, POINT)
    assert feature == {
        "id": "urn:x:1",
        "type": "Feature",
        "geometry": POINT,
        "properties": {
            "type": "House",
            "location": {"dataset": {"urn:x:gps": other, "@none": POINT}},
            "size": 5,
        },
    }
    assert encode_collection([feature]) == {"type": "FeatureCollection", "features": [feature]}


def test_long_integers_are_written_out() -> None:
    assert (
        dump({"a": [2**64, -(10**40)], "大": "\u0000"})
        == ('{"a":[18446744073709551616,-' + "1" + "0" * 40 + '],"大":"\\u0000"}').encode()
    )
