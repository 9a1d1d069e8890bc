"""A hub of a city with its energy community and its market: houses and a shop whose routers tell what a test says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from broker.model.values import Json, to_text
from services.energy.market.part import MarketPart
from services.energy.room import EnergyRoom
from services.energy.sites import DEF, LEG, ROUTER, SDM_ENERGY
from tests.fakes.consent_city import CITY, ConsentCity, consent_city

COMMUNITY = "urn:ngsi-ld:EnergyCommunity:misono:community"
NS = "https://uri.etsi.org/ngsi-ld/default-context/"
OWNERS = {"h1": "hana", "h2": "taro", "h3": "ken", "store": ""}
HALF_HOUR_S = 1_800
MARKET = f"""
[energy]
tenant = "misono"
community = "{COMMUNITY}"
[energy.market]
wheeling = 2_000
[energy.market.sites."urn:ngsi-ld:EnergyProsumer:misono:store"]
kind = "shop"
"""


def participant(name: str) -> str:
    """The id of a participant."""
    return f"urn:ngsi-ld:EnergyProsumer:misono:{name}"


def line(name: str) -> str:
    """The id of a site's leg at the line."""
    return f"urn:ngsi-ld:DigitalGridLeg:misono:{name}-interchange"


@dataclass
class MarketCity:
    """The city; `registers` is what went into the line and out of it through each leg so far."""

    city: ConsentCity
    registers: dict[str, list[int]]

    @property
    def part(self) -> MarketPart:
        """The part of the market."""
        return cast("MarketPart", cast("EnergyRoom", self.city.served.room("energy")).parts["market"])

    @property
    def status(self) -> int:
        """That of the last answer."""
        return self.city.status

    def ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer's body: of a path below /services/energy."""
        return self.city.ask(who, method, f"//services/energy{path}", body, **headers)

    def slot(self, slots: int = 1) -> str:
        """When the slot begins that is so many after this one."""
        length = self.part._community.slots.length
        return to_text(self.part._community.slots.start_of(self.city.clock.now()) + slots * length)

    def order(self, who: str, site: str, side: str, wh: int, yen: float, **more: Any) -> Any:
        """An order for the next slot but one."""
        headers = {"Idempotency_Key": str(more.pop("key"))} if "key" in more else {}
        return self.ask(who, "POST", "/orders", {
            "participant": participant(site), "side": side, "deliveryStart": self.slot(2), "quantity": wh,
            "priceLimit": yen, **more,
        }, **headers)  # fmt: skip

    def go(self, seconds: float) -> None:
        """Let so much time go by, and the market look."""
        self.city.clock.advance(seconds)
        self.look()

    def go_to_slot(self, seconds: float = 0) -> None:
        """To the beginning of the slot that orders are for, by its gate; routers tell how they are."""
        start, length = self.part._community.slots.start_of(self.city.clock.now()), self.part._community.slots.length
        self.city.clock.set(start + 2 * length - self.part.settings.terms.closure)
        self.look()
        self.city.clock.set(start + 2 * length + round(seconds * 1_000_000))
        self.tell()
        self.look()

    def look(self) -> None:
        """The services take what changed, and the market does what is due."""
        following = self.city.served._following
        while following.once(self.city.tenant):
            pass
        self.part.tick()

    def flow(self, **watts: int) -> None:
        """Power flows at these legs for half an hour, told each minute with its registers."""
        for _ in range(30):
            self.city.clock.advance(60)
            self._say(watts)
            self.look()

    def tell(self, soc: float = 0.5, state: str = "connected", **watts: int) -> None:
        """What all routers and their legs say now; power into the line was so for a minute."""
        self._say(watts, soc, state)

    def _say(self, watts: Mapping[str, int], soc: float = 0.5, state: str = "connected") -> None:
        at = to_text(self.city.clock.now())
        fragments = []
        for name in OWNERS:
            power = watts.get(name, 0)
            self.registers[name][power < 0] += abs(power) // 60
            fragments += [_router(name, at, soc, state), _leg(name, at, power, self.registers[name])]
        assert not any(self.city.hub.upsert(self.city.tenant, fragments))

    def contracts(self, who: str) -> list[Any]:
        """Those that somebody sees."""
        return list(self.ask(who, "GET", "/contracts")["contracts"])

    def set_point(self, name: str) -> Any:
        """What a leg is asked to send into the line (watts); None where it never was."""
        found = self.city.hub.entity(self.city.tenant, line(name)) or {}
        value = found.get(f"{NS}exchangePower")
        return value["value"] if isinstance(value, dict) else None


def _value(value: Any, at: str, unit: str = "") -> dict[str, Json]:
    return {"type": "Property", "value": value, "observedAt": at, **({"unitCode": unit} if unit else {})}


def _word(vocabulary: str, word: str, at: str) -> dict[str, Json]:
    return {"type": "VocabProperty", "vocab": f"{DEF}{vocabulary}/{word}", "observedAt": at}


def _router(name: str, at: str, soc: float, state: str) -> dict[str, Json]:
    return {
        "id": f"urn:ngsi-ld:DigitalGridRouter:misono:{name}", "type": ROUTER,
        DEF + "gridState": _word("gridState", state, at),
        DEF + "operationMode": _word("operationMode", "autonomous", at),
        DEF + "stateOfCharge": _value(soc, at, "C62"),
    }  # fmt: skip


def _leg(name: str, at: str, watts: int, registers: list[int]) -> dict[str, Json]:
    return {
        "id": line(name), "type": LEG, DEF + "activePower": _value(watts, at, "WTT"),
        DEF + "legRole": {"type": "VocabProperty", "vocab": DEF + "legRole/interchange"},
        DEF + "refRouter": {"type": "Relationship", "object": f"urn:ngsi-ld:DigitalGridRouter:misono:{name}"},
        DEF + "energyIn": _value(registers[0], at, "WHR"), DEF + "energyOut": _value(registers[1], at, "WHR"),
    }  # fmt: skip


@contextmanager
def market_city(directory: Path, store: str = "memory", section: str = MARKET) -> Iterator[MarketCity]:
    """The city, with three houses and a store; time goes by when the test says so."""
    with consent_city(directory, store, CITY + section) as city:
        members = [participant(name) for name in OWNERS]
        fragments: list[dict[str, Any]] = [{
            "id": COMMUNITY, "type": SDM_ENERGY + "EnergyCommunity",
            SDM_ENERGY + "hasMember": {"type": "Relationship", "object": members},
        }]  # fmt: skip
        for name, owner in OWNERS.items():
            whose = {DEF + "dataSubject": {"type": "Property", "value": f"urn:misono:subject:{owner}"}} if owner else {}
            controls = {"type": "Relationship", "object": [f"urn:ngsi-ld:DigitalGridRouter:misono:{name}"]}
            fragments.append({
                "id": participant(name), "type": SDM_ENERGY + "EnergyProsumer", SDM_ENERGY + "controls": controls,
                **whose,
            })  # fmt: skip
        assert not any(city.hub.upsert(city.tenant, fragments))
        found = MarketCity(city, {name: [1_000, 1_000] for name in OWNERS})
        found.tell()
        found.look()
        yield found
