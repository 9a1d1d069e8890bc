"""What the hub asks of each router now: a mode, how many loads stay on, power into the line. Pure.

The same state asks the same again: set-points run out unless they are refreshed, and a lost one is asked once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.energy.islanding.fold import Policy, State
from services.energy.islanding.rationing import Ration, Rules, Stock, ration, seconds_left
from services.energy.islanding.states import CONNECTED, ISLANDED, OFF_GRID, RESYNCHRONISING
from services.energy.islanding.telling import Known

_WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Site:
    """What is known of a site beforehand: its battery, the floor of it (per cent), its line, its loads by priority.

    The loads are mean watts; the last of them is what the router measures more.
    """

    router: str
    battery_wh: int
    battery_w: int
    line_w: int
    loads_w: tuple[int, ...]
    floor: int = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """Of one router; None and empty: nothing."""

    mode: str = ""
    loads: int | None = None
    line_w: int | None = None


def stock_of(site: Site, known: Known) -> Stock:
    """What a site has by now."""
    usable = max(0, known.number("held_wh") - site.battery_wh * site.floor // _WHOLE)
    return Stock(site.router, usable, known.number("pv_w"), site.loads_w, site.line_w, site.battery_w)


def islanded(state: State, sites: Mapping[str, Site]) -> list[Stock]:
    """The stocks of those that are together on the line."""
    return [stock_of(sites[name], one) for name, one in state.routers.items()
            if one.state == ISLANDED and name in sites]  # fmt: skip


def autonomy(state: State, sites: Mapping[str, Site], router: str = "") -> int:
    """How many minutes what is there lasts with the moving average of loads: of a router, or of all."""
    names = [router] if router else [name for name in state.routers if name in sites]
    usable = sum(stock_of(sites[name], state.routers[name]).usable_wh for name in names)
    load = sum(state.routers[name].load_mean_w for name in names)
    return min(30 * 24 * 60, usable * 60 // load) if load else 30 * 24 * 60


def master_of(state: State, sites: Mapping[str, Site], policy: Policy) -> str:
    """The router that should form the line: of those that work and told lately, whose battery lasts longest; none."""
    stocks = [stock_of(sites[one.router], one) for one in state.counted(policy)
              if one.router in sites and one.state in OFF_GRID]  # fmt: skip
    best = max(stocks, key=lambda one: (seconds_left(one.usable_wh, one.need()), one.router), default=None)
    return "" if best is None else best.router


def ask(
    state: State, sites: Mapping[str, Site], rules: Rules, last: Mapping[str, int] | None = None
) -> tuple[dict[str, Asked], Ration]:
    """What is asked of each router, and the ration it comes from; `last` is how many loads each kept on before."""
    stocks = islanded(state, sites) if state.state == ISLANDED else []
    found = ration(stocks, rules, last)
    asked = {name: _of(state, one, found) for name, one in state.routers.items()}
    return {name: one for name, one in asked.items() if one != Asked()}, found


def _of(state: State, known: Known, found: Ration) -> Asked:
    if state.drill is not None and known.state == CONNECTED:
        return Asked("isolate")
    if state.state in (RESYNCHRONISING, CONNECTED):
        away = known.state not in (CONNECTED, RESYNCHRONISING) and state.drill is None
        return Asked("resynchronise") if away and known.mains else Asked()
    mode = ""
    if state.confirmed is not None and state.confirmed.master == known.router:
        mode = "form"
    elif known.state in OFF_GRID and state.drill is not None:
        mode = "isolate"
    if known.router in found.line:
        return Asked(mode, found.loads[known.router], 0 if mode == "form" else found.line[known.router])
    return Asked(mode, None, None)
