"""Commands from a write to a device and back: limits, lifetimes, repetitions, answers, and what is no command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.commands.following import Follower
from adapters.commands.guarding import Bell
from adapters.order import Delivered
from adapters.readings import Answered
from broker.model.values import to_text
from broker.ports.hub import Hub, HubChange
from tests.fakes.clock import FakeClock
from tests.fakes.commanded import CHARGER, FILES, LINK, MAPPING, City, commanded

READY = {
    "id": CHARGER,
    "type": "EVChargingStation",
    "status": {"type": "Property", "value": "working"},
    "ratedPower": {"type": "Property", "value": 7.4, "unitCode": "KWT"},
}
START = {"charging": {"type": "Property", "value": "start"}}


def limit(watts: Any, **more: Any) -> dict[str, Any]:
    return {"chargingLimit": {"type": "Property", "value": watts, "unitCode": "WTT", **more}}


def text(value: str) -> dict[str, str]:
    return {"type": "Property", "value": value}


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with commanded(tmp_path, clock=FakeClock()) as found:
        assert found.create(READY).status == 201
        yield found


def advance(city: City, seconds: float) -> None:
    assert isinstance(city.clock, FakeClock)
    city.clock.advance(seconds)


def give(city: City, fragment: dict[str, Any]) -> None:
    assert city.patch(CHARGER, fragment).status == 204
    city.settle()


def test_a_change_becomes_a_command_and_its_status_is_told(city: City) -> None:
    give(city, {"chargingLimit": {"type": "Property", "value": 3, "unitCode": "KWT"}})
    (order,) = city.link.orders
    assert (order.device.id, order.name, order.value, order.unit) == ("c1", "SetChargingProfile", 3000, "WTT")
    assert order.expires_at == city.clock.now() + 60_000_000
    assert city.status() == "DELIVERED"
    city.answer(Answered(order.id, "OK", "done"))
    assert (city.status(), city.result()) == ("OK", "done")
    (command,) = city.commands()
    assert city.entity()["chargingLimitStatus"]["commandId"]["value"] == command.id == order.id
    assert city.entity()["chargingLimitStatus"]["observedAt"] == to_text(city.clock.now())
    assert command.by == city.entity()["chargingLimit"]["commandedBy"]["value"] == "anonymous"


@pytest.mark.parametrize(
    ("fragment", "why"),
    [
        (limit(7401), "7401 WTT is more than 7400 WTT (ratedPower)"),
        (limit(22_001), "7400 WTT (ratedPower)|22000 WTT"),
        (limit(-1), "-1 WTT is less than 0 WTT (the mapping's limit)"),
        (limit("much"), "'much' is no number"),
        (limit(True), "'True' is no number"),
        ({"chargingLimit": {"type": "Property", "value": 3, "unitCode": "CEL"}}, "CEL does not convert to WTT"),
        ({"charging": text("explode")}, "'explode' is none of start, stop"),
        ({"chargingLimit": {"type": "Relationship", "object": "urn:x:1"}}, "a command is a Property"),
    ],
)
def test_what_is_outside_of_the_limits_is_an_error_and_never_sent(
    city: City, fragment: dict[str, Any], why: str
) -> None:
    give(city, fragment)
    (name,) = fragment
    assert city.status(name) == "ERROR"
    assert any(one in city.result(name) for one in why.split("|")), city.result(name)
    assert city.link.orders == []


def test_the_largest_and_the_least_that_are_allowed_are_sent(city: City) -> None:
    give(city, limit(7400))
    give(city, limit(0))
    assert [order.value for order in city.link.orders] == [7400, 0]


def test_what_a_limit_needs_and_nobody_knows_holds_the_command(city: City) -> None:
    assert city.delete(f"/entities/{CHARGER}/attrs/ratedPower").status == 204
    give(city, limit(1))
    assert (city.status(), city.result()) == ("ERROR", "ratedPower is not known, and this command depends on it")
    assert city.link.orders == []


def test_an_interlock_is_looked_at_when_it_is_sent_not_when_it_is_given(city: City) -> None:
    city.link.outcome = city.link.not_reached
    give(city, limit(3000))
    assert city.status() == "PENDING"
    give(city, {"status": text("outOfService")})
    advance(city, 1)
    city.link.outcome = lambda _: Delivered("OK")
    city.settle()
    assert city.status() == "ERROR"
    assert city.result() == "status is outOfService; only with working or almostFull is this command sent"
    assert len(city.link.orders) == 1


def test_words_are_the_device_s_own(city: City) -> None:
    give(city, START)
    assert [(order.name, order.value) for order in city.link.orders] == [("RemoteStart", "Start")]


def test_a_device_that_is_not_there_is_tried_again_after_pauses_until_time_is_up(city: City) -> None:
    city.link.outcome = city.link.not_reached
    give(city, limit(3000))
    tried = [len(city.link.orders)]
    for _ in range(61):
        advance(city, 1)
        city.settle()
        tried.append(len(city.link.orders))
    assert tried[0] == 1
    assert [tried[second] for second in (1, 3, 7, 15, 31)] == [2, 3, 4, 5, 6]
    assert (city.status(), city.result()) == ("EXPIRED", "the device was not reached in time")
    advance(city, 600)
    city.link.outcome = lambda _: Delivered("OK")
    city.settle()
    assert len(city.link.orders) == tried[-1]


def test_what_is_not_answered_expires_and_a_late_answer_is_only_written_down(city: City) -> None:
    give(city, limit(3000))
    advance(city, 60)
    city.settle()
    assert (city.status(), city.result()) == ("EXPIRED", "the device did not answer in time")
    city.answer(Answered(city.link.orders[0].id, "OK"))
    assert city.status() == "EXPIRED"
    assert city.events() == ["made", "sending", "delivered", "expired", "late"]


def test_a_link_that_hangs_does_not_hold_up_other_devices_nor_the_end(city: City) -> None:
    city.link.hangs = True
    give(city, limit(3000))
    other = CHARGER[:-1] + "2"
    assert city.create({**READY, "id": other}).status == 201
    assert city.patch(other, limit(2000)).status == 204
    city.settle()
    assert [order.device.id for order in city.link.orders] == ["c1", "c2"]
    advance(city, 30)
    city.link.hangs = False
    city.settle()
    assert city.commands(device="c1")[0].attempts == 1
    advance(city, 2)
    city.settle()
    assert city.commands(device="c1")[0].status == "DELIVERED"


def test_a_fault_of_a_link_leaves_in_doubt_what_may_not_be_said_twice(city: City) -> None:
    city.link.outcome = city.link.broken
    give(city, START)
    assert city.status("charging") == "ERROR"
    assert city.result("charging") == "it is not known whether the device has it: the link failed: RuntimeError"
    give(city, limit(3000))
    assert city.status() == "PENDING"
    city.link.outcome = lambda _: Delivered("OK", 3000)
    advance(city, 1)
    city.settle()
    assert (city.status(), city.result()) == ("OK", 3000)
    assert [order.name for order in city.link.orders] == ["RemoteStart", "SetChargingProfile", "SetChargingProfile"]


def test_a_newer_one_takes_the_place_of_one_that_was_not_sent(city: City) -> None:
    city.link.outcome = city.link.not_reached
    give(city, limit(1000))
    give(city, limit(2000))
    old, new = city.commands()
    assert (old.status, old.result) == ("ERROR", f"replaced by {new.id}")
    assert city.entity()["chargingLimitStatus"]["commandId"]["value"] == new.id
    city.link.outcome = lambda _: Delivered("OK")
    advance(city, 2)
    city.settle()
    assert [order.value for order in city.link.orders] == [1000, 2000, 2000]
    assert city.status() == "OK"


def test_what_is_done_once_is_not_replaced_and_goes_in_its_order(city: City) -> None:
    city.link.outcome = city.link.not_reached
    give(city, START)
    give(city, {"charging": text("stop")})
    city.link.outcome = lambda _: Delivered("OK")
    advance(city, 1)
    city.settle()
    city.settle()
    assert [order.value for order in city.link.orders] == ["Start", "Start", "Stop"]


def test_the_same_value_again_is_a_command_again(city: City) -> None:
    give(city, START)
    give(city, START)
    assert len(city.link.orders) == 2
    assert len({order.id for order in city.link.orders}) == 2


def test_what_is_read_and_written_back_is_none(city: City) -> None:
    give(city, limit(3000))
    whole = city.entity()
    assert city.send("PUT", f"/entities/{CHARGER}", whole).status == 204
    whole["status"] = text("almostFull")
    assert city.send("PUT", f"/entities/{CHARGER}", whole).status == 204
    assert city.patch(CHARGER, {"chargingLimit": whole["chargingLimit"]}).status == 204
    city.settle()
    assert len(city.link.orders) == 1
    assert len(city.commands()) == 1


def test_a_copy_into_an_empty_place_is_none(city: City) -> None:
    give(city, limit(3000))
    whole = city.entity()
    assert city.delete(f"/entities/{CHARGER}").status == 204
    advance(city, 1)
    assert city.create(whole).status == 201
    city.settle()
    assert len(city.link.orders) == 1
    give(city, limit(3000))
    assert len(city.link.orders) == 2


def test_an_id_of_the_client_makes_it_safe_to_send_again(city: City) -> None:
    once = {"commandId": text("urn:x:command:1")}
    give(city, limit(3000, **once))
    give(city, limit(3000, **once))
    assert [order.id for order in city.link.orders] == ["urn:x:command:1"]
    give(city, limit(2000))
    give(city, limit(3000, **once))  # came late, and was there already
    assert [order.value for order in city.link.orders] == [3000, 2000]


def test_an_id_with_another_value_is_another_command(city: City) -> None:
    give(city, limit(3000, commandId=text("urn:x:command:1")))
    give(city, limit(1000, commandId=text("urn:x:command:1")))
    assert [order.value for order in city.link.orders] == [3000, 1000]
    assert city.link.orders[1].id != "urn:x:command:1"


def test_what_is_left_of_an_earlier_command_does_not_stand_in_the_way_of_the_next(city: City) -> None:
    give(city, limit(3000, commandId=text("urn:x:command:1"), commandTtl={"type": "Property", "value": 10}))
    for watts in (1000, 3000):
        path = f"/entities/{CHARGER}/attrs/chargingLimit"
        assert city.send("PATCH", path, {"type": "Property", "value": watts}).status == 204
        city.settle()
    assert [order.value for order in city.link.orders] == [3000, 1000, 3000]
    assert len({order.id for order in city.link.orders}) == 3


def test_a_lifetime_of_the_client_counts(city: City) -> None:
    give(city, limit(3000, commandTtl={"type": "Property", "value": 5}))
    advance(city, 5)
    city.settle()
    assert city.status() == "EXPIRED"


def test_more_than_the_rate_is_held(tmp_path: Path) -> None:
    files = {**FILES, "mapping.yaml": MAPPING.replace("ttl_s: 60", "ttl_s: 60\n    rate_per_min: 2")}
    with commanded(tmp_path, files, clock=FakeClock()) as city:
        city.create(READY)
        for watts in (1, 2, 3):
            give(city, limit(watts))
        assert [order.value for order in city.link.orders] == [1, 2]
        assert city.result() == "2 commands came within the minute before; at most 2 are sent"
        advance(city, 61)
        give(city, limit(4))
        assert [order.value for order in city.link.orders] == [1, 2, 4]


def test_nobody_makes_a_seal_of_their_own(city: City) -> None:
    forged = {"commandedBy": text("mayor"), "commandSeal": text(f"{city.clock.now()}:0:{64 * '0'}")}
    give(city, limit(3000, **forged))
    (command,) = city.commands()
    assert command.by == "anonymous"
    assert city.entity()["chargingLimit"]["commandedBy"]["value"] == "anonymous"


def test_what_was_written_before_anybody_was_asked_commands_nothing(city: City) -> None:
    targets = city.guard.targets
    city.guard.targets = None
    forged = {"commandedBy": text("mayor"), "commandSeal": text(f"{city.clock.now()}:0:{64 * '0'}")}
    assert city.patch(CHARGER, limit(3000, **forged)).status == 204
    city.guard.targets = targets
    city.guard.bell.end(city.guard.bell.begin(""))  # have it looked for all the same
    city.settle()
    assert city.commands() == []


def test_deleting_commands_nothing_and_no_status_brings_an_entity_back(city: City) -> None:
    give(city, limit(3000))
    assert city.delete(f"/entities/{CHARGER}/attrs/chargingLimit").status == 204
    city.settle()
    assert len(city.commands()) == 1
    assert city.delete(f"/entities/{CHARGER}").status == 204
    city.answer(Answered(city.link.orders[0].id, "OK"))
    assert city.commands()[0].status == "OK"
    assert city.entity() == {}


def test_an_entity_of_a_part_commands_the_part(city: City) -> None:
    point = "urn:ngsi-ld:EVChargingPoint:misono:c1:2%2Fa"
    city.assembled.devices.learn(city.device(), [point])
    city.create({"id": point, "type": "EVChargingPoint"})
    assert city.patch(point, {"pointLimit": {"type": "Property", "value": 16, "unitCode": "AMP"}}).status == 204
    city.settle()
    (order,) = city.link.orders
    assert (order.name, order.value, order.part) == ("LimitPoint", 16, "2/a")


def test_another_type_s_attribute_of_that_name_is_no_command(city: City) -> None:
    give(city, {"pointLimit": {"type": "Property", "value": 16, "unitCode": "AMP"}})
    assert city.commands() == []


def test_an_answer_by_name_is_about_the_oldest_that_was_sent(city: City) -> None:
    give(city, START)
    give(city, {"charging": text("stop")})
    city.answer(Answered("RemoteStart", "OK", "on"))
    first, second = city.commands()
    assert [(first.status, first.result), (second.status, second.result)] == [("OK", "on"), ("DELIVERED", None)]
    city.answer(Answered("RemoteStart", "ERROR", "jammed"))
    assert city.commands()[1].status == "ERROR"
    city.answer(Answered("RemoteStart", "OK"))
    city.answer(Answered("urn:nobody", "OK"), device="c2")
    assert [one.status for one in city.commands()] == ["OK", "ERROR"]


def test_a_device_answers_for_itself_only(city: City) -> None:
    give(city, limit(3000))
    city.answer(Answered(city.link.orders[0].id, "OK"), device="c2")
    assert city.status() == "DELIVERED"


def test_the_first_command_of_a_tenant_that_nobody_looked_at_is_taken(tmp_path: Path) -> None:
    files = {**FILES, "chargers.yaml": FILES["chargers.yaml"].replace("{id: c1,", "{id: c1, tenant: mall,")}
    with commanded(tmp_path, files, clock=FakeClock()) as city:
        headers = {"Content-Type": "application/json", "Link": LINK, "NGSILD-Tenant": "mall"}
        whole = json.dumps({**READY, **limit(3000)}).encode()
        assert city.door("POST", "/ngsi-ld/v1/entities", headers, whole).status == 201
        assert city.create({**READY, **limit(2000)}).status == 201  # of the default tenant, which has no such device
        city.settle()
        assert [(order.device.tenant, order.value) for order in city.link.orders] == [("mall", 3000)]
        found = city.door("GET", f"/ngsi-ld/v1/entities/{CHARGER}", headers, b"").json()
        assert found["chargingLimitStatus"]["value"] == "DELIVERED"
        assert city.status() == ""


def test_commands_are_counted_by_what_became_of_them(city: City) -> None:
    give(city, limit(3000))
    give(city, limit(9000))
    counted = [line for line in city.commanding.metrics().splitlines() if not line.startswith("#")]
    assert counted == ['misono_adapter_commands{status="DELIVERED"} 1', 'misono_adapter_commands{status="ERROR"} 1']


def test_a_bell_is_not_quiet_while_a_write_is_under_way() -> None:
    bell = Bell()
    assert bell.quiet("")
    number = bell.begin("")
    assert not bell.quiet("")
    assert not bell.quiet("")
    assert bell.quiet("elsewhere")
    bell.end(number)
    assert not bell.quiet("")
    assert bell.quiet("")


def test_a_log_that_was_begun_anew_gives_no_command_and_is_told_of(city: City) -> None:
    city.commanding.book.take("", 1_000, ())
    assert city.patch(CHARGER, limit(3000)).status == 204
    parts = city.commanding.parts
    anew = Follower(parts.hub, city.commanding.book, parts.targets, parts.clock, city.guard)
    assert anew.turn("") == 0
    assert city.events() == ["changes_lost"]
    assert city.patch(CHARGER, limit(2000)).status == 204
    assert anew.turn("") == 1


class CountingHub:
    """A hub whose log is counted when it is read."""

    def __init__(self, hub: Hub) -> None:
        self.upsert, self.entity, self.query = hub.upsert, hub.entity, hub.query
        self.delete, self.newest = hub.delete, hub.newest
        self._hub = hub
        self.read = 0

    def changes(self, tenant: str, after: int, wait_s: float) -> list[HubChange]:
        """As the port says."""
        self.read += 1
        return self._hub.changes(tenant, after, wait_s)


def test_changes_of_measurements_are_passed_over_unread(city: City) -> None:
    parts = city.commanding.parts
    hub = CountingHub(parts.hub)
    follower = Follower(hub, city.commanding.book, parts.targets, parts.clock, city.guard)
    follower.turn("")
    hub.read = 0
    for number in range(50):
        assert city.patch(CHARGER, {"status": text(f"s{number}")}).status == 204
        assert follower.turn("") == 0
    assert hub.read == 0
    assert city.patch(CHARGER, {"status": text("working"), **limit(100)}).status == 204
    assert follower.turn("") == 1
    assert hub.read == 1
