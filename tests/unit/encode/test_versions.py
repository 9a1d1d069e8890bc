"""What clients of earlier versions get (clause 4.3.6.8)."""

from __future__ import annotations

import pytest

from broker.encode.versions import amended, read_version
from broker.model.values import Json

ENTITY: dict[str, Json] = {
    "id": "urn:x:1",
    "type": ["House", "Home"],
    "scope": "/a",
    "expiresAt": "2030-01-01T00:00:00Z",
    "use": {"type": "VocabProperty", "vocab": "home"},
    "name": {"type": "LanguageProperty", "languageMap": {"ja": "家"}},
    "owners": {"type": "ListRelationship", "objectList": [{"object": "urn:x:2"}]},
    "size": [
        {"type": "Property", "value": 1, "datasetId": "urn:x:d"},
        {"type": "Property", "value": {"objectList": 3}, "unitCode": "MTR", "valueType": "x",
         "by": {"type": "JsonProperty", "json": 1}},
    ],
}  # fmt: skip


def test_its_own_version_and_later_ones_change_nothing() -> None:
    assert amended(ENTITY, (1, 9)) is ENTITY
    assert amended(ENTITY, (2, 0)) is ENTITY
    plain: dict[str, Json] = {"id": "urn:x:1", "type": "A", "b": {"type": "Property", "value": {"valueType": 1}}}
    assert amended(plain, (1, 0)) is plain


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.8", {"expiresAt": None, "scope": "/a", "use": {"type": "VocabProperty", "vocab": "home"}}),
        ("1.5", {"use": {"type": "Property", "value": "home"}, "scope": "/a", "type": ["House", "Home"],
                 "owners": {"type": "Relationship", "object": ["urn:x:2"]},
                 "name": {"type": "LanguageProperty", "languageMap": {"ja": "家"}}}),
        ("1.3", {"scope": None, "name": {"type": "Property", "value": {"ja": "家"}}}),
        ("1.0", {"type": "House", "size": {"type": "Property", "value": {"objectList": 3},
                                            "by": {"type": "Property", "value": 1}}}),
    ],
)  # fmt: skip
def test_an_earlier_version_gets_what_it_knows(version: str, expected: dict[str, Json]) -> None:
    shown = amended(ENTITY, read_version(version))
    assert {name: shown.get(name) for name in expected} == expected
    assert shown["id"] == "urn:x:1"
