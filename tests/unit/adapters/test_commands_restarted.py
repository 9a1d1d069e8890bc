"""Commands over the end of a process: nothing is lost, nothing is done twice that must not be."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from adapters.order import Delivered
from adapters.store import AdapterStore
from tests.fakes.clock import FakeClock
from tests.fakes.commanded import CHARGER, READY, START, commanded, limit


def test_what_was_written_and_not_read_yet_is_commanded_after_a_start(tmp_path: Path) -> None:
    clock = FakeClock()
    with commanded(tmp_path, clock=clock, store="sqlite") as city:
        city.create(READY)
        assert city.patch(CHARGER, limit(3000)).status == 204
        assert city.patch(CHARGER, START).status == 204
    clock.advance(31)
    with commanded(tmp_path, clock=clock, store="sqlite") as city:
        city.settle()
        assert [(order.name, order.value) for order in city.link.orders] == [("SetChargingProfile", 3000)]
        assert city.status("charging") == "EXPIRED"  # of 30 seconds
        assert city.status() == "DELIVERED"
    with commanded(tmp_path, clock=clock, store="sqlite") as city:
        city.settle()
        assert city.link.orders == []
        assert len(city.commands()) == 2
        count, _ = city.commanding.book.audit.verify()
        assert count == len(city.events())


def test_what_was_being_sent_is_sent_again_unless_it_must_not_be(tmp_path: Path) -> None:
    clock = FakeClock()
    with commanded(tmp_path, clock=clock, store="sqlite") as city:
        city.create(READY)
        city.create({**READY, "id": CHARGER[:-1] + "2"})
        city.link.hangs = True
        city.patch(CHARGER, limit(3000))
        city.patch(CHARGER[:-1] + "2", START)
        city.settle()
        assert len(city.link.orders) == 2
    with commanded(tmp_path, clock=clock, store="sqlite") as city:
        city.link.outcome = lambda _: Delivered("OK")
        city.commanding.book.recover("the process ended while it was sent")
        clock.advance(1)
        city.settle()
        assert [order.name for order in city.link.orders] == ["SetChargingProfile"]
        assert city.status() == "OK"
        assert city.status("charging", CHARGER[:-1] + "2") == "ERROR"
        assert "not known whether the device has it" in city.result("charging", CHARGER[:-1] + "2")


def test_the_same_change_read_twice_is_one_command(tmp_path: Path) -> None:
    with commanded(tmp_path, clock=FakeClock(), store="sqlite") as city:
        city.create(READY)
        city.settle()
        start = city.commanding.parts.hub.newest("")
        city.patch(CHARGER, limit(3000))
        city.settle()
        city.follower._positions[""] = start  # as if the position had not been kept
        city.follower._caught_up.clear()
        city.settle()
        assert len(city.link.orders) == len(city.commands()) == 1


def test_a_status_that_the_hub_did_not_take_is_told_again(tmp_path: Path) -> None:
    with commanded(tmp_path, clock=FakeClock(), store="sqlite") as city:
        city.create(READY)
        city.patch(CHARGER, limit(3000))
        city.commanding.turn()
        assert city.status() == ""
    with commanded(tmp_path, clock=FakeClock(), store="sqlite") as city:
        city.commanding.tell()
        assert city.status() != ""


def test_commands_among_many_writers_are_each_taken_once(tmp_path: Path) -> None:
    """Writers of measurements and of commands at once, and a follower that leaps over what does not ring."""
    wanted = [[f"urn:x:{writer}:{number}" for number in range(60)] for writer in range(4)]
    with commanded(tmp_path, store="sqlite") as city:
        city.create(READY)
        stop = threading.Event()

        def measure() -> None:
            while not stop.is_set():
                city.patch(CHARGER, {"voltage": {"type": "Property", "value": 230}})

        def command(names: list[str]) -> None:
            for name in names:
                order = {**START["charging"], "commandId": {"type": "Property", "value": name}}
                assert city.patch(CHARGER, {"charging": order}).status == 204

        measuring = threading.Thread(target=measure)
        commanding = [threading.Thread(target=command, args=(names,)) for names in wanted]
        for thread in (measuring, *commanding):
            thread.start()
        while any(thread.is_alive() for thread in commanding):
            city.follower.turn("")
        stop.set()
        measuring.join()
        city.follower.turn("")
        taken = [one.id for one in city.commanding.book.listed({}, 0, 10_000)]
    assert sorted(taken) == sorted(name for names in wanted for name in names)


def test_what_one_file_says_of_commands_another_version_reads(tmp_path: Path) -> None:
    with commanded(tmp_path, clock=FakeClock(), store="sqlite") as city:
        city.create(READY)
        city.patch(CHARGER, limit(3000))
        city.settle()
        kept = city.commands()
        key = city.commanding.book.key
    with commanded(tmp_path, clock=FakeClock(), store="sqlite") as city:
        assert city.commands() == kept
        assert city.commanding.book.key == key
    store = AdapterStore(tmp_path / "data")
    assert store.read("SELECT count(*) FROM command_key") == [(1,)]
    store.close()


def test_thousands_of_waiting_commands_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.commands.book.PENDING_MAX", 3)
    with commanded(tmp_path, clock=FakeClock()) as city:
        city.create(READY)
        city.link.outcome = city.link.not_reached
        for _ in range(5):
            city.patch(CHARGER, START)
        city.settle()
        found = city.commands()
        assert [one.status for one in found] == ["PENDING"] * 3 + ["ERROR"] * 2
        assert found[-1].result == "3 commands wait for this device already"
