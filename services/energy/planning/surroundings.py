"""What planning reads in the hub: batteries, prices, warnings, whose a participant is, how often services were used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from broker.model.entity import instances
from broker.model.subjects import whose
from broker.model.values import Instant, Json, to_instant
from broker.ports.hub import Hub
from datamodels.library import Library
from services.energy.planning.configured import Settings
from services.energy.planning.houses import MILLI, Battery, House
from services.energy.planning.indicators import Point
from services.energy.sites import DEF, SDM_ENERGY, Site, related, sites_of

BATTERY: Final = "https://smartdatamodels.org/dataModel.Battery/"
ALERT: Final = "https://smartdatamodels.org/dataModel.Alert/"
GRAVE: Final = frozenset({"high", "critical"})
IMPORT_W, STORE_W = 6_000, 3_000
"""Where an entity does not say: the usual contract of a house, the usual battery."""
KILO: Final = {"KWT": 1_000, "KWH": 1_000, "MWH": 1_000_000}
_DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Bands:
    """mJPY/kWh to buy from a minute of the day on, and to sell."""

    buy: tuple[tuple[int, int], ...]
    sell: int

    def price(self, at: Instant, zone: ZoneInfo) -> int:
        """What a kWh costs then."""
        local = datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone)
        minute = local.hour * 60 + local.minute
        before = [price for start, price in self.buy if start <= minute]
        return before[-1] if before else self.buy[-1][1]


class Surroundings:
    """Of one community."""

    def __init__(self, hub: Hub, where: tuple[str, str], settings: Settings) -> None:
        self._hub, (self._tenant, self._community) = hub, where
        self._settings = settings

    def sites(self) -> tuple[Site, ...]:
        """As services.energy.sites. Raises HubAway."""
        return sites_of(self._hub, self._tenant, self._community)

    def own(self, subject: str) -> list[Site]:
        """Those whose participant is about a person."""
        found = []
        for site in self.sites():
            entity = self._hub.entity(self._tenant, site.participant)
            if entity is not None and subject in whose(entity):
                found.append(site)
        return found

    def house(self, site: Site) -> House:
        """What a site has, without its car."""
        participant = self._hub.entity(self._tenant, site.participant) or {}
        power = _number(participant, f"{SDM_ENERGY}contractedPower", unit="KWT") or IMPORT_W
        return House(power, power, self._battery(site))

    def stored(self, sites: Iterable[Site]) -> int | None:
        """Wh in all their batteries; None where there is none of which it is known."""
        held = [battery.held for site in sites if (battery := self._battery(site)) is not None]
        return sum(held) if held else None

    def prices(self, at: Instant) -> Bands:
        """Those of the community's newest tariff that holds then, or of the section."""
        found: list[tuple[Instant, Bands]] = []
        for one in self._hub.query(self._tenant, f"{DEF}Tariff"):
            since, until = (_instant(one, f"{DEF}{name}") for name in ("validFrom", "validUntil"))
            bands = _bands(one) if self._community in related(one, f"{DEF}refCommunity") else None
            if bands is not None and (since or 0) <= at and (until is None or at < until):
                found.append((since or 0, bands))
        usual = Bands(((0, self._settings.buy),), self._settings.sell)
        return max(found, key=lambda one: one[0])[1] if found else usual

    def is_warned(self, at: Instant) -> bool:
        """Whether a grave alert of a kind that the section names holds."""
        for one in self._hub.query(self._tenant, f"{ALERT}Alert"):
            grave = _text(one, f"{ALERT}severity") in GRAVE
            kind = _text(one, f"{ALERT}category") in self._settings.warnings
            until = _instant(one, f"{ALERT}validTo")
            if grave and kind and until is not None and at < until:
                return True
        return False

    def uses(self, library: Library, model: str, attribute: str, day: tuple[Instant, Instant]) -> int:
        """How many entities of a model say that they began in a day."""
        count = 0
        for _, found in library.named(model):
            iri = found.attributes[attribute].iri if attribute in found.attributes else f"{DEF}{attribute}"
            for one in self._hub.query(self._tenant, found.iri):
                at = _instant(one, iri)
                count += at is not None and day[0] <= at < day[1]
        return count

    def points(self, library: Library, models: Sequence[str]) -> Iterator[Point]:
        """Where entities of these models are, of those that are at one place."""
        location = "https://uri.etsi.org/ngsi-ld/location"
        for model in models:
            for _, found in library.named(model):
                for one in self._hub.query(self._tenant, found.iri):
                    for instance in instances(one.get(location)):
                        value: Any = instance.get("value")
                        if isinstance(value, dict) and value.get("type") == "Point":
                            east, north = value["coordinates"][:2]
                            yield float(east), float(north)

    def _battery(self, site: Site) -> Battery | None:
        entity = self._device(site)
        capacity = 0 if entity is None else _number(entity, f"{BATTERY}storableEnergy", unit="KWH")
        if entity is None or not capacity:
            return None
        router = self._hub.entity(self._tenant, site.router) or {}
        share = _share(router, f"{DEF}stateOfCharge")
        if share is None:
            share = _share(entity, f"{BATTERY}stateOfCharge")
        power = _number(entity, f"{BATTERY}maxOutputPower", unit="KWT") or STORE_W
        return Battery(capacity, capacity * (share or 0) // MILLI, power, power)

    def _device(self, site: Site) -> Mapping[str, Json] | None:
        """What is connected to the leg of the battery."""
        leg = self._hub.entity(self._tenant, site.legs["battery"]) if "battery" in site.legs else None
        ids = [] if leg is None else related(leg, f"{DEF}connectedTo")
        return self._hub.entity(self._tenant, ids[0]) if ids else None


def _first(entity: Mapping[str, Json], name: str) -> Mapping[str, Any]:
    return next(iter(instances(entity.get(name))), {})


def _number(entity: Mapping[str, Json], name: str, unit: str) -> int:
    """A quantity in W or Wh; `unit` is what it is in where it does not say. 0 where there is none."""
    one = _first(entity, name)
    value = one.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return max(int(Decimal(str(value)) * KILO.get(str(one.get("unitCode", unit)), 1)), 0)


def _share(entity: Mapping[str, Json], name: str) -> int | None:
    """Thousandths; None where it is not known."""
    value = _first(entity, name).get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return min(max(int(Decimal(str(value)) * MILLI), 0), MILLI)


def _text(entity: Mapping[str, Json], name: str) -> str:
    value = _first(entity, name).get("value")
    return value if isinstance(value, str) else ""


def _instant(entity: Mapping[str, Json], name: str) -> Instant | None:
    value = _first(entity, name).get("value")
    held = value.get("@value") if isinstance(value, dict) else value
    return to_instant(held) if isinstance(held, str) else None


def _bands(tariff: Mapping[str, Json]) -> Bands | None:
    """Those of a tariff, in the order of the day; None where there are none."""
    held = _first(tariff, f"{DEF}timeBands").get("json", [])
    bands = sorted((_minute(str(one["from"])), _milli(one["unitPrice"])) for one in held)
    sell = _milli(_first(tariff, f"{DEF}exportPrice").get("value", 0))
    return Bands(tuple(bands), min(sell, *(price for _, price in bands))) if bands else None


def _milli(price: object) -> int:
    return int(Decimal(str(price)) * MILLI)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) % _DAY_MINUTES
