r"""A broker in this process with devices that can be commanded, behind a link that a test holds in its hand.

with commanded(tmp_path, FILES) as city:
    city.create({"id": CHARGER, "type": "EVChargingStation", "ratedPower": …})
    city.patch(CHARGER, {"chargingLimit": {"type": "Property", "value": 3000, "unitCode": "WTT"}})
    city.settle()
    assert city.link.orders == […]
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from adapters.assembling import Around, Assembled, assemble
from adapters.commands.assembled import Answering, make_commanding
from adapters.commands.claimed import HeldClaims
from adapters.commands.commanding import Commanding, Ways
from adapters.commands.following import Follower
from adapters.commands.guarding import Guard
from adapters.commands.modelled import LibraryModels
from adapters.commands.states import Commanded
from adapters.device import Device
from adapters.link import Ground, Link, Receive
from adapters.mapping_files import packaged_contexts
from adapters.order import Delivered, NotReached, Order
from adapters.readings import Answered
from adapters.store import AdapterStore
from adapters.table import make_link
from broker.doors import Built, Doors, make_doors
from broker.hub.inside import HubInside
from broker.model.values import Json
from broker.ports import Access, Clock, Principal
from broker.wiring import SystemClock, build
from specs.door import Door, Reply, door_of, settings_of
from tests.engines.wires.running import WIRES, fresh
from tests.fakes.clock import FakeClock
from tests.fakes.hubs import FarHub

CHARGER = "urn:ngsi-ld:EVChargingStation:misono:c1"
CONTEXT = "https://misono.example/contexts/sdm-transportation-v1.jsonld"
NS = "https://uri.etsi.org/ngsi-ld/default-context/"
LINK = f'<{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
PATIENCE_S = 10.0
Outcome: TypeAlias = Callable[[Order], Delivered]
RESOLVE = packaged_contexts()
CHARGERS = """
adapter: chargers
link: {kind: hand}
codec: {kind: json}
mapping: chargers
devices:
  - {id: c1, entity_id: "urn:ngsi-ld:EVChargingStation:misono:c1"}
  - {id: c2, entity_id: "urn:ngsi-ld:EVChargingStation:misono:c2"}
