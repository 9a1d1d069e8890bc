"""The district, step by step.

district = District(seed=7, begin=1_795_000_000)
district.order("h1", SetPoint(until, power_w=700))       as a router takes it, or not
district.step()                                          a minute goes by; district.routers["h1"].watts
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from adapters.simulated.district.battery import EMPTY, WH, Battery
from adapters.simulated.district.line import Room, balanced, lost
from adapters.simulated.district.router import GIVING, RESERVE, Router, SetPoint
from adapters.simulated.district.sites import SEVEN, SiteSpec
from adapters.simulated.district.using import Usage
from adapters.simulated.district.weather import CLEAR, Weather

_JOINED: Final = ("islanded",)
_FILLS: Final = 5
"""A battery below its reserve is filled from the mains with this part of its power."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that holds from `start` on, before `end` (seconds); `whom` is a site, or empty for the mains."""

    start: int
    end: int
    whom: str = ""


@dataclass(slots=True)
class District:
    """See the module. `blackouts` and `faults` are what goes wrong, and when; `lost_j` is what the line made warm."""

    seed: int
    begin: int
    specs: Sequence[SiteSpec] = SEVEN
    step_s: int = 60
    charged: int = 60
    blackouts: Sequence[Span] = ()
    faults: Sequence[Span] = ()
    at: int = 0
    mains_since: int = 0
    lost_j: int = 0
    weather: Weather = field(init=False)
    usage: dict[str, Usage] = field(init=False)
    routers: dict[str, Router] = field(init=False)

    def __post_init__(self) -> None:
        self.at, self.mains_since = self.begin, self.begin - WH
        self.weather = Weather(self.seed)
        self.usage = {one.name: Usage(one, self.seed, self.weather) for one in self.specs}
        self.routers = {one.name: Router(one, self._battery(one), since=self.begin) for one in self.specs}

    @property
    def mains(self) -> bool:
        """Whether the utility gives power now."""
        return not any(one.start <= self.at < one.end for one in self.blackouts)

    @property
    def line(self) -> str:
        """`dead`, `starting` or `live`, while the mains do not hold it."""
        masters = [one for one in self.routers.values() if one.forming]
        if any(one.state == "islanded" for one in masters):
            return "live"
        return "starting" if any(one.state == "blackStart" for one in masters) else "dead"

    def copy(self) -> District:
        """One that goes on alone from here."""
        return deepcopy(self)

    def order(self, name: str, asked: SetPoint) -> bool:
        """Give a router a set-point; whether it takes it."""
        return self.routers[name].take(asked, self.at)

    def step(self) -> None:
        """Let one step go by: routers guard themselves, then power flows for as long as a step is."""
        if not self.mains:
            self.mains_since = self.at + self.step_s
        stands = max(0, self.at - self.mains_since) if self.mains else 0
        for name, router in self.routers.items():
            router.faulty = any(one.whom == name and one.start <= self.at < one.end for one in self.faults)
            router.guard(self.at, max(stands, 1) if self.mains else 0, self.line)
        asked = {name: self.usage[name].loads(self.at) for name in self.routers}
        flows = self._line(asked)
        for name, router in self.routers.items():
            self._flow(router, asked[name], flows.get(name, 0))
        self.lost_j += lost(flows) * self.step_s
        self.at += self.step_s

    def sun_of(self, spec: SiteSpec) -> int:
        """Watts that its roof can give now."""
        return spec.pv_w * self.weather.sun(self.at) // CLEAR

    def _battery(self, spec: SiteSpec) -> Battery:
        return Battery(spec.battery_wh * WH, spec.battery_w, spec.battery_wh * WH * self.charged // 100)

    def _line(self, asked: dict[str, tuple[int, int, int, int]]) -> dict[str, int]:
        """What flows into the line from each: of those with the mains, or of those of the island."""
        found: dict[str, int] = {}
        for states in (("connected",), _JOINED):
            members = {name: one for name, one in self.routers.items() if one.state in states}
            master = next((name for name, one in members.items() if one.forming), "")
            wishes = {name: one.wish(self.at) for name, one in members.items()}
            if not any(wishes.values()) or (states == _JOINED and not master):
                continue
            rooms = {name: self._room(one, asked[name]) for name, one in members.items()}
            found |= balanced(wishes, rooms, master)
        return found

    def _room(self, router: Router, asked: tuple[int, int, int, int]) -> Room:
        own = sum(asked[: router.loads_on(self.at)])
        sun, spec = self.sun_of(router.spec), router.spec
        floor = EMPTY if router.forming else GIVING
        gives = sun + router.battery.can_give(self.step_s, floor) - own
        if router.state == "connected":
            gives = sun + router.battery.can_give(self.step_s, RESERVE)
        takes = router.battery.can_take(self.step_s) + max(0, own - sun)
        return Room(max(0, min(gives, spec.line_w)), min(takes, spec.line_w))

    def _flow(self, router: Router, asked: tuple[int, int, int, int], line: int) -> None:
        if router.state == "connected":
            load, car = sum(asked), self.usage[router.spec.name].car(self.at)
            router.served = (True,) * len(asked)
            self._with_mains(router, load, car, line)
            return
        on = router.loads_on(self.at)
        sun = 0 if router.state == "gridFault" else self.sun_of(router.spec)
        can = 0 if router.state == "gridFault" else router.battery.can_give(self.step_s)
        left, served = sun + can - line, [False] * len(asked)
        for place, wanted in enumerate(asked[:on]):
            if wanted > left:
                break
            left -= wanted
            served[place] = True
        for place, wanted in enumerate(asked):
            router.unserved_j[place] += 0 if served[place] else wanted * self.step_s
        router.served = tuple(served)
        load = sum(wanted for wanted, on_ in zip(asked, served, strict=True) if on_)
        takes = 0 if router.state == "gridFault" else router.battery.can_take(self.step_s)
        battery = min(takes, sun - load - line)
        legs = {"load": load, "ev": 0, "interchange": line, "battery": battery, "utility": 0}
        router.flow({**legs, "pv": -sum(legs.values())}, self.step_s)  # the sun gives no more than what is used

    def _with_mains(self, router: Router, load: int, car: int, line: int) -> None:
        sun = self.sun_of(router.spec)
        over = sun - load - car - line
        if over >= 0:
            battery = min(over, router.battery.can_take(self.step_s))
        elif router.battery.held_j < router.battery.at(RESERVE):
            battery = min(router.battery.power_w // _FILLS, router.battery.can_take(self.step_s))
        else:
            battery = -min(-over, router.battery.can_give(self.step_s, RESERVE))
        legs = {"load": load, "ev": car, "interchange": line, "battery": battery, "pv": -sun}
        router.flow({**legs, "utility": -sum(legs.values())}, self.step_s)
