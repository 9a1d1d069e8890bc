r"""Tells the other processes that there are rows for them to deliver: in this process's own row beside the pulse.

    {"_id": "pulse\n03", …, "r": [[1767225600000003, "city"], [1767225600100003, ""]]}

Every process reads the rows of all the others with the pulse, five times a second, so hearing costs nothing more; and
ringing costs one write, however many tenants there are to be told of. Losing a ring loses nothing: everybody looks now
and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from time import sleep
from typing import Final

from pymongo.errors import PyMongoError

from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import Ground
from broker.stores.mongo.pulse import Pulse
from broker.stores.mongo.slots import Slots, name_of

log = logging.getLogger("misono.store")

REST_S: Final = 0.05
"""Between two writes: what rings meanwhile is told of together."""
KEPT: Final = 512
"""Rings that stay: those of some seconds, for who reads late."""


class MongoBell:
    """The bell of one process, from its making to `close`."""

    def __init__(self, ground: Ground, pulse: Pulse, slots: Slots) -> None:
        self._ground, self._slots = ground, slots
        self._wake = Condition()
        self._rung: dict[str, int] = {}
        self._told = 0
        self._closed = False
        self._heard: dict[str, int] = {}
        self._call: Callable[[str], None] | None = None
        self._thread = Thread(target=self._main, name="misono-bell", daemon=True)
        pulse.hear(self._hear)

    def listen(self, rung: Callable[[str], None]) -> None:
        """Call `rung(tenant)` on this event loop."""
        loop = asyncio.get_running_loop()

        def call(tenant: str) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(rung, tenant)

        self._call = call
        self._thread.start()

    def ring(self, tenant: str) -> None:
        """Tell the others, where there are some."""
        if not self._slots.others():
            return
        number = self._ground.stamps.next()
        with self._wake:
            self._rung.pop(tenant, None)
            self._rung[tenant] = number
            while len(self._rung) > KEPT:
                del self._rung[next(iter(self._rung))]
            self._wake.notify()

    def close(self) -> None:
        """Hear nothing more."""
        self._call = None
        with self._wake:
            self._closed = True
            self._wake.notify()

    def _hear(self, rows: Sequence[Bson]) -> None:
        """Rows of processes as they are now: call for those tenants that were not called for yet."""
        call, own = self._call, self._slots.number
        if call is None:
            return
        found: set[str] = set()
        for row in rows:
            rings = row.get("r", ())
            if not rings or (own is not None and row["_id"] == name_of(own)):
                continue
            heard = self._heard.get(row["_id"], 0)
            found.update(tenant for number, tenant in rings if number > heard)
            self._heard[row["_id"]] = rings[-1][0]
        for tenant in found:
            call(tenant)

    def _main(self) -> None:
        while (rings := self._next()) is not None:
            try:
                self._write(rings)
            except PyMongoError as error:
                log.warning("other processes were not told of rows: %s", type(error).__name__)
            sleep(REST_S)

    def _next(self) -> list[list[object]] | None:
        """What there is to tell, once there is something new; None at the end."""
        with self._wake:
            while not self._closed:
                newest = max(self._rung.values(), default=0)
                if newest > self._told:
                    self._told = newest
                    return [[number, tenant] for tenant, number in self._rung.items()]
                self._wake.wait()
        return None

    def _write(self, rings: list[list[object]]) -> None:
        number = self._slots.number
        if number is not None:
            self._ground.hub.update_one({"_id": name_of(number)}, {"$set": {"r": rings}})