"""
MAPPING = """
mapping: chargers
version: 1
context: [https://misono.example/contexts/sdm-transportation-v1.jsonld]
entities:
  - {id: "urn:ngsi-ld:EVChargingStation:misono:{device}", type: EVChargingStation, attributes: {status: state}}
  - id: "urn:ngsi-ld:EVChargingPoint:misono:{device}:{part}"
    type: EVChargingPoint
    when: {part: "?*"}
    attributes: {status: state}
commands:
  - attribute: chargingLimit
    name: SetChargingProfile
    unit: WTT
    min: 0
    max: [22000, ratedPower]
    only_when: {status: [working, almostFull]}
    ttl_s: 60
  - {attribute: charging, name: RemoteStart, words: {start: Start, stop: Stop}, once: true, ttl_s: 30}
  - {attribute: pointLimit, name: LimitPoint, type: EVChargingPoint, unit: AMP, min: 0, max: 32}
"""
FILES = {"chargers.yaml": CHARGERS, "mapping.yaml": MAPPING}


READY: Final = {
    "id": CHARGER,
    "type": "EVChargingStation",
    "status": {"type": "Property", "value": "working"},
    "ratedPower": {"type": "Property", "value": 7.4, "unitCode": "KWT"},
}
"""The charger as it is when it works."""
START: Final = {"charging": {"type": "Property", "value": "start"}}


def limit(watts: Any, **more: Any) -> dict[str, Any]:
    """A fragment that limits the charger."""
    return {"chargingLimit": {"type": "Property", "value": watts, "unitCode": "WTT", **more}}


def text(value: str) -> dict[str, str]:
    """A Property of a text."""
    return {"type": "Property", "value": value}


def handed_over(_: Order) -> Delivered:
    """An outcome: the device has it, and says nothing of it yet."""
    return Delivered("DELIVERED")


@dataclass
class FakeLink:
    """A link that does with each order what `outcome` says: give it back, raise it, or wait for ever."""

    orders: list[Order] = field(default_factory=list)
    outcome: Outcome = handed_over
    hangs: bool = False
    receive: Receive | None = None

    async def run(self, receive: Receive) -> None:
        """Wait for frames."""
        self.receive = receive
        await asyncio.Event().wait()

    async def send(self, order: Order) -> Delivered:
        """What the test wants of it."""
        self.orders.append(order)
        if self.hangs:
            await asyncio.Event().wait()
        return self.outcome(order)

    def not_reached(self, _: Order) -> Delivered:
        """An outcome: nobody is there."""
        raise NotReached("nobody is there")

    def broken(self, _: Order) -> Delivered:
        """An outcome: the link's own fault."""
        raise RuntimeError("a fault of the link")


@dataclass
class City:
    """The broker, its doors, and the commands that nobody but the test moves on."""

    built: Built
    doors: Doors
    door: Door
    link: FakeLink
    commanding: Commanding
    assembled: Assembled
    clock: Clock
    started: bool
    far: FarHub | None = None

    @property
    def guard(self) -> Guard:
        """That of the store."""
        assert self.built.guard is not None
        return self.built.guard

    @property
    def hub(self) -> FarHub:
        """The broker, as adapters beside it have it."""
        assert self.far is not None
        return self.far

    @property
    def follower(self) -> Follower:
        """Who reads the log."""
        assert self.commanding.follower is not None
        return self.commanding.follower

    def create(self, entity: Mapping[str, Any]) -> Reply:
        """POST /entities."""
        return self.send("POST", "/entities", entity)

    def patch(self, entity_id: str, fragment: Mapping[str, Any]) -> Reply:
        """PATCH /entities/{id}/attrs."""
        return self.send("PATCH", f"/entities/{quote(entity_id, safe=':')}/attrs", fragment)

    def give(self, fragment: Mapping[str, Any]) -> None:
        """PATCH the charger, and do what follows."""
        assert self.patch(CHARGER, fragment).status == 204
        self.settle()

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        assert isinstance(self.clock, FakeClock)
        self.clock.advance(seconds)

    def delete(self, path: str) -> Reply:
        """Any DELETE."""
        return self.door("DELETE", f"/ngsi-ld/v1{path}", {"Link": LINK}, b"")

    def send(self, method: str, path: str, body: Any, link: str = LINK) -> Reply:
        """Any operation with a body."""
        headers = {"Content-Type": "application/json", "Link": link}
        return self.door(method, f"/ngsi-ld/v1{path}", headers, json.dumps(body).encode())

    def entity(self, entity_id: str = CHARGER) -> dict[str, Any]:
        """The entity as a client sees it; empty where there is none."""
        reply = self.door("GET", f"/ngsi-ld/v1/entities/{entity_id}", {"Link": LINK}, b"")
        found: dict[str, Any] = reply.json() if reply.status == 200 else {}
        return found

    def settle(self) -> None:
        """Do what is to be done now, links included."""
        if self.started:
            time.sleep(0.3)
            return
        going = self.commanding.deliverer
        self.commanding.turn()
        end = time.monotonic() + PATIENCE_S
        while going.waits and not self.link.hangs:
            assert time.monotonic() < end, "the link did not answer"
            time.sleep(0.002)
            self.commanding.turn()
        self.commanding.tell()

    def answer(self, answer: Answered, device: str = "c1") -> None:
        """The device says something of a command."""
        self.commanding.answered(self.device(device), answer).result(PATIENCE_S)
        self.settle()

    def device(self, name: str = "c1") -> Device:
        """One of the devices."""
        return self.assembled.devices.find("chargers", name)

    def events(self) -> list[Json]:
        """What the audit has."""
        return [row.told["event"] for row in self.commanding.book.audit.rows(limit=1_000) if row.told]

    def commands(self, **filters: str) -> list[Commanded]:
        """All commands there are."""
        return self.commanding.book.listed(filters)

    def status(self, attribute: str = "chargingLimit", entity_id: str = CHARGER) -> str:
        """What the entity shows of its newest command; empty for nothing."""
        held = self.entity(entity_id).get(f"{attribute}Status", {})
        return str(held.get("value", ""))

    def result(self, attribute: str = "chargingLimit", entity_id: str = CHARGER) -> Any:
        """The same of its result."""
        return self.entity(entity_id).get(f"{attribute}Result", {}).get("value")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _built(directory: Path, store: str, ports: tuple[Clock, Access | None], closing: ExitStack) -> Built:
    place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
    folders = "--data", str(directory / "data"), "--adapters", str(directory / "city")
    built = build(settings_of("--store", place, *folders), clock=ports[0], access=ports[1])
    closing.callback(built.close)
    return built


def _inside(built: Built) -> HubInside:
    """The hub as its adapters have it; claims hold at once."""
    assert built.guard is not None
    built.guard.keep(HeldClaims(built.store.held, count().__next__), lambda: True)
    return HubInside(built.house, Principal("adapters"))


@contextmanager
def commanded(
    directory: Path,
    files: Mapping[str, str] = FILES,
    *,
    clock: Clock | None = None,
    access: Access | None = None,
    store: str = "memory",
    start: bool = False,
    outcome: Outcome = handed_over,
    beside: bool = False,
) -> Iterator[City]:
    """A broker whose devices are those of the files; a link `hand` does as `City.link` says, at first `outcome`.

    With `start` commands go by themselves, else when the test says so. `beside` has the adapters use the broker as one
    that is elsewhere: what commands is claimed there, and its changes are followed.
    """
    clock, folder, link = clock or SystemClock(), directory / "city", FakeLink(outcome=outcome)

    def made(kind: str, ground: Ground) -> Link:
        return link if kind == "hand" else make_link(kind, ground)

    _write(folder, files)
    with ExitStack() as closing:
        built = _built(directory, store, (clock, access), closing)
        adapters = AdapterStore(directory / "data")
        closing.callback(adapters.close)
        inside = _inside(built)
        far = FarHub(inside) if beside else None
        answering, hub = Answering(), inside if far is None else far
        around = Around(hub, adapters, clock, RESOLVE, answering, make_link=made)
        assembled = assemble(folder, around)
        assembled.start()
        closing.callback(assembled.stop)
        assert built.packages is not None
        ways = Ways(built.guard) if far is None else Ways(None, far, far, lambda: clock.now() / 1_000_000)
        commanding = answering.to = make_commanding(assembled, around, ways, LibraryModels(built.packages.now))
        closing.callback(commanding.stop)
        if start:
            commanding.start()
        else:
            commanding.turn()
        doors = make_doors(built)
        closing.callback(doors.close)
        yield City(built, doors, door_of(doors), link, commanding, assembled, clock, start, far)
