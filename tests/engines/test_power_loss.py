"""The power goes at 200 random moments: what was acknowledged is there, and nothing is there in part."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import apsw
import pytest

from broker.errors import BadRequestData, NonexistentTenant
from broker.model.entity import Document, Entity
from broker.model.values import Instant
from broker.ports import Command, Decision, Put, Remove
from broker.stores.sqlite import SqliteStore, UnusableFile, checkpointing, open_store, writer
from broker.stores.sqlite.checking import check_tenant
from broker.stores.sqlite.files import connect, tenant_path
from tests.engines.replayed import replayed
from tests.fakes.clock import FakeClock
from tests.fakes.power import LosingPower, losing_power

CUTS, ROUNDS = 200, 8
TENANTS = ("", "", "", "city")  # one for each thread that writes
IDS = 10
PATIENCE_S = 60.0

State = dict[str, Document]


class Author(Thread):
    """Sends one submission after the other, each on ids of its own; `states[n]` is what the first n leave."""

    def __init__(self, number: int, seed: int, start: State) -> None:
        super().__init__(daemon=True)
        self.number, self.tenant, self.chance = number, TENANTS[number], random.Random(seed)
        self.states: list[State] = [start]
        self.acknowledged = 0
        self.store: SqliteStore | None = None
        self.ending = Event()

    def run(self) -> None:
        assert self.store is not None
        while not self.ending.is_set():
            state = dict(self.states[-1])
            commands = [self._command(state) for _ in range(self.chance.choice((1, 1, 2, 5)))]
            self.states.append(state)
            self.store.apply(self.tenant, commands).result()
            self.acknowledged += 1

    def _command(self, state: State) -> Command:
        """A command, and `state` as it leaves it."""
        entity_id = f"urn:a{self.number}:{self.chance.randrange(IDS)}"
        held, kind = state.get(entity_id), self.chance.random()
        if kind < 0.1:
            return Command(entity_id, _refuse, creates=True)
        if kind < 0.25 and held is not None:
            del state[entity_id]
            return Command(entity_id, lambda _c, _n: Remove())
        made = self._document(entity_id)
        if kind < 0.65 and held is not None:
            patch = dict(list(made.items())[-2:])
            state[entity_id] = {**held, **patch}
            return Command(entity_id, lambda current, _: _patched(current, patch))
        state[entity_id] = made
        return Command(entity_id, lambda _c, _n: Put(Entity(made, 0, 0)), creates=True)

    def _document(self, entity_id: str) -> Document:
        number = self.chance.random()
        place: Any = {"type": "Point", "coordinates": [number * 100, number * 50]}
        return {
            "id": entity_id,
            "type": self.chance.choice(["https://x.org/A", "https://x.org/B"]),
            "scope": f"/{self.chance.randrange(3)}",
            "https://x.org/text": {"type": "Property", "value": "x" * self.chance.randrange(800)},
            f"https://x.org/place{self.chance.randrange(2)}": {"type": "GeoProperty", "value": place},
            "https://x.org/number": {"type": "Property", "value": number, "unitCode": "CEL"},
        }


def _refuse(_current: Entity | None, _now: Instant) -> Decision:
    raise BadRequestData("No.", remedy="none")


def _patched(current: Entity | None, patch: Document) -> Decision:
    assert current is not None
    return Put(Entity({**current.document, **patch}, 0, 0))


@dataclass(frozen=True)
class Cut:
    """What the disk held at one moment, and what had been acknowledged by then."""

    survivors: dict[str, bytes]
    acknowledged: list[int]

    def lay_out(self, root: Path, directory: Path) -> None:
        """Write it down as a data directory."""
        (directory / "tenants").mkdir(parents=True)
        for path, content in self.survivors.items():
            (directory / Path(path).relative_to(root)).write_bytes(content)


def run_until_cut(root: Path, seed: int, cuts: int, starts: list[State]) -> tuple[list[Cut], list[Author]]:
    """Write from several threads until the power has gone `cuts` times."""
    authors = [Author(number, seed + number, start) for number, start in enumerate(starts)]
    found: list[Cut] = []
    enough = Event()

    def note(survivors: dict[str, bytes]) -> None:
        found.append(Cut(survivors, [author.acknowledged for author in authors]))
        if len(found) == cuts:
            enough.set()

    with losing_power(root, seed, note) as disk:
        _write_until(enough, disk, authors, cuts)
    return found, authors


def _write_until(enough: Event, disk: LosingPower, authors: list[Author], cuts: int) -> None:
    disk.cuts_left = cuts
    store = open_store(Path(disk.root), FakeClock())
    for author in authors:
        author.store = store
        author.start()
    assert enough.wait(PATIENCE_S), "too little was written"
    for author in authors:
        author.ending.set()
        author.join(PATIENCE_S)
    store.close()


def look(directory: Path, cut: Cut, authors: list[Author]) -> tuple[list[str], list[State]]:
    """What is wrong with what survived, and each author's entities as they are."""
    try:
        store = open_store(directory, FakeClock())
    except UnusableFile as error:
        return [f"unusable: {error}"], []
    try:
        states = {tenant: _documents(store, tenant) for tenant in set(TENANTS)}
        wrong = [f"{tenant!r}: the log tells another state" for tenant in states if not _told_by_its_log(store, tenant)]
    except (apsw.Error, UnusableFile) as error:
        return [f"unusable: {error}"], []
    finally:
        store.close()
    own = [
        {one: held for one, held in states[a.tenant].items() if one.startswith(f"urn:a{a.number}:")} for a in authors
    ]
    for author, state, acknowledged in zip(authors, own, cut.acknowledged, strict=True):
        # One more than acknowledged may be there: committed, and the answer under way.
        if state not in author.states[acknowledged : acknowledged + 2]:
            before = state in author.states[:acknowledged]
            wrong.append(f"author {author.number}: " + ("lost" if before else "in part"))
    for path in {tenant_path(directory, tenant) for tenant in TENANTS}:
        wrong += check_tenant(path).faults if path.exists() else []
    return wrong, own


