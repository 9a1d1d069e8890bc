"""Writes to a store as fast as it goes, saying what is durable, until it is killed: `outbox_writer.py DIR FROM`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from broker.model.entity import Entity
from broker.ports import Command, Put
from broker.ports.held import HeldCommand, Hold
from broker.ports.outbox import SUBSCRIPTION, Closing
from broker.stores.sqlite import open_store
from broker.wiring import SystemClock
from tests.fakes.watching import TypeWatches

GROUP = 4


def main(directory: Path, number: int) -> None:
    """Every fourth change is delivered, as soon as it is told of."""
    store = open_store(directory, SystemClock(), watches=TypeWatches())
    subscribe = HeldCommand(SUBSCRIPTION, "s1", lambda _current, _now: Hold({"watches": "*"}))
    store.held.apply_held("", [subscribe]).result()
    while True:
        store.apply("", [_put(number + place) for place in range(GROUP)]).result()
        print("written", number, flush=True)
        rows = store.outbox.waiting("", 0, 1)
        value = rows[0].change.entity.instances("https://x.org/n")[0]["value"]
        store.outbox.close_rows("", [Closing(rows[0], "delivered", 1)]).result()
        print("closed", value, flush=True)
        number += GROUP


def _put(number: int) -> Command:
    document: Any = {
        "id": "urn:e:1",
        "type": "https://x.org/A",
        "https://x.org/n": {"type": "Property", "value": number},
    }
    return Command("urn:e:1", lambda _current, _now: Put(Entity(document, 0, 0)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
