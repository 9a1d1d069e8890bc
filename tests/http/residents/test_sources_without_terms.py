"""With access, nothing of persons goes to a source that does not say who gets it and what for (decision 0021)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from broker.doors import Built
from broker.model.registration import REGISTRATION, EntityInfo, Information, Registration
from broker.model.values import Json
from broker.ports.held import HeldCommand, Hold
from broker.signing import Signer
from tests.fakes.clock import FakeClock
from tests.fakes.issuing import HANA, NOW_S
from tests.fakes.remote_source import RemoteSource, answering
from tests.http.doors import ROOT, Door, Reply, broker, front_door

KEY: Final = "mk_of-a-watch"
DEF: Final = "https://misono.example/def/"
HEART: Final = f"{DEF}HeartRateObservation"
RATE: Final = f"{DEF}heartRate"
SUBJECT: Final = f"{DEF}dataSubject"
THING: Final = "https://example.org/Thing"
SPEED: Final = "https://example.org/speed"
WEATHER: Final = "https://smartdatamodels.org/dataModel.Weather/WeatherObserved"
CARE: Final = '<https://misono.example/contexts/misono-care-v1.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
ID: Final = "urn:ngsi-ld:Something:1"
REG: Final = "urn:ngsi-ld:ContextSourceRegistration:1"
TERMS: Final[Json] = {"recipient": "Aizu", "purpose": "HealthAdvice"}


@dataclass
class Asking:
    """A hub with access, a source that takes everything, and who asks."""

    built: Built
    door: Door
    aizu: RemoteSource
    operator: dict[str, str]
    device: dict[str, str]

    def send(self, method: str, path: str, body: Any = None, who: dict[str, str] | None = None) -> Reply:
        return self.door(method, ROOT + path, who or self.device, None if body is None else json.dumps(body).encode())

    def register(self, **more: Any) -> Reply:
        body = {"id": REG, "type": "ContextSourceRegistration", "endpoint": self.aizu.url, **more}
        return self.send("POST", "/csourceRegistrations", body, self.operator)

    def registered(self, *information: Information, contract: Json = None, mode: Any = "inclusive") -> None:
        """The source, as it was registered before anybody asked for terms."""
        operations = ("federationOps", "updateOps", "redirectionOps", "upsertTemporal", "appendAttrsTemporal")
        made = Registration(REG, self.aizu.url, information, operations=operations, mode=mode, contract=contract)
        command = HeldCommand(REGISTRATION, made.id, lambda _current, _now: Hold(made.to_body()))
        self.built.store.held.apply_held("", [command]).result()
        assert self.built.house.far is not None
        self.built.house.far.moved("")

    def holds(self, body: dict[str, Any]) -> None:
        """From now on the entity is here alone, and like this."""
        self.send("DELETE", f"/entities/{ID}?local=true")
        assert self.send("POST", "/entities?local=true", body).status == 201

    def told(self) -> list[str]:
        """What the source was asked."""
        return [f"{one.method} {one.path}" for one in self.aizu.asked]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Asking]:
    file = tmp_path / "access.toml"
    file.write_text(f'[issuers.local]\n[keys.watch]\ndigest = "sha256:{sha256(KEY.encode()).hexdigest()}"\n')
    with RemoteSource() as aizu:
        aizu.behave = answering(204, b"")
        with broker(clock=FakeClock(), city=file, data=str(tmp_path), allow_private="true") as (built, doors):
            claims = {"iss": "urn:misono:issuer:local", "aud": "misono", "sub": "x", "iat": NOW_S, "exp": NOW_S + 600}
            token = Signer.opened(tmp_path / "issuer").sign({**claims, "roles": ["operator"]}, "at+jwt")
            yield Asking(built, front_door(doors), aizu, {"Authorization": f"Bearer {token}"}, {"X-API-Key": KEY})


def of(*types: str, names: tuple[str, ...] = ()) -> Information:
    return Information(tuple(EntityInfo((one,)) for one in types), names)


def number(value: int) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def entity(kind: Any = HEART, **more: Any) -> dict[str, Any]:
    return {"id": ID, "type": kind, **more}


PERSONS: Final[dict[str, dict[str, Any]]] = {"whole": {RATE: number(61), SUBJECT: HANA}, "plain": {SPEED: number(1)}}


@pytest.mark.parametrize(
    "information",
    [
        [{"entities": [{"type": HEART}]}],
        [{"entities": [{"idPattern": "urn:.*", "type": HEART}]}],
        [{"propertyNames": [RATE]}],
        [{"propertyNames": [SUBJECT]}],
        [{"entities": [{"id": ID, "type": THING}], "propertyNames": [RATE]}, {"propertyNames": [RATE]}],
    ],
)
def test_a_source_of_what_models_call_personal_needs_terms(hub: Asking, information: Any) -> None:
    refused = hub.register(information=information)
    assert (refused.status, json.loads(refused.body)["pointer"]) == (400, "/contract/recipient")
    assert hub.register(information=information, contract=TERMS).status == 201


@pytest.mark.parametrize("information", [[{"entities": [{"type": WEATHER}]}], [{"propertyNames": [SPEED]}]])
def test_another_does_not(hub: Asking, information: Any) -> None:
    assert hub.register(information=information).status == 201


WRITES: Final = [
    ("PATCH", f"/entities/{ID}/attrs", {RATE: number(142)}),
    ("PATCH", f"/entities/{ID}/attrs/{RATE.replace('/', '%2F')}", {"value": 143}),
    ("PATCH", f"/entities/{ID}", {RATE: number(144)}),
    ("POST", f"/entities/{ID}/attrs", {RATE: number(145)}),
    ("POST", "/entityOperations/update", [entity(**{RATE: number(146)})]),
    ("POST", "/entityOperations/delete", [ID]),
    ("DELETE", f"/entities/{ID}", None),
    ("POST", f"/temporal/entities/{ID}/attrs", {RATE: [{**number(147), "observedAt": "2026-01-01T00:00:00Z"}]}),
]


@pytest.mark.parametrize("information", [of(HEART), Information((), (RATE,))], ids=["type", "attribute"])
def test_no_write_goes_to_what_was_registered_before(hub: Asking, information: Information) -> None:
    hub.registered(information)
    for method, path, body in WRITES:
        hub.holds(entity(**PERSONS["whole"]))
        hub.send(method, path, body)
        assert hub.told() == [], (method, path)


@pytest.mark.parametrize("mode", ["inclusive", "redirect"])
@pytest.mark.parametrize("held", [entity([HEART, THING]), entity(WEATHER, **{SUBJECT: HANA})], ids=["types", "subject"])
def test_the_head_tells_where_the_body_does_not(hub: Asking, held: Any, mode: str) -> None:
    hub.registered(of(THING, WEATHER), mode=mode)
    for method, path, body in WRITES:
        hub.holds({**held, SPEED: number(1)})
        plain = json.loads(json.dumps(body).replace(RATE, SPEED))
        hub.send(method, path.replace(quote(RATE, safe=":"), quote(SPEED, safe=":")), plain)
        assert hub.told() == [], (method, path)


@pytest.mark.parametrize("path", ["/entities", "/entityOperations/create", "/entityOperations/upsert"])
def test_all_types_of_a_body_count(hub: Asking, path: str) -> None:
    hub.registered(of(THING))
    body = entity([HEART, THING], **PERSONS["plain"])
    hub.send("POST", path, [body] if "Operations" in path else body)
    assert hub.told() == []


def test_what_is_of_nobody_goes(hub: Asking) -> None:
    hub.registered(of(THING))
    assert hub.send("POST", "/entities", entity(THING, **PERSONS["plain"])).status == 201
    assert hub.send("PATCH", f"/entities/{ID}/attrs", {SPEED: number(2)}).status == 204
    assert hub.send("POST", "/entityOperations/update", [entity(THING, **{SPEED: number(3)})]).status == 204
    assert [one.split()[0] for one in hub.told()] == ["POST", "PATCH", "PATCH"]


def test_under_terms_all_of_it_goes(hub: Asking) -> None:
    hub.registered(of(HEART), contract=TERMS)
    assert hub.send("POST", "/entities", entity(**PERSONS["whole"])).status == 201
    assert hub.send("PATCH", f"/entities/{ID}/attrs", {RATE: number(142)}).status == 204
    assert [one.headers["misono-recipient"] for one in hub.aizu.asked] == ["Aizu", "Aizu"]


@pytest.mark.parametrize(
    ("type_", "q", "goes"),
    [
        (THING, "heartRate>100", False),
        (THING, f'dataSubject=="{HANA}"', False),
        (THING, f'speed>1;(speed<0|speed.dataSubject=="{HANA}")', False),
        (THING, "speed>1", True),
        (WEATHER, f'dataSubject=="{HANA}"', False),
        (WEATHER, "heartRate>100", True),  # none of this type tells of a person
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_condition_tells_by_itself(hub: Asking, type_: str, q: str, method: str, *, goes: bool) -> None:
    hub.aizu.behave = answering(200, b"[]")
    hub.registered(of(type_))
    who = {**hub.operator, "Link": CARE}
    if method == "POST":
        body = {"type": "Query", "entities": [{"type": type_}], "q": q}
        reply = hub.send(method, "/entityOperations/query", body, who)
    else:
        reply = hub.send(method, f"/entities?type={type_}&q={quote(q)}", None, who)
    assert reply.status == 200, reply.body
    if goes:
        assert len(hub.told()) == 1
    else:
        assert (hub.told(), reply.headers.get("ngsild-warning")) == ([], f'299 {REG} "refused"')
