"""The section [energy.planning] of the file of --access.

[energy.planning]
goal = "price"                    of houses that say nothing: or "selfConsumption", "reserve"
ahead_hours = 24
history_days = 28                 so much of the past is kept, slot by slot
reserve = 600                     thousandths of a battery that are kept while a warning holds
warnings = ["naturalDisaster", "weather"]        categories of Alerts that are such warnings, from `high` on
buy = 31_000                      mJPY/kWh where no Tariff says, and `sell`
co2_g_per_kwh = 421               of the grid; without it nothing is said of CO2
least_sites = 5                   of fewer no figures are told
small_count = 5                   fewer uses of a service than this are not told
walk_m = 800
orders = false                    whether plans become orders in the market
[energy.planning.use]             services whose use is counted: the model, and the attribute that says when
ChargingSession = "startedAt"
[energy.planning.everyday]        what should be within a walk of homes: the kind, and the models of such places
shop = ["Store"]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from broker.model.values import Json
from services.energy.planning.houses import GOALS, Goal
from services.room import BadCity

NUMBERS: Final[Mapping[str, tuple[int, int, int]]] = {
    "ahead_hours": (24, 1, 48), "history_days": (28, 3, 400), "reserve": (600, 0, 1_000), "buy": (31_000, 0, 10**7),
    "sell": (8_500, 0, 10**7), "least_sites": (5, 2, 10_000), "small_count": (5, 1, 1_000), "walk_m": (800, 50, 20_000),
}  # fmt: skip
"""Each with its usual, its least and its largest value."""
_OTHERS: Final = frozenset({"goal", "warnings", "co2_g_per_kwh", "orders", "use", "everyday"})
CO2_MOST: Final = 5_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What the section says."""

    goal: Goal = "price"
    ahead_hours: int = 24
    history_days: int = 28
    reserve: int = 600
    buy: int = 31_000
    sell: int = 8_500
    least_sites: int = 5
    small_count: int = 5
    walk_m: int = 800
    warnings: frozenset[str] = frozenset({"naturalDisaster", "weather"})
    co2_g_per_kwh: int | None = None
    orders: bool = False
    use: Mapping[str, str] = field(default_factory=dict)
    everyday: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_settings(section: Mapping[str, Json]) -> Settings:
    """The section. Raises BadCity, which names the member and what would do."""
    if unknown := sorted(section.keys() - NUMBERS.keys() - _OTHERS):
        raise BadCity(
            f"[energy.planning] has no member {unknown[0]}; there are {', '.join(sorted(_OTHERS | {*NUMBERS}))}"
        )
    numbers = {name: _number(section, name) for name in NUMBERS}
    if numbers["sell"] > numbers["buy"]:
        raise BadCity("[energy.planning] sell: no more than buy")
    goal = next((one for one in GOALS if one == section.get("goal", "price")), None)
    if goal is None:
        raise BadCity(f"[energy.planning] goal is one of {', '.join(GOALS)}")
    co2, orders = section.get("co2_g_per_kwh"), section.get("orders", False)
    if co2 is not None and (type(co2) is not int or not 0 <= co2 <= CO2_MOST):
        raise BadCity(f"[energy.planning] co2_g_per_kwh is a whole number from 0 to {CO2_MOST}")
    if not isinstance(orders, bool):
        raise BadCity("[energy.planning] orders is true or false")
    return Settings(
        goal, **numbers, co2_g_per_kwh=co2, orders=orders,
        warnings=frozenset(_words("warnings", section.get("warnings", ["naturalDisaster", "weather"]))),
        use=_texts(section.get("use", {})),
        everyday={kind: _words(f"everyday.{kind}", one) for kind, one in _table("everyday", section).items()},
    )  # fmt: skip


def _number(section: Mapping[str, Json], name: str) -> int:
    usual, least, most = NUMBERS[name]
    given = section.get(name, usual)
    if type(given) is not int or not least <= given <= most:
        raise BadCity(f"[energy.planning] {name} is a whole number from {least} to {most}")
    return given


def _table(name: str, section: Mapping[str, Json]) -> Mapping[str, Json]:
    given = section.get(name, {})
    if not isinstance(given, dict):
        raise BadCity(f"[energy.planning] {name} is a table")
    return given


def _words(name: str, given: Json) -> tuple[str, ...]:
    if not isinstance(given, list) or not given or not all(isinstance(one, str) and one for one in given):
        raise BadCity(f"[energy.planning] {name} is a list of words")
    return tuple(str(one) for one in given)


def _texts(given: Json) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(one, str) and one for one in given.values()):
        raise BadCity('[energy.planning] use is a table of models: ChargingSession = "startedAt"')
    return {model: str(attribute) for model, attribute in given.items()}
