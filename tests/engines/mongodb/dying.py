"""A process that dies on its way through a write: before each command that the write sends, a life for each.

    python -m tests.engines.mongodb.dying mongodb://127.0.0.1:27017/name patch

Life 1 works in the database name_1 and is killed before the first command, life 2 in name_2 … The number of lives that
were killed is printed; the one after them came through.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from pymongo import MongoClient, monitoring

from broker.ports import Command, Put, Remove
from broker.ports.held import HeldCommand, Hold
from broker.stores.mongo.store import MongoStore, open_store
from broker.wiring import SystemClock
from tests.contract.engines import command, entity, put
from tests.fakes.watching import TypeWatches

KNOWN: Final = ("a", "b", "c")
SUBSCRIPTION: Final = "urn:s:1"
LIVES_MAX: Final = 12


def _create() -> Sequence[Command]:
    fresh = entity("new", speed=1)
    return [Command("urn:e:new", lambda _current, _now: Put(fresh), creates=True, expected=fresh.document)]


def _patch() -> Sequence[Command]:
    return [put(entity("a", speed=2, colour="red"))]


def _delete() -> Sequence[Command]:
    return [command("urn:e:a", lambda _current, _now: Remove())]


def _batch() -> Sequence[Command]:
    changes = [put(entity("a", speed=2)), put(entity("a", speed=3)), *_delete_of("b"), *_create()]
    return [*changes, put(entity("c", speed=2)), *_delete_of("c"), put(entity("c", speed=4))]


def _delete_of(name: str) -> Sequence[Command]:
    return [command(f"urn:e:{name}", lambda _current, _now: Remove())]


WORK: Final[dict[str, Callable[[], Sequence[Command]]]] = {
    "create": _create,
    "patch": _patch,
    "delete": _delete,
    "batch": _batch,
}


class Death(monitoring.CommandListener):
    """Kills this process before the n-th command that a lane sends from now on."""

    def __init__(self) -> None:
        self.left: int | None = None

    def started(self, _event: monitoring.CommandStartedEvent) -> None:
        """Count, and die."""
        if self.left is None or not threading.current_thread().name.startswith("misono-lane"):
            return
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)

    def succeeded(self, _event: monitoring.CommandSucceededEvent) -> None:
        """Go on."""

    def failed(self, _event: monitoring.CommandFailedEvent) -> None:
        """Go on."""


def begin(url: str) -> MongoStore:
    """A store with entities and a subscription to all of them."""
    store = open_store(url, SystemClock(), watches=TypeWatches())
    store.apply("", [put(entity(name, speed=1)) for name in KNOWN]).result()
    held = HeldCommand("subscription", SUBSCRIPTION, lambda _current, _now: Hold({"watches": "*"}), creates=True)
    store.held.apply_held("", [held]).result()
    return store


def _live(url: str, work: str, number: int) -> None:
    death = Death()
    monitoring.register(death)
    store = begin(f"{url}_{number}")
    death.left = number
    store.apply("", WORK[work]()).result()
    store.close()


def main(url: str, work: str) -> None:
    """One life after the other, each in a process of its own, until one comes through."""
    for number in range(1, LIVES_MAX):
        process = os.fork()
        if not process:
            _live(url, work, number)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status):
            assert status == 0
            print(number - 1)
            return


def drop(url: str) -> None:
    """The databases of all lives."""
    client: MongoClient[dict[str, Any]] = MongoClient(url)
    name = client.get_default_database().name
    for number in range(1, LIVES_MAX):
        client.drop_database(f"{name}_{number}")
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
