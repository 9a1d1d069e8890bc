"""Rooms that are not there speak to a real mosquitto: their measures reach the link, and they do what they are told."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.link import BadSettings
from adapters.order import Delivered, NotReached, Order
from adapters.simulated import mqtt
from adapters.simulated.day import Day
from adapters.table import make_codec
from tests.fakes.linked import KEY, Linked, device_of, ground, linked
from tests.fakes.mosquitto import program
from tests.outside.served import free_port


def day_at(hour: float) -> Day:
    return Day(lambda: 0.0, starts_at=hour)


@pytest.mark.parametrize(("hour", "people", "light"), [(3, 2, True), (12, 0, True), (20, 2, True)])
def test_a_room_by_its_hour(hour: float, people: int, light: bool) -> None:
    said: Any = mqtt.Room("r").measures(day_at(hour))
    assert said["people"] == people
    assert (said["l"] > 0) is light
    assert 15 < said["t"] < 30
    assert 0 <= said["h"] <= 1


def test_the_sun_and_the_people_show_in_what_it_measures() -> None:
    night, noon = (mqtt.Room("r").measures(day_at(hour)) for hour in (3, 12))
    assert noon["l"] > night["l"]  # type: ignore[operator]
    assert noon["co2"] < night["co2"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("payload", "answers"),
    [
        (b'{"heatTo": 23}', {"heatTo": 23.0}),
        (b'{"heatTo": "hot", "fly": 1}', {"heatTo": "not understood", "fly": "not understood"}),
        (b'{"heatTo": true}', {"heatTo": "not understood"}),
        (b"[1]", {}),
        (b"\xff", {}),
    ],
)
def test_what_a_room_makes_of_commands(payload: bytes, answers: dict[str, Any]) -> None:
    room = mqtt.Room("r")
    assert room.command(payload) == answers
    assert room.heats_to_c == (23.0 if b"23" in payload else 20.0)


@pytest.mark.parametrize(
    ("settings", "member"),
    [
        ({}, "simulated/url"),
        ({"url": "http://x"}, "simulated/url"),
        ({"url": "mqtt://u:p@x"}, "simulated/url"),
        ({"url": "mqtt://x", "key": "k"}, "simulated/rooms"),
        ({"url": "mqtt://x", "key": "k", "rooms": [{"people": 1}]}, "simulated/rooms/0/id"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], member: str) -> None:
    with pytest.raises(BadSettings, match=member):
        mqtt.read_plan(settings)


def test_where_no_server_can_be_the_reason_is_told() -> None:
    settings: dict[str, Any] = {"url": "mqtts://127.0.0.1:1", "key": KEY, "rooms": [{"id": "r"}]}
    with pytest.raises(mqtt.NoServer, match="mosquitto"):
        asyncio.run(mqtt.simulate(settings, day_at(9)))


def test_measures_reach_the_link_and_commands_the_rooms(tmp_path: Path) -> None:
    program("mosquitto")
    url = f"mqtt://127.0.0.1:{free_port()}"
    rooms = [{"id": "r1"}, {"id": "r2", "people": 3}]
    settings: dict[str, Any] = {"url": url, "key": KEY, "every_s": 0.1, "rooms": rooms}
    codec = {"kind": "iota-json"}

    async def said(working: Linked, command: str) -> Any:
        """What became of the command."""
        for _ in range(300):
            for frame in working.frames:
                for one in make_codec("iota-json", codec).decode(frame):
                    if one.answers is not None and one.answers.command == command:
                        return one.device, one.answers.result
            await asyncio.sleep(0.02)
        raise AssertionError(working.frames)

    async def work() -> None:
        playing = asyncio.create_task(mqtt.simulate(settings, day_at(20)))
        await asyncio.sleep(1)
        async with linked(ground({"kind": "mqtt", "url": url}, codec, tmp_path, device_of("r1"))) as working:
            frames = await working.wait(4)
            assert {one.device for one in frames} == {"r1", "r2"}
            assert json.loads(next(one.payload for one in frames if one.device == "r2"))["people"] == 3
            assert await working.link.send(Order("c1", device_of("r1"), "heatTo", 24)) == Delivered("DELIVERED")
            assert await said(working, "heatTo") == ("r1", 24.0)
            playing.cancel()
            with suppress(asyncio.CancelledError):
                await playing
            with suppress(Exception):
                assert working.task is not None
                await asyncio.wait_for(working.task, 10)
            with pytest.raises(NotReached):  # the server went with the rooms
                await working.link.send(Order("c2", device_of("r1"), "heatTo", 25))

    asyncio.run(asyncio.wait_for(work(), 60))
