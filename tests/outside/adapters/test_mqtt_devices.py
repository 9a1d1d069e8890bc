"""MQTT against Debian's mosquitto and its clients: what comes in, when it is acknowledged, and what goes out."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.links.mqtt_connection import ConnectionLost
from adapters.order import Delivered, NotReached, Order
from tests.fakes.linked import KEY, Linked, device_of, ground, linked
from tests.fakes.mosquitto import PASSWORD, USER, Listener, Mosquitto, listening, password_file, program
from tests.outside.served import free_port

JSON, LIGHT, HOME = {"kind": "iota-json"}, {"kind": "ultralight"}, {"kind": "home-assistant"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path, free_port(), ("allow_anonymous true", "max_queued_messages 0")) as mosquitto:
        yield mosquitto


def publish(server: Mosquitto, topic: str, payload: str | bytes, *more: str) -> None:
    """With mosquitto's own client, which ends when the server has the message."""
    words = [program("mosquitto_pub"), "-p", str(server.port), "-q", "1", "-t", topic, *(more or ("-s",))]
    subprocess.run(words, input=payload if isinstance(payload, bytes) else payload.encode(), check=True, timeout=30)


def publish_lines(server: Mosquitto, topic: str, number: int) -> None:
    """So many numbers, each a message."""
    publish(server, topic, "".join(f"{one}\n" for one in range(number)), "-l")


