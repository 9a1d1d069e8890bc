"""A small energy community with its plans: five sites whose meters have told of some days, asked over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from broker.model.values import Instant, to_text
from services.energy.planning.part import PlanningPart
from services.energy.room import EnergyRoom
from tests.fakes.consent_city import CITY, DEF, ConsentCity, consent_city
from tests.fakes.weathered_house import DAY, weathered

COMMUNITY: Final = "urn:ngsi-ld:EnergyCommunity:misono:community"
GROUP, BATTERY = (
    "https://smartdatamodels.org/dataModel.EnergyCommunity/",
    "https://smartdatamodels.org/dataModel.Battery/",
)
ALERT, KPI = (
    "https://smartdatamodels.org/dataModel.Alert/",
    "https://smartdatamodels.org/dataModel.KeyPerformanceIndicator/",
)
LOCATION: Final = "https://uri.etsi.org/ngsi-ld/location"
OWNERS: Final = {"h1": "hana", "h2": "taro", "h3": "ken", "h4": "mei", "h5": ""}
SLOT_US: Final = 1_800_000_000
ENERGY: Final = f"""
[energy]
tenant = "misono"
community = "{COMMUNITY}"
[energy.planning]
least_sites = 5
small_count = 2
history_days = 14
co2_g_per_kwh = 400
[energy.planning.use]
ChargingSession = "startedAt"
[energy.planning.everyday]
shop = ["Store"]
"""


@dataclass
class PlannedCity:
    """The city; what a participant or the operator does in it."""

    city: ConsentCity

    @property
    def part(self) -> PlanningPart:
        """Planning."""
        room = cast("EnergyRoom", self.city.served._rooms["energy"])
        return cast("PlanningPart", room.parts["planning"])

    @property
    def status(self) -> int:
        """That of the last answer."""
        return self.city.status

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """The answer's body, of a path below /services/energy."""
        return self.city.ask(who, method, f"//services/energy{path}", body)

    def put(self, *fragments: Mapping[str, Any]) -> None:
        """Entities, by the hub itself."""
        for start in range(0, len(fragments), 500):
            refused = [one for one in self.city.hub.upsert("misono", fragments[start : start + 500]) if one]
            assert refused == []

    def meters(self, slots: int = DAY + 2) -> None:
        """What the legs of sun and grid of all sites read at the ends of so many slots until now."""
        now, found = self.city.clock.now(), list[Mapping[str, Any]]()
        for number, site in enumerate(OWNERS):
            sun, load, _ = weathered(number, slots // DAY + 1)
            solar, bought, sold = 0, 0, 0
            for slot in range(slots + 1):
                at = now - (slots - slot) * SLOT_US
                found += _leg(site, "pv", at, (0, solar)), _leg(site, "utility", at, (sold, bought))
                solar += sun[slot]
                bought += max(load[slot] - sun[slot], 0)
                sold += max(sun[slot] - load[slot], 0)
        self.put(*found)

    def tariff(self, cheap: float = 20, dear: float = 35) -> None:
        """Cheap until seven in the morning, and dear afterwards."""
        bands = [{"from": "00:00", "unitPrice": cheap}, {"from": "07:00", "unitPrice": dear}]
        self.put({
            "id": "urn:ngsi-ld:Tariff:misono:2026", "type": f"{DEF}Tariff",
            f"{DEF}refCommunity": {"type": "Relationship", "object": COMMUNITY},
            f"{DEF}validFrom": _value({"@type": "DateTime", "@value": "2025-04-01T00:00:00Z"}),
            f"{DEF}timeBands": {"type": "JsonProperty", "json": bands}, f"{DEF}exportPrice": _value(8.5),
        })  # fmt: skip

    def warn(self, severity: str = "high", hours: float = 24) -> None:
        """An alert of a typhoon."""
        now = self.city.clock.now()
        self.put({
            "id": "urn:ngsi-ld:Alert:typhoon", "type": f"{ALERT}Alert", f"{ALERT}severity": _value(severity),
            f"{ALERT}category": _value("weather"), f"{ALERT}dateIssued": _value(to_text(now)),
            f"{ALERT}alertSource": _value("JMA"), f"{ALERT}validTo": _value(self.city.in_days(hours / 24)),
            LOCATION: _point(139.73, 35.87),
        })  # fmt: skip

    def charged(self, number: int, hours: float) -> None:
        """A car that was charged, so many hours from now."""
        self.put({
            "id": f"urn:ngsi-ld:ChargingSession:{number}", "type": f"{DEF}ChargingSession",
            f"{DEF}startedAt": _value(self.city.in_days(hours / 24)),
            f"{DEF}station": {"type": "Relationship", "object": "urn:ngsi-ld:EVChargingStation:1"},
        })  # fmt: skip

    def shop(self) -> None:
        """Beside the first house, and a kilometre from the next."""
        store = "https://smartdatamodels.org/dataModel.PointOfInterest/Store"
        self.put({"id": "urn:ngsi-ld:Store:1", "type": store, LOCATION: _point(139.728, 35.87)})

    def indicators(self) -> dict[str, Any]:
        """The values of the entities in the hub, by name."""
        found = self.city.hub.query("misono", f"{KPI}KeyPerformanceIndicator")
        return {str(one["id"]).rpartition(":")[2]: cast("Any", one[f"{KPI}kpiValue"])["value"] for one in found}


def _value(value: Any, at: Instant | None = None, unit: str = "") -> Mapping[str, Any]:
    observed = {} if at is None else {"observedAt": to_text(at)}
    return {"type": "Property", "value": value, **observed, **({"unitCode": unit} if unit else {})}


def _point(east: float, north: float) -> Mapping[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [east, north]}}


