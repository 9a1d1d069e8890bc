"""Retrievals by id that arrive in one turn of the event loop are read with one statement, and answered one by one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from broker.doors import Built
from broker.http.front import Front
from broker.http.reads import GROUP_MAX, Ahead
from broker.http.route import Routes
from broker.http.table import OPERATIONS
from broker.model.entity import Entity
from broker.ports import INLINE, Command, EntityStore, Put
from tests.fakes.clock import FakeClock
from tests.fakes.hiding import HIDDEN_ENTITY, HidingPolicy
from tests.http.doors import ROOT, Reply, broker, front_door

ENGINES = ["memory", "sqlite", "mongo"]
CARS = GROUP_MAX * 2 + 5
Asked = tuple[str, str]
"""Id and tenant."""


class CountingStore(Ahead):
    """A store that notes what is read of it by id, and whose disk fails on demand."""

    def __init__(self, store: EntityStore) -> None:
        super().__init__(store, {})
        self.groups: list[tuple[str, int]] = []
        self.singles: list[str] = []
        self.failures = 0

    def get(self, tenant: str, entity_id: str) -> Entity | None:
        """The entity, noted."""
        self.singles.append(entity_id)
        return self.store.get(tenant, entity_id)

    def get_many(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """Those there are, noted."""
        self.groups.append((tenant, len(entity_ids)))
        if self.failures:
            self.failures -= 1
            raise OSError("the disk does not answer")
        return self.store.get_many(tenant, entity_ids)


@dataclass
class Door:
    """A front over a counting store."""

    front: Front
    store: CountingStore
    inline: bool

    def together(self, asked: Sequence[Asked], cancelled: frozenset[int] = frozenset()) -> list[Reply | None]:
        """The replies to retrievals that arrive in one turn; None for those whose client left in that turn."""
        return asyncio.run(self._together(asked, cancelled))

    def alone(self, asked: Asked) -> Reply | None:
        """The reply to one retrieval."""
        return self.together([asked])[0]

    async def _together(self, asked: Sequence[Asked], cancelled: frozenset[int]) -> list[Reply | None]:
        INLINE.set(True)
        tasks = [asyncio.ensure_future(self._ask(*one)) for one in asked]
        asyncio.get_running_loop().call_soon(lambda: [tasks[number].cancel() for number in cancelled])
        found = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), timeout=20)
        for number, reply in enumerate(found):
            assert isinstance(reply, asyncio.CancelledError if number in cancelled else Reply), reply
        return [reply if isinstance(reply, Reply) else None for reply in found]

    async def _ask(self, entity_id: str, tenant: str) -> Reply:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        path = f"{ROOT}/entities/{entity_id}"
        headers = [(b"ngsild-tenant", tenant.encode())] if tenant else []
        scope = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": headers,
        }  # fmt: skip
        await self.front(scope, receive, send)
        start, body = sent
        given = {name.decode().lower(): text.decode() for name, text in start["headers"]}
        return Reply(start["status"], given, body["body"])


def no_flask() -> Any:
    raise AssertionError("a retrieval went to Flask")


def counting(built: Built) -> Door:
    store = CountingStore(built.house.broker.entities)
    house = replace(built.house, broker=replace(built.house.broker, entities=store))
    return Door(Front(house, Routes(OPERATIONS), (), no_flask), store, house.inline)


def car(number: int) -> str:
    return f"urn:ngsi-ld:Car:{number}"


@pytest.fixture(name="door", params=ENGINES)
def door_with_cars(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Door]:
    """CARS cars in the default tenant, and car 0 in tenant `city`, whose speed is -1."""
    with broker(clock=FakeClock(), store=request.param, data=str(tmp_path / "data")) as (built, doors):
        create = front_door(doors)
        cars = [
            {"id": car(number), "type": "Car", "speed": {"value": number, "type": "Property"}} for number in range(CARS)
        ]
        assert create("POST", ROOT + "/entityOperations/create", {}, json.dumps(cars).encode()).status == 201
        other = {"id": car(0), "type": "Car", "speed": {"type": "Property", "value": -1}}
        assert create("POST", ROOT + "/entities", {"NGSILD-Tenant": "city"}, json.dumps(other).encode()).status == 201
        made = counting(built)
        yield made
        made.front.close()


def read(reply: Reply | None) -> dict[str, Any]:
    assert reply is not None
    found: dict[str, Any] = json.loads(reply.body)
    return found


def test_each_gets_its_own_entity_by_one_statement(door: Door) -> None:
    wanted = [7, 3, 3, 11, 0, 20]
    replies = door.together([(car(number), "") for number in wanted])
    assert [(read(reply)["id"], read(reply)["speed"]["value"]) for reply in replies] == [
        (car(number), number) for number in wanted
    ]
    assert (door.store.groups, door.store.singles) == ([("", 6)], [])


def test_one_alone_is_read_as_ever(door: Door) -> None:
    assert read(door.alone((car(1), "")))["id"] == car(1)
    ahead: tuple[list[tuple[str, int]], list[str]] = ([("", 1)], [])  # by a thread, for the event loop
    assert (door.store.groups, door.store.singles) == (([], [car(1)]) if door.inline else ahead)


def test_together_is_answered_as_alone(door: Door) -> None:
    asked = [
        (car(1), ""),
        ("urn:none", ""),
        ("no-uri", ""),
        (car(0), "city"),
        (car(0), "nobody"),
        (car(0), "no/tenant"),
    ]
    assert door.together(asked) == [door.alone(one) for one in asked]


def test_what_is_missing_or_in_no_tenant_harms_no_neighbour(door: Door) -> None:
    asked = [(car(1), ""), ("urn:none", ""), (car(0), "nobody"), (car(2), "")]
    replies = door.together(asked)
    assert [reply and reply.status for reply in replies] == [200, 404, 404, 200]
    assert read(replies[1])["type"].endswith("/ResourceNotFound")
    assert read(replies[2])["type"].endswith("/NonexistentTenant")
    assert "urn:none" not in door.store.singles, "that it is missing is known from the group"


def test_a_group_of_several_tenants_is_one_statement_for_each(door: Door) -> None:
    replies = door.together([(car(0), ""), (car(0), "city"), (car(1), ""), (car(1), "city")])
    assert [reply and reply.status for reply in replies] == [200, 200, 200, 404]
    assert [read(reply)["speed"]["value"] for reply in replies[:3]] == [0, -1, 1]
    assert (door.store.groups, door.store.singles) == ([("", 2), ("city", 2)], [])


def test_more_than_a_group_are_read_by_the_group(door: Door) -> None:
    replies = door.together([(car(number), "") for number in range(CARS)])
    assert [read(reply)["speed"]["value"] for reply in replies] == list(range(CARS))
    assert [count for _, count in door.store.groups] == [GROUP_MAX, GROUP_MAX, 5]


def test_a_client_that_left_takes_nobody_with_it(door: Door) -> None:
    replies = door.together([(car(number), "") for number in range(4)], cancelled=frozenset({0, 2}))
    assert [reply and reply.status for reply in replies] == [None, 200, None, 200]
    assert read(door.alone((car(0), "")))["id"] == car(0)


def test_a_read_that_fails_leaves_nobody_waiting(door: Door) -> None:
    door.store.failures = 2
    replies = door.together([(car(number), "") for number in range(5)])
    failed = 2 if door.inline else 1  # the first time was that of the thread
    assert [reply.status for reply in replies if reply is not None] == [500] * failed + [200] * (5 - failed)


def test_what_is_hidden_stays_hidden_in_a_group() -> None:
    with broker(clock=FakeClock(), access=HidingPolicy()) as (built, doors):
        create = front_door(doors)
        half = {"id": car(1), "type": "Car", "speed": {"type": "Property", "value": 1}}
        cars = [half, {**half, "id": HIDDEN_ENTITY}]
        for one in cars:
            create("POST", ROOT + "/entities", {}, json.dumps(one).encode())
        # under the policy nobody may write a hidden attribute: it is put where it is
        held = built.store.get("", car(1))
        assert held is not None
        ns = "https://uri.etsi.org/ngsi-ld/default-context/"
        full = replace(held, document={**held.document, ns + "hidden": {"type": "Property", "value": 2}})
        built.store.apply("", [Command(full.id, lambda _current, _now: Put(full))]).result()
        door = counting(built)
        shown, hidden = door.together([(car(1), ""), (HIDDEN_ENTITY, "")])
        assert [reply and reply.status for reply in (shown, hidden)] == [200, 404]
        assert sorted(read(shown)) == ["id", "speed", "type"]
        assert door.store.groups == [("", 2)]
        door.front.close()


def test_what_a_group_does_not_ask_for_is_read_when_it_is_needed(tmp_path: Path) -> None:
    with broker(store="sqlite", data=str(tmp_path), clock=FakeClock()) as (built, doors):
        door = front_door(doors)
        for number in (1, 2, 3):
            body = {"id": car(number), "type": "Car", "near": {"type": "Relationship", "object": car(number + 1)}}
            assert door("POST", ROOT + "/entities", {}, json.dumps(body).encode()).status == 201
        store = Ahead(built.house.broker.entities, {"": [car(1), car(9)]})
        assert [store.get("", car(number)) is not None for number in (1, 2, 9)] == [True, True, False]
