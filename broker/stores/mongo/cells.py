"""Where a box lies, as keys: the cells of grids over the globe, from 90° down to some 300 m.

    grid 0: 4 x 4, each next one 8 x 8 in a cell of the one before, grid 5: 131072 x 131072 (305 m x 153 m)
    "g2" + the number of a cell of grid 2     something stored meets this cell
    "G2" + the number of a cell of grid 2     so does something too large for grid 3 and finer: it is not in them
    "G"                                       and this is too large for grid 0

A box that is searched is covered by a few dozen cells of the finest grid that can do it; what meets it stands under
one of them, or is large and stands under a cell of a coarser grid.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from broker.model.geometry import Bounds

LEVELS: Final = (2, 5, 8, 11, 14, 17)
STORED_MAX: Final = 4  # cells of one grid that a stored box takes; a larger one stays in coarser grids
SEARCHED_MAX: Final = 48


@lru_cache(maxsize=8_192)  # most of what reports does not move
def cell_keys(box: Bounds) -> tuple[str, ...]:
    """The keys of a stored box: six for a point."""
    found: list[str] = []
    last = ["G"]
    for grid, bits in enumerate(LEVELS):
        cells = _cells(box, bits, STORED_MAX)
        if cells is None:
            return (*found, *last)
        found += [f"g{grid}{cell:x}" for cell in cells]
        last = [f"G{grid}{cell:x}" for cell in cells]
    return tuple(found)


def searched_keys(box: Bounds) -> list[str]:
    """Keys of which one stands with every stored box that meets this one."""
    large, finest = ["G"], list[str]()
    for grid, bits in enumerate(LEVELS):
        cells = _cells(box, bits, SEARCHED_MAX)
        if cells is None:
            break
        if finest:
            large += ["G" + key[1:] for key in finest]
        finest = [f"g{grid}{cell:x}" for cell in cells]
    return large + finest


def _cells(box: Bounds, bits: int, most: int) -> list[int] | None:
    """The cells of a grid that a box meets; None where they are more than so many."""
    west, south, east, north = box
    left, right = _place(west + 180.0, 360.0, bits), _place(east + 180.0, 360.0, bits)
    low, high = _place(south + 90.0, 180.0, bits), _place(north + 90.0, 180.0, bits)
    if (right - left + 1) * (high - low + 1) > most:
        return None
    return [column << bits | row for column in range(left, right + 1) for row in range(low, high + 1)]


def _place(angle: float, turn: float, bits: int) -> int:
    return max(0, min(int(angle / turn * (1 << bits)), (1 << bits) - 1))
