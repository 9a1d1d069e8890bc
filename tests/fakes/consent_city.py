"""The hub of a small city with its consents, in this process, on a clock that stands still: asked at its front door."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from broker.admitting import Admitted
from broker.doors import Built, make_doors
from broker.hub.inside import HubInside
from broker.model.values import to_text
from broker.ports import SYSTEM, Principal
from broker.serving_city import Served, furnish
from broker.settings import read_settings
from broker.wiring import build
from services.consents.room import ConsentRoom
from tests.fakes.clock import FakeClock
from tests.fakes.named import Named
from tests.http.doors import Door, front_door

DEF = "https://misono.example/def/"
CLINIC = "urn:ngsi-ld:RecipientOrganisation:clinic"
SHOP = "urn:ngsi-ld:RecipientOrganisation:shop"
ADVICE = f"{DEF}purpose/HealthAdvice"
TENANT = "misono"
HEART, PULSE = f"{DEF}HeartRateObservation", f"{DEF}heartRate"
CITY = """
[tenants.misono]
personal = true
[consent]
controller = {name = "みその市データ信託", contact = "data@misono.example", url = "https://misono.example"}
"""


def _resident(name: str) -> Principal:
    return Principal(name, roles=frozenset({"resident"}), subject=f"urn:misono:subject:{name}")


def _recipient(name: str, organisation: str) -> Principal:
    return Principal(name, frozenset({ADVICE}), frozenset({"recipient"}), recipient=organisation)


PEOPLE: Mapping[str, Principal] = {
    **{name: _resident(name) for name in ("hana", "taro", "ken", "mei")},
    "clinic": _recipient("clinic", CLINIC),
    "shop": _recipient("shop", SHOP),
    "yamada": Principal("yamada", roles=frozenset({"operator"})),
    "kaneko": Principal("kaneko", roles=frozenset({"auditor"})),
}


@dataclass
class ConsentCity:
    """The hub; `status` is that of the last answer."""

    built: Built
    served: Served
    door: Door
    clock: FakeClock
    hub: HubInside
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    tenant: str = TENANT

    @property
    def room(self) -> ConsentRoom:
        """The room of consents."""
        return cast("ConsentRoom", self.served._rooms["consents"])

    def ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer's body: of a path below /services/consents, or of one that begins with `//`."""
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        if who:
            given["Authorization"] = f"Bearer {who}"
        if self.tenant:
            given["NGSILD-Tenant"] = self.tenant
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            given["Content-Type"] = "application/json"
        where = path[1:] if path.startswith("//") else f"/services/consents{path}"
        reply = self.door(method, where, given, content)
        self.status, self.headers = reply.status, reply.headers
        text = reply.body.decode()
        return json.loads(text) if "json" in reply.headers.get("content-type", "") else text

    def in_days(self, days: float) -> str:
        """The instant so many days from now."""
        return to_text(self.clock.now() + round(days * 86_400_000_000))

    def organisation(self, organisation: str = CLINIC, **more: str) -> None:
        """A recipient that may receive, as the bank shows it."""
        members = {"recipientState": "recipientActive", "evidenceValidUntil": self.in_days(4_000), **more}
        self.put(organisation, "RecipientOrganisation", {
            "name": "みどり医院", "recipientClass": "commercial", **members
        })  # fmt: skip

    def put(self, entity_id: str, type_: str, members: Mapping[str, Any]) -> None:
        """An entity, by the hub itself."""
        named = {DEF + name: _property(value) for name, value in members.items()}
        assert self.hub.upsert(self.tenant, [{"id": entity_id, "type": DEF + type_, **named}]) == [None]

    def pulse(self, name: str, value: float = 62, others: tuple[str, ...] = ()) -> str:
        """A measurement of somebody's pulse; of a household where there are others."""
        entity_id = f"urn:ngsi-ld:HeartRateObservation:{name}"
        people = [f"urn:misono:subject:{one}" for one in (name, *others)]
        observed = {"observedAt": to_text(self.clock.now())}
        self.put(entity_id, "HeartRateObservation", {
            "dataSubject": people if others else people[0], "heartRate": {"value": value, **observed},
        })  # fmt: skip
        return entity_id

    def sees(self, who: str, name: str) -> Any:
        """The pulse of somebody as that principal sees it; None where there is none."""
        found = self.ask(who, "GET", f"//ngsi-ld/v1/entities/urn:ngsi-ld:HeartRateObservation:{name}")
        return found.get(PULSE, {}).get("value") if self.status == 200 else None

    def terms(self, who: str = "clinic", **more: Any) -> str:
        """The id of terms."""
        found = self.ask(who, "POST", "/terms", {
            "purpose": "HealthAdvice", "dataItems": ["HeartRateObservation/heartRate", "FacilityBooking/*"],
            "benefit": {"ja": "助言が届く", "en": "Advice"}, "retention": "P1Y",
            "privacyNotice": "https://clinic.example/notice", **more,
        })  # fmt: skip
        assert self.status == 201, found
        return str(found["id"])

    def notice(self, who: str, terms: str, path: str = "") -> str:
        """The id of a notice that was shown."""
        found = self.ask(who, "POST", f"/notices{path}", {"terms": terms, "language": "ja"})
        assert self.status == 201, found
        return str(found["id"])

    def give(self, who: str, terms: str, path: str = "", **more: Any) -> Any:
        """A consent to the pulse."""
        return self.ask(who, "POST", f"/records{path}", {
            "notice": self.notice(who, terms, path), "dataItems": ["HeartRateObservation/heartRate"],
            "specialCare": ["HeartRateObservation/heartRate"], **more,
        })  # fmt: skip

    def withdraw(self, who: str, path: str = "", **what: Any) -> Any:
        """In one act."""
        return self.ask(who, "POST", f"/withdraw{path}", what)

    def entity(self, entity_id: str) -> Any:
        """As the hub itself sees it, with short names and bare values."""
        found = self.hub.entity(self.tenant, entity_id)
        return None if found is None else {name.removeprefix(DEF): _bare(value) for name, value in found.items()}


def for_(name: str) -> str:
    """`?for=…` of somebody."""
    return f"?for={quote('urn:misono:subject:' + name)}"


@contextmanager
def consent_city(
    directory: Path, store: str = "memory", city: str = CITY, tenant: str = TENANT
) -> Iterator[ConsentCity]:
    """The city, with a clinic that may receive."""
    directory.mkdir(parents=True, exist_ok=True)
    access, clock = directory / "access.toml", FakeClock()
    access.write_text(city, encoding="utf-8")
    given = {"STORE": store, "DATA": str(directory / "data"), "ACCESS": str(access)}
    settings = read_settings(Namespace(config=""), {f"MISONO_{name}": text for name, text in given.items()})
    built = build(settings, clock=clock)
    try:
        built = replace(built, house=replace(built.house, identity=Named(PEOPLE)))
        assert built.packages is not None
        served = furnish(settings, built.house, cast("Admitted", built.admitted), built.packages, built.closing)
        hub = HubInside(built.house, Principal("test", roles=frozenset({SYSTEM})))
        found = ConsentCity(built, served, front_door(make_doors(built, served)), clock, hub, tenant=tenant)
        found.organisation()
        yield found
    finally:
        built.close()


def _property(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"type": "Property", **value}
    return {"type": "Property", "value": value}


def _bare(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return next(
        (value[name] for name in ("value", "object", "vocab", "valueList", "languageMap") if name in value), value
    )
