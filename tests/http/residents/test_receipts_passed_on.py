"""What a source's disclosures are numbered goes on to who asked for them, and no further than what they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest

from broker.doors import make_doors
from broker.encode.text import dump
from broker.model.registration import EntityInfo, Information, Registration
from broker.model.subjects import DATA_SUBJECT
from broker.model.subscription import Endpoint, NotificationParams, Selector, Subscription
from broker.notify.message import Message
from broker.ports import Principal
from broker.ports.audit import Entry
from broker.ports.disclosing import Telling
from broker.ports.held import HeldCommand, Hold
from broker.ports.identity import Asking
from broker.ports.outbox import SUBSCRIPTION
from broker.ports.sources import RELAY
from federation.hub import Federation
from federation.relay import Relays
from federation.relays import Copy, Relay
from federation.resting import NUMBERS_MAX, passed_on
from tests.fakes.clock import FakeClock
from tests.fakes.few_consents import HEART_RATE, READING, City, clinic, person
from tests.fakes.neighbours import Neighbour, neighbours
from tests.fakes.told import Recorded
from tests.http.doors import flask_door

NAME, REG = "misono-disclosure", "urn:ngsi-ld:ContextSourceRegistration:1"
ALL, TOKEN = f"/entities?type={READING}", "secret."


class Clinic:
    """Everybody is the clinic."""

    def identify(self, asking: Asking) -> Principal:  # noqa: ARG002 - the port's
        """The clinic."""
        return clinic()


class Guarded:
    """A hub where consents decide, and its audit."""

    def __init__(self, hub: Neighbour, earlier: int = 0) -> None:
        self.city, self.audit = City(FakeClock()), Recorded()
        self.audit.every += [Entry("review", "", "others", 0)] * earlier
        house = hub.built.house
        broker = replace(house.broker, access=self.city.policy)
        telling = Telling(self.audit, lambda _tenant: 1, self.city.clock)
        self.house = replace(house, broker=broker, identity=Clinic(), telling=telling)
        hub.doors = make_doors(replace(hub.built, house=self.house))


@pytest.fixture
def hubs() -> Iterator[list[Neighbour]]:
    """Misono, where anybody sees everything, and Aizu, which has readings."""
    with neighbours("misono", "aizu") as found:
        misono, aizu = found
        for name in ("hana", "ken"):
            about = {DATA_SUBJECT: {"type": "Property", "value": person(name)}}
            body = {"id": f"urn:r:{name}", "type": READING, HEART_RATE: {"type": "Property", "value": 71}, **about}
            aizu.json("POST", "/entities", body=body)
        misono.register(REG, "aizu", READING, alias="aizu", operations=("federationOps", "retrieveTemporal"))
        yield found


def test_a_hub_without_secrets_passes_all_of_them_on(hubs: list[Neighbour]) -> None:
    misono, aizu = hubs
    there = Guarded(aizu, 3)
    assert NAME not in misono.send("GET", ALL).headers
    there.city.give("hana", HEART_RATE)
    assert misono.send("GET", ALL).headers[NAME] == "aizu:4"
    assert misono.send("GET", "/entities/urn:r:hana").headers[NAME] == "aizu:5"
    assert NAME not in misono.send("GET", "/entities/urn:r:ken").headers


def test_its_own_number_comes_first(hubs: list[Neighbour]) -> None:
    misono, aizu = hubs
    there, here = Guarded(aizu, 3), Guarded(misono)
    for one in (here, there):
        one.city.give("hana", HEART_RATE)
    reply = misono.send("GET", ALL)
    assert b"71" in reply.body
    assert reply.headers[NAME] == "1, aizu:4"
    assert {one.subject for one in here.audit.entries[0].told} == {person("hana")}


def test_nothing_shows_of_what_this_hub_hides(hubs: list[Neighbour]) -> None:
    misono, aizu = hubs
    there, here = Guarded(aizu), Guarded(misono)
    there.city.give("hana", HEART_RATE)
    assert NAME not in misono.send("GET", ALL).headers
    assert NAME not in misono.send("GET", "/entities/urn:r:hana").headers
    assert len(there.audit.entries) == 2, "it was told, and hid it"
    here.city.give("mei", HEART_RATE)
    own = {"id": "urn:r:mei", "type": READING, HEART_RATE: {"type": "Property", "value": 60}}
    misono.json(
        "POST", "/entities?local=true", body={**own, DATA_SUBJECT: {"type": "Property", "value": person("mei")}}
    )
    assert misono.send("GET", ALL).headers[NAME] == "1"


def test_only_numbers_are_passed_on() -> None:
    source = Registration(REG, "http://x", (), alias="a b,c")
    assert passed_on("4, kita:5,, x, 1\r2, -1, \u0664", source) == ["a%20b%2Cc:4", "a%20b%2Cc:kita:5"]
    assert passed_on("4", replace(source, alias=None)) == [f"{REG}:4"]
    assert len(passed_on("4," * 10_000, source)) == NUMBERS_MAX


def relayed(misono: Neighbour, guarded: Guarded | None) -> Callable[[str, str], list[Message]]:
    """A subscription of the clinic with a copy at Aizu, which notifies it of a reading with a header."""
    house, sent = misono.built.house if guarded is None else guarded.house, list[Message]()
    far, held = house.far, misono.built.store.held
    assert isinstance(far, Federation)

    def send(message: Message) -> Future[str]:
        sent.append(message)
        done: Future[str] = Future()
        done.set_result("")
        return done

    who = clinic()
    params = NotificationParams(Endpoint("http://clinic.example/"))
    subscription = Subscription(
        "urn:s:1", params, (Selector(READING),), principal=who.kept(), purposes=tuple(who.purposes)
    )
    source = Registration(REG, "aizu", (Information((EntityInfo((READING,)),)),), alias="aizu")
    relay = Relay(subscription.id, {REG: Copy("urn:s:copy", TOKEN, source)})
    for kind, body in ((SUBSCRIPTION, subscription.to_body()), (RELAY, relay.to_body())):
        held.apply_held("", [HeldCommand(kind, subscription.id, lambda _c, _n, body=body: Hold(body))]).result()  # type: ignore[misc]
    far.begin(Standing(Relays(far.hub, held, house.broker.outbox, send)))

    def notify(name: str, number: str) -> list[Message]:
        sent.clear()
        about = {DATA_SUBJECT: {"type": "Property", "value": person(name)}}
        data: Any = [{"id": f"urn:r:{name}", "type": READING, HEART_RATE: {"type": "Property", "value": 71}, **about}]
        body = {"id": f"urn:n:{name}:{number}", "type": "Notification", "data": data}
        headers = {"Misono-Disclosure": number}
        reply = flask_door(misono.doors)("POST", f"/federation/relay/{TOKEN}", headers, dump(body))
        assert reply.status == 200, reply.body
        return [*sent]

    return notify


class Standing:
    """The port Subscribing: relays alone."""

    def __init__(self, relays: Relays) -> None:
        self.relay = relays.relay

    def moved(self, tenant: str) -> None:
        """Nothing."""

    def told(self, tenant: str, ids: Any) -> Any:  # noqa: ARG002 - the port's
        """Nothing."""
        return {}


def test_a_notification_that_is_passed_on_has_the_numbers_of_its_source(hubs: list[Neighbour]) -> None:
    [message] = relayed(hubs[0], None)("hana", "4")
    assert message.headers["Misono-Disclosure"] == "aizu:4"


def test_what_is_passed_on_is_audited_where_consents_decide(hubs: list[Neighbour]) -> None:
    here = Guarded(hubs[0], 6)
    notify = relayed(hubs[0], here)
    assert notify("hana", "4") == []
    here.city.give("hana", HEART_RATE)
    [message] = notify("hana", "5")
    assert message.told is not None
    assert (message.told.result(), message.rests_on) == ((7,), ("aizu:5",))
    [entry] = here.audit.entries
    assert (entry.operation, [one.subject for one in entry.told]) == ("notification", [person("hana")])
