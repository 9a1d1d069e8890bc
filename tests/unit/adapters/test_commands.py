"""Commands from a write to a device and back: limits, lifetimes, the order of things, answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.commands import delivering
from adapters.commands.judging import Judged, Scene, judge
from adapters.commands.rules import Rule
from adapters.order import Delivered
from adapters.readings import Answered
from broker.model.values import to_text
from tests.fakes.clock import FakeClock
from tests.fakes.commanded import CHARGER, FILES, MAPPING, READY, START, City, commanded, limit, text


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with commanded(tmp_path, clock=FakeClock()) as found:
        assert found.create(READY).status == 201
        yield found


def test_a_change_becomes_a_command_and_its_status_is_told(city: City) -> None:
    city.give({"chargingLimit": {"type": "Property", "value": 3, "unitCode": "KWT"}})
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
        (limit(10**400), "the number is beyond all measure"),
        ({"chargingLimit": {"type": "Property", "value": 1e306, "unitCode": "KWT"}}, "beyond all measure"),
        ({"chargingLimit": {"type": "Property", "value": 3, "unitCode": "CEL"}}, "CEL does not convert to WTT"),
        ({"charging": text("explode")}, "'explode' is none of start, stop"),
        ({"chargingLimit": {"type": "Relationship", "object": "urn:x:1"}}, "a command is a Property"),
    ],
)
def test_what_is_outside_of_the_limits_is_an_error_and_never_sent(
    city: City, fragment: dict[str, Any], why: str
) -> None:
    city.give(fragment)
    (name,) = fragment
    assert city.status(name) == "ERROR"
    assert any(one in city.result(name) for one in why.split("|")), city.result(name)
    assert city.link.orders == []


def test_the_largest_and_the_least_that_are_allowed_are_sent(city: City) -> None:
    city.give(limit(7400))
    city.give(limit(0))
    assert [order.value for order in city.link.orders] == [7400, 0]


def test_what_a_limit_needs_and_nobody_knows_holds_the_command(city: City) -> None:
    assert city.delete(f"/entities/{CHARGER}/attrs/ratedPower").status == 204
    city.give(limit(1))
    assert (city.status(), city.result()) == ("ERROR", "ratedPower is not known, and this command depends on it")
    assert city.link.orders == []


def test_a_limit_beyond_all_measure_holds_the_command_and_no_other(city: City) -> None:
    rated = {"ratedPower": {"type": "Property", "value": 10**400, "unitCode": "KWT"}}
    assert city.patch(CHARGER, rated).status == 204
    city.give(limit(1))
    assert (city.status(), city.result()) == ("ERROR", "ratedPower is no number, and it limits this command")
    city.give(START)
    assert [order.name for order in city.link.orders] == ["RemoteStart"]


def test_a_fault_of_judging_ends_one_command_and_holds_up_no_other(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    def judged(rule: Rule, instance: Mapping[str, Any], scene: Scene) -> Judged:
        if instance["value"] == 13:
            raise RuntimeError("a fault of ours")
        return judge(rule, instance, scene)

    monkeypatch.setattr(delivering, "judge", judged)
    city.give(limit(13))
    assert (city.status(), city.result()) == ("ERROR", "it could not be judged: RuntimeError")
    city.give(limit(14))
    assert [order.value for order in city.link.orders] == [14]


def test_an_interlock_is_looked_at_when_it_is_sent_not_when_it_is_given(city: City) -> None:
    city.link.outcome = city.link.not_reached
    city.give(limit(3000))
    assert city.status() == "PENDING"
    city.give({"status": text("outOfService")})
    city.advance(1)
    city.link.outcome = lambda _: Delivered("OK")
    city.settle()
    assert city.status() == "ERROR"
    assert city.result() == "status is outOfService; only with working or almostFull is this command sent"
    assert len(city.link.orders) == 1


def test_words_are_the_device_s_own(city: City) -> None:
    city.give(START)
    assert [(order.name, order.value) for order in city.link.orders] == [("RemoteStart", "Start")]


def test_a_device_that_is_not_there_is_tried_again_after_pauses_until_time_is_up(city: City) -> None:
    city.link.outcome = city.link.not_reached
    city.give(limit(3000))
    tried = [len(city.link.orders)]
    for _ in range(61):
        city.advance(1)
        city.settle()
        tried.append(len(city.link.orders))
    assert tried[0] == 1
    assert [tried[second] for second in (1, 3, 7, 15, 31)] == [2, 3, 4, 5, 6]
    assert (city.status(), city.result()) == ("EXPIRED", "the device was not reached in time")
    city.advance(600)
    city.link.outcome = lambda _: Delivered("OK")
    city.settle()
    assert len(city.link.orders) == tried[-1]


def test_what_is_not_answered_expires_and_a_late_answer_is_only_written_down(city: City) -> None:
    city.give(limit(3000))
    city.advance(60)
    city.settle()
    assert (city.status(), city.result()) == ("EXPIRED", "the device did not answer in time")
    city.answer(Answered(city.link.orders[0].id, "OK"))
    assert city.status() == "EXPIRED"
    assert city.events() == ["made", "sending", "delivered", "expired", "late"]


def test_a_link_that_hangs_does_not_hold_up_other_devices_nor_the_end(city: City) -> None:
    city.link.hangs = True
    city.give(limit(3000))
    other = CHARGER[:-1] + "2"
    assert city.create({**READY, "id": other}).status == 201
    assert city.patch(other, limit(2000)).status == 204
    city.settle()
    assert [order.device.id for order in city.link.orders] == ["c1", "c2"]
    city.advance(30)
    city.link.hangs = False
    city.settle()
    assert city.commands(device="c1")[0].attempts == 1
    city.advance(2)
    city.settle()
    assert city.commands(device="c1")[0].status == "DELIVERED"


def test_a_fault_of_a_link_leaves_in_doubt_what_may_not_be_said_twice(city: City) -> None:
    city.link.outcome = city.link.broken
    city.give(START)
    assert city.status("charging") == "ERROR"
    assert city.result("charging") == "it is not known whether the device has it: the link failed: RuntimeError"
    city.give(limit(3000))
    assert city.status() == "PENDING"
    city.link.outcome = lambda _: Delivered("OK", 3000)
    city.advance(1)
    city.settle()
    assert (city.status(), city.result()) == ("OK", 3000)
    assert [order.name for order in city.link.orders] == ["RemoteStart", "SetChargingProfile", "SetChargingProfile"]


def test_a_newer_one_takes_the_place_of_one_that_was_not_sent(city: City) -> None:
    city.link.outcome = city.link.not_reached
    city.give(limit(1000))
    city.give(limit(2000))
    old, new = city.commands()
    assert (old.status, old.result) == ("ERROR", f"replaced by {new.id}")
    assert city.entity()["chargingLimitStatus"]["commandId"]["value"] == new.id
    city.link.outcome = lambda _: Delivered("OK")
    city.advance(2)
    city.settle()
    assert [order.value for order in city.link.orders] == [1000, 2000, 2000]
    assert city.status() == "OK"


def test_what_is_done_once_is_not_replaced_and_goes_in_its_order(city: City) -> None:
    city.link.outcome = city.link.not_reached
    city.give(START)
    city.give({"charging": text("stop")})
    city.link.outcome = lambda _: Delivered("OK")
    city.advance(1)
    city.settle()
    city.settle()
    assert [order.value for order in city.link.orders] == ["Start", "Start", "Stop"]


def test_a_device_that_never_answers_has_it_and_that_is_the_end(tmp_path: Path) -> None:
    files = {**FILES, "mapping.yaml": MAPPING.replace("once: true", "answers: false")}
    with commanded(tmp_path, files, clock=FakeClock()) as city:
        city.create(READY)
        city.give(START)
        city.advance(600)
        city.settle()
        assert city.status("charging") == "DELIVERED"
        assert city.events() == ["made", "sending", "delivered"]
        city.answer(Answered(city.link.orders[0].id, "OK"))  # it does, after all
        assert city.status("charging") == "OK"
        city.link.outcome = city.link.not_reached
        city.give(START)
        city.advance(600)
        city.settle()
        assert city.status("charging") == "EXPIRED"


def test_more_than_the_rate_is_held(tmp_path: Path) -> None:
    files = {**FILES, "mapping.yaml": MAPPING.replace("ttl_s: 60", "ttl_s: 60\n    rate_per_min: 2")}
    with commanded(tmp_path, files, clock=FakeClock()) as city:
        city.create(READY)
        for watts in (1, 2, 3):
            city.give(limit(watts))
        assert [order.value for order in city.link.orders] == [1, 2]
        assert city.result() == "2 commands came within the minute before; at most 2 are sent"
        city.advance(61)
        city.give(limit(4))
        assert [order.value for order in city.link.orders] == [1, 2, 4]


def test_an_answer_by_name_is_about_the_oldest_that_was_sent(city: City) -> None:
    city.give(START)
    city.give({"charging": text("stop")})
    city.answer(Answered("RemoteStart", "OK", "on"))
    first, second = city.commands()
    assert [(first.status, first.result), (second.status, second.result)] == [("OK", "on"), ("DELIVERED", None)]
    city.answer(Answered("RemoteStart", "ERROR", "jammed"))
    assert city.commands()[1].status == "ERROR"
    city.answer(Answered("RemoteStart", "OK"))
    city.answer(Answered("urn:nobody", "OK"), device="c2")
    assert [one.status for one in city.commands()] == ["OK", "ERROR"]


def test_a_device_answers_for_itself_only(city: City) -> None:
    city.give(limit(3000))
    city.answer(Answered(city.link.orders[0].id, "OK"), device="c2")
    assert city.status() == "DELIVERED"
