"""What an entity's document holds beside its text: keys in order, cells, forms, labels."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from broker.model.geometry import Bounds, apart
from broker.ports import Labels
from broker.stores.mongo.cells import cell_keys, searched_keys
from broker.stores.mongo.keys import (
    EVERY,
    TEXT_MAX,
    attribute_key,
    index_members,
    number_key,
    scope_key,
    type_key,
    uncovered_key,
    value_head,
    value_key,
)

SPEED = "https://example.org/speed"
PLACE = "https://example.org/place"


def _document(**more: Any) -> dict[str, Any]:
    return {"id": "urn:e:1", "type": "https://example.org/Car", **more}


def _keys(document: dict[str, Any]) -> list[str]:
    found: list[str] = index_members(document, Labels())["k"]
    assert found == sorted(set(found))
    return found


def test_numbers_stand_in_their_order() -> None:
    chance = Random(1)
    numbers = [chance.uniform(-1, 1) * 10 ** chance.randint(-300, 300) for _ in range(2_000)]
    numbers += [0, 1, -1, 5e-324, -5e-324, 2**53, 1.7976931348623157e308]
    for low, high in pairwise(sorted(set(numbers))):
        assert number_key(low) < number_key(high), (low, high)


def test_equal_numbers_have_one_key() -> None:
    assert number_key(0) == number_key(-0.0) == number_key(0.0)
    assert number_key(20) == number_key(20.0)
    assert number_key(10**400) == number_key(1.7976931348623157e308)
    assert value_key(True) != value_key(1)
    assert value_key("1") != value_key(1)


def test_a_long_text_is_cut_and_told_apart() -> None:
    long = "x" * TEXT_MAX
    assert value_key(long) == "s" + long
    assert value_key(long + "a") != value_key(long + "b")
    assert len(value_key("x" * 10_000)) == 1 + TEXT_MAX + 8


def test_an_entity_is_found_by_what_it_has() -> None:
    found = _keys(
        _document(
            scope=["/misono/east", "west"],
            **{
                SPEED: {"type": "Property", "value": 20.5, "observedAt": "2026-01-01T00:00:00.000000Z"},
                PLACE: [{"type": "Relationship", "object": "urn:e:2"}, {"type": "Property", "value": {"a": True}}],
            },
        )
    )
    heads = [EVERY, type_key("https://example.org/Car"), attribute_key(SPEED), attribute_key(PLACE)]
    scopes = [scope_key("misono/east"), scope_key("west")]
    scopes += [scope_key(one, below=True) for one in ("", "misono", "misono/east", "west")]
    values = [
        value_head(SPEED) + value_key(20.5),
        value_head(SPEED + "\x1fobservedAt") + value_key(1_767_225_600_000_000),
        value_head(PLACE) + value_key("urn:e:2"),
        value_head(PLACE + "\x1ea") + value_key(True),
    ]
    assert found == sorted([*heads, *scopes, *values])


def test_an_attribute_with_too_many_values_says_so() -> None:
    found = _keys(_document(**{SPEED: {"type": "Property", "value": list(range(1_000))}}))
    assert uncovered_key(SPEED) in found
    assert len(found) < 100


def test_bounds_labels_and_forms() -> None:
    place: Any = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35]}}
    far: Any = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [140, 36]}, "datasetId": "urn:d:1"}
    bare, placed = index_members(_document(), Labels()), index_members(_document(**{PLACE: [place, far]}), Labels())
    assert set(bare) == {"k", "f"}
    assert placed["b"] == {"w": 139.7, "s": 35.0, "e": 140.0, "n": 36.0}
    assert bare["f"] != placed["f"]
    labelled = index_members(_document(), Labels({None: (3, "none"), SPEED: (3, "personal")}))
    assert (labelled["s"], labelled["z"]) == ([3], ["none", "personal"])


def test_forms_know_no_order_and_no_values() -> None:
    one: Any = {SPEED: {"type": "Property", "value": 1}, PLACE: {"type": "Property", "value": 2}}
    other: Any = {PLACE: {"type": "Property", "value": 3}, SPEED: {"type": "Property", "value": "x"}}
    forms = [index_members(_document(**members), Labels())["f"] for members in (one, other)]
    assert forms[0] == forms[1]


def _box(chance: Random) -> Bounds:
    west, south = chance.uniform(-180, 180), chance.uniform(-90, 90)
    size = chance.choice([0, 0, 1e-7, 0.001, 0.1, 3, 50, 360])
    return (west, south, min(180.0, west + size), min(90.0, south + size * chance.random()))


@pytest.mark.parametrize("seed", range(4))
def test_what_meets_a_searched_box_stands_under_one_of_its_keys(seed: int) -> None:
    chance = Random(seed)
    stored = [_box(chance) for _ in range(300)]
    edges = [(-180.0, -90.0, -180.0, -90.0), (180.0, 90.0, 180.0, 90.0), (-180.0, -90.0, 180.0, 90.0)]
    kept = [(box, set(cell_keys(box))) for box in [*stored, *edges]]
    for searched in [*(_box(chance) for _ in range(200)), *edges, *stored[:50]]:
        wanted = set(searched_keys(searched))
        assert len(wanted) <= 150
        for box, keys in kept:
            assert apart(box, searched) or not wanted.isdisjoint(keys), (box, searched)


def test_a_small_search_finds_little_else() -> None:
    wanted = set(searched_keys((139.70, 35.60, 139.71, 35.61)))
    assert wanted.isdisjoint(cell_keys((139.72, 35.60, 139.72, 35.60)))
    assert wanted.isdisjoint(cell_keys((-139.705, 35.605, -139.705, 35.605)))
    assert len(cell_keys((139.7, 35.6, 139.7, 35.6))) == 6
    assert len(cell_keys((139.7, 35.6, 139.8, 35.7))) <= 4 * 6 + 4
