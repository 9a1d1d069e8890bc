"""What operations cost in commands, counted on the wire at the doors of one broker that is warm."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from broker.doors import Built
from broker.stores.mongo.trail import LATE_S
from tests.engines.mongodb.counting import COUNTING, REQUESTS, Sent, Tally
from tests.engines.mongodb.houses import house
from tests.engines.wires.running import fresh
from tests.fakes.receiver import Receiver
from tests.http.doors import ROOT, Door, broker, front_door

TIMES, TRIES = 5, 60
PAGE = 100
NAMES = count()


@dataclass(frozen=True, slots=True)
class City:
    """A broker on MongoDB with two pages of entities in it."""

    built: Built
    door: Door
    receiver: Receiver

    def send(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        """One request, whose answer must be as told."""
        reply = self.door(method, ROOT + path, {}, None if body is None else json.dumps(body).encode())
        assert reply.status == status, reply.body
        return json.loads(reply.body) if reply.body else None


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    data = str(tmp_path_factory.mktemp("city"))
    with (
        Receiver() as receiver,
        fresh() as url,
        broker(store=url, data=data, deliver=True, allow_private="true") as (built, doors),
    ):
        city = City(built, front_door(doors), receiver)
        city.send("POST", "/entityOperations/upsert", [house(next(NAMES)) for _ in range(2 * PAGE)], 201)
        yield city


def told(name: str, each: list[Tally]) -> None:
    """Print what an operation costs, at most, as figures."""
    for part in ("commands", "statements", "documents_read", "bytes_sent", "bytes_read"):
        print(f"figure {name}_{part} {max(getattr(one, part) for one in each)} {len(each)}")
    print(f"{name}: {', '.join(each[-1].names())}")


def repeated(name: str, work: Callable[[], object], most: float, threads: tuple[str, ...] = REQUESTS) -> list[Tally]:
    """What an operation sends, each of TIMES times after the first one; never more than `most` commands.

    A write that took long moves what it wrote to a later place in the order, by a command more: a machine that is busy
    with something else is asked again.
    """
    work()
    each: list[Tally] = []
    for _ in range(TRIES):
        began = time.monotonic()
        one = COUNTING.tally(work, threads)
        if time.monotonic() - began < LATE_S:
            each.append(one)
        if len(each) == TIMES:
            break
    assert len(each) == TIMES, "this machine is too slow to count on"
    told(name, each)
    for one in each:
        assert 0 < one.commands <= most, one.names()
    return each


def entity_id(number: int) -> str:
    return f"urn:ngsi-ld:House:{number:06}"


def test_a_create_takes_three(city: City) -> None:
    repeated("create", lambda: city.send("POST", "/entities", house(next(NAMES)), 201), 3)


def test_a_batch_of_a_hundred_takes_no_more_than_one_entity(city: City) -> None:
    def batch() -> None:
        city.send("POST", "/entityOperations/upsert", [house(next(NAMES)) for _ in range(100)], 201)

    repeated("batch", batch, 4)


def test_a_get_takes_one(city: City) -> None:
    repeated("get", lambda: city.send("GET", f"/entities/{entity_id(3)}"), 1)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("page", "type=House"),
        ("page_q", "type=House&q=reading1%3E20"),
        ("page_near", "type=House&georel=near;maxDistance==20000&geometry=Point&coordinates=%5B139.7,35.85%5D"),
        ("page_second", "type=House&offset=10"),
    ],
)
def test_a_page_takes_two(city: City, name: str, query: str) -> None:
    def page() -> None:
        assert len(city.send("GET", f"/entities?{query}&limit={PAGE}")) == PAGE

    repeated(name, page, 2)


def test_an_update_takes_four(city: City) -> None:
    """It reads what it changes, then writes as a create does."""
    values = count(1000)

    def patch() -> None:
        body = {"reading1": {"type": "Property", "value": next(values)}}
        city.send("PATCH", f"/entities/{entity_id(5)}/attrs", body, 204)

    repeated("patch", patch, 4)


def test_a_delete_takes_five(city: City) -> None:
    """Its tombstone is taken away when what follows from it is there."""
    numbers = iter(range(20, 100))
    repeated("delete", lambda: city.send("DELETE", f"/entities/{entity_id(next(numbers))}", None, 204), 5)


def test_what_was_is_read_by_four(city: City) -> None:
    path = (
        f"/temporal/entities/{entity_id(5)}?timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=modifiedAt&lastN=5"
    )
    repeated("history", lambda: city.send("GET", path), 4)


def test_a_notification_costs_the_write_no_command_more(city: City) -> None:
    subscription = {
        "id": "urn:ngsi-ld:Subscription:counted",
        "type": "Subscription",
        "entities": [{"type": "Shop"}],
        "notification": {"endpoint": {"uri": city.receiver.url}},
    }
    city.send("POST", "/subscriptions", subscription, 201)
    before = len(city.receiver.received)

    def create() -> None:
        city.send(
            "POST",
            "/entities",
            {**house(number := next(NAMES)), "id": f"urn:ngsi-ld:Shop:{number}", "type": "Shop"},
            201,
        )

    repeated("create_notified", create, 3, ("misono-lane",))  # delivery begins beside it, in threads of its own
    city.receiver.wait(before + TIMES + 1)
    threading.Event().wait(1.0)
    arrived = len(city.receiver.received)

    with COUNTING.during() as kept:
        for _ in range(TIMES):
            create()
            arrived += 1
            city.receiver.wait(arrived)
            threading.Event().wait(0.5)  # what follows from an arrival is written by then
    trail = [one for one in kept if one.collection == "trail" and not one.thread.startswith(("misono-repair", "front"))]
    closing = [one for one in trail if one.name != "insert"]  # what the creates wrote
    for part in ("statements", "documents_read", "bytes_sent", "bytes_read"):
        print(f"figure closing_{part} {getattr(Tally(tuple(closing)), part) / TIMES} {TIMES}")
    print(f"figure closing_commands {len(closing) / TIMES} {TIMES}")
    print(f"closing: {', '.join(Tally(tuple(closing)).names())}")


def test_nothing_to_do_costs_a_few_commands_a_second(city: City) -> None:
    seconds = 3
    with COUNTING.during() as kept:
        threading.Event().wait(seconds)
    print(f"figure idle_commands {len(kept) / seconds} {len(kept)}")
    print("idle:", ", ".join(sorted({f"{one.name} {one.collection} ({one.thread})" for one in kept})))


def test_every_command_names_its_tenant(city: City) -> None:
    """So a shard key that begins with the tenant, or with `_id`, which does, sends each to where it belongs."""
    with COUNTING.during() as kept:
        city.send("POST", "/entities", house(number := next(NAMES)), 201)
        city.send("GET", f"/entities/{entity_id(number)}")
        city.send("GET", "/entities?type=House&q=reading1%3E20&limit=5")
        city.send("PATCH", f"/entities/{entity_id(number)}/attrs", {"reading2": {"type": "Property", "value": 0}}, 204)
        city.send("DELETE", f"/entities/{entity_id(number)}", None, 204)
    for one in kept:
        if one.collection in ("entities", "trail", "known") and one.thread.startswith(REQUESTS):
            for where in filters(one):
                assert where.keys() & {"_id", "t"}, where


def filters(one: Sent) -> list[dict[str, Any]]:
    """The filters of a command."""
    command = one.command
    whole = [command[name] for name in ("filter", "query") if name in command]
    return whole + [part["q"] for name in ("updates", "deletes") for part in command.get(name, ())]
