"""What routers tell, taken once and in their own order however it arrives. Pure.

A telling that is older than what is known, or the same again, changes nothing; of two it is the newer one that holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from broker.model.values import Instant
from services.energy.islanding.states import CONNECTED, FAULT, ISOLATED, OFF_GRID, way

LEAST_V, MOST_V = 80, 120
"""Per cent of what it should be: mains outside of that are none."""
LEAST_HZ, MOST_HZ = 96, 104
_WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Telling:
    """What a router told: its own state, what its meter sees of the mains (None: nothing was said), its battery."""

    router: str
    at: Instant
    state: str = ""
    mains: bool | None = None
    held_wh: int | None = None
    pv_w: int | None = None
    load_w: int | None = None
    line_w: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a router: where it is since when, and what it told last of each thing."""

    router: str
    state: str = CONNECTED
    since: Instant = 0
    mains: bool = True
    mains_since: Instant = 0
    told: Instant = 0
    state_told: Instant = 0
    mains_told: Instant = 0
    held_wh: int = 0
    held_told: Instant = 0
    pv_w: int = 0
    load_w: int = 0
    line_w: int = 0
    load_mean_w: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A router or a community went into a state."""

    subject: str
    state: str
    at: Instant


def learn(known: Known, telling: Telling) -> tuple[Known, tuple[Step, ...]]:
    """What is known afterwards, and through which states the router went since."""
    after = _measured(known, telling)
    after = _of_mains(after, telling)
    wanted = _state(after, telling)
    at = telling.at
    if telling.state and at > known.state_told:
        after = replace(after, state_told=at)
    steps = tuple(Step(known.router, one, max(at, known.since)) for one in way(known.state, wanted))
    if steps:
        after = replace(after, state=wanted, since=steps[-1].at)
    return after, steps


def in_band(voltage: float, nominal: float, frequency: float, nominal_hz: float) -> bool:
    """Whether these are mains; a frequency of 0 was not told."""
    volts = LEAST_V * nominal <= voltage * _WHOLE <= MOST_V * nominal
    return volts and (not frequency or LEAST_HZ * nominal_hz <= frequency * _WHOLE <= MOST_HZ * nominal_hz)


def _of_mains(known: Known, telling: Telling) -> Known:
    if telling.mains is None or telling.at <= known.mains_told:
        return known
    changed = telling.mains != known.mains
    since = telling.at if changed else known.mains_since
    return replace(known, mains=telling.mains, mains_since=since, mains_told=telling.at)


def _state(known: Known, telling: Telling) -> str:
    """What it says of itself; whoever says `connected` without mains is not."""
    state = telling.state if telling.state and telling.at > known.state_told else known.state
    if state == CONNECTED and not known.mains and telling.at >= known.mains_told:
        return ISOLATED
    return state


def _measured(known: Known, telling: Telling) -> Known:
    after = replace(known, told=max(known.told, telling.at))
    if telling.held_wh is None or telling.at <= known.held_told:
        return after
    load = known.load_w if telling.load_w is None else telling.load_w
    return replace(
        after, held_wh=telling.held_wh, held_told=telling.at, load_w=load,
        pv_w=known.pv_w if telling.pv_w is None else telling.pv_w,
        line_w=known.line_w if telling.line_w is None else telling.line_w,
        load_mean_w=(known.load_mean_w * 9 + load) // 10 if known.load_mean_w else load,
    )  # fmt: skip


def is_off(known: Known) -> bool:
    """Whether a router is without the grid, and works."""
    return known.state in OFF_GRID


def works(known: Known) -> bool:
    """Whether it is not faulty."""
    return known.state != FAULT
