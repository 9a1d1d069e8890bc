"""What expires leaves of its history: nothing of an attribute that does by itself, all of an entity (clause 4.22)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.model.values import to_text
from broker.ports import UNRESTRICTED
from broker.query.temporal import TemporalQuery
from tests.contract.engines import ENGINES, NS, Store, entity, opened, write
from tests.fakes.clock import START, FakeClock

SOON = START + 5_000_000


@pytest.fixture(name="held", params=ENGINES)
def one_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, FakeClock]]:
    clock = FakeClock()
    with opened(request.param, tmp_path, clock) as store:
        yield store, clock


def flash(value: int) -> dict[str, Any]:
    return {"type": "Property", "value": value, "expiresAt": to_text(SOON)}


def values(store: Store) -> dict[str, list[Any]]:
    (found,) = store.history.evolution("", "urn:e:a", TemporalQuery(), UNRESTRICTED).evolutions
    return {name.removeprefix(NS): [one["value"] for one in held] for name, held in found.attributes.items()}


def test_the_history_of_a_transient_attribute_goes_with_it(held: tuple[Store, FakeClock]) -> None:
    store, clock = held
    write(store, entity("a", flash=flash(10), steady=100))
    clock.advance(1)
    write(store, entity("a", flash=flash(11), steady=100))
    assert values(store) == {"flash": [10, 11], "steady": [100]}
    clock.advance(10)
    store.sweep()
    assert values(store) == {"steady": [100]}


def test_what_was_not_transient_before_it_expired_stays(held: tuple[Store, FakeClock]) -> None:
    store, clock = held
    write(store, entity("a", flash=9))
    clock.advance(1)
    write(store, entity("a", flash=flash(10)))
    clock.advance(10)
    store.sweep()
    assert values(store) == {"flash": [9]}


def test_the_history_of_an_entity_that_expires_stays_as_it_was(held: tuple[Store, FakeClock]) -> None:
    store, clock = held
    write(store, entity("a", temperature=7, scope="/a", expires_at=SOON))
    clock.advance(1)
    write(store, entity("a", temperature=8, scope="/a", expires_at=SOON))
    clock.advance(10)
    store.sweep()
    assert store.get("", "urn:e:a") is None
    assert values(store) == {"temperature": [7, 8], "scope": ["/a"]}
