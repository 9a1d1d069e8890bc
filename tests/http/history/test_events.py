"""The change stream: order, positions, filters, back-pressure, what a follower may see, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.access.policies import AllowAll
from broker.doors import Built, Doors
from broker.errors import ResourceNotFound
from broker.model.entity import Entity
from broker.ports import Command, Put, Remove
from broker.stores import memory
from tests.fakes.clock import FakeClock
from tests.fakes.hiding import HIDDEN_ENTITY, HIDDEN_INSTANCE, HIDDEN_TYPE, NS, HidingPolicy, cut
from tests.http.doors import broker, front_door
from tests.http.history.streaming import entity, follow, numbers

Serving = tuple[Built, Doors]


@pytest.fixture(params=["memory", "sqlite", "mongo"])
def serving(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serving]:
    with broker(clock=FakeClock(), store=request.param, data=str(tmp_path / "data")) as made:
        yield made


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    """A broker whose log holds four changes."""
    monkeypatch.setattr(memory, "LOG_ROWS_MAX", 4)
    with broker(clock=FakeClock()) as made:
        yield made


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def write(built: Built, *entities: Entity, tenant: str = "") -> None:
    commands = [Command(one.id, lambda _c, _n, one=one: Put(one), creates=True) for one in entities]  # type: ignore[misc]
    built.house.broker.entities.apply(tenant, commands).result()


def remove(built: Built, name: str) -> None:
    built.house.broker.entities.apply("", [Command(f"urn:ngsi-ld:{name}", lambda _c, _n: Remove())]).result()


def prop(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def test_a_follower_gets_what_comes_with_before_and_after(serving: Serving) -> None:
    built, doors = serving

    async def work() -> None:
        write(built, entity("1", speed=0))
        one = await follow(doors.front)
        write(built, entity("2", speed=1, scope="/x"))
        write(built, entity("2", speed=2, scope="/x"))
        remove(built, "2")
        made, updated, deleted = await one.until(3)
        await one.leave()
        assert one.headers["content-type"] == "text/event-stream"
        assert one.headers["link"].startswith("<https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context")
        assert made == {
            "id": "urn:ngsi-ld:2",
            "type": "Car",
            "change": "created",
            "version": 1,
            "at": "2026-01-01T00:00:00.000000Z",
            "after": {"type": "Car", "scope": "/x", "speed": prop(1)},
        }
        assert (updated["change"], updated["version"]) == ("updated", 2)
        assert (updated["before"], updated["after"]) == ({"speed": prop(1)}, {"speed": prop(2)})
        assert (deleted["change"], deleted.get("after")) == ("deleted", None)
        assert deleted["before"] == {"type": "Car", "scope": "/x", "speed": prop(2)}
        assert [event.id for event in one.events()] == numbers(built), "first where it is, then each change"

    run(work)


def test_positions(serving: Serving) -> None:
    built, doors = serving

    async def work() -> None:
        write(built, *(entity(str(number), speed=number) for number in range(5)))
        at = numbers(built)
        for query, headers, expected in (
            ("after=0", {}, at),
            (f"after={at[2]}", {}, at[3:]),
            ("", {"Last-Event-ID": str(at[3])}, at[4:]),
            (f"after={at[0]}", {"Last-Event-ID": str(at[3])}, at[4:]),
        ):
            one = await follow(doors.front, query, headers)
            await one.until(len(expected))
            assert [event.id for event in one.events() if event.data] == expected
            await one.leave()

    run(work)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("type=Car", ["a", "b", "b"]),
        ("type=Bus", ["b", "c"]),
        ("type=Car%7CBus", ["a", "b", "b", "c"]),
        ("attrs=colour", ["b", "c"]),
        ("attrs=speed,colour", ["a", "b", "b", "c"]),
        ("scopeQ=/east/%23", ["a", "b", "b"]),
        ("scopeQ=/west", ["b"]),
        ("id=urn:ngsi-ld:a,urn:ngsi-ld:c", ["a", "c"]),
        ("idPattern=.*[bc]$", ["b", "b", "c"]),
        ("type=Car&attrs=colour", ["b"]),
    ],
)
def test_filters(serving: Serving, query: str, expected: list[str]) -> None:
    built, doors = serving

    async def work() -> None:
        write(built, entity("a", speed=1, scope="/east"), entity("b", speed=1, scope="/east/one"))
        write(built, entity("b", types=["Car", "Bus"], speed=1, colour="red", scope="/west"))
        write(built, entity("c", types="Bus", speed=1, colour="red"), entity("end", types="End"))
        one = await follow(doors.front, f"after=0&{query}")
        every = await follow(doors.front, "after=0&type=End")
        await every.until(1)
        seen = await one.until(len(expected))
        assert [change["id"].rpartition(":")[2] for change in seen] == expected
        await one.leave()
        await every.leave()

    run(work)


def test_all_followers_get_the_same_order_while_writes_go_on(serving: Serving) -> None:
    built, doors = serving

    async def work() -> None:
        followers = [await follow(doors.front, "after=0") for _ in range(8)]
        loop = asyncio.get_running_loop()
        writing = [loop.run_in_executor(None, _write_many, built, name) for name in "abc"]
        await asyncio.gather(*writing)
        orders = []
        for one in followers:
            await one.until(600)
            orders.append([event.id for event in one.events() if event.data])
            await one.leave()
        assert all(order == numbers(built) for order in orders)
        assert len(orders[0]) == 600

    run(work)


def _write_many(built: Built, name: str) -> None:
    for number in range(200):
        write(built, entity(name, speed=number))


def test_who_takes_nothing_holds_nothing_and_catches_up(serving: Serving) -> None:
    built, doors = serving

    async def work() -> None:
        slow, quick = await follow(doors.front), await follow(doors.front)
        slow.room.clear()
        for start in range(0, 2000, 100):
            write(built, *(entity(str(number), speed=number) for number in range(start, start + 100)))
        await quick.until(2000)
        taken = slow.taken
        assert len(slow.changes()) <= 64, "one batch may be under way"
        slow.room.set()
        seen = await slow.until(2000)
        assert [change["after"]["speed"]["value"] for change in seen] == list(range(2000))
        assert taken <= 2
        await slow.leave()
        await quick.leave()

    run(work)


def test_a_position_that_is_no_longer_kept_is_gone(forgetful: Serving) -> None:
    built, doors = forgetful

    async def work() -> None:
        write(built, *(entity(str(number), speed=number) for number in range(10)))
        kept = await follow(doors.front, "after=6")
        await kept.until(4)
        for position in ("5", "11", "0"):
            refused = await follow(doors.front, "", {"Last-Event-ID": position})
            problem = json.loads(refused.text)
            assert (refused.status, problem["oldest"], problem["pointer"]) == (410, 7, "Last-Event-ID")
        await kept.leave()

    run(work)


def test_who_falls_behind_the_log_is_told_and_ended(forgetful: Serving) -> None:
    built, doors = forgetful

    async def work() -> None:
        slow = await follow(doors.front)
        slow.room.clear()
        write(built, entity("first", speed=0))
        await asyncio.sleep(0.1)
        for number in range(600):
            write(built, entity("a", speed=number))
            if number % 100 == 0:
                await asyncio.sleep(0.05)
        slow.room.set()
        await slow.wait(lambda: slow.ended)
        last = slow.events()[-1]
        assert (last.name, last.data["status"], last.data["oldest"]) == ("gone", 410, 598)

    run(work)


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("limit=3", {}, 400),
        ("type=Car&type=Bus", {}, 400),
        ("type=(", {}, 400),
        ("after=x", {}, 400),
        ("after=1&after=2", {}, 400),
        ("", {"Last-Event-ID": "-1"}, 400),
        ("", {"Last-Event-ID": "99999999999999999999"}, 400),
        ("", {"NGSILD-Tenant": "nowhere"}, 404),
        ("", {"NGSILD-Tenant": "no/where"}, 400),
        ("", {"Accept": "application/json"}, 406),
    ],
)
def test_refusals(serving: Serving, query: str, headers: dict[str, str], status: int) -> None:
    _, doors = serving

    async def work() -> None:
        refused = await follow(doors.front, query, headers)
        assert refused.status == status, refused
        assert json.loads(refused.text)["status"] == status

    run(work)


def test_each_tenant_has_a_stream_of_its_own(serving: Serving) -> None:
    built, doors = serving

    async def work() -> None:
        write(built, entity("here", speed=1), tenant="city")
        one = await follow(doors.front, "after=0", {"NGSILD-Tenant": "city"})
        write(built, entity("elsewhere", speed=1))
        write(built, entity("there", speed=1), tenant="city")
        assert [change["id"] for change in await one.until(2)] == ["urn:ngsi-ld:here", "urn:ngsi-ld:there"]
        assert one.headers["ngsild-tenant"] == "city"
        await one.leave()

    run(work)


def test_an_idle_stream_says_how_far_it_is(serving: Serving) -> None:
    built, doors = serving
    doors.events.heartbeat_s = 0.05

    async def work() -> None:
        one = await follow(doors.front, "type=Bus")
        write(built, entity("a", speed=1))
        await asyncio.sleep(0.4)
        await one.leave()
        assert [one.events()[-1].id] == numbers(built)
        assert one.changes() == []

    run(work)


def test_the_stop_ends_streams_and_begins_none(serving: Serving) -> None:
    _, doors = serving

    async def work() -> None:
        one = await follow(doors.front)
        stuck = await follow(doors.front)
        stuck.room.clear()
        doors.stop()
        for each in (one, stuck):
            assert each.task is not None
            async with asyncio.timeout(3):
                await each.task
        assert one.ended
        refused = await follow(doors.front)
        assert refused.status == 503

    run(work)


def test_other_methods_are_no_stream(serving: Serving) -> None:
    _, doors = serving
    assert front_door(doors)("POST", "/events", {}, b"{}").status == 404
    assert front_door(doors)("HEAD", "/events").status == 404


HIDDEN = [
    entity("plain", speed=1),
    Entity({"id": HIDDEN_ENTITY, "type": f"{NS}Thing", f"{NS}name": prop("x")}, 0, 0),
    Entity({"id": "urn:ngsi-ld:rare", "type": [f"{NS}Thing", HIDDEN_TYPE], f"{NS}name": prop("x")}, 0, 0),
    entity("plain", speed=1, hidden="secret"),
    entity("plain", speed=[prop(1), {**prop(9), "datasetId": HIDDEN_INSTANCE[1]}], hidden="secret"),
    entity("plain", speed=[{**prop(1), NS + "hiddenSub": prop(7)}, {**prop(9), "datasetId": HIDDEN_INSTANCE[1]}]),
    entity("plain", speed={**prop(2), NS + "hiddenSub": prop(8)}, label="new"),
    entity("plain", speed={**prop(2), NS + "hiddenSub": prop(9)}, label="newer"),
]


def test_what_is_hidden_is_absent(tmp_path: Path) -> None:
    """The stream under the hiding policy is the one over data without what is hidden; positions apart."""
    shown = [seen for one in HIDDEN if (seen := cut(one)) is not None]
    without = [one for before, one in zip([None, *shown], shown, strict=False) if not _same(before, one)]
    streams = []
    for access, entities in ((HidingPolicy(), HIDDEN), (AllowAll(), without)):
        with broker(clock=FakeClock(), access=access) as (built, doors):
            streams.append(asyncio.run(_stream(built, doors, entities)))
    assert streams[0] == streams[1]
    assert "secret" not in json.dumps(streams[0])
    assert len(streams[0]) == 4


def _same(before: Entity | None, after: Entity) -> bool:
    return before is not None and before.document == after.document


async def _stream(built: Built, doors: Doors, entities: list[Entity]) -> list[Any]:
    one = await follow(doors.front, "after=0")
    for written in entities:
        write(built, written)
    remove(built, "plain")
    write(built, entity("end", speed=1))
    await one.wait(lambda: any(change["id"].endswith("end") for change in one.changes()))
    await one.leave()
    return [{name: value for name, value in change.items() if name != "version"} for change in one.changes()[:-1]]


def test_what_became_hidden_is_not_told_of_afterwards() -> None:
    """Access as of now: a change from before an entity was hidden is not shown to who comes later."""
    with broker(clock=FakeClock(), access=HidingPolicy()) as (built, doors):
        write(built, entity("was", speed=1))
        write(built, entity("was", speed=2))
        write(built, entity("was", types=["Car", "Hidden"], speed=3))
        write(built, entity("end", speed=1))

        async def work() -> None:
            one = await follow(doors.front, "after=0")
            assert [change["id"] for change in await one.until(1)] == ["urn:ngsi-ld:end"]
            await one.leave()

        run(work)


class Revocable(AllowAll):
    """Everybody may follow until it is revoked."""

    def __init__(self) -> None:
        super().__init__()
        self.revoked = False

    def admit(self, principal: Any, tenant: str, operation: str) -> None:  # noqa: ARG002 - the port's
        """Turns away from the stream once revoked."""
        if self.revoked and operation == "follow_changes":
            raise ResourceNotFound("there is nothing here")


def test_who_may_no_longer_follow_is_ended() -> None:
    access = Revocable()
    with broker(clock=FakeClock(), access=access) as (built, doors):

        async def work() -> None:
            one = await follow(doors.front)
            write(built, entity("a", speed=1))
            await one.until(1)
            access.revoked = True
            write(built, entity("a", speed=2))
            assert one.task is not None
            async with asyncio.timeout(5):
                await one.task
            assert one.ended
            assert len(one.changes()) == 1
            assert (await follow(doors.front)).status == 404

        run(work)
