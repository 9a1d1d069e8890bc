"""Who is kept on while there are no mains, and who gives to whom. Pure, in whole watts and watt-hours.

ration(stocks, Rules(), last)        how many loads stay on in each house, and watts into the line by router

Priority loads come first: medical devices, then cold and communication, then light, then the rest. Each house keeps
what its own priority loads need for some hours; what it has over that goes to those who have less, medical devices
first, to each the same until it has enough. Where medical devices have less than `rescue_s` left, all others give what
their own medical devices do not need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

LOADS: Final = ("medical", "cooling", "lighting", "other")
PRIORITY: Final = 2
HOUR_S: Final = 3_600
_WHOLE: Final = 100
MONTH_S: Final = 30 * 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class Rules:
    """How many hours a house keeps for itself, what the line loses (per cent), how fast something is moved.

    Other loads are kept on where they leave the priority loads those hours; what was switched off comes back where
    `again` per cent of that is there. Less than `least_w` is not moved.
    """

    hours: int = 15
    again: int = 130
    even_s: int = 1_800
    rescue_s: int = 3_600
    loss: int = 5
    least_w: int = 20


@dataclass(frozen=True, slots=True)
class Stock:
    """A site of the island: Wh over its floor, watts of its sun now and of its loads by priority, what it can pass."""

    router: str
    usable_wh: int
    pv_w: int
    loads_w: tuple[int, ...]
    line_w: int
    battery_w: int

    def need(self, loads: int = PRIORITY) -> int:
        """Watts that so many of its loads take."""
        return sum(self.loads_w[:loads])


@dataclass(frozen=True, slots=True)
class Ration:
    """How many loads stay on, and watts into the line, by router; how long priority loads last together."""

    loads: Mapping[str, int] = field(default_factory=dict)
    line: Mapping[str, int] = field(default_factory=dict)
    lasts_s: int = 0


def ration(stocks: Sequence[Stock], rules: Rules, last: Mapping[str, int] | None = None) -> Ration:
    """What to do now; `last` is how many loads were kept on before."""
    before = last or {}
    loads = {one.router: kept_on(one, rules, before.get(one.router, PRIORITY)) for one in stocks}
    lasts = seconds_left(sum(one.usable_wh for one in stocks), sum(one.need() for one in stocks))
    return Ration(loads, _moved(stocks, rules), lasts)


def seconds_left(usable_wh: int, watts: int) -> int:
    """How long that lasts; a month where nothing is taken."""
    return min(MONTH_S, usable_wh * HOUR_S // watts) if watts > 0 else MONTH_S


def kept_on(stock: Stock, rules: Rules, last: int) -> int:
    """As many loads as leave the priority loads their hours; never fewer than those."""
    for loads in range(len(LOADS), PRIORITY, -1):
        hours = rules.hours if loads <= last else rules.hours * rules.again // _WHOLE
        takes = max(stock.need(), stock.need(loads) - stock.pv_w)
        if stock.need(loads) > stock.need() and stock.usable_wh >= takes * hours:
            return loads
    return PRIORITY


def allotted(stocks: Sequence[Stock], rules: Rules) -> dict[str, int]:
    """Wh that each should get (positive) or give; what is given covers what is got and what the line loses."""
    rescue = any(one.need(1) and seconds_left(one.usable_wh, one.need(1)) < rules.rescue_s for one in stocks)
    keeps = {one.router: one.need(1 if rescue else PRIORITY) * rules.hours for one in stocks}
    spare = {one.router: max(0, one.usable_wh - keeps[one.router]) for one in stocks}
    pool = sum(spare.values()) * (_WHOLE - rules.loss) // _WHOLE
    got = dict.fromkeys(spare, 0)
    for loads in (1,) if rescue else (1, PRIORITY):
        lacks = {one.router: max(0, one.need(loads) * rules.hours - one.usable_wh) for one in stocks}
        rest = {name: max(0, lack - got[name]) for name, lack in lacks.items()}
        more = filled(rest, pool)
        pool -= sum(more.values())
        got = {name: got[name] + more[name] for name in got}
    sent = -(-sum(got.values()) * _WHOLE // (_WHOLE - rules.loss))
    gives = apportioned(spare, min(sent, sum(spare.values())))
    return {name: got[name] - gives[name] for name in got}


def filled(lacks: Mapping[str, int], pool: int) -> dict[str, int]:
    """Of a pool the same for everybody, but nobody more than they lack; the last remainder by name."""
    got = dict.fromkeys(lacks, 0)
    open_ = sorted((name for name in lacks if lacks[name]), key=lambda name: (lacks[name], name))
    while open_ and pool:
        each, odd = divmod(pool, len(open_))
        smallest = lacks[open_[0]]
        if smallest <= each:
            got[open_.pop(0)] = smallest
            pool -= smallest
            continue
        for place, name in enumerate(open_):
            got[name] = each + (place < odd)
        break
    return got


def apportioned(weights: Mapping[str, int], total: int) -> dict[str, int]:
    """A whole number by weights, by largest remainder: the parts add up to it."""
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    parts = {name: total * weight // whole for name, weight in weights.items()}
    order = sorted(weights, key=lambda name: (-(total * weights[name] % whole), name))
    for name in order[: total - sum(parts.values())]:
        parts[name] += 1
    return parts


def _moved(stocks: Sequence[Stock], rules: Rules) -> dict[str, int]:
    """Watts into the line: no more arrives than is left of what is given, and nobody passes more than they can."""
    allotment = allotted(stocks, rules)
    wishes = {one.router: _wish(one, allotment[one.router], rules) for one in stocks}
    gives = {name: watts for name, watts in wishes.items() if watts > 0}
    takes = {name: -watts for name, watts in wishes.items() if watts < 0}
    given, taken = sum(gives.values()), sum(takes.values())
    arrives = min(given * (_WHOLE - rules.loss) // _WHOLE, taken)
    sent = -(-arrives * _WHOLE // (_WHOLE - rules.loss))
    giving, taking = apportioned(gives, min(sent, given)), apportioned(takes, arrives)
    return {name: giving.get(name, 0) - taking.get(name, 0) for name in wishes}


def _wish(stock: Stock, allotment: int, rules: Rules) -> int:
    """Watts that it should give (positive) or take, so that everybody has their share after a while."""
    watts = -allotment * HOUR_S // rules.even_s
    room = max(0, stock.battery_w + stock.pv_w - stock.need())
    most = min(stock.line_w, room) if watts > 0 else stock.line_w
    held = max(-most, min(most, watts))
    return held if abs(held) >= rules.least_w else 0
