"""Adapters beside the hub: what was claimed commands, from then on and once; what is forged, copied or old does not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.commands.asking import Asking, Desk
from adapters.commands.seals import COMMAND_SEAL, COMMANDED_BY, sealed
from adapters.mapping_files import packaged_contexts
from adapters.readings import Answered
from broker.errors import Conflict, ServiceUnavailable
from broker.hub.inside import HubInside
from broker.model.entity import Entity
from broker.ports import ANYONE, Command, Principal, Put
from broker.ports.hub import HubAway
from tests.fakes.clock import FakeClock
from tests.fakes.commanded import CHARGER, CONTEXT, READY, START, City, commanded, limit, text

LIMIT = packaged_contexts()(CONTEXT).expand("chargingLimit")
CLAIMED = "/admin/command-claims"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with commanded(tmp_path, clock=FakeClock(), beside=True) as found:
        assert found.create(READY).status == 201
        yield found


def unguarded(city: City, instance: dict[str, Any]) -> None:
    """Write the attribute as somebody does whose broker asks nobody."""

    def decide(current: Entity | None, _: int) -> Put:
        assert current is not None
        document = {**current.document, LIMIT: instance}
        return Put(Entity(document, current.created_at, current.modified_at, None, current.version))

    assert city.built.store.apply("", [Command(CHARGER, decide)]).result() == [None]
    city.settle()


def test_a_change_commands_and_is_answered(city: City) -> None:
    city.give(limit(3, unitCode="KWT"))
    (order,) = city.link.orders
    assert (order.device.id, order.name, order.value, order.unit) == ("c1", "SetChargingProfile", 3000, "WTT")
    assert city.status() == "DELIVERED"
    city.answer(Answered(order.id, "OK", "done"))
    assert (city.status(), city.result()) == ("OK", "done")
    (command,) = city.commands()
    assert command.by == "anonymous"


def test_what_was_there_before_the_claim_commands_nothing(tmp_path: Path) -> None:
    with commanded(tmp_path, store="sqlite", clock=FakeClock()) as alone:  # its adapters claim nothing
        assert alone.create({**READY, **limit(3000)}).status == 201
        alone.settle()
        assert len(alone.link.orders) == 1
    with commanded(tmp_path, store="sqlite", clock=FakeClock(), beside=True) as city:
        city.settle()
        assert city.patch(CHARGER, {"status": text("almostFull")}).status == 204
        city.settle()
        assert city.link.orders == []
        city.give(limit(2000))
        assert [order.value for order in city.link.orders] == [2000]


def test_an_adapter_that_was_away_takes_what_came_once(tmp_path: Path) -> None:
    clock = FakeClock()
    with commanded(tmp_path, store="sqlite", clock=clock, beside=True) as city:
        assert city.create(READY).status == 201
        city.settle()
        assert city.patch(CHARGER, limit(3000)).status == 204
        assert city.patch(CHARGER, START).status == 204
    for _ in range(2):
        with commanded(tmp_path, store="sqlite", clock=clock, beside=True) as city:
            city.settle()
            assert sorted(one.name for one in city.commands()) == ["RemoteStart", "SetChargingProfile"]
            assert {one.attempts for one in city.commands()} == {1}


def test_what_was_too_long_on_its_way_expires(city: City) -> None:
    city.settle()
    assert city.patch(CHARGER, limit(3000)).status == 204
    city.advance(61)
    city.settle()
    assert city.link.orders == []
    assert city.status() == "EXPIRED"


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {COMMANDED_BY: text("grid"), COMMAND_SEAL: text("1:0:" + "0" * 64)},
        {COMMANDED_BY: text("grid"), COMMAND_SEAL: text("'; DROP TABLE command; --")},
        {COMMAND_SEAL: {"type": "Property", "value": {"a": [1]}}},
    ],
    ids=["unsealed", "wrong", "hostile", "no text"],
)
def test_what_no_broker_sealed_is_no_command(city: City, forged: dict[str, Any]) -> None:
    unguarded(city, {**limit(3000)["chargingLimit"], **forged})
    assert city.entity()["chargingLimit"]["value"] == 3000
    assert city.commands() == []
    city.give(limit(2000))
    assert [order.value for order in city.link.orders] == [2000]


def test_a_seal_is_good_for_one_attribute_of_one_entity_at_one_instant_by_its_own_key(city: City) -> None:
    instance, now = limit(3000)["chargingLimit"], city.clock.now()
    key = city.commanding.book.key
    for bad in (
        sealed(b"another", ("", CHARGER, LIMIT), instance, "grid", (now, 0)),
        sealed(key, ("", CHARGER[:-1] + "2", LIMIT), instance, "grid", (now, 0)),
        sealed(key, ("", CHARGER, LIMIT + "2"), instance, "grid", (now, 0)),
        sealed(key, ("", CHARGER, LIMIT), instance, "grid", (now - 1, 0)),
        {**sealed(key, ("", CHARGER, LIMIT), instance, "grid", (now, 0)), "value": 4000},
    ):
        unguarded(city, bad)
    assert city.commands() == []


def test_a_hub_that_is_away_is_left_alone_and_what_was_sent_is_heard(city: City) -> None:
    city.give(limit(3000))
    city.hub.away = True
    with pytest.raises(HubAway):
        city.commanding.turn()
    followed = len(city.hub.followed)
    city.commanding.answered(city.device(), Answered(city.link.orders[-1].id, "OK", "done")).result()
    city.hub.away = False
    with pytest.raises(HubAway, match="cut off"):
        city.commanding.turn()
    assert len(city.hub.followed) == followed, "it is not asked again at once"
    assert city.commands()[0].status == "OK"
    assert city.patch(CHARGER, limit(2000)).status == 204
    city.advance(1)
    city.settle()
    assert [order.value for order in city.link.orders] == [3000, 2000]
    assert city.status() == "DELIVERED"


def test_commands_end_in_their_time_though_the_hub_is_away(city: City) -> None:
    city.link.outcome = city.link.not_reached
    city.give(limit(3000))
    city.hub.away = True
    city.advance(61)
    with pytest.raises(HubAway):
        city.commanding.turn()
    assert city.commands()[0].status == "EXPIRED"


def test_changes_that_are_no_longer_kept_are_told_of(city: City) -> None:
    city.settle()
    city.hub.gone = True
    city.give(limit(3000))
    assert city.link.orders == []
    assert city.events() == ["changes_lost"]
    city.give(limit(2000))
    assert [order.value for order in city.link.orders] == [2000]


def test_only_what_is_claimed_is_asked_for_and_positions_last(city: City) -> None:
    city.settle()
    (_, before, attributes) = city.hub.followed[-1]
    assert LIMIT in attributes
    assert len(attributes) == 3
    for number in range(5):
        assert city.patch(CHARGER, {"status": text(f"s{number}")}).status == 204
    city.advance(6)
    city.settle()
    assert city.commands() == []
    kept = city.commanding.book.position("")
    assert kept is not None
    assert kept >= before + 5


def test_a_new_device_commands_once_its_adapter_has_said_so(city: City) -> None:
    point = "urn:ngsi-ld:EVChargingPoint:misono:c1:2"
    assert city.create({"id": point, "type": "EVChargingPoint"}).status == 201
    amps = {"pointLimit": {"type": "Property", "value": 16, "unitCode": "AMP"}}
    city.settle()
    assert city.patch(point, amps).status == 204
    city.settle()
    assert city.link.orders == []
    city.assembled.devices.learn(city.device(), [point])
    city.advance(2)
    city.settle()
    assert city.patch(point, amps).status == 204  # as it was written before: it may be a copy
    amps["pointLimit"]["value"] = 20
    assert city.patch(point, amps).status == 204
    city.settle()
    (order,) = city.link.orders
    assert (order.name, order.value, order.part) == ("LimitPoint", 20, "2")


def test_who_ends_a_claim_ends_the_commands(city: City) -> None:
    city.settle()
    (claim,) = city.door("GET", CLAIMED, {}, b"").json()
    assert claim["adapter"] == "chargers"
    assert claim["entities"] == 2
    assert city.commanding.book.key.hex() not in str(claim)
    assert city.door("DELETE", f"{CLAIMED}/chargers", {}, b"").status == 204
    city.give(limit(3000))
    assert city.link.orders == []
    assert "commandSeal" not in city.entity()["chargingLimit"]


def test_another_process_by_the_same_name_is_refused_until_it_is_let_in(
    city: City, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    city.settle()
    body: dict[str, Any] = {**city.hub.claims[-1][2], "key": "ab" * 32}
    elsewhere = HubInside(city.built.house, Principal("adapters"))
    with pytest.raises(Conflict, match="another process claims commands as chargers") as refused:
        elsewhere.claim("", "chargers", body)
    assert "DELETE /admin/command-claims/chargers" in refused.value.remedy
    with pytest.raises(Conflict, match="chargers claims https://"):
        elsewhere.claim("", "others", body)
    elsewhere.disclaim("", "chargers")
    elsewhere.claim("", "others", body)
    city.advance(301)
    with caplog.at_level(logging.WARNING):
        city.settle()
        city.advance(5)
        city.settle()
    told = [one.getMessage() for one in caplog.records if "cannot tell the hub" in one.getMessage()]
    assert len(told) == 1
    assert "others claims" in told[0]
    assert body["key"] not in "".join(caplog.messages)
    city.give(limit(3000))
    assert city.link.orders == []


def test_what_is_given_at_the_adapters_own_door_goes_by_the_hub_once_that_knows(city: City) -> None:
    desk = Desk(city.commanding, lambda _: city.hub, lambda: "1", 0.0)
    order: dict[str, Any] = {"entity": CHARGER, "attribute": "chargingLimit", "value": 3000}
    assert desk.give(Asking(ANYONE, "", {**order, "id": "urn:x:1"})).status == "PENDING"
    city.settle()
    assert "chargingLimit" not in city.entity()
    city.advance(1)
    with suppress(ServiceUnavailable):
        desk.give(Asking(ANYONE, "", {**order, "id": "urn:x:2", "value": 2000}))
    assert city.entity()["chargingLimit"]["value"] == 2000
    city.settle()
    assert [(one.id, one.value) for one in city.link.orders] == [("urn:x:1", 3000), ("urn:x:2", 2000)]
