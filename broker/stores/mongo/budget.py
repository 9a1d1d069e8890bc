"""The work budget of a query: so long it may take, on the server and here, however many commands it needs."""

from __future__ import annotations

import time
from typing import Final

from broker.errors import TooComplexQuery

READ_MS_MAX: Final = 8_000.0
"""Below the time an answer of the server may take: what is too much work is no failure of it."""


class Budget:
    """Until when a read may work."""

    def __init__(self, budget_ms: float = READ_MS_MAX) -> None:
        self._end = time.monotonic() + budget_ms / 1_000

    def left_ms(self) -> int:
        """What is left, at least 1. Raises TooComplexQuery (clause 5.5.2)."""
        left = (self._end - time.monotonic()) * 1_000
        if left <= 0:
            raise self.refusal()
        return max(1, int(min(left, READ_MS_MAX)))

    def refusal(self) -> TooComplexQuery:
        """What the caller gets."""
        return TooComplexQuery(
            f"The query needs more than {READ_MS_MAX / 1_000:.0f} s of work.",
            pointer="q",
            clause="5.5.2",
            remedy="Narrow it: name the type, and compare an attribute with a value.",
        )
