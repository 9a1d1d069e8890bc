"""What the simulator knows beforehand: how long priority loads stay on in a blackout, and when one is worst.

Worked out by letting a copy of the district go on: the same weather, the same use, no word from any hub.
"""

from __future__ import annotations

from typing import Final

from adapters.simulated.district.battery import DISCHARGING, WH
from adapters.simulated.district.district import District, Span
from adapters.simulated.district.router import GIVING
from adapters.simulated.district.sites import PRIORITY

_FOREVER_S: Final = 10 * 365 * 86_400
_WHOLE: Final = 100


def alone(district: District, hours: int) -> dict[str, int]:
    """Seconds from now until each site sheds a priority load, without mains and anybody's help; `hours` at most."""
    copy = district.copy()
    copy.blackouts = [Span(copy.at, copy.at + _FOREVER_S)]
    lasts = dict.fromkeys(copy.routers, hours * WH)
    begin = copy.at
    while copy.at - begin < hours * WH:
        copy.step()
        for name in copy.routers:
            if lasts[name] == hours * WH and sheds(copy, name):
                lasts[name] = copy.at - copy.step_s - begin
        if max(lasts.values()) < hours * WH:
            break
    return lasts


def sheds(district: District, name: str, loads: int = PRIORITY) -> bool:
    """Whether one of so many first loads is asked for and not served in the step that went by."""
    router = district.routers[name]
    asked = district.usage[name].loads(district.at - district.step_s)
    return any(wanted and not on for wanted, on in zip(asked[:loads], router.served[:loads], strict=True))


def helpers(district: District) -> list[str]:
    """Sites of the island that hold more than they keep: batteries that allow another's medical devices to go on."""
    return [name for name, one in district.routers.items()
            if one.state == "islanded" and one.battery.held_j > one.battery.at(GIVING + 1)]  # fmt: skip


def worst_minute(district: District, minutes: int) -> int:
    """When, in so many minutes from now, a blackout finds least energy for the priority loads of that moment."""
    copy = district.copy()
    worst: tuple[int, int] | None = None
    for _ in range(minutes):
        copy.step()
        held = sum(one.battery.held_j * DISCHARGING // _WHOLE for one in copy.routers.values())
        need = sum(sum(copy.usage[name].loads(copy.at)[:PRIORITY]) for name in copy.routers)
        found = (held // max(need, 1), copy.at)
        worst = found if worst is None else min(worst, found)
    return copy.at if worst is None else worst[1]
