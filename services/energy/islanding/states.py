"""The states that a router and a community go through, and the way from one to another. Pure.

way("connected", "islanded")     ("isolated", "blackStart", "islanded"): a message that was lost skips no state
"""

from __future__ import annotations

from functools import cache
from typing import Final

CONNECTED, ISOLATED, BLACK_START = "connected", "isolated", "blackStart"
ISLANDED, RESYNCHRONISING, FAULT = "islanded", "resynchronising", "gridFault"
STATES: Final = (CONNECTED, ISOLATED, BLACK_START, ISLANDED, RESYNCHRONISING, FAULT)
NEXT: Final = {
    CONNECTED: (ISOLATED, FAULT),
    ISOLATED: (BLACK_START, RESYNCHRONISING, FAULT),
    BLACK_START: (ISLANDED, ISOLATED, FAULT),
    ISLANDED: (RESYNCHRONISING, ISOLATED, FAULT),
    RESYNCHRONISING: (CONNECTED, ISOLATED, FAULT),
    FAULT: (ISOLATED,),
}
"""What may follow each."""
OFF_GRID: Final = frozenset({ISOLATED, BLACK_START, ISLANDED})
CAUSES: Final = ("gridOutage", "drill", "maintenance")


@cache
def way(start: str, end: str) -> tuple[str, ...]:
    """The states after `start` up to `end`, the fewest that are allowed; none where they are the same."""
    ways: dict[str, tuple[str, ...]] = {start: ()}
    pending = [start]
    for state in pending:
        for after in NEXT[state]:
            if after not in ways:
                ways[after] = (*ways[state], after)
                pending.append(after)
    return ways[end]
