"""The leaves an index holds of an entity (its promise to match is a law in tests/property)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.model.entity import Document
from broker.query.ast import Path
from broker.query.leaves import indexable, leaves, path_key

A, B = "https://example.org/a", "https://example.org/b"


def _found(instance: Any) -> list[tuple[str, Any, bool]]:
    """The leaves of attribute `a`, keys without its name, sub-attributes after `.`, members after `/`."""
    document: Document = {"id": "urn:e:1", "type": "T:t", "scope": "/a", A: instance}
    given = leaves(document)
    assert not given.uncovered
    assert {name for name, *_ in given.leaves} == {A}
    return [
        (key.removeprefix(A).replace("\x1f", ".").replace("\x1e", "/").replace(B, "b"), value, ordered)
        for _, key, value, ordered in given.leaves
    ]


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        ({"type": "Property", "value": 20.5}, [("", 20.5, True)]),
        ({"type": "Property", "value": True, "unitCode": "CEL", "datasetId": "urn:d"}, [("", True, True)]),
        ({"type": "Property", "value": [1, [2], "x"]}, [("", 1, False), ("", "x", False)]),
        ({"type": "Property", "value": []}, [("", None, False)]),
        (
            {"type": "Property", "value": {"c": "x", "g": {"t": [1]}, "n": None}},
            [("", None, False), ("/c", "x", True), ("/g", None, False), ("/g/t", 1, False), ("/n", None, False)],
        ),
        (
            {"type": "Property", "value": {"@type": "DateTime", "@value": "2026"}},
            [("", "2026", True), ("", None, False), ("/@type", "DateTime", True), ("/@value", "2026", True)],
        ),
        ({"type": "JsonProperty", "json": {"@value": 1}}, [("", None, False), ("/@value", 1, True)]),
        ({"type": "Relationship", "object": "urn:x"}, [("", "urn:x", False)]),
        ({"type": "ListRelationship", "objectList": [{"object": "urn:x"}]}, [("", "urn:x", False)]),
        ({"type": "ListProperty", "valueList": [1, 2]}, [("", 1, False), ("", 2, False)]),
        ({"type": "VocabProperty", "vocab": "x:y"}, [("", "x:y", True)]),
        (
            {"type": "LanguageProperty", "languageMap": {"en": "a", "fr": ["b"], "de": []}},
            [
                ("", None, False),
                ("", "a", True),
                ("/en", "a", True),
                ("", "b", True),
                ("/fr", "b", True),
                ("/de", None, False),
            ],
        ),
        (
            {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}},
            [("", None, False), ("/type", "Point", True)],
        ),
        (
            {"type": "Property", "value": 1, "observedAt": "2026", B: [{"type": "Property", "value": 2}] * 2},
            [("", 1, True), (".observedAt", "2026", True), (".b", 2, True), (".b", 2, True)],
        ),
        ([{"type": "Property", "value": 1}, {"type": "Property", "value": 2}], [("", 1, True), ("", 2, True)]),
    ],
)
def test_leaves(instance: Any, expected: list[tuple[str, Any, bool]]) -> None:
    assert _found(instance) == expected


def test_depth_ends_at_four() -> None:
    deep: Any = {"type": "Property", "value": {"m": 1}}
    for _ in range(6):
        deep = {"type": "Property", "value": {"m": {"m": 1}}, B: deep}
    keys = [key for key, *_ in _found(deep)]
    assert max(key.count(".") + key.count("/") for key in keys) == 4
    assert indexable(Path(A, (B, B), ("m", "m")))
    assert not indexable(Path(A, (B, B, B), ("m", "m")))


def test_what_is_too_much_is_said() -> None:
    many: Any = {"type": "Property", "value": list(range(100))}
    given = leaves({"id": "urn:e", "type": "T:t", A: many, B: {"type": "Property", "value": 1}})
    assert given.uncovered == [A]
    assert sum(name == A for name, *_ in given.leaves) == 64
    assert (B, B, 1, True) in given.leaves
    wide: Document = {f"x:{number}": {"type": "Property", "value": number} for number in range(2000)}
    given = leaves({"id": "urn:e", "type": "T:t", **wide})
    assert len(given.leaves) == 1024
    assert len(given.uncovered) == 976


@pytest.mark.parametrize(
    ("path", "is_indexable"),
    [
        (Path(A), True), (Path(A, ("observedAt",)), True), (Path(A, (B,), ("c",)), True), (Path(A, (), ("*",)), True),
        (Path("createdAt"), False), (Path("id"), False), (Path(A, ("createdAt",)), False),
        (Path(A, ("unitCode",)), False), (Path(A, (), ("coordinates",)), False),
    ],
)  # fmt: skip
def test_indexable(path: Path, is_indexable: bool) -> None:
    assert indexable(path) is is_indexable


def test_path_keys() -> None:
    assert path_key(Path(A, (B, "observedAt"))) == f"{A}\x1f{B}\x1fobservedAt"
    assert path_key(Path(A, (), ("c", "d"))) == f"{A}\x1ec\x1ed"
    assert path_key(Path(A, (), ("*",))) == A
