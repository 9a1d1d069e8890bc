"""Who is kept on while there are no mains, and who gives to whom. Pure, in whole watts and watt-hours.

ration(stocks, Rules(), last)        how many loads stay on, and watts into the line by router, which a line can carry

Priority loads come first: medical devices, then cold and communication, then light, then the rest. How many are kept
on is the same for everybody. What all batteries hold together is shared by what each house's priority loads need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

LOADS: Final = ("medical", "cooling", "lighting", "other")
PRIORITY: Final = 2
_HOUR_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class Rules:
    """How long energy shall last before more is kept on; how fast shares are evened out; what the line loses.

    `again` per cent of that must be there before what was switched off comes back. Less than `least_w` is not moved.
    """

    hours: int = 15
    again: int = 130
    even_s: int = 1_800
    loss: int = 4
    least_w: int = 50


@dataclass(frozen=True, slots=True)
class Stock:
    """A site of the island: Wh over its floor, watts of its sun now and of its loads by priority, what it can pass."""

    router: str
    usable_wh: int
    pv_w: int
    loads_w: tuple[int, ...]
    line_w: int
    battery_w: int


@dataclass(frozen=True, slots=True)
class Ration:
    """How many loads stay on, watts into the line by router, and how many seconds priority loads last as things are."""

    loads: int
    line: Mapping[str, int] = field(default_factory=dict)
    lasts_s: int = 0


def ration(stocks: Sequence[Stock], rules: Rules, last: int = PRIORITY) -> Ration:
    """What to do now; `last` is how many loads were kept on before."""
    usable = sum(one.usable_wh for one in stocks)
    loads = _kept(stocks, usable, rules, last)
    return Ration(loads, _shared(stocks, rules), seconds_left(usable, need(stocks, min(loads, PRIORITY))))


def need(stocks: Sequence[Stock], loads: int) -> int:
    """Watts that so many loads of all take."""
    return sum(sum(one.loads_w[:loads]) for one in stocks)


def seconds_left(usable_wh: int, watts: int) -> int:
    """How long that lasts; a month where nothing is taken."""
    month = 30 * 24 * _HOUR_S
    return min(month, usable_wh * _HOUR_S // watts) if watts > 0 else month


def _kept(stocks: Sequence[Stock], usable: int, rules: Rules, last: int) -> int:
    """As many as last long enough; more than before only where there is plenty. Never fewer than priority loads."""
    sun = sum(one.pv_w for one in stocks)
    for loads in range(len(LOADS), PRIORITY, -1):
        hours = rules.hours if loads <= last else rules.hours * rules.again // 100
        watts = need(stocks, loads)
        if watts <= sun and usable * 2 >= need(stocks, PRIORITY) * rules.hours:
            return loads  # what the sun gives now need not be kept, once half of the night is there
        if seconds_left(usable, watts) >= hours * _HOUR_S:
            return loads
    return PRIORITY


def _shared(stocks: Sequence[Stock], rules: Rules) -> dict[str, int]:
    """Watts into the line: who has more than their share gives to who has less."""
    shares = shares_of(stocks)
    wishes = {one.router: _wish(one, shares[one.router], rules) for one in stocks}
    given = sum(watts for watts in wishes.values() if watts > 0)
    taken = -sum(watts for watts in wishes.values() if watts < 0)
    arrives = given * (100 - rules.loss) // 100
    if not arrives or not taken:
        return dict.fromkeys(wishes, 0)
    moved = min(arrives, taken)
    sent = -(-moved * 100 // (100 - rules.loss))
    gives = apportioned({name: watts for name, watts in wishes.items() if watts > 0}, min(sent, given))
    takes = apportioned({name: -watts for name, watts in wishes.items() if watts < 0}, moved)
    return {name: gives.get(name, 0) - takes.get(name, 0) for name in wishes}


def shares_of(stocks: Sequence[Stock]) -> dict[str, int]:
    """Wh that each should have of what is there, by what its priority loads need; they add up to all of it."""
    usable = sum(one.usable_wh for one in stocks)
    needs = {one.router: sum(one.loads_w[:PRIORITY]) for one in stocks}
    return apportioned(needs, usable) if any(needs.values()) else {one.router: one.usable_wh for one in stocks}


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


def _wish(stock: Stock, share: int, rules: Rules) -> int:
    """Watts that it should give (positive) or take, so that shares are even after a while."""
    watts = (stock.usable_wh - share) * _HOUR_S // rules.even_s
    own = sum(stock.loads_w[:PRIORITY])
    most = min(stock.line_w, max(0, stock.battery_w + stock.pv_w - own)) if watts > 0 else stock.line_w
    held = max(-most, min(most, watts))
    return held if abs(held) >= rules.least_w else 0
