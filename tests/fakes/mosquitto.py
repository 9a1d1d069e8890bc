"""Debian's mosquitto on a port of this machine, and a client that keeps what it publishes."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

USER, PASSWORD = "city", "p@ss:word"


def program(name: str) -> str:
    """Where a program is; the test is passed over where this machine lacks it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed: tools/install.sh packages mosquitto")
    return found


@dataclass
class Mosquitto:
    """A server that can be stopped and started again; it remembers nothing."""

    directory: Path
    port: int
    options: Sequence[str] = ("allow_anonymous true",)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Mosquitto:
        """Listen; return once it does."""
        lines = [f"listener {self.port} 127.0.0.1", *self.options, "user root", "set_tcp_nodelay true"]
        config = self.directory / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n")
        log = (self.directory / "mosquitto.log").open("ab")
        command = [program("mosquitto"), "-c", str(config)]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        for _ in range(500):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return self
            time.sleep(0.02)
        raise AssertionError((self.directory / "mosquitto.log").read_text())

    def stop(self) -> None:
        """Be gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def password_file(directory: Path) -> Path:
    """A file that lets USER in."""
    path = directory / "passwords"
    path.touch(mode=0o600)
    subprocess.run([program("mosquitto_passwd"), "-b", str(path), USER, PASSWORD], check=True, capture_output=True)
    return path


@dataclass
class Listener:
    """`messages` in the order of arrival: topic, QoS and JSON."""

    messages: list[tuple[str, int, Any]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        """Keep one."""
        with self.arrived:
            self.messages.append((message.topic, message.qos, json.loads(message.payload)))
            self.arrived.notify_all()

    def wait(self, number: int, seconds: float = 10) -> list[tuple[str, int, Any]]:
        """The first messages, once there are so many."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.messages) >= number, seconds), self.messages
            return list(self.messages)


@contextmanager
def listening(port: int, topic: str = "#", user: str | None = None) -> Iterator[Listener]:
    """A client of its own that hears a topic."""
    heard, ready = Listener(), threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    if user is not None:
        client.username_pw_set(user, PASSWORD)
    client.on_message = heard.take

    def connected(client: paho.Client, *_: object) -> None:
        client.subscribe(topic, 2)

    client.on_connect = connected
    client.on_subscribe = lambda *_: ready.set()
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert ready.wait(10)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()
