"""Entities and fragments: how each part is read (clauses 4.5.1 to 4.5.5, 4.18, 5.5.7)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from broker.decode.attribute import INSTANCES_MAX
from broker.decode.entity import decode_entity, decode_fragment, decode_simplified
from broker.errors import BadRequestData, InvalidRequest
from broker.ldcontext.core import core_context
from broker.model.entity import ATTRIBUTES_MAX, INSTANCE_MEMBERS, VALUE_MEMBER
from broker.model.values import NGSI_LD_NULL

NAMES = core_context()
HOME = "https://uri.etsi.org/ngsi-ld/default-context/"
A, B, C = (HOME + name for name in "abc")
HAS_JSON = "https://uri.etsi.org/ngsi-ld/hasJSON"
WHOLE: dict[str, Any] = {"id": "urn:x:1", "type": "House"}
POINT: Any = {"type": "Point", "coordinates": [139.5, 35.5]}
VALUES = set(VALUE_MEMBER.values())
UNSEEN = [0x202E, 0x200B, 0xFEFF, 0x2028, 0xA0, 0x3C, 0xFE0F, 0xE0100, 0xFDD0, 0xFFFE, 0x1FFFF, 0x3164, 0x2800, 0xE000]
WHEN = "2026-01-01T00:00:00Z"


def read(attribute: Any) -> Any:
    """The member `a` of a document whose body has this attribute `a`."""
    return decode_entity({**WHOLE, "a": copy.deepcopy(attribute)}, NAMES)[A]


@pytest.mark.parametrize(
    ("sent", "held"),
    [
        (1, {"type": "Property", "value": 1}),
        (False, {"type": "Property", "value": False}),
        ([], {"type": "Property", "value": []}),
        ([1], {"type": "Property", "value": [1]}),
        ([{"x": 1}], {"type": "Property", "value": [{"x": 1}]}),
        ({}, {"type": "Property", "value": {}}),
        ({"city": "東京"}, {"type": "Property", "value": {"city": "東京"}}),
        ({"@type": "xsd:date", "@value": "x"}, {"type": "Property", "value": {"@type": "xsd:date", "@value": "x"}}),
        ({"value": {"x": None}}, {"type": "Property", "value": {"x": None}}),
        (POINT, {"type": "GeoProperty", "value": POINT}),
        ({"value": POINT}, {"type": "GeoProperty", "value": POINT}),
        ({"type": "Property", "value": POINT}, {"type": "Property", "value": POINT}),
        (
            {"type": "GeoProperty", "value": '{"type": "Point", "coordinates": [139.5, 35.5]}'},
            {"type": "GeoProperty", "value": POINT},
        ),
        ({"object": "urn:x:2"}, {"type": "Relationship", "object": "urn:x:2"}),
        ({"object": ["urn:x:2"]}, {"type": "Relationship", "object": ["urn:x:2"]}),
        ({"languageMap": {"en": "a"}}, {"type": "LanguageProperty", "languageMap": {"en": "a"}}),
        ({"vocab": "b"}, {"type": "VocabProperty", "vocab": B}),
        ({"vocab": ["b"]}, {"type": "VocabProperty", "vocab": [B]}),
        ({"json": {"value": 1}}, {"type": "JsonProperty", "json": {"value": 1}}),
        ({"valueList": [1]}, {"type": "ListProperty", "valueList": [1]}),
        ({"objectList": ["urn:x:2"]}, {"type": "ListRelationship", "objectList": [{"object": "urn:x:2"}]}),
        (
            {"objectList": [{"object": "urn:x:2"}]},
            {"type": "ListRelationship", "objectList": [{"object": "urn:x:2"}]},
        ),
        ({"@type": "Property", "value": 1}, {"type": "Property", "value": 1}),
        (
            {"value": 1, "observedAt": "2026-01-01T00:00:00,5Z"},
            {"type": "Property", "value": 1, "observedAt": "2026-01-01T00:00:00.5Z"},
        ),
        (
            {"object": "urn:x:2", "objectType": ["b", "c"]},
            {"type": "Relationship", "object": "urn:x:2", "objectType": [B, C]},
        ),
        (
            {"value": 1, "b": {"value": 2, "c": {"object": "urn:x:2"}}},
            {
                "type": "Property",
                "value": 1,
                B: {"type": "Property", "value": 2, C: {"type": "Relationship", "object": "urn:x:2"}},
            },
        ),
        (
            {
                "type": "Property",
                "value": 1,
                "createdAt": "never",
                "modifiedAt": 5,
                "instanceId": "x",
                "deletedAt": WHEN,
            },
            {"type": "Property", "value": 1},
        ),
        ([{"value": 1, "datasetId": "@none"}], {"type": "Property", "value": 1}),
        (
            [{"value": 1, "datasetId": "@none"}, {"value": 2, "datasetId": "urn:x:d"}],
            [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:x:d"}],
        ),
        (
            {"dataset": {"@none": 1, "urn:x:d": {"vocab": "b"}}},
            [{"type": "Property", "value": 1}, {"type": "VocabProperty", "vocab": B, "datasetId": "urn:x:d"}],
        ),
    ],
)
def test_an_attribute_is_read(sent: Any, held: Any) -> None:
    assert read(sent) == held


@pytest.mark.parametrize(
    ("sent", "pointer", "clause"),
    [
        (None, "/a", "4.5.0"),
        (NGSI_LD_NULL, "/a", "5.5.4"),
        ({"type": "Property"}, "/a", "4.5.2.2"),
        ({"type": "Property", "value": None}, "/a/value", "4.5.0"),
        ({"type": "Property", "value": NGSI_LD_NULL}, "/a/value", "5.5.4"),
        ({"value": [{"x": {"y/z": NGSI_LD_NULL}}]}, "/a/value/0/x/y~1z", "5.5.4"),
        ({"type": "Thing", "value": 1}, "/a/type", "4.5.2.3"),
        ({"type": ["Property"], "value": 1}, "/a/type", "4.5.2.3"),
        ({"type": None, "value": 1}, "/a/type", "4.5.2.3"),
        ({"value": 1, "object": "urn:x:2"}, "/a/object", "4.5.2.2"),
        ({"value": 1, "previousValue": 0}, "/a/previousValue", "4.5.2.2"),
        ({"value": 1, "entityIdSealed": "urn:x:2"}, "/a/entityIdSealed", "4.5.2.2"),
        ({"value": 1, "entity": {}}, "/a/entity", "4.5.2.2"),
        ({"object": "urn:x:2", "unitCode": "MTR"}, "/a/unitCode", "4.5.3.2"),
        ({"object": "urn:x:2", "value": 1}, "/a/object", "4.5.2.2"),
        ({"json": {}, "unitCode": "MTR"}, "/a/unitCode", "4.5.2.2"),
        ({"value": 1, "unitCode": 5}, "/a/unitCode", "4.5.2.2"),
        ({"value": 1, "unitCode": None}, "/a/unitCode", "4.5.0"),
        ({"value": 1, "observedAt": "2026-01-01T00:00:00+09:00"}, "/a/observedAt", "4.6.3"),
        ({"value": 1, "observedAt": "2026-02-30T00:00:00Z"}, "/a/observedAt", "4.6.3"),
        ({"value": 1, "observedAt": "9999-99-99T00:00:00Z"}, "/a/observedAt", "4.6.3"),
        ({"value": 1, "observedAt": {"type": "Property", "value": WHEN}}, "/a/observedAt", "4.6.3"),
        ({"value": 1, "expiresAt": "soon"}, "/a/expiresAt", "4.6.3"),
        ({"type": "Property", "value": 1, "observedAt": 5}, "/a/observedAt", "4.6.3"),
        ({"type": "Property", "value": 1, "unitCode": ""}, "/a/unitCode", "4.5.2.2"),
        ({"type": "Property", "value": 1, "unitCode": "C" * 1000}, "/a/unitCode", "4.5.2.2"),
        ({"value": 1, "valueType": 5}, "/a/valueType", "4.5.2.2"),
        ({"languageMap": {"en": "x"}, "valueType": "xsd:string"}, "/a/valueType", "5.2.32"),
        ({"value": 1, "objectType": "b"}, "/a/objectType", "4.5.2.2"),
        ({"object": "urn:x:2", "objectType": 5}, "/a/objectType", "5.2.4"),
        ({"languageMap": {"en": None}}, "/a/languageMap/en", "4.5.0"),
        ({"value": 1, "observedAt": None}, "/a/observedAt", "4.5.0"),
        ({"value": 1, **{f"b{number}": 1 for number in range(ATTRIBUTES_MAX)}}, "/a", "4.5.2.2"),
        ([{"value": 1, "datasetId": f"urn:x:{number}"} for number in range(INSTANCES_MAX + 1)], "/a", "4.5.5.1"),
        ({"value": 1, "datasetId": "d"}, "/a/datasetId", "4.5.5.1"),
        ({"value": 1, "modifiedAt": {"type": "Property", "value": WHEN}}, "/a/modifiedAt", "4.5.1"),
        ({"value": 1, "@context": {}}, "/a/@context", "5.5.7"),
        ({"value": 1, "my attr": 2}, "/a/my attr", "4.6.2"),
        ({"value": 1, "b": {"type": "Property"}}, "/a/b", "4.5.2.2"),
        ({"value": 1, "b": {"value": NGSI_LD_NULL}}, "/a/b/value", "5.5.4"),
        ({"value": 1, "b": 1, B: 2}, "/a/" + B.replace("/", "~1"), "5.5.7"),
        ({"object": "house"}, "/a/object", "4.5.3.2"),
        ({"value": 1, HAS_JSON: 1}, "/a/" + HAS_JSON.replace("/", "~1"), "4.5.1"),
        ({"object": ["urn:x:2", 5]}, "/a/object/1", "4.5.3.2"),
        ({"object": []}, "/a/object", "4.5.3.2"),
        ({"object": "urn:x:" + "1" * 3000}, "/a/object", "4.5.3.2"),
        ({"objectList": "urn:x:2"}, "/a/objectList", "4.5.22.2"),
        ({"objectList": [{"object": "x"}]}, "/a/objectList/0/object", "4.5.22.2"),
        ({"valueList": 1}, "/a/valueList", "4.5.21.2"),
        ({"valueList": [1], "value": 1}, "/a/valueList", "4.5.2.2"),
        ({"json": 5}, "/a/json", "4.5.24.2"),
        ({"vocab": 5}, "/a/vocab", "4.5.20.2"),
        ({"languageMap": {"en": 5}}, "/a/languageMap/en", "4.6.5"),
        ({"languageMap": {"": "x"}}, "/a/languageMap/", "4.6.5"),
        ({"languageMap": {"@none": NGSI_LD_NULL}}, "/a/languageMap", "5.5.4"),
        ({"languageMap": "x"}, "/a/languageMap", "4.5.18.2"),
        ({"type": "Point", "coordinates": [1, 200]}, "/a/coordinates", "4.7.1"),
        ({"type": "GeometryCollection", "geometries": []}, "/a", "4.7.1"),
        ({"type": "GeoProperty", "value": "POINT (1 2)"}, "/a/value", "4.7.2"),
        ([{"value": 1}, {"value": 2}], "/a/1", "4.5.5.1"),
        ([{"value": 1}, {"value": 2, "datasetId": "@none"}], "/a/1", "4.5.5.1"),
        ([{"value": 1, "datasetId": "urn:x:d"}, {"value": 2, "datasetId": "urn:x:d"}], "/a/1", "4.5.5.1"),
        ([{"value": 1}, 5], "/a/1", "4.5.5.1"),
    ],
)
def test_a_wrong_attribute_is_refused_with_its_place(sent: Any, pointer: str, clause: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        read(sent)
    assert (refused.value.pointer, refused.value.clause) == (pointer, clause)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"type": "House"}, "/id"),
        ({"id": "urn:x:1"}, "/type"),
        ({**WHOLE, "id": "1"}, "/id"),
        ({**WHOLE, "id": "urn:x:" + "1" * 1_000_000}, "/id"),
        ({**WHOLE, "id": NGSI_LD_NULL}, "/id"),
        ({**WHOLE, "id": "urn:x:a b"}, "/id"),
        *(({**WHOLE, "id": f"urn:x:a{chr(code)}b"}, "/id") for code in UNSEEN),
        ({**WHOLE, "@id": "urn:x:1"}, "/@id"),
        ({**WHOLE, "type": "9V"}, "/type"),
        ({**WHOLE, "type": []}, "/type"),
        ({**WHOLE, "type": ["House", 5]}, "/type/1"),
        ({**WHOLE, "type": NGSI_LD_NULL}, "/type"),
        ({**WHOLE, "scope": NGSI_LD_NULL}, "/scope"),
        ({**WHOLE, "scope": "/a//b"}, "/scope"),
        ({**WHOLE, "scope": None}, "/scope"),
        ({**WHOLE, "scope": "/" + "a" * 5000}, "/scope"),
        ({**WHOLE, "type": None}, "/type"),
        ({**WHOLE, "expiresAt": None}, "/expiresAt"),
        ({**WHOLE, "scope": "/1a"}, "/scope"),
        ({**WHOLE, "scope": ["/a", 5]}, "/scope"),
        ({**WHOLE, "scope": []}, "/scope"),
        ({**WHOLE, "expiresAt": "soon"}, "/expiresAt"),
        ({**WHOLE, "datasetId": {"type": "Property", "value": 1}}, "/datasetId"),
        ({**WHOLE, "observedAt": WHEN}, "/observedAt"),
        ({**WHOLE, "https://uri.etsi.org/ngsi-ld/observedAt": 1}, "/https:~1~1uri.etsi.org~1ngsi-ld~1observedAt"),
        ({**WHOLE, "createdAt": {"type": "Property", "value": WHEN}}, "/createdAt"),
        ({**WHOLE, "my attr": 1}, "/my attr"),
        ({**WHOLE, "__proto__": 1}, "/__proto__"),
        ({**WHOLE, "": 1}, "/"),
        ({**WHOLE, "a": 1, A: 2}, "/" + A.replace("/", "~1")),
        ({**WHOLE, "ngsildproof": {"type": "Property", "value": "x"}}, "/ngsildproof"),
        ({**WHOLE, **{f"a{number}": 1 for number in range(ATTRIBUTES_MAX)}}, ""),
    ],
)
def test_a_wrong_entity_is_refused_with_its_place(body: Any, pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        decode_entity(body, NAMES)
    assert refused.value.pointer == pointer
    assert refused.value.clause
    assert refused.value.remedy


@pytest.mark.parametrize("body", [[], 5, None, "x"])
def test_what_is_no_object_is_an_invalid_request(body: Any) -> None:
    for read_body in (decode_entity, decode_simplified):
        with pytest.raises(InvalidRequest):
            read_body(body, NAMES)


@pytest.mark.parametrize(
    "held",
    [
        {"type": "Property", "value": 7},
        7,
        {"object": "urn:x:2"},
        [{"value": POINT}, {"value": 1, "datasetId": "urn:x:d"}],
    ],
)
@pytest.mark.parametrize("name", ["location", "observationSpace", "operationSpace"])
def test_a_place_is_a_geo_property(name: str, held: Any) -> None:
    for read_body in (decode_entity, decode_simplified):
        with pytest.raises(BadRequestData) as refused:
            read_body({**WHOLE, name: copy.deepcopy(held)}, NAMES)
        assert refused.value.pointer.startswith("/" + name)


def test_a_place_may_be_taken_away_or_have_a_member_changed() -> None:
    iri = NAMES.expand("location")
    assert decode_fragment({"location": NGSI_LD_NULL}, NAMES, nulls=True) == {iri: NGSI_LD_NULL}
    assert decode_fragment({"location": {"observedAt": WHEN}}, NAMES, nulls=True, merge=True) == {
        iri: {"observedAt": WHEN}
    }


def test_the_members_that_are_no_attributes() -> None:
    body: Any = {
        "@id": "urn:x:1",
        "@type": ["House", "House"],
        "scope": ["/a", "/b", "/a"],
        "expiresAt": "2030-01-01T00:00:00,5Z",
        "createdAt": WHEN,
        "modifiedAt": WHEN,
        "@context": [],
    }
    assert decode_entity(body, NAMES) == {
        "id": "urn:x:1",
        "type": HOME + "House",
        "scope": ["/a", "/b"],
        "expiresAt": "2030-01-01T00:00:00.5Z",
    }


def test_an_attribute_may_be_called_as_a_value_member_is() -> None:
    document = decode_entity({**WHOLE, "value": 1, "vocab": {"vocab": "b"}}, NAMES)
    assert document[NAMES.expand("value")] == {"type": "Property", "value": 1}
    assert document[NAMES.expand("vocab")] == {"type": "VocabProperty", "vocab": B}


@pytest.mark.parametrize(
    "name", sorted(INSTANCE_MEMBERS - VALUES - {"createdAt", "modifiedAt", "deletedAt", "ngsildproof"})
)
def test_no_attribute_is_called_as_another_member_is(name: str) -> None:
    for read_body in (decode_entity, decode_simplified):
        with pytest.raises(BadRequestData):
            read_body({**WHOLE, name: {"type": "Property", "value": 1}}, NAMES)


def test_an_id_may_be_an_iri() -> None:
    assert decode_entity({"id": "urn:ngsi-ld:市:会津若松", "type": "City"}, NAMES)["id"] == "urn:ngsi-ld:市:会津若松"


def test_a_proof_keeps_its_sealed_members() -> None:
    proof: Any = {
        "type": "Property",
        "entityIdSealed": "urn:x:1",
        "entityTypeSealed": "House",
        "value": {"type": "Proof"},
    }
    held = decode_entity({**WHOLE, "ngsildproof": proof}, NAMES)[NAMES.expand("ngsildproof")]
    assert held == {**proof, "entityTypeSealed": HOME + "House"}
