"""Simulated charging stations at the real central system: vehicles come and go, and commands are obeyed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.link import BadSettings
from adapters.simulated.day import Day
from adapters.simulated.ocpp import read_plans, simulate
from broker.model.values import Json
from tests.fakes.charging import KEY, CentralSystem, central_system

LENGTH_S = 12.0
"""A day: a vehicle comes every four seconds."""


@asynccontextmanager
async def simulated(folder: Path, **station: Json) -> AsyncIterator[CentralSystem]:
    """A station `c1` that charges in a hurry, connected."""
    async with central_system(folder) as system:
        loop = asyncio.get_running_loop()
        began = loop.time()
        settings: dict[str, Json] = {
            "url": system.url,
            "every_s": 0.05,
            "stations": [{"id": "c1", "key": KEY, **station}],
        }
        task = asyncio.create_task(simulate(settings, Day(lambda: loop.time() - began, LENGTH_S)))
        try:
            yield system
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def sessions(system: CentralSystem) -> list[dict[str, Any]]:
    found = (one for place in range(len(system.frames)) for one in system.readings(place) if one.part == "session")
    return [{**{one.quantity: one.value for one in each.readings}, **each.facts} for each in found]


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_session_fills_the_vehicle_and_ends(tmp_path: Path, version: str) -> None:
    async def scenario() -> None:
        async with simulated(tmp_path, version=version, every_h=8, stays_h=5) as system:
            await system.until(lambda: any("ended_at" in one for one in sessions(system)))
            told = sessions(system)
            name = next(one["transaction"] for one in told if "ended_at" in one)
            energies = [one["energy"] for one in told if one["transaction"] == name and "energy" in one]
            assert energies == sorted(energies)
            assert 5_000 < energies[-1] <= 32_000, "what the battery of a car has room for"
            charges = [one["soc"] for one in told if one["transaction"] == name and "soc" in one]
            assert charges == sorted(charges)
            assert charges[-1] > charges[0]
            assert any("soc_start" in one for one in told)
            assert all("refused" not in frame.about for frame in system.frames)

    asyncio.run(scenario())


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_station_does_what_it_is_told(tmp_path: Path, version: str) -> None:
    async def scenario() -> None:
        async with simulated(tmp_path, version=version, units=2, every_h=1000, stays_h=1, power_w=6000) as system:
            await system.until(lambda: system.frames and ("", "c1") in system.link._stations)
            await system.until(lambda: any(frame.channel == "StatusNotification" for frame in system.frames))
            assert (await system.order("SetChargingProfile", 2.5, part="2", unit="KWT")).status == "OK"
            assert (await system.order("Charging", True, part="2")).status == "OK"
            await system.until(lambda: any(one.get("peak_power") for one in sessions(system)))
            assert {one["connector"] for one in sessions(system)} == {"2"}
            assert max(one.get("peak_power", 0) for one in sessions(system)) == 2500
            assert (await system.order("Charging", False, part="2")).status == "OK"
            await system.until(lambda: any("ended_at" in one for one in sessions(system)))
            assert (await system.order("ChangeAvailability", False, part="1")).status == "OK"
            await system.until(lambda: any(frame.about.get("free") == "1" for frame in system.frames))
            boots = [frame for frame in system.frames if frame.channel == "BootNotification"]
            assert (await system.order("Reset", "Soft")).status == "OK"
            await system.until(lambda: sum(frame.channel == "BootNotification" for frame in system.frames) > len(boots))

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("station", "member"),
    [({}, "id"), ({"id": "a", "version": "1.5"}, "version"), ({"id": "a", "every_h": 1, "stays_h": 2}, "stays_h"),
     ({"id": "a", "colour": "red"}, "colour")],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused_by_name(station: dict[str, Json], member: str) -> None:
    with pytest.raises(BadSettings, match=member):
        read_plans({"url": "ws://127.0.0.1:9000/ocpp", "stations": [station]})
