"""The devices of the demo: their servers and they themselves, beside the hub, in a thread of their own."""

from __future__ import annotations

import asyncio
import ctypes
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from urllib.parse import urlsplit

from adapters.simulated.day import Day
from adapters.simulated.playing import Part, parts_of, play

_MQTT_PORT = 1883
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


@contextmanager
def playing(folder: Path, length_s: float, hour: float) -> Iterator[Sequence[Part]]:
    """The devices of a folder of adapters speak while the block runs; a day of theirs takes `length_s`, from this hour.

    Raises BadSettings.
    """
    parts, begun = parts_of(folder), time.monotonic()
    with _brokers(parts) as able:
        day = Day(lambda: time.monotonic() - begun, length_s, hour)
        loop = asyncio.new_event_loop()
        tasks = [loop.create_task(play(able, day))]
        thread = Thread(target=_run, args=(loop, tasks[0]), name="devices", daemon=True)
        thread.start()
        try:
            yield able
        finally:
            loop.call_soon_threadsafe(tasks[0].cancel)
            thread.join(5)


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    try:
        loop.run_until_complete(task)
    except asyncio.CancelledError:
        pass
    finally:
        loop.close()


@contextmanager
def _brokers(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """Mosquitto for those that speak MQTT with this machine; without it the others are played."""
    ports = {_mqtt_port(part): part for part in parts if part.kind == "mqtt"}
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if not ports or program is None:
        if ports:
            print("mosquitto is not installed: the devices that speak MQTT stand still (apt-get install mosquitto)")
        yield [part for part in parts if part.kind != "mqtt"]
        return
    with TemporaryDirectory(prefix="misono-mqtt-") as folder:
        config = Path(folder) / "mosquitto.conf"
        listeners = "".join(f"listener {port} 127.0.0.1\n" for port in ports)
        config.write_text(f"per_listener_settings false\nallow_anonymous true\nlog_type error\n{listeners}")
        server = subprocess.Popen([program, "-c", str(config)], preexec_fn=_die_with_us, stdin=subprocess.DEVNULL)  # noqa: PLW1509, S603
        try:
            yield parts
        finally:
            server.terminate()
            server.wait(5)


def _mqtt_port(part: Part) -> int:
    return urlsplit(str(part.settings.get("url", ""))).port or _MQTT_PORT


def _die_with_us() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGTERM)
