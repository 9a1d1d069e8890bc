"""Entities as large as a request may be are kept; what MongoDB would not take is refused, and nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from broker.errors import PayloadTooLarge
from broker.ports import Remove
from broker.stores.mongo.store import MongoStore, open_store
from broker.wiring import SystemClock
from tests.contract.engines import command, entity, put
from tests.engines.wires.running import fresh

MIB = 1 << 20
pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def store() -> Iterator[MongoStore]:
    with fresh() as url:
        made = open_store(url, SystemClock())
        yield made
        made.close()


def _noise(size: int, seed: int) -> str:
    """Text that hardly packs."""
    return Random(seed).randbytes(size // 2).hex()


def test_a_large_entity_is_kept_changed_and_removed(store: MongoStore) -> None:
    for seed, size in enumerate((8 * MIB, 8 * MIB, 1)):
        large = entity("large", text=_noise(size, seed))
        store.apply("", [put(large)]).result()
        found = store.get("", "urn:e:large")
        assert found is not None
        assert found.document == large.document
        assert found.version == seed + 1
    store.apply("", [command("urn:e:large", lambda _current, _now: Remove())]).result()
    assert store.get("", "urn:e:large") is None
    assert [row.version for row in store.since("", 0, 99) if row.entity_id == "urn:e:large"] == [1, 2, 3, 4]


def test_several_changes_of_a_large_one_are_written_one_by_one(store: MongoStore) -> None:
    changes = [put(entity("often", text=_noise(6 * MIB, seed)), seed) for seed in range(3)]
    assert store.apply("", [*changes, put(entity("small"), "small")]).result() == [0, 1, 2, "small"]
    found = store.get("", "urn:e:often")
    assert found is not None
    assert found.version == 3


def test_what_is_too_large_is_refused_alone(store: MongoStore) -> None:
    huge = put(entity("huge", text=_noise(40 * MIB, 1)))
    refused, kept = store.apply("", [huge, put(entity("beside"), "kept")]).result()
    assert isinstance(refused, PayloadTooLarge)
    assert kept == "kept"
    assert store.get("", "urn:e:huge") is None
    assert store.get("", "urn:e:beside") is not None
