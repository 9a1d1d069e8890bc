"""Snapshots: made for whom asks, filled in the background, changed, cloned, purged, and looked after (clause 5.16)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from broker.errors import AlreadyExists, BadRequestData, ResourceNotFound, ServiceUnavailable, TooManyResults
from broker.model import change
from broker.model.duration import Duration
from broker.model.entity import Document, Entity
from broker.model.snapshot import Sought
from broker.model.values import to_text
from broker.operations import snapshots
from broker.operations.broker import Broker, Lifetimes
from broker.operations.snapshot_filling import KIND
from broker.operations.snapshot_tending import tend_snapshots
from broker.operations.snapshots import Wanted
from broker.ports import UNRESTRICTED, Principal, Restriction
from broker.ports.places import News, snapshot_of
from broker.query.ast import EVERYTHING, Compare, HasType, Op, Path, Selection, Window
from broker.query.q import parse_q
from broker.query.stored import node_to_json
from tests.fakes.clock import START, FakeClock
from tests.fakes.house import NS, fill, make_broker, make_call, prop

DAY = 86_400_000_000
ID = "urn:ngsi-ld:Snapshot:1"
ALL = Sought(node_to_json(HasType(f"{NS}House")))
NONE = Sought(node_to_json(HasType(f"{NS}Barn")))


class Later:
    """The port Background: what is put off is done when the test says so."""

    def __init__(self) -> None:
        self.stopping = False
        self._waiting: list[Callable[[], object]] = []

    def submit(self, work: Callable[[], object]) -> None:
        self._waiting.append(work)

    def go_on(self) -> None:
        while self._waiting:
            self._waiting.pop(0)()

    def forget(self) -> None:
        """As a process that dies."""
        self._waiting.clear()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def news() -> list[News]:
    return []


@pytest.fixture
def broker(clock: FakeClock, later: Later, news: list[News]) -> Broker:
    made = replace(make_broker(clock), background=later, announce=news.append)
    fill(made, *(house(number) for number in range(5)))
    clock.advance(10)
    return made


def house(number: int, **more: Any) -> Entity:
    document: Document = {"id": f"urn:h:{number}", "type": f"{NS}House", f"{NS}size": prop(number)}
    return change.create({**document, **{NS + name: value for name, value in more.items()}}, START)


def take(broker: Broker, later: Later | None, *queries: Sought, **members: Any) -> str:
    wanted = Wanted(ID, queries or (ALL,), **members)
    snapshot_id = snapshots.create_snapshot(broker, make_call(), wanted).result()
    if later is not None:
        later.go_on()
    return snapshot_id


def held_in(broker: Broker, snapshot_id: str = ID) -> list[Entity]:
    place = snapshots.place_in(broker, "", snapshot_id)
    return broker.entities.select(place, Selection(EVERYTHING), Window(100), UNRESTRICTED).entities


def test_it_is_being_prepared_and_then_it_is_ready(broker: Broker, later: Later, clock: FakeClock) -> None:
    take(broker, None, ALL, NONE)
    made = snapshots.retrieve_snapshot(broker, "", ID)
    assert (made.status, made.priority, made.created_at) == ("preparing", 5, clock.now())
    with pytest.raises(ServiceUnavailable):
        snapshots.place_in(broker, "", ID)
    clock.advance(1)
    later.go_on()
    after = snapshots.retrieve_snapshot(broker, "", ID)
    assert (after.status, after.details) == ("partial", ({"resultStatus": "success"}, {"resultStatus": "empty"}))
    assert (after.created_at, after.modified_at) == (made.created_at, clock.now())


def test_entities_stand_in_it_as_they_were(broker: Broker, later: Later) -> None:
    take(broker, later)
    before = [broker.entities.get("", f"urn:h:{number}") for number in range(5)]
    assert held_in(broker) == before
    fill(broker, house(1, size=prop(99)), house(7))
    assert held_in(broker) == before


def test_one_that_two_queries_select_is_there_once_with_what_both_gave(broker: Broker, later: Later) -> None:
    fill(broker, house(0, colour=prop("red"), age=prop(7)))
    named: Any = [["id", None], ["type", None], [f"{NS}colour", None]]
    first = replace(ALL, projection={"names": named, "omits": False})
    second = Sought(node_to_json(Compare(Path(f"{NS}size"), Op.EQ, 0)), {"names": [[f"{NS}age", None]], "omits": True})
    take(broker, later, first, second)
    found = {one.id: one.document for one in held_in(broker)}
    assert sorted(found["urn:h:0"]) == sorted(["id", "type", f"{NS}colour", f"{NS}size"])
    assert sorted(found["urn:h:1"]) == ["id", "type"]


def test_linked_entities_come_along(broker: Broker, later: Later) -> None:
    fill(broker, house(9, near={"type": "Relationship", "object": "urn:h:3"}))
    only = node_to_json(Compare(Path(f"{NS}size"), Op.EQ, 9))
    take(broker, later, Sought(only))
    assert [one.id for one in held_in(broker)] == ["urn:h:9"]
    snapshots.create_snapshot(broker, make_call(), Wanted("urn:s:2", (Sought(only, join=1),))).result()
    later.go_on()
    assert [one.id for one in held_in(broker, "urn:s:2")] == ["urn:h:9", "urn:h:3"]


def test_it_holds_what_its_maker_may_see(broker: Broker, later: Later) -> None:
    class Half:
        """Hides the house 1 from everybody but the mayor."""

        def restrict(self, principal: Principal, tenant: str, operation: str) -> Restriction:
            assert tenant == ""
            assert operation == "create_snapshot"
            if principal.name == "mayor":
                return UNRESTRICTED
            return Restriction(view=lambda entity: None if entity.id == "urn:h:1" else entity)

    broker = replace(broker, access=Half())  # type: ignore[arg-type]
    take(broker, later)
    assert [one.id for one in held_in(broker)] == ["urn:h:0", "urn:h:2", "urn:h:3", "urn:h:4"]
    call = replace(make_call(), principal=Principal("mayor"))
    snapshots.create_snapshot(broker, call, Wanted("urn:s:2", (ALL,))).result()
    later.go_on()
    assert len(held_in(broker, "urn:s:2")) == 5


def test_a_query_that_cannot_be_run_is_reported(broker: Broker, later: Later) -> None:
    def refuse(*_: object) -> Any:
        raise TooManyResults("Too much.", clause="5.5.2")

    class Refusing:
        """Places whose walks are refused."""

        def __getattr__(self, name: str) -> Any:
            return refuse if name == "walk" else getattr(inner, name)

    inner = broker.places
    take(replace(broker, places=Refusing()), later)
    found = snapshots.retrieve_snapshot(broker, "", ID)
    assert found.status == "failure"
    detail: Any = found.details[0]
    assert detail["resultStatus"] == "failure"
    assert detail["problemDetails"]["title"] == "Too many results"


def test_an_id_is_taken_until_it_expires(broker: Broker, later: Later, clock: FakeClock) -> None:
    take(broker, later, lifetime=Duration(0, 5_000_000))
    with pytest.raises(AlreadyExists):
        take(broker, later)
    clock.advance(5)
    take(broker, later)
    assert len(held_in(broker)) == 5


def test_it_lives_as_long_as_was_asked_up_to_the_limit(broker: Broker, later: Later, clock: FakeClock) -> None:
    now = clock.now()
    take(broker, later)
    assert snapshots.retrieve_snapshot(broker, "", ID).expires_at == now + 7 * DAY
    long = Wanted(lifetime=Duration(1200, 0))
    assert snapshots.update_snapshot(broker, make_call(), ID, long).result().expires_at == now + 7 * DAY
    short = Wanted(lifetime=Duration(0, 1_000_000), given={"snapshotLifetime": "PT1S"})
    assert snapshots.update_snapshot(broker, make_call(), ID, short).result().expires_at == now + 1_000_000
    clock.advance(1)
    with pytest.raises(ResourceNotFound):
        snapshots.retrieve_snapshot(broker, "", ID)
    with pytest.raises(ResourceNotFound):
        snapshots.place_in(broker, "", ID)


def test_its_receiver_is_told_what_becomes_of_it(
    broker: Broker, later: Later, news: list[News], clock: FakeClock
) -> None:
    take(broker, later, endpoint="https://example.org/done", receiver_info=(("Authorization", "Bearer 1"),))
    told = news.pop()
    assert (told.endpoint, told.receiver_info) == ("https://example.org/done", (("Authorization", "Bearer 1"),))
    assert told.body == {
        "id": told.body["id"],
        "type": "SnapshotNotification",
        "snapshotId": ID,
        "snapshotStatus": "success",
        "snapshotPriority": 5,
        "expiresAt": to_text(clock.now() + 7 * DAY),
        "notifiedAt": to_text(clock.now()),
        "snapshotQueriesDetails": [{"resultStatus": "success"}],
    }
    snapshots.update_snapshot(broker, make_call(), ID, Wanted(priority=9)).result()
    later.go_on()
    assert news.pop().body["snapshotPriority"] == 9
    clock.advance(1)
    snapshots.delete_snapshot(broker, "", ID).result()
    later.go_on()
    gone = news.pop().body
    assert str(gone["expiresAt"]) <= str(gone["notifiedAt"])


def test_a_secret_is_hidden_and_comes_back_unchanged(broker: Broker, later: Later) -> None:
    secret = (("Authorization", "Bearer 1"), ("X", "y"))
    take(broker, later, endpoint="https://a.org/x", receiver_info=secret)
    masked = Wanted(receiver_info=(("Authorization", "***"), ("X", "z")))
    after = snapshots.update_snapshot(broker, make_call(), ID, masked).result()
    assert after.receiver_info == (("Authorization", "Bearer 1"), ("X", "z"))
    assert snapshots.as_entity(after).document["receiverInfo"]["value"][0]["value"] == "***"  # type: ignore[index,call-overload]
    with pytest.raises(BadRequestData):
        snapshots.update_snapshot(broker, make_call(), ID, replace(masked, endpoint="https://b.org/x")).result()
    bare = snapshots.update_snapshot(
        broker, make_call(), ID, Wanted(removed=frozenset({"endpoint", "receiverInfo"}))
    ).result()
    assert (bare.endpoint, bare.receiver_info) == (None, ())


def test_a_clone_stands_alone(broker: Broker, later: Later, clock: FakeClock) -> None:
    take(broker, None)
    with pytest.raises(ServiceUnavailable):
        snapshots.clone_snapshot(broker, make_call(), ID, Wanted("urn:s:2"))
    later.go_on()
    clock.advance(3)
    assert snapshots.clone_snapshot(broker, make_call(), ID, Wanted("urn:s:2", priority=9)).result() == "urn:s:2"
    later.go_on()
    snapshots.delete_snapshot(broker, "", ID).result()
    later.go_on()
    clone = snapshots.retrieve_snapshot(broker, "", "urn:s:2")
    assert (clone.status, clone.priority, clone.created_at, clone.details) == ("success", 9, clock.now(), ())
    assert len(held_in(broker, "urn:s:2")) == 5
    with pytest.raises(ResourceNotFound):
        snapshots.clone_snapshot(broker, make_call(), ID, Wanted("urn:s:3"))


def test_what_meets_a_condition_is_purged(broker: Broker, later: Later, clock: FakeClock) -> None:
    for number in range(1, 4):
        snapshots.create_snapshot(broker, make_call(), Wanted(f"urn:s:{number}", (ALL,), priority=number)).result()
        later.go_on()
        clock.advance(1)
    third = snapshots.retrieve_snapshot(broker, "", "urn:s:3").created_at

    def purged(q: str) -> list[str]:
        return snapshots.purge_snapshots(broker, make_call(), parse_q(q)).result().success

    for nothing in ("snapshotPriority>3", 'snapshotStatus=="failure"', "endpoint"):
        with pytest.raises(ResourceNotFound):
            purged(nothing)
    assert purged(f"createdAt>={to_text(third)}") == ["urn:s:3"]
    assert purged('snapshotPriority<2;snapshotStatus=="success"') == ["urn:s:1"]
    later.go_on()
    assert [snapshot_of(name) for name in broker.tenants.names()] == [None, "urn:s:2"]


def test_of_many_the_least_important_makes_room(
    broker: Broker, later: Later, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "SNAPSHOTS_MAX", 2)
    for number, priority in ((1, 5), (2, 7)):
        snapshots.create_snapshot(broker, make_call(), Wanted(f"urn:s:{number}", (ALL,), priority=priority)).result()
        clock.advance(1)
    with pytest.raises(TooManyResults):
        snapshots.create_snapshot(broker, make_call(), Wanted("urn:s:3", (ALL,), priority=4))
    snapshots.create_snapshot(broker, make_call(), Wanted("urn:s:3", (ALL,))).result()
    assert [one.id for one in snapshots.all_snapshots(broker, "")] == ["urn:s:2", "urn:s:3"]


def test_the_last_use_is_noted(broker: Broker, later: Later, clock: FakeClock) -> None:
    take(broker, later)
    made = clock.now()
    clock.advance(9)
    held_in(broker)
    assert snapshots.retrieve_snapshot(broker, "", ID).last_used_at == made
    used = clock.advance(3)
    held_in(broker)
    after = snapshots.retrieve_snapshot(broker, "", ID)
    assert (after.last_used_at, after.modified_at) == (used, made)


def test_one_deleted_while_it_is_filled_leaves_nothing(broker: Broker, later: Later) -> None:
    take(broker, None)
    snapshots.delete_snapshot(broker, "", ID).result()
    later.go_on()
    assert broker.tenants.names() == [""]
    with pytest.raises(ResourceNotFound):
        snapshots.retrieve_snapshot(broker, "", ID)


def test_what_a_dead_process_left_is_filled_by_another(broker: Broker, later: Later, clock: FakeClock) -> None:
    take(broker, None)
    later.forget()
    tend_snapshots(broker)
    later.go_on()
    assert snapshots.retrieve_snapshot(broker, "", ID).status == "preparing", "its lease holds"
    clock.advance(61)
    tend_snapshots(broker)
    later.go_on()
    assert snapshots.retrieve_snapshot(broker, "", ID).status == "success"
    assert len(held_in(broker)) == 5


def test_a_stop_leaves_the_rest_to_others(broker: Broker, later: Later, clock: FakeClock) -> None:
    take(broker, None)
    later.stopping = True
    later.go_on()
    assert snapshots.retrieve_snapshot(broker, "", ID).status == "preparing"
    later.stopping = False
    clock.advance(61)
    tend_snapshots(broker)
    later.go_on()
    assert len(held_in(broker)) == 5


def test_what_has_expired_goes_and_its_receiver_is_told(
    broker: Broker, later: Later, news: list[News], clock: FakeClock
) -> None:
    take(broker, later, lifetime=Duration(0, 1_000_000), endpoint="https://a.org/x")
    news.clear()
    tend_snapshots(broker)
    later.go_on()
    assert broker.tenants.names() != [""]
    clock.advance(2)
    tend_snapshots(broker)
    later.go_on()
    assert broker.tenants.names() == [""]
    assert broker.held.all_held("", KIND) == []
    (told,) = news
    assert str(told.body["expiresAt"]) < str(told.body["notifiedAt"])


def test_a_place_that_nobody_knows_is_dropped(broker: Broker, later: Later) -> None:
    broker.places.make_place("#lost#urn:s:9")
    broker.places.make_place("gone#lost#urn:s:9")
    tend_snapshots(broker)
    later.go_on()
    assert broker.tenants.names() == [""]


def test_all_places_of_a_tenant_are_known(broker: Broker) -> None:
    broker.places.make_place("city#1#urn:s:1")
    broker.places.make_place("#2#urn:s:1")
    assert snapshots.places_of(broker, "city") == ["city#1#urn:s:1"]
    assert snapshots.places_of(broker, "") == ["#2#urn:s:1"]


def test_the_limit_is_a_setting(broker: Broker, later: Later, clock: FakeClock) -> None:
    broker = replace(broker, lifetimes=Lifetimes(snapshot_s=60))
    take(broker, later, lifetime=Duration(0, DAY))
    assert snapshots.retrieve_snapshot(broker, "", ID).expires_at == clock.now() + 60_000_000
