r"""Which of 64 numbers is this process's: no two processes that live give the same stamps.

    {"_id": "pulse\n03", "h": "9f86…", "n": 12, "u": when it is free, "l": the last stamp when kept or given back}

A process that could not renew in time writes nothing until it has a number again, its own or another. Whether others
are alive is seen with the pulse: `n` rises with every renewal, so that no clocks are compared. Alone, a process reads
what it wrote at once; beside others it leaves out what is so young that a lower number may still come (`settled`).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from threading import Lock
from time import monotonic, sleep
from typing import Final

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from broker.errors import ServiceUnavailable
from broker.ports import Clock
from broker.stores.mongo.connection import Bson, UnusableStore
from broker.stores.mongo.ground import key
from broker.stores.mongo.pulse import POLL_S, PULSE, Pulse
from broker.stores.mongo.stamps import SETTLE_S, SLOTS, STEP, Stamps

log = logging.getLogger("misono.store")

LEASE_S: Final = 20.0
RENEW_S: Final = 4.0
PATIENCE_S: Final = 2.5 * POLL_S
"""So long a new process waits with its first write where there are others: until they know of it."""
SECOND_US: Final = 1_000_000


class Slots:
    """The number of this process, from `take` to `release`; `renew` is called every RENEW_S."""

    def __init__(self, hub: Collection[Bson], clock: Clock, stamps: Stamps, pulse: Pulse) -> None:
        self._hub, self._clock, self._stamps, self._pulse = hub, clock, stamps, pulse
        self.holder = secrets.token_hex(16)
        self._lock = Lock()
        self.number: int | None = None
        self._until = float("-inf")
        self._alive: dict[str, tuple[int, float]] = {}

    def take(self) -> None:
        """Take a number. Raises UnusableStore where there is none."""
        with self._lock:
            if not self._take_any():
                raise UnusableStore(f"{SLOTS} processes use this database already; no more can.")
        self._pulse.look()
        if self.others():
            sleep(PATIENCE_S)

    def renew(self) -> None:
        """Keep it, or take another where it was lost."""
        with self._lock:
            if self.number is not None and self._keep(self.number):
                return
            log.warning("this process has lost its number among those of the store and takes another")
            if not self._take_any():
                log.error("there is none: nothing is written")

    def check(self) -> None:
        """Raises ServiceUnavailable where the number may be another's by now: nothing must be written then."""
        if monotonic() >= self._until:
            raise ServiceUnavailable("This process was cut off from the store; it goes on when it is back.")

    def others(self) -> bool:
        """Whether another process is alive, or may be."""
        rows, now = self._pulse.slots(), monotonic()
        if rows is None:
            return True
        with self._lock:
            for row in rows:
                if row["n"] != self._alive.get(row["_id"], (None, now))[0]:
                    self._alive[row["_id"]] = (row["n"], now)
            return any(row["h"] not in {"", self.holder} and now - self._alive[row["_id"]][1] < LEASE_S for row in rows)

    def settled(self) -> int | None:
        """The highest number that may be read by now; None: all. Raises PyMongoError where nobody looked for long."""
        if self._pulse.slots() is None:
            self._pulse.look()
        return (self._clock.now() - int(SETTLE_S * SECOND_US)) // STEP * STEP if self.others() else None

    def release(self) -> None:
        """Let another process have it; nothing may be written any more."""
        with self._lock:
            self._until = float("-inf")
            if self.number is not None:
                put = {"h": "", "l": self._stamps.last}
                self._hub.update_one({"_id": name_of(self.number), "h": self.holder}, {"$set": put})
                self.number = None

    def _take_any(self) -> bool:
        self.number = None
        for number, row in self._free():
            began = monotonic()
            if self._seize(number, row):
                self.number, self._until = number, began + LEASE_S
                self._stamps.move(number)
                if row is not None:
                    cut_off = row["h"] and row["l"] > self._clock.now()  # and the clock was put back since it was used
                    self._stamps.seen(row["l"] + (int(2 * RENEW_S * SECOND_US) if cut_off else 0))
                return True
        return False

    def _free(self) -> Iterator[tuple[int, Bson | None]]:
        """Numbers that were never used or were given back, then those whose holder let them run out."""
        rows = {row["_id"]: row for row in self._hub.find({"_id": {"$gt": PULSE, "$lt": PULSE + "~"}})}
        known = [(number, rows.get(name_of(number))) for number in range(SLOTS)]
        yield from ((number, row) for number, row in known if row is None or not row["h"])
        now = self._clock.now()
        yield from ((number, row) for number, row in known if row is not None and row["h"] and row["u"] <= now)

    def _seize(self, number: int, row: Bson | None) -> bool:
        put = {"h": self.holder, "u": self._clock.now() + int(LEASE_S * SECOND_US)}
        if row is not None:
            where = {name: row[name] for name in ("_id", "h", "n")}
            return self._hub.update_one(where, {"$set": put, "$inc": {"n": 1}}).matched_count > 0
        try:
            self._hub.insert_one({"_id": name_of(number), "n": 1, "l": 0, **put})
        except DuplicateKeyError:
            return False
        return True

    def _keep(self, number: int) -> bool:
        began = monotonic()
        put = {"u": self._clock.now() + int(LEASE_S * SECOND_US), "l": self._stamps.last}
        change = {"$set": put, "$inc": {"n": 1}}
        if self._hub.update_one({"_id": name_of(number), "h": self.holder}, change).matched_count == 0:
            return False
        self._until = began + LEASE_S
        return True


def name_of(number: int) -> str:
    """The `_id` of its row."""
    return key(PULSE, f"{number:02}")