@contextmanager
def hearing(server: Mosquitto, topic: str, number: int) -> Iterator[Callable[[], list[str]]]:
    """Mosquitto's other client; what it gives are the lines of so many messages."""
    words = [program("mosquitto_sub"), "-p", str(server.port), "-q", "1", "-t", topic, "-C", str(number), "-v"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as listener:
        try:
            time.sleep(0.5)
            yield lambda: listener.communicate(timeout=10)[0].decode().splitlines()
        finally:
            listener.kill()


async def connected(working: Linked) -> None:
    for _ in range(500):
        assert working.task is not None
        if working.task.done():
            working.task.result()
        if working.link._connection is not None:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("no connection")


@asynccontextmanager
async def mqtt(server: Mosquitto, codec: dict[str, Any], *devices: Any, **settings: Any) -> AsyncIterator[Linked]:
    """The link, connected."""
    link = {"kind": "mqtt", "url": f"mqtt://127.0.0.1:{server.port}", **settings}
    async with linked(ground(link, codec, server.directory, *devices)) as working:
        await connected(working)
        yield working


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(work(), 60)

    asyncio.run(bounded())


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_messages_come_with_their_device_and_key_by_either_version(server: Mosquitto, version: str) -> None:
    async def work() -> None:
        async with mqtt(server, JSON, version=version) as working:
            publish(server, f"/json/{KEY}/h1/attrs", '{"t": 1}')
            publish(server, f"json/{KEY}/h1/attrs/t", "2")
            publish(server, f"/json/{KEY}/h1/cmdexe", '{"ping": 1}')
            publish(server, f"/ul/{KEY}/h1/attrs", "t|1")
            frames = await working.wait(3)
            assert [(one.device, one.key, one.payload) for one in frames] == [
                ("h1", KEY, b'{"t": 1}'),
                ("h1", KEY, b"2"),
                ("h1", KEY, b'{"ping": 1}'),
            ]

    run(work)


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_what_was_not_kept_is_not_acknowledged_and_comes_again(server: Mosquitto, version: str) -> None:
    async def work() -> None:
        async with mqtt(server, JSON, version=version) as working:
            working.goes_on.clear()
            publish(server, f"/json/{KEY}/h1/attrs", '{"t": 1}')
            await asyncio.sleep(0.3)
            assert working.frames == []
        publish(server, f"/json/{KEY}/h1/attrs", '{"t": 2}')  # nobody is there: the server keeps it
        async with mqtt(server, JSON, version=version) as working:
            frames = await working.wait(2)
            assert sorted(one.payload for one in frames) == [b'{"t": 1}', b'{"t": 2}']
        async with mqtt(server, JSON, version=version) as working:
            publish(server, f"/json/{KEY}/h1/attrs", '{"t": 3}')
            assert [one.payload for one in await working.wait(1)] == [b'{"t": 3}']  # the others were acknowledged

    run(work)


def test_no_more_is_read_than_may_wait_and_all_comes_in_order(server: Mosquitto) -> None:
    async def work() -> None:
        async with mqtt(server, JSON, window=10) as working:
            working.goes_on.clear()
            publish_lines(server, f"/json/{KEY}/h1/attrs/t", 2_000)
            await asyncio.sleep(0.2)
            assert working.link._connection._unacknowledged == 10
            working.goes_on.set()
            frames = await working.wait(2_000, 30)
            assert [int(one.payload) for one in frames] == [*range(2_000)]

    run(work)


def test_a_session_fuller_than_the_window_is_taken_after_a_restart(server: Mosquitto) -> None:
    async def work() -> None:
        async with mqtt(server, JSON, window=5):
            pass
        publish_lines(server, f"/json/{KEY}/h1/attrs/t", 200)
        async with mqtt(server, JSON, window=5) as working:
            assert len(await working.wait(200)) == 200

    run(work)


def test_a_server_that_goes_away_ends_the_link_with_a_reason(server: Mosquitto) -> None:
    async def work() -> None:
        async with mqtt(server, JSON) as working:
            server.stop()
            assert working.task is not None
            with pytest.raises(ConnectionLost):
                await asyncio.wait_for(working.task, 10)
            with pytest.raises(NotReached):
                await working.link.send(Order("c1", device_of("h1"), "ping", 1))

    run(work)


def test_a_server_that_goes_away_while_messages_are_being_kept_leaves_no_link_behind(server: Mosquitto) -> None:
    async def work() -> None:
        async with mqtt(server, JSON, window=10) as working:
            working.goes_on.clear()
            publish_lines(server, f"/json/{KEY}/h1/attrs/t", 100)
            await asyncio.sleep(0.2)
            server.stop()
            await asyncio.sleep(0.2)
            working.goes_on.set()
            assert working.task is not None
            with pytest.raises(ConnectionLost):
                await asyncio.wait_for(working.task, 10)
            assert len(working.frames) == 10

    run(work)


def test_commands_go_out_as_the_agents_publish_them_and_answers_come_back(server: Mosquitto) -> None:
    async def work(heard: Listener) -> None:
        async with mqtt(server, JSON, device_of("h1")) as working:
            order = Order("c1", device_of("h1"), "ping", {"data": "22"})
            with pytest.raises(NotReached, match="key"):  # only its digest is kept, and it has not spoken yet
                await working.link.send(order)
            publish(server, f"/json/{KEY}/h1/attrs", '{"t": 1}')
            publish(server, "/json/guessed/h1/attrs", '{"t": 1}')  # of anybody: the key is not taken for the device's
            await working.wait(2)
            assert await working.link.send(order) == Delivered("DELIVERED")
            theirs = Order("c2", device_of("h1", tenant="city_b"), "ping", 1)
            with pytest.raises(NotReached, match="key"):  # it has not spoken; another tenant's of that id has
                await working.link.send(theirs)
        assert ("/k7f3/h1/cmd", 1, {"ping": {"data": "22"}}) in await asyncio.to_thread(heard.wait, 3)

    with listening(server.port) as heard:
        run(lambda: work(heard))


def test_ultralight_commands_and_the_link_s_own_keys(server: Mosquitto) -> None:
    async def work() -> None:
        async with mqtt(server, LIGHT, keys=["other", KEY]) as working:
            await working.link.send(Order("c1", device_of("h1"), "turn", "left"))
            await working.link.send(Order("c2", device_of("h1"), "move", {"x": 1, "y": "a|b#c"}))

    with hearing(server, "/+/+/cmd", 2) as heard:
        run(work)
        assert heard() == ["/k7f3/h1/cmd h1@turn|left", "/k7f3/h1/cmd h1@move|x=1|y=a_b_c"]


@pytest.mark.parametrize(
    ("codec", "topic", "asked", "answered"),
    [
        (JSON, "/json/k7f3/h1", '{"type": "configuration", "fields": ["sleepTime", "no"]}', '{"sleepTime":200,"dt":'),
        (LIGHT, "/ul/k7f3/h1", "configuration|sleepTime|no", "h1@configuration|sleepTime=200|dt="),
    ],
)
def test_a_device_gets_its_configuration(
    server: Mosquitto, codec: dict[str, Any], topic: str, asked: str, answered: str
) -> None:
    async def work() -> None:
        device = device_of("h1", options={"configuration": {"sleepTime": 200, "secret": 1}})
        async with mqtt(server, codec, device) as working:
            publish(server, topic.replace(KEY, "wrong") + "/configuration/commands", asked)
            publish(server, topic + "/configuration/commands", asked)
            assert [one.key for one in await working.wait(1)] == ["wrong"]  # goes on, to be quarantined
            [line] = await asyncio.to_thread(heard)
            assert line.startswith(f"/k7f3/h1/configuration/values {answered}")

    with hearing(server, "/+/h1/configuration/values", 1) as heard:
        run(work)


def test_announced_devices_are_heard_and_commanded(server: Mosquitto) -> None:
    prefix, plug = "homeassistant", {"ids": ["plug7"]}
    relay = {"dev": plug, "stat_t": "plug7/relay", "cmd_t": "plug7/set", "uniq_id": "r"}
    power = {"dev": plug, "stat_t": "plug7/power", "unit_of_meas": "W", "dev_cla": "power"}

    async def work() -> None:
        publish(server, f"{prefix}/switch/plug7/relay/config", json.dumps(relay), "-s", "-r")
        async with mqtt(server, HOME) as working:
            publish(server, f"{prefix}/sensor/plug7/power/config", json.dumps(power))
            await asyncio.sleep(0.3)
            publish(server, "plug7/relay", "ON")
            publish(server, "plug7/power", "812.5")
            frames = await working.wait(2)
            assert [(one.device, one.channel) for one in frames] == [("plug7", "plug7/relay"), ("plug7", "plug7/power")]
            await working.link.send(Order("c1", device_of("plug7"), "relay", value=False))
            with pytest.raises(NotReached, match="power"):
                await working.link.send(Order("c2", device_of("plug7"), "power", 1))
            publish(server, f"{prefix}/switch/plug7/relay/config", "", "-n", "-r")
            await asyncio.sleep(0.3)
            with pytest.raises(NotReached, match="relay"):
                await working.link.send(Order("c3", device_of("plug7"), "relay", value=True))
            publish(server, f"{prefix}/sensor/x/y/config", '{"stat_t": "a/#"}')
            assert (await working.wait(3))[2].channel.endswith("/config")  # an announcement that is none goes on

    with hearing(server, "plug7/set", 1) as heard:
        run(work)
        assert heard() == ["plug7/set OFF"]


def test_several_adapters_share_what_comes(server: Mosquitto) -> None:
    async def work() -> None:
        settings = {"shared": "city", "topics": ["s/{device}/state"]}
        async with (
            mqtt(server, {"kind": "json"}, client_id="one", **settings) as one,
            mqtt(server, {"kind": "json"}, client_id="two", **settings) as two,
        ):
            for number in range(20):
                publish(server, f"s/h{number}/state", str(number))
            for _ in range(100):
                if len(one.frames) + len(two.frames) == 20:
                    break
                await asyncio.sleep(0.05)
            assert {frame.device for frame in one.frames + two.frames} == {f"h{number}" for number in range(20)}
            assert one.frames
            assert two.frames

    run(work)


def _certificate(directory: Path) -> tuple[Path, Path]:
    certificate, key = directory / "server.crt", directory / "server.key"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*words, "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    return certificate, key


def test_tls_and_a_password_from_a_file(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    options = ("allow_anonymous false", f"password_file {password_file(tmp_path)}", f"certfile {certificate}")
    (tmp_path / "secret").write_text(f"{PASSWORD}\n")
    settings: dict[str, Any] = {"kind": "mqtt", "user": USER, "password_file": "secret", "ca": certificate.name}

    async def work(server: Mosquitto) -> None:
        url = f"mqtts://localhost:{server.port}"
        async with linked(ground(settings | {"url": url}, JSON, tmp_path)) as working:
            await connected(working)
            words = ["-s", "--cafile", str(certificate), "-h", "localhost", "-u", USER, "-P", PASSWORD]
            payload = json.dumps({"text": "x" * 60_000})
            publish(server, f"/json/{KEY}/h1/attrs", payload, *words)
            publish(server, f"/json/{KEY}/h1/attrs", "{}", *words)
            assert [len(one.payload) for one in await working.wait(2)] == [len(payload), 2]
        (tmp_path / "secret").write_text("wrong\n")
        for wrong in (settings, settings | {"ca": ""}):
            async with linked(ground(wrong | {"url": url}, JSON, tmp_path)) as working:
                assert working.task is not None
                with pytest.raises(ConnectionLost) as lost:
                    await working.task
                assert "wrong" not in str(lost.value)

    with Mosquitto(tmp_path, free_port(), (*options, f"keyfile {key}")) as server:
        run(lambda: work(server))
