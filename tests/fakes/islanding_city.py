"""A hub of a city with its energy community, and the district behind it: telemetry goes in, set-points come out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from adapters.simulated.district.district import District
from adapters.simulated.district.router import SetPoint
from adapters.simulated.district.sites import SEVEN
from broker.model.values import Json, to_text
from broker.ports import Principal
from services.energy.islanding.part import IslandingPart
from services.energy.market.part import MarketPart
from services.energy.room import EnergyRoom
from services.energy.sites import DEF, LEG, ROUTER, SDM_ENERGY
from tests.fakes.consent_city import CITY, PEOPLE, ConsentCity, consent_city
from tests.fakes.named import Named

COMMUNITY = "urn:ngsi-ld:EnergyCommunity:misono:community"
OWNERS = {"h1": "hana", "h5": "taro"}
OPERATORS = ("sato", "suzuki")
LEGS = ("utility", "interchange", "pv", "load")
NS = "https://uri.etsi.org/ngsi-ld/default-context/"
BASE = "//services/energy/islanding"
START_S = 1_795_446_000
SECTION = f"""
[energy]
tenant = "misono"
community = "{COMMUNITY}"
[energy.islanding]
hours = 15
stable_s = 300
"""


def router(name: str) -> str:
    """The id of a site's router."""
    return f"urn:ngsi-ld:DigitalGridRouter:misono:{name}"


def leg(name: str, role: str) -> str:
    """The id of a leg of it."""
    return f"urn:ngsi-ld:DigitalGridLeg:misono:{name}-{role}"


def section() -> str:
    """The sections of the energy community."""
    sites = "".join(
        f'[energy.islanding.sites."{router(one.name)}"]\nbattery_wh = {one.battery_wh}\nbattery_w = {one.battery_w}\n'
        f"line_w = {one.line_w}\nloads_w = {[*one.loads_w]}\n"
        for one in SEVEN
    )
    return SECTION + sites


