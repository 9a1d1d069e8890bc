"""Where and when the entities of a type are, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.model.values import to_text
from broker.ports import UNRESTRICTED, Restriction, TypeExtent
from tests.contract.engines import ENGINES, NS, Store, entity, opened, write
from tests.fakes.clock import START, FakeClock

CAR = NS + "Car"
SECOND = 1_000_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with opened(request.param, tmp_path, clock) as found:
        yield found


def place(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, latitude]}}


def test_nothing_covers_nothing(store: Store) -> None:
    assert store.extents("", UNRESTRICTED) == []


def test_a_type_covers_what_its_entities_cover(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", location=place(139.5, 35.5)), entity("plain"))
    clock.advance(1)
    write(store, entity("b", location=place(140.5, 36.5), depot=place(138.5, 35.25)))
    write(store, entity("a", location=place(139.0, 35.5)))
    assert store.extents("", UNRESTRICTED) == [
        TypeExtent(CAR, START, START + SECOND, (138.5, 35.25, 140.5, 36.5)),
    ]


def test_what_has_no_place_has_no_box(store: Store) -> None:
    write(store, entity("a"))
    assert store.extents("", UNRESTRICTED) == [TypeExtent(CAR, START, START)]


def test_what_has_expired_covers_nothing(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", expires_at=START + SECOND, location=place(1.0, 1.0)), entity("b"))
    clock.advance(2)
    assert store.extents("", UNRESTRICTED) == [TypeExtent(CAR, START, START)]


def test_what_is_hidden_covers_nothing(store: Store, clock: FakeClock) -> None:
    write(store, entity("a", location=place(1.0, 1.0)))
    clock.advance(5)
    write(store, entity("hidden", location=place(50.0, 50.0)))
    seen = Restriction(view=lambda one: None if one.id.endswith("hidden") else one)
    assert store.extents("", seen) == [TypeExtent(CAR, START, START, (1.0, 1.0, 1.0, 1.0))]


def test_history_begins_with_what_was_observed_first(store: Store, clock: FakeClock) -> None:
    def observed(second: int) -> dict[str, Any]:
        return {"type": "Property", "value": second, "observedAt": to_text(START - 100 * SECOND + second * SECOND)}

    write(store, entity("a", speed=observed(50)), entity("b", speed=1, level=observed(40)))
    clock.advance(1)
    write(store, entity("a", speed=observed(60)), entity("b", speed=observed(70), level=observed(71)))
    clock.advance(1)
    write(store, entity("a", speed=observed(61)))
    assert store.history.begun("") == {CAR: START - 60 * SECOND}


def test_where_nothing_was_nothing_has_begun(store: Store) -> None:
    assert store.history.begun("") == {}
