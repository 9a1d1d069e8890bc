"""What routers and their legs say in the hub, as tellings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.model.entity import instances
from broker.model.values import Instant, Json, to_instant
from services.energy.islanding.asking import Site
from services.energy.islanding.states import STATES
from services.energy.islanding.telling import Telling, in_band
from services.energy.sites import DEF, LEG, ROUTER, related, word

TYPES: Final = frozenset({ROUTER, LEG})
NOMINAL_V, NOMINAL_HZ = 200.0, 50.0
_KILO: Final = "KWT"
_OF_LEG: Final = {"load": ("load_w", 1), "pv": ("pv_w", -1), "interchange": ("line_w", 1)}


def of_router(router: str, said: Mapping[str, Json], at: Instant, site: Site) -> Telling | None:
    """What a router says of itself; None where it says nothing of use."""
    state = word(said, DEF + "gridState")
    charge = number_of(said, DEF + "stateOfCharge")
    held = {} if charge is None else {"held_wh": round(charge[0] * site.battery_wh)}
    if not held and state not in STATES:
        return None
    when = _when(said, at, "gridState", "stateOfCharge")
    return Telling(router, when, state if state in STATES else "", numbers=held)


def of_leg(router: str, role: str, said: Mapping[str, Json], at: Instant, volts: float) -> Telling | None:
    """What a leg says; None where it says nothing of use."""
    power = number_of(said, DEF + "activePower")
    if role in _OF_LEG and power is not None:
        name, sign = _OF_LEG[role]
        watts = round(power[0] * (1_000 if power[1] == _KILO else 1)) * sign
        return Telling(router, _when(said, at, "activePower"), numbers={name: watts})
    voltage = number_of(said, DEF + "voltage")
    if role != "utility" or voltage is None:
        return None
    frequency = number_of(said, DEF + "frequency")
    mains = in_band(voltage[0], volts, frequency[0] if frequency else 0.0, NOMINAL_HZ)
    return Telling(router, _when(said, at, "voltage"), mains=mains)


def leg_of(entity: Mapping[str, Json]) -> tuple[str, str] | None:
    """Whose leg it is, and its role; None where it does not say."""
    router, role = next(iter(related(entity, DEF + "refRouter")), ""), word(entity, DEF + "legRole")
    return (router, role) if router and role else None


def number_of(said: Mapping[str, Json], name: str) -> tuple[float, str] | None:
    """A number and its unit; None where there is none."""
    for one in instances(said.get(name)):
        value = one.get("value")
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value), str(one.get("unitCode", ""))
    return None


def _when(said: Mapping[str, Json], at: Instant, *names: str) -> Instant:
    """When it was observed, the newest of them; never after it came: a clock that is fast holds nothing up."""
    found = [to_instant(str(one["observedAt"])) for name in names for one in instances(said.get(DEF + name))
             if "observedAt" in one]  # fmt: skip
    return min(max((one for one in found if one is not None), default=at), at)
