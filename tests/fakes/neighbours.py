"""Brokers in one process that ask each other without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from broker.decode.text import parse_json
from broker.doors import Built, Doors, make_doors
from broker.encode.text import dump
from broker.http.exchange import Exchange
from broker.model.entity import Document
from broker.model.registration import REGISTRATION, EntityInfo, Information, Registration
from broker.ports.held import HeldCommand, Hold
from federation.hub import Federation, Hub
from federation.messages import Answered, Forward
from federation.persons import on_behalf
from federation.registry import Registry
from federation.snapshots import FarSnapshots
from federation.table import HANDLERS
from federation.via import via_header
from tests.http.doors import ROOT, Reply, broker, flask_door


@dataclass
class Neighbour:
    """One of the brokers, spoken to at its door."""

    name: str
    built: Built
    doors: Doors
    sources: Neighbours

    def send(self, method: str, path: str, headers: dict[str, str] | None = None, body: Any = None) -> Reply:
        """One request; `body` is JSON."""
        return flask_door(self.doors)(method, ROOT + path, headers or {}, None if body is None else dump(body))

    def json(self, method: str, path: str, headers: dict[str, str] | None = None, body: Any = None) -> Any:
        """The body of an answer that is no refusal."""
        reply = self.send(method, path, headers, body)
        assert reply.status < 300, (reply.status, reply.body)
        return parse_json(reply.body) if reply.body else None

    def register(self, registration_id: str, endpoint: str, *types: str, **more: Any) -> Registration:
        """Another one as a context source for entities of these types (IRIs), from now on."""
        information = more.pop("information", (Information(tuple(EntityInfo((one,)) for one in types)),))
        made = Registration(registration_id, endpoint, information, **more)
        command = HeldCommand(REGISTRATION, made.id, lambda _current, _now: Hold(made.to_body()))
        self.built.store.held.apply_held("", [command]).result()
        far = self.built.house.far
        assert far is not None
        far.moved("")
        return made


@dataclass
class Neighbours:
    """The port `federation.sources.Sources`: endpoints are names of brokers; others do not answer.

    `said` holds answers by endpoint that are given in a broker's place; `asked` is what was forwarded.
    """

    doors: dict[str, Neighbour] = field(default_factory=dict)
    said: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[Forward] = field(default_factory=list)

    def send(self, tenant: str, forwards: Sequence[Forward]) -> list[Answered]:
        """Asks nobody: what no request waits for has its own tests."""
        assert tenant is not None
        return [Answered(one, 0, trouble="unreachable") for one in forwards]

    def ask(self, exchange: Exchange, forwards: Sequence[Forward]) -> list[Answered]:
        """What each answered; in threads of their own, as a request to another process would be."""
        asked = on_behalf(exchange.call, forwards)
        self.asked += asked
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda forward: self._ask(exchange, forward), asked))

    def _ask(self, exchange: Exchange, forward: Forward) -> Answered:
        endpoint = forward.registration.endpoint
        if endpoint in self.said:
            status, body = self.said[endpoint]
            return Answered(forward, status, body)
        neighbour = self.doors.get(endpoint)
        if neighbour is None:
            return Answered(forward, 0, trouble="unreachable", detail="nobody there")
        query = urlencode(forward.parameters)
        headers = {"Via": via_header(exchange.request, exchange.house.alias, ""), **dict(forward.headers)}
        reply = neighbour.send(forward.method, forward.path + (f"?{query}" if query else ""), headers, forward.body)
        return Answered(forward, reply.status, parse_json(reply.body) if reply.body else None, reply.headers)


@contextmanager
def neighbours(*names: str, temporal_page: int = 1000) -> Iterator[list[Neighbour]]:
    """Brokers of these names, each with memory of its own; the name is alias and endpoint alike."""
    sources, made = Neighbours(), list[Neighbour]()
    with ExitStack() as stack:
        for name in names:
            built, _ = stack.enter_context(broker(alias=name, temporal_page=f"{temporal_page}"))
            store, house = built.store, built.house
            hub = Hub(Registry(store.held, house.broker.clock), sources, house.alias, f"http://{name}")
            elsewhere = FarSnapshots()
            house = replace(house, far=Federation(hub, HANDLERS), broker=replace(house.broker, elsewhere=elsewhere))
            elsewhere.begin(hub, house)
            changed = replace(built, house=house)
            sources.doors[name] = Neighbour(name, changed, make_doors(changed), sources)
            made.append(sources.doors[name])
        yield made


def series(entity_id: str, entity_type: str, **attributes: Any) -> Document:
    """A history to be posted: `speed={"2026-05-01": 10}` is an instance observed on that day."""
    document: Document = {"id": entity_id, "type": entity_type}
    for name, values in attributes.items():
        document[name] = [
            {"type": "Property", "value": value, "observedAt": f"{day}T00:00:00Z"} for day, value in values.items()
        ]
    return document
