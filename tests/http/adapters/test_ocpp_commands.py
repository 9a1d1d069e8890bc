"""Commands on their way to charging stations that answer late, wrongly, or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from adapters.device import Device
from adapters.order import NotReached, Order
from adapters.provisioning.keys import digest_of
from adapters.provisioning.provision import Provision, Provisions
from tests.fakes.charging import KEY, CentralSystem, run, start, station


def test_answers_to_commands_come_through_while_a_frame_waits(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            system.hold = asyncio.Event()
            await charger.say([2, "a", "Heartbeat", {}])
            asking = asyncio.create_task(system.order("ChangeAvailability", False, part="2"))
            asked = await charger.hear()
            assert asked[2:] == ["ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}]
            await charger.say([3, asked[1], {"status": "Scheduled"}])
            assert (await asking).result == "Scheduled"
            system.hold.set()

    run(tmp_path, scenario)


def test_an_answer_that_comes_late_is_told_all_the_same(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            asking = asyncio.create_task(system.order("Reset", "Hard"))
            asked = await charger.hear()
            assert (await asking).status == "DELIVERED"
            await charger.say([3, asked[1], {"status": "Rejected"}])
            await system.until(lambda: system.frames)
            answers = system.readings()[0].answers
            assert answers is not None
            assert (answers.command, answers.status, answers.result) == ("cmd-1", "ERROR", "Rejected")

    run(tmp_path, scenario, answer_s=0.2)


@pytest.mark.parametrize(("name", "value", "again"), [("SetChargingProfile", 7000, True), ("RemoteStart", True, False)])
def test_a_command_whose_station_goes_away_is_sent_again_only_where_that_does_no_harm(
    tmp_path: Path, name: str, value: Any, again: bool
) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            asking = asyncio.create_task(system.order(name, value, part="1"))
            await charger.hear()
        if again:
            with pytest.raises(NotReached):
                await asking
        else:
            assert (await asking).status == "DELIVERED"

    run(tmp_path, scenario)


def test_a_command_s_answer_that_its_schema_does_not_allow_is_an_error(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            for kind, *answer in ((3, {"status": "Perhaps"}), (4, "GenericError", "no", {})):
                asking = asyncio.create_task(system.order("Reset", "Soft"))
                await charger.say([kind, (await charger.hear())[1], *answer])
                assert (await asking).status == "ERROR"
            assert (await system.order("Reset", "Twice")).status == "ERROR"
            assert (await system.order("Explode", True)).status == "ERROR"

    run(tmp_path, scenario)


def test_a_command_whose_time_is_over_is_not_sent(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            first = asyncio.create_task(system.order("RemoteStart", True))
            asked = await charger.hear()
            second = asyncio.create_task(system.order("RemoteStart", True, for_s=10))
            await asyncio.sleep(0.05)
            system.clock.advance(11)
            await charger.say([3, asked[1], {"status": "Rejected"}])
            assert (await first).status == "ERROR"
            with pytest.raises(NotReached):
                await second
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await charger.hear()

    run(tmp_path, scenario)


def test_a_limit_of_which_only_the_first_call_is_answered_late_is_not_done(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        async with station(system) as charger:
            await charger.call("StartTransaction", start())
            frames = len(system.frames)
            asking = asyncio.create_task(system.order("SetChargingProfile", 3000, part="1"))
            asked = await charger.hear()
            with pytest.raises(NotReached):
                await asking
            await charger.say([3, asked[1], {"status": "Accepted"}])
            await charger.call("Heartbeat", {})
            assert len(system.frames) == frames + 1, "the whole of it is asked again: nothing is told of its half"

    run(tmp_path, scenario, answer_s=0.2)


def test_stations_of_one_name_of_two_tenants_are_two(tmp_path: Path) -> None:
    async def scenario(system: CentralSystem) -> None:
        ours, theirs = (
            Device("c1", "chargers", tenant, key_digest=digest_of(key)) for tenant, key in (("a", KEY), ("b", "other"))
        )
        system.registry.of_file("chargers", Provisions((Provision(ours), Provision(theirs))))
        async with station(system) as charger, station(system, password="other") as other:  # noqa: S106 - made up
            begun = await charger.call("StartTransaction", start())
            asking = asyncio.create_task(system.link.send(Order("cmd-1", ours, "Reset", "Soft")))
            await charger.say([3, (await charger.hear())[1], {"status": "Accepted"}])
            assert (await asking).status == "OK", "the connection of the other one did not take its place"
            assert (await system.link.send(Order("cmd-2", theirs, "RemoteStop", value=True))).status == "ERROR"
            assert (await other.call("StartTransaction", start()))["transactionId"] != begun["transactionId"]

    run(tmp_path, scenario)
