"""Points by when they expire. Pure: amounts in thousandths, instants in microseconds.

moved([(10, 500)], 20, 300)      [(10, 500), (20, 300)]          300 more, which last until 20
moved([(10, 500)], 20, -200)     [(10, 300)]                      the oldest are spent first
expired([(10, 300), (20, 300)], 15)      ([(20, 300)], 300)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from broker.model.values import Instant

Lots: TypeAlias = list[tuple[Instant, int]]


def moved(lots: Sequence[tuple[Instant, int]], until: Instant, amount: int) -> Lots:
    """After so much more came in, or (below 0) went."""
    if amount >= 0:
        return sorted([*lots, (until, amount)])
    left, kept = -amount, Lots()
    for end, held in lots:
        taken = min(held, left)
        left -= taken
        if held > taken:
            kept.append((end, held - taken))
    return kept


def expired(lots: Sequence[tuple[Instant, int]], now: Instant) -> tuple[Lots, int]:
    """What is left at an instant, and how much is not."""
    kept = [(end, held) for end, held in lots if end > now]
    return kept, sum(held for end, held in lots if end <= now)
