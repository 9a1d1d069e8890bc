"""The section [energy.market] of the file of --access.

[energy.market]
mechanism = "auction"             or "priority": docs/energy.md
closure_minutes = 10              orders come in until then before a slot
ahead_days = 7
price_band = [0, 40_000]          mJPY/kWh: no order asks more or bids less
wheeling = 2_000                  what a buyer pays for the line, mJPY/kWh
prices = {neighbour = 15_000, shop = 14_000}     of "priority"
forms = "urn:ngsi-ld:EnergyProsumer:…"           whose router forms the line: its leg follows, and is not told

line_w = 10_000                   the safety gate: see services.energy.market.gate
leg_ma = 15_000
volts = 350
floor = 0.2
ceiling = 0.95
reserve = 0.5
celsius = [0, 45]
ttl_s = 60                        a set-point runs out unless it is refreshed
refresh_s = 20
stale_s = 180

[energy.market.sites."urn:ngsi-ld:EnergyProsumer:…"]
kind = "shop"                     or "house"
battery_wh = 6_500
may_feed = false                  whether it may feed into the utility
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from broker.model.values import Json
from services.energy.configured import Community
from services.energy.market.gate import Limits
from services.energy.market.orders import Terms
from services.energy.market.priority import HOUSE, KINDS, Prices
from services.room import BadCity

AUCTION, PRIORITY = "auction", "priority"
MECHANISMS: Final = (AUCTION, PRIORITY)
_MINUTE, _DAY = 60_000_000, 86_400_000_000
_PLACES: Final = 1_000
_MEMBERS: Final = frozenset({
    "mechanism", "closure_minutes", "ahead_days", "price_band", "wheeling", "prices", "forms", "line_w", "leg_ma",
    "volts", "floor", "ceiling", "reserve", "celsius", "ttl_s", "refresh_s", "stale_s", "sites",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class SiteSaid:
    """What the section says of a participant."""

    kind: str = HOUSE
    battery_wh: int = 0
    may_feed: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it; `ttl_s` is how long a set-point holds, `refresh_s` how soon it is told again."""

    mechanism: str = AUCTION
    terms: Terms = field(default_factory=Terms)
    prices: Prices = field(default_factory=lambda: Prices(15_000, 15_000))
    limits: Limits = field(default_factory=Limits)
    forms: str = ""
    ttl_s: int = 60
    refresh_s: int = 20
    sites: Mapping[str, SiteSaid] = field(default_factory=dict)

    def site(self, participant: str) -> SiteSaid:
        """What is said of one; what holds for any where nothing is."""
        return self.sites.get(participant, SiteSaid())


def read_settings(community: Community) -> Settings:
    """The section. Raises BadCity, which names the member and what would do."""
    said: Mapping[str, Any] = community.section("market")
    if unknown := sorted(set(said) - _MEMBERS):
        raise BadCity(f"[energy.market] has no member {unknown[0]}; there are {', '.join(sorted(_MEMBERS))}")
    mechanism = said.get("mechanism", AUCTION)
    if mechanism not in MECHANISMS:
        raise BadCity(f"[energy.market] mechanism is one of {', '.join(MECHANISMS)}")
    forms = said.get("forms", "")
    if not isinstance(forms, str):
        raise BadCity("[energy.market] forms is the id of a participant")
    sites = _sites(said.get("sites", {}))
    ttl_s, refresh_s = _whole(said, "ttl_s", 60, 600), _whole(said, "refresh_s", 20, 600)
    if not 0 < refresh_s < ttl_s:
        raise BadCity("[energy.market] refresh_s is less than ttl_s: a set-point is told again before it runs out")
    return Settings(mechanism, _terms(said), _prices(said), _limits(said, sites, ttl_s), forms, ttl_s, refresh_s, sites)


def _terms(said: Mapping[str, Any]) -> Terms:
    band = _pair(said, "price_band", (0, 40_000))
    if not all(type(one) is int for one in band) or not 0 <= band[0] <= band[1]:
        raise BadCity("[energy.market] price_band is two whole numbers of mJPY/kWh: [0, 40_000]")
    closure, ahead = _whole(said, "closure_minutes", 10, 1_440), _whole(said, "ahead_days", 7, 366)
    return Terms(closure * _MINUTE, ahead * _DAY, (int(band[0]), int(band[1])), _whole(said, "wheeling", 0, 10**6))


def _prices(said: Mapping[str, Any]) -> Prices:
    prices = said.get("prices", {"neighbour": 15_000, "shop": 15_000})
    if not isinstance(prices, dict) or set(prices) != {"neighbour", "shop"}:
        raise BadCity("[energy.market] prices is {neighbour = 15_000, shop = 14_000}")
    return Prices(_whole(prices, "neighbour", 0, 10**6), _whole(prices, "shop", 0, 10**6))


def _limits(said: Mapping[str, Any], sites: Mapping[str, SiteSaid], ttl_s: int) -> Limits:
    least, most = _pair(said, "celsius", (0, 45))
    floor, ceiling = _share(said, "floor", 0.2), _share(said, "ceiling", 0.95)
    if floor >= ceiling:
        raise BadCity("[energy.market] floor is less than ceiling")
    return Limits(
        line_w=_whole(said, "line_w", 10_000, 10**9), leg_ma=_whole(said, "leg_ma", 15_000, 10**7),
        volts=max(1, _whole(said, "volts", 350, 10_000)), floor=floor, ceiling=ceiling,
        reserve=_share(said, "reserve", 0.5), celsius=(float(least), float(most)), ttl_s=max(ttl_s, 120),
        stale_s=_whole(said, "stale_s", 180, 3_600),
        may_feed=frozenset(name for name, one in sites.items() if one.may_feed),
    )  # fmt: skip


def _sites(said: Json) -> dict[str, SiteSaid]:
    if not isinstance(said, dict):
        raise BadCity('[energy.market] sites are tables: [energy.market.sites."urn:…"]')
    found = {}
    for name, one in said.items():
        if not isinstance(one, dict) or set(one) - {"kind", "battery_wh", "may_feed"}:
            raise BadCity("[energy.market] a site has kind, battery_wh and may_feed")
        if one.get("kind", HOUSE) not in KINDS or not isinstance(one.get("may_feed", False), bool):
            raise BadCity(f"[energy.market] kind of a site is one of {', '.join(KINDS)}, may_feed true or false")
        battery = _whole(one, "battery_wh", 0, 10**9)
        found[name] = SiteSaid(str(one.get("kind", HOUSE)), battery, bool(one.get("may_feed")))
    return found


def _whole(said: Mapping[str, Any], name: str, default: int, most: int) -> int:
    value = said.get(name, default)
    if type(value) is not int or not 0 <= value <= most:
        raise BadCity(f"[energy.market] {name} is a whole number from 0 to {most}")
    return value


def _share(said: Mapping[str, Any], name: str, default: float) -> int:
    value = said.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadCity(f"[energy.market] {name} is a share from 0 to 1")
    return round(value * _PLACES)


def _pair(said: Mapping[str, Any], name: str, default: tuple[int, int]) -> tuple[float, float]:
    value = said.get(name, default)
    numbers = isinstance(value, list | tuple) and all(type(one) in (int, float) for one in value)
    if not numbers or len(value) != 2 or value[0] > value[1]:  # noqa: PLR2004  a pair
        raise BadCity(f"[energy.market] {name} is two numbers, the less first")
    return value[0], value[1]
