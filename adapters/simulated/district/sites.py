"""Who lives in the district: five houses, a convenience store and a mall, with what their routers join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LOADS: Final = ("medical", "cooling", "lighting", "other")
"""By priority: what comes first is kept on longest. `cooling` is what keeps food cold, and communication."""
PRIORITY: Final = 2
"""So many of them are priority loads: a router keeps these on by itself when nobody tells it anything."""


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """A site. `loads_w` are mean powers by priority; `ev_wh` 0: no car; `line_w` is the most over the line."""

    name: str
    kind: str
    pv_w: int
    battery_wh: int
    battery_w: int
    loads_w: tuple[int, int, int, int]
    line_w: int = 3_000
    ev_wh: int = 0


SEVEN: Final = (
    SiteSpec("h1", "home", 4_500, 9_800, 5_000, (0, 120, 90, 420), ev_wh=40_000),
    SiteSpec("h2", "home", 5_200, 6_500, 3_000, (60, 110, 80, 380)),
    SiteSpec("h3", "home", 3_600, 9_800, 5_000, (0, 130, 100, 460), ev_wh=40_000),
    SiteSpec("h4", "home", 4_000, 6_500, 3_000, (0, 100, 70, 350)),
    SiteSpec("h5", "home", 0, 4_000, 2_000, (150, 120, 80, 400)),
    SiteSpec("store", "store", 9_000, 16_000, 8_000, (0, 2_400, 900, 2_700), line_w=10_000),
    SiteSpec("mall", "mall", 80_000, 120_000, 60_000, (0, 9_000, 12_000, 60_000), line_w=40_000),
)
"""The district of the example (examples/misono)."""
