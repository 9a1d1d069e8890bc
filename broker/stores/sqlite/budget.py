"""The work budget of a read: SQLite's progress handler and the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import apsw

from broker.errors import TooComplexQuery
from broker.ports import INLINE, INLINE_BUDGET_MS, OverBudget

READ_MS_MAX: Final = 10_000.0
_OPS: Final = 20_000  # of SQLite's machine between two looks at the clock: well under a millisecond


class Budget:
    """Until when a read may work; `inline` where its caller would rather do it elsewhere than wait."""

    def __init__(self, budget_ms: float | None) -> None:
        self._inline = budget_ms is not None
        self._end = time.perf_counter() + (READ_MS_MAX if budget_ms is None else budget_ms) / 1_000

    @classmethod
    def of_caller(cls) -> Budget:
        """That of the thread that asks: on the event loop (INLINE) a read may work INLINE_BUDGET_MS."""
        return cls(INLINE_BUDGET_MS if INLINE.get() else None)

    def over(self) -> bool:
        """Whether it is spent."""
        return time.perf_counter() > self._end

    def spend(self) -> None:
        """Go on, or raise OverBudget or TooComplexQuery (clause 5.5.2)."""
        if self.over():
            raise self.refusal()

    def refusal(self) -> Exception:
        """What the caller gets."""
        if self._inline:
            return OverBudget()
        return TooComplexQuery(
            f"The query needs more than {READ_MS_MAX / 1_000:.0f} s of work.",
            pointer="q",
            clause="5.5.2",
            remedy="Narrow it: name the type, and compare an attribute with a value.",
        )

    @contextmanager
    def on(self, db: apsw.Connection) -> Iterator[None]:
        """Hold what the connection does to the budget."""
        db.set_progress_handler(self.over, _OPS)
        try:
            yield
        except apsw.InterruptError as stop:
            raise self.refusal() from stop
        finally:
            db.set_progress_handler(None)