@dataclass
class IslandingCity:
    """The city; `followed` is up to where what was asked of routers was obeyed."""

    city: ConsentCity
    district: District
    followed: int = 0
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def part(self) -> IslandingPart:
        """The part of islanding."""
        room = cast("EnergyRoom", self.city.served.room("energy"))
        return cast("IslandingPart", room.parts["islanding"])

    @property
    def market(self) -> MarketPart:
        """The part of the market."""
        return cast("MarketPart", cast("EnergyRoom", self.city.served.room("energy")).parts["market"])

    @property
    def status(self) -> int:
        """That of the last answer."""
        return self.city.status

    def ask(self, who: str, method: str, path: str = "", body: Any = None) -> Any:
        """The answer's body, of a path below the doors of islanding."""
        return self.city.ask(who, method, BASE + path, body)

    def build(self) -> None:
        """The entities of the community."""
        names = [*self.district.routers]
        members = [f"urn:ngsi-ld:EnergyProsumer:misono:{name}" for name in names]
        self._put(COMMUNITY, SDM_ENERGY + "EnergyCommunity", {SDM_ENERGY + "hasMember": _to(members)})
        for name, member in zip(names, members, strict=True):
            whose = {DEF + "dataSubject": _value(f"urn:misono:subject:{OWNERS[name]}")} if name in OWNERS else {}
            self._put(member, SDM_ENERGY + "EnergyProsumer", {SDM_ENERGY + "controls": _to([router(name)]), **whose})
        self.tell()
        self.follow()

    def minutes(self, many: int) -> None:
        """Let so many go by: power flows, routers tell, the hub asks, routers take."""
        for _ in range(many):
            self.district.step()
            self.city.clock.set(self.district.at * 1_000_000)
            self.tell()
            self.follow()
            self.part.tick()
            self.market.tick()
            self.obey()

    def tell(self) -> None:
        """What all routers and legs say now goes into the hub."""
        at = to_text(self.district.at * 1_000_000)
        fragments = [self._router(name, at) for name in self.district.routers]
        roles = LEGS if self.district.at % 300 == 0 else LEGS[:2]  # the others more rarely
        fragments += [self._leg(name, role, at) for name in self.district.routers for role in roles]
        assert not any(self.city.hub.upsert(self.city.tenant, fragments))

    def follow(self) -> None:
        """The services take all that changed."""
        following = self.city.served._following
        while following.once(self.city.tenant):
            pass

    def obey(self) -> None:
        """Routers take what the hub asked of them since."""
        hub, tenant = self.city.hub, self.city.tenant
        while changes := hub.changes(tenant, self.followed, 0.0):
            self.followed = changes[-1].sequence
            for one in changes:
                said = {name.removeprefix(NS): value for name, value in one.after.items() if name.startswith(NS)}
                self._obey(one.entity_id.split(":")[-1].split("-")[0], said)

    def _obey(self, name: str, said: dict[str, Any]) -> None:
        until = self.district.at + 180
        for term, value in said.items():
            self.asked.append((name, {term: value["value"]}))
            if term == "exchangePower":
                self.district.order(name, SetPoint(until, power_w=value["value"]))
            elif term in ("exchange", "islanding"):
                asked = value["value"]
                self.district.order(name, SetPoint(until, None, asked.get("mode", ""), asked.get("loads")))

    def _router(self, name: str, at: str) -> dict[str, Json]:
        one = self.district.routers[name]
        return {
            "id": router(name), "type": ROUTER,
            DEF + "refBuilding": {"type": "Relationship", "object": f"urn:ngsi-ld:Building:misono:{name}"},
            DEF + "operationMode": {"type": "VocabProperty", "vocab": DEF + "operationMode/autonomous"},
            DEF + "gridState": {"type": "VocabProperty", "vocab": f"{DEF}gridState/{one.state}", "observedAt": at},
            DEF + "stateOfCharge": {"type": "Property", "value": one.battery.per_mille / 1_000, "observedAt": at},
        }  # fmt: skip

    def _leg(self, name: str, role: str, at: str) -> dict[str, Json]:
        watts = self.district.routers[name].watts[role]
        said: dict[str, Json] = {
            "id": leg(name, role), "type": LEG,
            DEF + "refRouter": {"type": "Relationship", "object": router(name)},
            DEF + "legRole": {"type": "VocabProperty", "vocab": f"{DEF}legRole/{role}"},
            DEF + "activePower": {"type": "Property", "value": watts, "unitCode": "WTT", "observedAt": at},
        }  # fmt: skip
        registers = self.district.routers[name].register(role)
        for term, wh in zip(("energyIn", "energyOut"), registers, strict=True):
            said[DEF + term] = {"type": "Property", "value": wh, "unitCode": "WHR", "observedAt": at}
        if role == "utility":
            volts = 202.0 if self.district.mains else 3.0
            said[DEF + "voltage"] = {"type": "Property", "value": volts, "unitCode": "VLT", "observedAt": at}
        return said

    def _put(self, entity_id: str, type_: str, said: dict[str, Json]) -> None:
        assert self.city.hub.upsert(self.city.tenant, [{"id": entity_id, "type": type_, **said}]) == [None]


def _value(value: Json) -> dict[str, Json]:
    return {"type": "Property", "value": value}


def _to(ids: list[str]) -> Json:
    return {"type": "ListRelationship", "objectList": [{"object": one} for one in ids]}


@contextmanager
def islanding_city(directory: Path, store: str = "memory", district: District | None = None) -> Iterator[IslandingCity]:
    """The city, with two more operators."""
    with consent_city(directory, store, CITY + section()) as city:
        people = {**PEOPLE, **{name: Principal(name, roles=frozenset({"operator"})) for name in OPERATORS}}
        rights = city.served._door.rights
        city.served._door.rights = replace(rights, identity=Named(people))
        found = IslandingCity(city, district or District(7, START_S))
        city.clock.set(found.district.at * 1_000_000)
        found.build()
        found.followed = city.hub.newest(city.tenant)
        yield found


def asked_of(city: IslandingCity, name: str, term: str) -> list[Any]:
    """What a router was asked, oldest first."""
    return [json.loads(json.dumps(said[term])) for whom, said in city.asked if whom == name and term in said]
