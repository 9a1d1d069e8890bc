"""Times on a machine that others use too: measured again where a bar is not kept, and the quietest window counts.

A hub that is too slow is so in every window; the bar stays what it is.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

WINDOWS = 3
PAUSE_S = 1.0
"""Before another window: what was busy may be over by then."""


def quietest(
    name: str, bar: float, window: Callable[[], Sequence[float]], judged: Callable[[Sequence[float]], float] = max
) -> Sequence[float]:
    """The times of the first window below the bar, else of that of up to three that is judged best; prints each."""
    windows: list[Sequence[float]] = []
    for number in range(1, WINDOWS + 1):
        took = window()
        windows.append(took)
        median, most = statistics.median(took), max(took)
        print(f"\nwindow {number} of {name}: median {median:.3f}, most {most:.3f}, of {len(took)}; bar {bar:g}")
        if judged(took) < bar:
            break
        if number < WINDOWS:
            time.sleep(PAUSE_S)
    return min(windows, key=judged)
