"""The safety gate: whether a schedule may be carried out, as things stand; each refusal says which rule and why. Pure.

    examine(Plan(legs, ttl_s=60), told, limits, now) -> ()                   it may

The hub never closes a protection loop: what passes here becomes set-points that run out by themselves, and the router
decides. What is not known is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from broker.model.values import Instant
from services.energy.market.schedule import LegPower, current

BLACK_START: Final = "blackStart"
PERSONS: Final = 2
_WORKING: Final = "connected"
_MANUAL: Final = "manual"
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Told:
    """What a site's router told last. `soc` in thousandths, `leg_ma` what its leg may carry, `fed_w` into the utility.

    `fed_w` is None where there is no leg to the utility; `battery` says that there is one whose level is to be known.
    """

    at: Instant = 0
    grid_state: str = ""
    mode: str = ""
    soc: int | None = None
    celsius: float | None = None
    leg_ma: int | None = None
    fed_w: int | None = None
    battery: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a community. `floor` and `ceiling` in thousandths of a battery; `reserve` is the floor while disaster is near.

    `may_feed` are participants who may feed into the utility; below `fed_w` nobody is said to.
    """

    line_w: int = 10_000
    leg_ma: int = 15_000
    volts: int = 350
    floor: int = 200
    ceiling: int = 950
    reserve: int = 500
    celsius: tuple[float, float] = (0.0, 45.0)
    ttl_s: int = 120
    stale_s: int = 180
    fed_w: int = 50
    may_feed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule: the legs at the line, those that feed the utility (watts, by participant), how long it holds.

    `act` is what else is asked (`blackStart`), `by` who asked for it, `near` whether disaster is.
    """

    legs: tuple[LegPower, ...]
    ttl_s: int
    feeds: Mapping[str, int] = field(default_factory=dict)
    act: str = ""
    by: frozenset[str] = frozenset()
    near: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """`participant` is empty where it is about all of it."""

    rule: str
    participant: str
    why: str


_Rule = Callable[[LegPower, Told, Limits, Plan], str]


def examine(plan: Plan, told: Mapping[str, Told], limits: Limits, now: Instant) -> tuple[Refusal, ...]:
    """Why it may not be; nothing where it may."""
    return (*_whole(plan, limits), *(one for leg in plan.legs for one in _of(leg, (plan, told, limits, now))))


def _whole(plan: Plan, limits: Limits) -> Iterator[Refusal]:
    if not 0 < plan.ttl_s <= limits.ttl_s:
        yield Refusal("ttl", "", f"a set-point holds {plan.ttl_s} s, and {limits.ttl_s} s at most would do")
    if plan.act == BLACK_START and len(plan.by) < PERSONS:
        yield Refusal("twoPersons", "", "two persons confirm a black start")
    sent, taken = sum(one.sends for one in plan.legs), sum(one.takes for one in plan.legs)
    if max(sent, taken) > limits.line_w:
        yield Refusal("line", "", f"the line carries {limits.line_w} W at most, and not {max(sent, taken)}")
    for name, watts in plan.feeds.items():
        if watts > 0 and name not in limits.may_feed:
            yield Refusal("backFeed", name, "nothing is fed into the utility without its permission")


def _of(leg: LegPower, asked: tuple[Plan, Mapping[str, Told], Limits, Instant]) -> Iterator[Refusal]:
    plan, everybody, limits, now = asked
    told = everybody.get(leg.participant)
    if not leg.leg:
        yield Refusal("leg", leg.participant, "its router has no leg at the line")
    if told is None or now - told.at > limits.stale_s * _SECOND:
        yield Refusal("telemetry", leg.participant, f"its router told nothing for {limits.stale_s} s")
        return
    for rule, judge in _RULES.items():
        if why := judge(leg, told, limits, plan):
            yield Refusal(rule, leg.participant, why)


def _interlock(_leg: LegPower, told: Told, _limits: Limits, _plan: Plan) -> str:
    if told.mode == _MANUAL:
        return "its router is operated by hand"
    return "" if told.grid_state == _WORKING else f"its router is {told.grid_state or 'in no state that is known'}"


def _direction(leg: LegPower, _told: Told, _limits: Limits, _plan: Plan) -> str:
    return "a leg sends or takes in a slot, not both" if leg.sends and leg.takes else ""


def _current(leg: LegPower, told: Told, limits: Limits, _plan: Plan) -> str:
    most = limits.leg_ma if told.leg_ma is None else min(limits.leg_ma, told.leg_ma)
    asked = current(max(leg.sends, leg.takes), limits.volts)
    return f"its leg carries {most} mA at most, and not {asked}" if asked > most else ""


def _level(_leg: LegPower, told: Told, _limits: Limits, _plan: Plan) -> str:
    return "nobody knows what its battery holds" if told.battery and told.soc is None else ""


def _floor(leg: LegPower, told: Told, limits: Limits, plan: Plan) -> str:
    floor = max(limits.floor, limits.reserve) if plan.near else limits.floor
    low = leg.sends > 0 and told.soc is not None and told.soc <= floor
    return f"its battery is at the floor of {floor / 10:g} %" if low else ""


def _ceiling(leg: LegPower, told: Told, limits: Limits, _plan: Plan) -> str:
    full = leg.takes > 0 and told.soc is not None and told.soc >= limits.ceiling
    return f"its battery is at the ceiling of {limits.ceiling / 10:g} %" if full else ""


def _temperature(_leg: LegPower, told: Told, limits: Limits, _plan: Plan) -> str:
    least, most = limits.celsius
    if told.celsius is None or least <= told.celsius <= most:
        return ""
    return f"its converter is not between {least:g} and {most:g} degrees"


def _back_feed(leg: LegPower, told: Told, limits: Limits, _plan: Plan) -> str:
    feeds = told.fed_w is not None and told.fed_w > limits.fed_w and leg.participant not in limits.may_feed
    return "it feeds the utility, which it may not, and would take more" if leg.takes and feeds else ""


_RULES: Final[Mapping[str, _Rule]] = {
    "interlock": _interlock, "direction": _direction, "current": _current, "level": _level, "floor": _floor,
    "ceiling": _ceiling, "temperature": _temperature, "backFeed": _back_feed,
}  # fmt: skip
RULES: Final = ("ttl", "twoPersons", "line", "leg", "telemetry", *_RULES)
