"""What was erased is in no file of a personal tenant: not in the database, not in its WAL, not after a restore."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import apsw
import pytest

from broker.model.subjects import DATA_SUBJECT
from broker.ports.evolution import AddInstances
from broker.stores.sqlite import open_store
from tests.contract.engines import NS, Store, entity, write
from tests.contract.history.evolving import evolve, seen
from tests.fakes.clock import FakeClock

HANA = "urn:misono:subject:hana"
MARK = "c0ffee-planted"


def planted(number: int, turn: int, chance: random.Random) -> Any:
    """An entity whose every text has the mark, of a length that changes from turn to turn."""
    texts: dict[str, Any] = {f"a{one}": f"{MARK} {turn} " + "x" * chance.randrange(0, 700) for one in range(4)}
    made = entity(f"{MARK}:{number}", **texts, at=seen(f"{MARK}{turn}", turn), scope=f"/{MARK}/{number % 3}")
    made.document[DATA_SUBJECT] = {"type": "Property", "value": HANA}
    return made


def bystander(number: int, turn: int, chance: random.Random) -> Any:
    return entity(f"other:{number}", note="y" * chance.randrange(0, 900), turn=turn)


def marked(directory: Path) -> list[str]:
    """Files that have the mark, or the pseudonym, anywhere."""
    texts = MARK.encode(), HANA.encode()
    found = [path for path in directory.rglob("*") if path.is_file()]
    return [path.name for path in found if any(text in path.read_bytes() for text in texts)]


def fill(store: Store, clock: FakeClock, seed: int) -> None:
    chance = random.Random(seed)
    for turn in range(12):
        kinds = [planted] * 12 + [bystander] * 12
        made = [kind(chance.randrange(40), turn, chance) for kind in kinds]
        write(store, *{one.id: one for one in made}.values())
        clock.advance()
        ids = [one.id for one in made if MARK in one.id]
        evolve(store, ids[0], AddInstances(f"{NS}a0", [seen(MARK + "z" * chance.randrange(400), 30 + turn)]))


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_marker_is_gone_from_database_and_wal(tmp_path: Path, seed: int) -> None:
    clock = FakeClock()
    store = open_store(tmp_path, clock, overwrites=lambda _tenant: True)
    try:
        fill(store, clock, seed)
        assert marked(tmp_path)
        store.history.erase("", *store.history.about("", HANA)).result()
        assert store.history.about("", HANA) == {}
        db = apsw.Connection(str(tmp_path / "default.sqlite"))
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        db.close()
        assert marked(tmp_path) == []
        assert store.get("", "urn:e:other:0") or store.get("", "urn:e:other:1")
    finally:
        store.close()
    assert marked(tmp_path) == []
