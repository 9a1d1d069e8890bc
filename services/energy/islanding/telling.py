"""What routers tell, taken once and in their own order however it arrives. Pure.

A telling that is older than what is known, or the same again, changes nothing; of two it is the newer one that holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from broker.model.values import Instant
from services.energy.islanding.states import CONNECTED, FAULT, ISOLATED, way

LEAST_V, MOST_V = 80, 120
"""Per cent of what it should be: mains outside of that are none."""
LEAST_HZ, MOST_HZ = 96, 104
_WHOLE: Final = 100
STATE, MAINS = "state", "mains"


@dataclass(frozen=True, slots=True)
class Telling:
    """What a router told: its own state, what its meter sees of the mains (None: nothing was said), numbers.

    `numbers` are whole: `held_wh` of its battery, `pv_w`, `load_w` and `line_w` now.
    """

    router: str
    at: Instant
    state: str = ""
    mains: bool | None = None
    numbers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a router: where it is since when, and what it told last of each thing (`seen`: when)."""

    router: str
    state: str = CONNECTED
    since: Instant = 0
    mains: bool = True
    mains_since: Instant = 0
    told: Instant = 0
    seen: Mapping[str, Instant] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    load_mean_w: int = 0

    def number(self, name: str) -> int:
        """What it told last; 0 where it never did."""
        return self.numbers.get(name, 0)

    def newer(self, name: str, at: Instant) -> bool:
        """Whether something told then is newer than what is known of this."""
        return at > self.seen.get(name, 0)


@dataclass(frozen=True, slots=True)
class Step:
    """A router or a community went into a state."""

    subject: str
    state: str
    at: Instant


def learn(known: Known, telling: Telling) -> tuple[Known, tuple[Step, ...]]:
    """What is known afterwards, and through which states the router went since."""
    after = _of_mains(_measured(known, telling), telling)
    wanted, at = _state(after, telling), telling.at
    if telling.state and after.newer(STATE, at):
        after = replace(after, seen={**after.seen, STATE: at})
    steps = tuple(Step(known.router, one, max(at, known.since)) for one in way(known.state, wanted))
    if steps:
        after = replace(after, state=wanted, since=steps[-1].at)
    return after, steps


def in_band(voltage: float, nominal: float, frequency: float, nominal_hz: float) -> bool:
    """Whether these are mains; a frequency of 0 was not told."""
    volts = LEAST_V * nominal <= voltage * _WHOLE <= MOST_V * nominal
    return volts and (not frequency or LEAST_HZ * nominal_hz <= frequency * _WHOLE <= MOST_HZ * nominal_hz)


def _of_mains(known: Known, telling: Telling) -> Known:
    if telling.mains is None or not known.newer(MAINS, telling.at):
        return known
    since = telling.at if telling.mains != known.mains else known.mains_since
    return replace(known, mains=telling.mains, mains_since=since, seen={**known.seen, MAINS: telling.at})


def _state(known: Known, telling: Telling) -> str:
    """What it says of itself; whoever says `connected` without mains is not."""
    state = telling.state if telling.state and known.newer(STATE, telling.at) else known.state
    if state == CONNECTED and not known.mains and telling.at >= known.seen.get(MAINS, 0):
        return ISOLATED
    return state


def _measured(known: Known, telling: Telling) -> Known:
    told = max(known.told, telling.at)
    fresh = {name: number for name, number in telling.numbers.items() if known.newer(name, telling.at)}
    if not fresh:
        return replace(known, told=told)
    mean = known.load_mean_w
    if "load_w" in fresh:
        mean = (mean * 9 + fresh["load_w"]) // 10 if mean else fresh["load_w"]
    seen = {**known.seen, **dict.fromkeys(fresh, telling.at)}
    return replace(known, told=told, seen=seen, numbers={**known.numbers, **fresh}, load_mean_w=mean)


def works(known: Known) -> bool:
    """Whether it is not faulty."""
    return known.state != FAULT