def _documents(store: SqliteStore, tenant: str) -> State:
    try:
        return {entity.id: entity.document for entity in store.scan(tenant)}
    except NonexistentTenant:
        return {}


def _told_by_its_log(store: SqliteStore, tenant: str) -> bool:
    if not store.exists(tenant):
        return True
    stored = {one.id: (one.document, one.created_at, one.modified_at, one.version) for one in store.scan(tenant)}
    return stored == replayed(store, tenant)


@pytest.fixture
def small_wal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints come often, and the WAL begins anew."""
    monkeypatch.setattr(checkpointing, "WAL_PAGES_MAX", 60)
    monkeypatch.setattr(checkpointing, "WAL_PAGES_FULL", 120)


def test_two_hundred_cuts_lose_nothing_acknowledged(tmp_path: Path, small_wal: None) -> None:
    starts: list[State] = [{} for _ in TENANTS]
    root = directory = tmp_path / "0"
    writes = 0
    for number in range(ROUNDS):
        cuts, authors = run_until_cut(root, number * 100, CUTS // ROUNDS, starts)
        for place, cut in enumerate(cuts):
            directory = tmp_path / f"{number}-{place}"
            cut.lay_out(root, directory)
            wrong, starts = look(directory, cut, authors)
            assert not wrong, (number, place, wrong)
        writes += sum(cuts[-1].acknowledged)
        root = directory  # the next round goes on where the last cut left it
    print(f"\n{CUTS} cuts in {writes} acknowledged submissions, nothing lost, nothing in part\nfigure cuts {CUTS}")
    assert writes > CUTS


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_the_cuts_bite(synchronous: str, tmp_path: Path, small_wal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same test finds a store that does not sync its commits."""

    def careless(path: Path, *, cache_kib: int, writes: bool) -> apsw.Connection:
        db = connect(path, cache_kib=cache_kib, writes=writes)
        db.pragma("synchronous", synchronous)
        return db

    monkeypatch.setattr(writer, "connect", careless)
    root = tmp_path / "data"
    cuts, authors = run_until_cut(root, 7, 40, [{} for _ in TENANTS])
    lost = 0
    for place, cut in enumerate(cuts):
        cut.lay_out(root, tmp_path / str(place))
        wrong, _ = look(tmp_path / str(place), cut, authors)
        lost += any(fault.endswith("lost") for fault in wrong)
    assert lost >= 10, lost
