"""History of the MongoDB engine by itself, and a way to cut it off between two commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import AutoReconnect
from pymongo.monitoring import CommandListener

from broker.errors import NgsiError
from broker.model.values import Json
from broker.ports import Clock, Command
from broker.ports.evolution import EvolutionCommand, EvolutionStep
from broker.stores.mongo.connection import connect
from broker.stores.mongo.ground import Ground, Job
from broker.stores.mongo.history import MongoHistory
from broker.stores.mongo.stamps import Stamps

WRITES: Final = frozenset({"insert_one", "replace_one", "update_one", "delete_one", "delete_many", "bulk_write"})


class Fate:
    """Cuts the connection before the n-th write from now on; None: never."""

    left: int | None = None

    def write(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise AutoReconnect("cut")


class _Mortal:
    """A collection whose writes are counted."""

    def __init__(self, collection: Any, fate: Fate) -> None:
        self._collection, self._fate = collection, fate

    def __getattr__(self, name: str) -> Any:
        if name in WRITES:
            self._fate.write()
        return getattr(self._collection, name)


@dataclass(frozen=True, slots=True)
class MortalGround(Ground):
    """A ground whose writes may be cut off."""

    fate: Fate

    @property
    def trail(self) -> Any:
        return _Mortal(self.database["trail"], self.fate)

    @property
    def known(self) -> Any:
        return _Mortal(self.database["known"], self.fate)


class Line:
    """Jobs one by one, at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, _tenant: str, jobs: Sequence[Job], *, creates: bool = False) -> Future[list[object]]:  # noqa: ARG002
        done: Future[list[object]] = Future()
        results: list[object] = []
        try:
            for job in jobs:
                try:
                    results.append(job(self._clock.now()))
                except NgsiError as refusal:
                    results.append(refusal)
        except AutoReconnect as fault:
            done.set_exception(fault)
        else:
            done.set_result(results)
        return done

    def exists(self, _tenant: str) -> bool:
        return True

    def apply(self, _tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        done: Future[list[object]] = Future()
        done.set_result([False for _ in commands])
        return done


@dataclass(frozen=True)
class Process:
    """History as one process has it; `fate` cuts it off."""

    history: MongoHistory
    ground: MortalGround
    fate: Fate

    def evolve(self, entity_id: str, *steps: EvolutionStep) -> object:
        """The command's result, or its refusal. Raises AutoReconnect where it is cut off."""
        made = EvolutionCommand(entity_id, lambda known, _now: (steps, known is not None), creates=True)
        return self.history.apply_evolution("", [made]).result()[0]


@contextmanager
def process(url: str, clock: Clock, slot: int = 0, listener: CommandListener | None = None) -> Iterator[Process]:
    """One more process on a database."""
    client, database = connect(url)
    if listener is not None:
        client.close()
        client = MongoClient(url, event_listeners=[listener])
        database = client[database.name]
    fate = Fate()
    ground = MortalGround(client, database, clock, Stamps(clock, slot), fate)
    try:
        yield Process(MongoHistory(ground, Line(clock), lambda _tenant: None, _nothing), ground, fate)
    finally:
        client.close()


def _nothing(_tenant: str, _entity_id: str) -> Mapping[str, Json]:
    return {}
