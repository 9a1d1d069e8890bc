"""Histories as they are sent (clauses 4.5.6 to 4.5.9, 5.2.20, 5.5.4)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.decode.temporal import decode_history, decode_replacement
from broker.errors import BadRequestData, InvalidRequest
from broker.ldcontext.core import core_context
from broker.model.values import NGSI_LD_NULL

NAMES = core_context()
HOME = "https://uri.etsi.org/ngsi-ld/default-context/"
A, B = HOME + "a", HOME + "b"
WHEN, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z"
POINT: Any = {"type": "Point", "coordinates": [139.5, 35.5]}


def read(attribute: Any) -> Any:
    """The instances of attribute `a`."""
    return decode_history({"a": attribute}, NAMES).attributes[A]


def test_instances_may_be_many_of_one_dataset() -> None:
    sent = [
        {"type": "Property", "value": 1, "observedAt": WHEN, "unitCode": "CEL"},
        {"type": "Property", "value": 2, "observedAt": LATER, "datasetId": "urn:x:1"},
        {"type": "Property", "value": 3, "observedAt": LATER, "datasetId": "urn:x:1"},
    ]
    assert read(sent) == sent


@pytest.mark.parametrize(
    ("sent", "held"),
    [
        ({"type": "Property", "value": 1}, [{"type": "Property", "value": 1}]),
        (
            [{"value": 1}, {"object": "urn:x:2"}],
            [{"type": "Property", "value": 1}, {"type": "Relationship", "object": "urn:x:2"}],
        ),
        ([1, 2], [{"type": "Property", "value": [1, 2]}]),
        (5, [{"type": "Property", "value": 5}]),
        ([{"value": POINT, "b": 1}], [{"type": "GeoProperty", "value": POINT, B: {"type": "Property", "value": 1}}]),
        (
            [{"type": "Property", "value": 1, "instanceId": "urn:x:i", "createdAt": WHEN}],
            [{"type": "Property", "value": 1}],
        ),
    ],
)
def test_an_attribute_is_one_instance_or_many(sent: Any, held: Any) -> None:
    assert read(sent) == held


@pytest.mark.parametrize(
    ("kind", "member", "value", "held"),
    [
        ("Property", "values", 1, {"type": "Property", "value": 1}),
        ("GeoProperty", "values", POINT, {"type": "GeoProperty", "value": POINT}),
        ("Relationship", "objects", "urn:x:2", {"type": "Relationship", "object": "urn:x:2"}),
        (
            "LanguageProperty",
            "languageMaps",
            {"languageMap": {"en": "a"}},
            {"type": "LanguageProperty", "languageMap": {"en": "a"}},
        ),
        ("VocabProperty", "vocabs", {"vocab": "x"}, {"type": "VocabProperty", "vocab": HOME + "x"}),
        ("JsonProperty", "jsons", {"json": {"k": 1}}, {"type": "JsonProperty", "json": {"k": 1}}),
        ("ListProperty", "valueLists", [1, 2], {"type": "ListProperty", "valueList": [1, 2]}),
        (
            "ListRelationship",
            "objectLists",
            ["urn:x:3"],
            {"type": "ListRelationship", "objectList": [{"object": "urn:x:3"}]},
        ),
    ],
)
def test_the_simplified_temporal_representation_is_read(kind: str, member: str, value: Any, held: Any) -> None:
    sent = {"type": kind, member: [[value, WHEN], [value, LATER]]}
    assert read(sent) == [{**held, "observedAt": WHEN}, {**held, "observedAt": LATER}]
    of_dataset = {**sent, "datasetId": "urn:x:1"}
    assert {one["datasetId"] for one in read([sent, of_dataset])[2:]} == {"urn:x:1"}


def test_a_deleted_instance_has_the_null_and_may_say_when() -> None:
    (held,) = read([{"type": "Property", "value": NGSI_LD_NULL, "deletedAt": WHEN}])
    assert held == {"type": "Property", "value": NGSI_LD_NULL, "deletedAt": WHEN}
    (held,) = read({"languageMap": {"@none": NGSI_LD_NULL}, "observedAt": WHEN})
    assert held == {"type": "LanguageProperty", "languageMap": {"@none": NGSI_LD_NULL}, "observedAt": WHEN}


def test_a_scope_is_plain_or_has_a_history() -> None:
    history = decode_history({"id": "urn:x:1", "type": "House", "scope": ["/a", "/b", "/a"]}, NAMES)
    assert history.attributes["scope"] == [{"type": "Property", "value": ["/a", "/b"]}]
    assert history.scopes == ("/a", "/b")
    instances: Any = [{"type": "Property", "value": "/a", "observedAt": WHEN}, {"value": ["/b"], "observedAt": LATER}]
    history = decode_history({"type": ["House", "Room"], "scope": instances}, NAMES)
    assert history.types == (HOME + "House", HOME + "Room")
    assert history.attributes["scope"][1] == {"type": "Property", "value": "/b", "observedAt": LATER}
    assert history.scopes == ("/b",)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"a": [{"value": 1}, {"type": "Property"}]}, "/a/1"),
        ({"a": [{"value": 1, "observedAt": "yesterday"}]}, "/a/0/observedAt"),
        ({"a": NGSI_LD_NULL}, "/a"),
        ({"a": [{"type": "Property", "value": NGSI_LD_NULL, "observedAt": NGSI_LD_NULL}]}, "/a/0/observedAt"),
        ({"a": {"values": [[1]]}}, "/a/values/0"),
        ({"a": {"values": [[1, "x"]]}}, "/a/values/0/1"),
        ({"a": {"type": "Relationship", "values": [[1, WHEN]]}}, "/a/values"),
        ({"expiresAt": NGSI_LD_NULL}, "/expiresAt"),
        ({"scope": []}, "/scope"),
        ({"scope": "no scope!"}, "/scope"),
        ({"scope": [{"type": "Property", "value": "/a", "unitCode": "CEL"}]}, "/scope/0/unitCode"),
        ({"scope": [{"type": "Relationship", "object": "urn:x:1"}]}, "/scope/0"),
        ({"location": [{"value": 5}]}, "/location"),
        ({"not a name": [{"value": 5}]}, "/not a name"),
        ({"a": [{"value": 1}], HOME + "a": [{"value": 2}]}, "/https:~1~1uri.etsi.org~1ngsi-ld~1default-context~1a"),
        ({"id": "no uri"}, "/id"),
    ],
)
def test_what_is_wrong_is_named(body: Any, pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        decode_history(body, NAMES)
    assert refused.value.pointer == pointer


def test_what_is_no_object_is_no_history() -> None:
    with pytest.raises(InvalidRequest):
        decode_history([1], NAMES)


@pytest.mark.parametrize(
    "body",
    [{"type": "Property", "value": 1}, {"a": [{"type": "Property", "value": 1}]}, {"a": {"value": 1}, "type": "T"}],
)
def test_a_replacement_comes_alone_or_under_its_name(body: Any) -> None:
    assert decode_replacement(body, NAMES, A) == {"type": "Property", "value": 1}


def test_a_replacement_is_one_instance() -> None:
    bodies: list[Any] = [{"a": [{"value": 1}, {"value": 2}]}, {}, {"b": [{"value": 1}]}]
    for body in bodies:
        with pytest.raises(BadRequestData):
            decode_replacement(body, NAMES, A)
