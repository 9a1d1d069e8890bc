"""The work budget of a query: so long it may take, on the server and here, however many commands it needs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pymongo
from pymongo.errors import ExecutionTimeout

from broker.errors import TooComplexQuery

READ_S_MAX: Final = 8.0
"""Less than the driver waits for one operation: what is too much work is no failure of the server."""


class Budget:
    """Until when a read may work."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Around a read: the server is told, command by command, what is left of the budget."""
        with pymongo.timeout(self._seconds), self.told():
            yield

    @contextmanager
    def told(self) -> Iterator[None]:
        """Around a read: where the server says that it took too long, the query asks too much."""
        try:
            yield
        except ExecutionTimeout as error:
            raise self._refusal() from error

    def spend(self) -> None:
        """Go on, or raise TooComplexQuery (clause 5.5.2)."""
        if time.monotonic() > self._end:
            raise self._refusal()

    def _refusal(self) -> TooComplexQuery:
        return TooComplexQuery(
            f"The query needs more than {READ_S_MAX:.0f} s of work.",
            pointer="q",
            clause="5.5.2",
            remedy="Narrow it: name the type, and compare an attribute with a value.",
        )