def _leg(site: str, role: str, at: Instant, registers: tuple[int, int]) -> Mapping[str, Any]:
    into, out = registers
    return {
        "id": f"urn:ngsi-ld:DigitalGridLeg:misono:{site}-{role}", "type": f"{DEF}DigitalGridLeg",
        f"{DEF}refRouter": {"type": "Relationship", "object": f"urn:ngsi-ld:DigitalGridRouter:misono:{site}"},
        f"{DEF}legRole": {"type": "VocabProperty", "vocab": f"{DEF}legRole/{role}"},
        f"{DEF}energyIn": _value(into, at, "WHR"), f"{DEF}energyOut": _value(out, at, "WHR"),
    }  # fmt: skip


def _site(number: int, site: str, owner: str) -> list[Mapping[str, Any]]:
    router, battery = f"urn:ngsi-ld:DigitalGridRouter:misono:{site}", f"urn:ngsi-ld:StorageBatteryDevice:misono:{site}"
    whose = {f"{DEF}dataSubject": _value(f"urn:misono:subject:{owner}")} if owner else {}
    held: Mapping[str, Any] = {
        "id": battery, "type": f"{BATTERY}StorageBatteryDevice", f"{BATTERY}storableEnergy": _value(8, None, "KWH"),
        f"{BATTERY}maxOutputPower": _value(3, None, "KWT"), LOCATION: _point(139.73, 35.87),
    }  # fmt: skip
    return [
        {
            "id": f"urn:ngsi-ld:EnergyProsumer:misono:{site}", "type": f"{GROUP}EnergyProsumer", **whose,
            f"{GROUP}controls": {"type": "Relationship", "object": [router]},
            f"{GROUP}contractedPower": _value(6, None, "KWT"), LOCATION: _point(139.73 + number / 100, 35.87),
        },
        {
            "id": router, "type": f"{DEF}DigitalGridRouter", f"{DEF}stateOfCharge": _value(0.5),
            f"{DEF}operationMode": {"type": "VocabProperty", "vocab": f"{DEF}operationMode/autonomous"},
            f"{DEF}refBuilding": {"type": "Relationship", "object": f"urn:ngsi-ld:Building:misono:{site}"},
        },
        held,
        {
            "id": f"urn:ngsi-ld:DigitalGridLeg:misono:{site}-battery", "type": f"{DEF}DigitalGridLeg",
            f"{DEF}refRouter": {"type": "Relationship", "object": router},
            f"{DEF}legRole": {"type": "VocabProperty", "vocab": f"{DEF}legRole/battery"},
            f"{DEF}connectedTo": {"type": "Relationship", "object": battery},
        },
    ]  # fmt: skip


@contextmanager
def planned_city(
    directory: Path, store: str = "memory", more: str = "", *, orders: bool = False
) -> Iterator[PlannedCity]:
    """The city, its clock at 01:00 of a day in Tokyo, with five sites that have told nothing yet."""
    section = ENERGY.replace("least_sites", "orders = true\nleast_sites") if orders else ENERGY
    with consent_city(directory, store, CITY + section + more) as city:
        city.clock.advance(16 * 3_600)
        found = PlannedCity(city)
        members = [f"urn:ngsi-ld:EnergyProsumer:misono:{site}" for site in OWNERS]
        found.put(
            {
                "id": COMMUNITY, "type": f"{GROUP}EnergyCommunity",
                f"{GROUP}hasMember": {"type": "Relationship", "object": members},
            },
            *(one for number, (site, owner) in enumerate(OWNERS.items()) for one in _site(number, site, owner)),
        )  # fmt: skip
        yield found
