"""Fragments and partial attributes: nulls, merges, what may be left out, the simplified form (clauses 4.5.4, 5.5.8)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from broker.decode.attribute import decode_attribute
from broker.decode.entity import decode_entity, decode_fragment, decode_simplified, is_simplified
from broker.errors import BadRequestData
from broker.ldcontext.core import core_context
from broker.model.values import NGSI_LD_NULL

NAMES = core_context()
HOME = "https://uri.etsi.org/ngsi-ld/default-context/"
A, B, C = (HOME + name for name in "abc")
WHOLE: dict[str, Any] = {"id": "urn:x:1", "type": "House"}
POINT: Any = {"type": "Point", "coordinates": [139.5, 35.5]}
WHEN = "2026-01-01T00:00:00Z"


def read(attribute: Any) -> Any:
    """The member `a` of a document whose body has this attribute `a`."""
    return decode_entity({**WHOLE, "a": copy.deepcopy(attribute)}, NAMES)[A]


@pytest.mark.parametrize(
    ("sent", "held"),
    [
        (NGSI_LD_NULL, NGSI_LD_NULL),
        ({"value": NGSI_LD_NULL, "datasetId": "urn:x:d"}, {"type": "Property", "value": NGSI_LD_NULL}),
        ({"object": NGSI_LD_NULL}, {"type": "Relationship", "object": NGSI_LD_NULL}),
        ({"valueList": [NGSI_LD_NULL]}, {"type": "ListProperty", "valueList": NGSI_LD_NULL}),
        ({"objectList": [{"object": NGSI_LD_NULL}]}, {"type": "ListRelationship", "objectList": NGSI_LD_NULL}),
        (
            {"languageMap": NGSI_LD_NULL},
            {"type": "LanguageProperty", "languageMap": {"@none": NGSI_LD_NULL}},
        ),
        (
            {"value": 1, "unitCode": NGSI_LD_NULL, "b": NGSI_LD_NULL},
            {"type": "Property", "value": 1, "unitCode": NGSI_LD_NULL, B: NGSI_LD_NULL},
        ),
    ],
)
def test_fragments_of_updates_take_nulls(sent: Any, held: Any) -> None:
    fragment = decode_fragment({"a": sent}, NAMES, nulls=True)
    if isinstance(held, dict) and "datasetId" in sent:
        held = {**held, "datasetId": "urn:x:d"}
    assert fragment == {A: held}


def test_a_null_takes_a_scope_and_an_expiry_away_but_no_type() -> None:
    gone = {"scope": NGSI_LD_NULL, "expiresAt": NGSI_LD_NULL}
    assert decode_fragment({**gone}, NAMES, nulls=True) == gone
    for members in (gone, {"type": NGSI_LD_NULL}):
        with pytest.raises(BadRequestData):
            decode_fragment({**members}, NAMES, nulls="type" in members)


def test_nulls_of_every_member() -> None:
    sent: Any = {"object": "urn:x:2", "objectType": NGSI_LD_NULL, "observedAt": NGSI_LD_NULL, "expiresAt": NGSI_LD_NULL}
    assert decode_fragment({"a": {**sent}}, NAMES, nulls=True) == {A: {"type": "Relationship", **sent}}
    typed: Any = {"value": 1, "valueType": NGSI_LD_NULL}
    assert decode_fragment({"a": {**typed}}, NAMES, nulls=True) == {A: {"type": "Property", **typed}}


def test_the_texts_of_a_language_map_are_taken_away_by_a_merge() -> None:
    sent: Any = {"languageMap": {"en": NGSI_LD_NULL, "ja": "x"}}
    assert decode_fragment({"a": {**sent}}, NAMES, nulls=True, merge=True) == {A: {"type": "LanguageProperty", **sent}}
    with pytest.raises(BadRequestData) as refused:
        decode_fragment({"a": {**sent}}, NAMES, nulls=True)
    assert refused.value.pointer == "/a/languageMap/en"


def test_a_language_map_may_say_that_it_is_one() -> None:
    assert read({"languageMap": {"en": "x"}, "valueType": "langString"})["valueType"] == "langString"


def test_a_dataset_id_is_never_null() -> None:
    with pytest.raises(BadRequestData) as refused:
        decode_fragment({"a": {"value": 1, "datasetId": NGSI_LD_NULL}}, NAMES, nulls=True)
    assert refused.value.pointer == "/a/datasetId"


def test_only_a_merge_goes_into_values() -> None:
    body: Any = {"a": {"type": "Property", "value": {"x": NGSI_LD_NULL}}, "b": {"languageMap": {"en": NGSI_LD_NULL}}}
    assert decode_fragment(copy.deepcopy(body), NAMES, nulls=True, merge=True)[A] == body["a"]
    with pytest.raises(BadRequestData) as refused:
        decode_fragment(copy.deepcopy(body), NAMES, nulls=True)
    assert refused.value.pointer == "/a/value/x"


def test_a_merge_may_leave_the_value_out() -> None:
    fragment = decode_fragment({"a": {"unitCode": "CEL"}, "b": {"c": 1}}, NAMES, nulls=True, merge=True)
    assert fragment == {A: {"unitCode": "CEL"}, B: {"type": "Property", "value": {"c": 1}}}


def test_a_partial_attribute_may_lack_kind_and_value() -> None:
    body: Any = {"@context": [], "id": "urn:x:9", "observedAt": WHEN, "b": 1, "unitCode": NGSI_LD_NULL}
    held = decode_attribute(body, NAMES, name="a", nulls=True, partial=True)
    assert held == {"observedAt": WHEN, B: {"type": "Property", "value": 1}, "unitCode": NGSI_LD_NULL}
    with pytest.raises(BadRequestData) as refused:
        decode_attribute({"b": {"type": "Property"}}, NAMES, name="a", nulls=True, partial=True)
    assert refused.value.pointer == "/b"


def test_an_attribute_to_replace_another_is_whole() -> None:
    held = decode_attribute({"value": 1, "unitCode": "CEL"}, NAMES, name="a", nulls=False, partial=False)
    assert held == {"type": "Property", "value": 1, "unitCode": "CEL"}
    with pytest.raises(BadRequestData):
        decode_attribute({"type": "Property", "unitCode": "CEL"}, NAMES, name="a", nulls=False, partial=False)


def test_a_simplified_fragment_guesses_no_relationship() -> None:
    fragment = decode_fragment({"a": "urn:x:2", "b": {"type": "x", "value": 1}}, NAMES, nulls=True, simplified=True)
    assert fragment == {
        A: {"type": "Property", "value": "urn:x:2"},
        B: {"type": "Property", "value": {"type": "x", "value": 1}},
    }


def test_a_simplified_entity_for_import() -> None:
    body: Any = {
        **WHOLE,
        "a": "urn:ngsi-ld:Person:1",
        "b": {"type": "big", "size": 1},
        "c": {"dataset": {"@none": 1, "urn:x:d": 2}},
        "location": POINT,
    }
    assert is_simplified(body)
    assert not is_simplified({**WHOLE, "a": {"type": "Property", "value": 1}})
    assert not is_simplified({**WHOLE, "a": {"type": "string", "value": "x"}})
    assert not is_simplified([WHOLE])
    with pytest.raises(BadRequestData):
        decode_simplified({"id": "urn:x:1", "a": 1}, NAMES)
    with pytest.raises(BadRequestData):
        decode_simplified({**WHOLE, "a": 1, A: 2}, NAMES)
    document = decode_simplified(body, NAMES)
    assert document[A] == {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}
    assert document[B] == {"type": "Property", "value": {"type": "big", "size": 1}}
    assert document[C] == [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:x:d"}]
    assert document[NAMES.expand("location")] == {"type": "GeoProperty", "value": POINT}
