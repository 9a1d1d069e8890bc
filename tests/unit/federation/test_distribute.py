"""Giving sources their copies, and taking them back, whatever they answer (clauses 5.8.1.4, 5.8.2.4, 5.8.5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from broker.decode.subscription import decode_subscription
from broker.ldcontext.core import core_context
from broker.model.registration import REGISTRATION, EntityInfo, Information, Registration
from broker.model.values import Json
from broker.operations import subscribe
from broker.operations.broker import Broker
from broker.ports.held import Drop, HeldCommand, Hold
from broker.ports.sources import RELAY
from federation import distribute
from federation.distribute import Distributor, Parts
from federation.messages import Answered, Forward
from federation.registry import Registry
from tests.fakes.house import make_broker, make_call

CAR = "https://uri.etsi.org/ngsi-ld/default-context/Car"
SUBSCRIPTION, SOURCE = "urn:ngsi-ld:Subscription:1", "urn:ngsi-ld:ContextSourceRegistration:1"


class Core:
    """ContextNames that know no other @context than the core one."""

    def resolve_cached(self, _source: Json, _tenant: str = "") -> Any:
        """The core one."""
        return core_context()

    def resolve(self, _source: Json, _tenant: str = "") -> Any:
        """The core one."""
        return core_context()

    def link(self, source: Json, _tenant: str = "") -> str:
        """Its URL."""
        return str(source)


@dataclass
class World:
    """A broker with a distributor, whose sources answer `status` to everything."""

    broker: Broker = field(default_factory=make_broker)
    status: int = 201
    location: str = ""
    asked: list[Forward] = field(default_factory=list)

    def __post_init__(self) -> None:
        held, clock = self.broker.held, self.broker.clock
        self.registry = Registry(held, clock)
        self.parts = Parts(held, Core(), clock, self.registry, self, "misono", "http://misono", self.broker.new_id)
        self.distributor = Distributor(self.parts)

    def send(self, _tenant: str, forwards: Sequence[Forward]) -> list[Answered]:
        """The port Sending."""
        self.asked += forwards
        headers = {"location": self.location} if self.location else {}
        return [Answered(one, self.status, headers=headers) for one in forwards]

    def work(self) -> list[str]:
        """What sources were asked for: `POST /subscriptions`, shortened to the method."""
        self.asked.clear()
        self.distributor.work("")
        return [one.method for one in self.asked]

    def register(self, endpoint: str = "http://aizu", **members: Any) -> None:
        """Register one source of cars."""
        made = Registration(SOURCE, endpoint, (Information((EntityInfo((CAR,)),)),), **members)
        self._write(HeldCommand(REGISTRATION, SOURCE, lambda _current, _now: Hold(made.to_body()), creates=True))

    def unregister(self) -> None:
        """Delete it."""
        self._write(HeldCommand(REGISTRATION, SOURCE, lambda _current, _now: Drop()))

    def subscribe(self, via: str = "", **members: Any) -> None:
        """Subscribe to cars."""
        body = {
            "id": SUBSCRIPTION, "type": "Subscription", "entities": [{"type": "Car"}],
            "notification": {"endpoint": {"uri": "http://subscriber.example/"}},
        } | members  # fmt: skip
        received = decode_subscription(body, core_context())
        subscribe.create_subscription(self.broker, make_call(), received, "", via).result()

    def revise(self, **members: Any) -> None:
        """Change the subscription."""
        received = decode_subscription(members, core_context(), fragment=True)
        subscribe.update_subscription(self.broker, make_call(), SUBSCRIPTION, received).result()

    def unsubscribe(self) -> None:
        """Delete it."""
        subscribe.delete_subscription(self.broker, make_call(), SUBSCRIPTION).result()

    @property
    def relays(self) -> list[Any]:
        """What is kept of copies."""
        return [copy for held in self.broker.held.all_held("", RELAY) for copy in held.body["copies"].values()]  # type: ignore[union-attr]

    def _write(self, command: HeldCommand) -> None:
        self.broker.held.apply_held("", [command]).result()
        self.registry.moved("")


@pytest.fixture
def world() -> World:
    """A subscription to cars, and a source of them."""
    found = World()
    found.register()
    found.subscribe()
    return found


def test_a_source_gets_a_copy_once(world: World) -> None:
    assert world.work() == ["POST"]
    (copy,) = world.relays
    assert copy["sent"]
    assert world.work() == []


def test_the_id_is_that_which_the_source_gives_it(world: World) -> None:
    world.location = "/ngsi-ld/v1/subscriptions/urn%3Aaizu%3A9"
    world.work()
    world.unsubscribe()
    world.status, world.location = 204, ""
    assert world.work() == ["DELETE"]
    assert world.asked[0].path == "/subscriptions/urn%3Aaizu%3A9"
    assert world.relays == []


def test_a_change_of_the_subscription_is_passed_on_and_one_that_says_the_same_is_not(world: World) -> None:
    world.work()
    world.revise(q="speed>50")
    world.status = 204
    assert world.work() == ["PATCH"]
    assert dict(world.asked[0].body or {})["q"] == "speed>50"  # type: ignore[arg-type]
    world.revise(description="mine")
    assert world.work() == []


def test_a_copy_goes_with_its_registration(world: World) -> None:
    world.work()
    world.unregister()
    world.status = 204
    assert world.work() == ["DELETE"]
    assert world.asked[0].registration.endpoint == "http://aizu"
    assert world.relays == []


def test_a_source_that_moved_gets_its_copy_where_it_is_now(world: World) -> None:
    world.work()
    world.register("http://busan")
    assert world.work() == ["DELETE", "POST"]
    assert [one.registration.endpoint for one in world.asked] == ["http://aizu", "http://busan"]


def test_what_failed_is_not_forgotten_and_not_repeated_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.status = 503
    assert world.work() == ["POST"]
    assert len(world.relays) == 1, "it is kept before the source is asked"
    assert world.work() == []
    monkeypatch.setattr(distribute, "monotonic", lambda: 1e12)
    world.status = 201
    assert world.work() == ["POST"]
    assert world.work() == []


def test_another_process_goes_on_where_one_ended(world: World) -> None:
    world.work()
    world.revise(q="speed>50")
    world.distributor = Distributor(world.parts)
    world.status = 204
    assert world.work() == ["PATCH"]


def test_a_copy_that_is_there_already_is_made_what_it_should_be(world: World) -> None:
    world.status = 409
    world.asked.clear()
    world.distributor.work("")
    assert [one.method for one in world.asked][:2] == ["POST", "PATCH"]


def test_a_copy_that_the_source_has_lost_is_given_again(world: World) -> None:
    world.work()
    world.revise(q="speed>50")
    world.status = 404
    assert world.work()[:2] == ["PATCH", "POST"]


@pytest.mark.parametrize(
    ("of_source", "of_subscription"),
    [
        ({"operations": ("retrieveOps",)}, {}),
        ({"mode": "auxiliary"}, {}),
        ({"alias": "aizu"}, {"via": "1.1 aizu"}),
        ({}, {"localOnly": True}),
        ({}, {"csf": 'mode=="exclusive"'}),
        ({}, {"entities": [{"type": "Bus"}]}),
    ],
)
def test_some_get_none(of_source: dict[str, Any], of_subscription: dict[str, Any]) -> None:
    world = World()
    world.register(**of_source)
    world.subscribe(**of_subscription)
    assert world.work() == []
    assert world.relays == []


def test_brokers_on_the_way_are_named() -> None:
    world = World()
    world.register()
    world.subscribe(via="1.1 busan")
    world.work()
    assert dict(world.asked[0].headers)["Via"] == "1.1 busan, 1.1 misono"
