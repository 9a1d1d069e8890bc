"""Numbers that rise with time and are this process's alone: sequences, orders of creation, row numbers.

    microseconds since the epoch, rounded down to 64, plus the slot of the process (0 to 63)

So no counter is asked for a number, and numbers of several processes are in order as far as their clocks are; all fit
into 53 bits. Within a process they always rise, also where its clock is put back. Whoever reads in the order of numbers
leaves out what is younger than SETTLE_S while other processes write: until then a lower number may still come
(`settled`); what took longer than half of that between its number and being written is given a new one.
"""

from __future__ import annotations

from threading import Lock
from typing import Final

from broker.model.values import Instant
from broker.ports import Clock

SLOTS: Final = 64
SETTLE_S: Final = 0.5


class Stamps:
    """Gives numbers; `slot` tells the processes of one store apart."""

    def __init__(self, clock: Clock, slot: int = 0) -> None:
        self._clock, self._slot = clock, slot
        self._lock = Lock()
        self._last = 0

    def next(self, count: int = 1) -> int:
        """The first of so many numbers, STEP apart."""
        with self._lock:
            first = max(self._last, self._clock.now() // SLOTS * SLOTS)
            first = first + SLOTS if first == self._last else first
            self._last = first + (count - 1) * SLOTS
            return first + self._slot

    @property
    def last(self) -> int:
        """The last number that was given; what follows is higher."""
        return self._last + self._slot

    def move(self, slot: int) -> None:
        """From now on the numbers are those of another slot."""
        with self._lock:
            self._slot = slot

    def seen(self, number: int) -> None:
        """Another process, or an earlier life of this one, gave this number: what follows is higher."""
        with self._lock:
            self._last = max(self._last, number // SLOTS * SLOTS)


STEP: Final = SLOTS


def instant_of(number: int) -> Instant:
    """When it was given, to 64 µs."""
    return number // SLOTS * SLOTS
