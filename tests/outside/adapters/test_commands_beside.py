"""Adapters that run beside the hub: a change in the hub commands the device, once, whoever dies in between."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from broker.__main__ import main
from tests.engines.wires.running import fresh
from tests.fakes import plain
from tests.fakes.commanded import CHARGER, CONTEXT, LINK, MAPPING, READY, limit, text
from tests.fakes.mosquitto import Mosquitto, program
from tests.outside.adapters.test_commands_by_mqtt import ADAPTER, said
from tests.outside.served import Served, free_port, serving

WAIT_S = 20.0
SETTLED_S = 0.4
"""Longer than a broker takes to know of a claim, or an adapter of a change."""
JSON = {"Content-Type": "application/json", "Link": LINK}


@dataclass
class Beside:
    """`misono adapter run`, as it is started again and again on one directory."""

    folder: Path
    hub: str
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """In a process of its own."""
        words = ["adapter", "run", "--hub", self.hub, "--adapters", str(self.folder), "--data", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "broker", *words], stdout=log, stderr=log)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """And wait for that."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(WAIT_S)
            self.process = None

    def key(self) -> str:
        """What its commands are sealed with, as it tells the hub."""
        with sqlite3.connect(self.folder / "adapters.sqlite") as db:
            return bytes(db.execute("SELECT key FROM command_key").fetchone()[0]).hex()

    def log(self) -> str:
        """What it said."""
        return (self.folder / "log").read_text()


@contextmanager
def beside(directory: Path, hub: str, mqtt: int) -> Iterator[Beside]:
    folder = directory / "adapters"
    folder.mkdir()
    (folder / "chargers.yaml").write_text(ADAPTER % mqtt)
    (folder / "mapping.yaml").write_text(MAPPING)
    one = Beside(folder, hub)
    try:
        yield one
    finally:
        one.end()


@contextmanager
def device(port: int) -> Iterator[list[str]]:
    """All that is said to chargers, as it comes."""
    words = [program("mosquitto_sub"), "-p", str(port), "-t", "/k1/+/cmd", "-q", "1", "-c", "-i", "the-charger"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process, ExitStack() as closing:
        heard: list[str] = []
        assert process.stdout is not None
        stdout = process.stdout

        def listen() -> None:
            heard.extend(line.strip() for line in iter(stdout.readline, ""))

        thread = Thread(target=listen, daemon=True)
        thread.start()
        closing.callback(thread.join)
        closing.callback(process.terminate)
        time.sleep(0.3)  # mosquitto_sub does not tell when it has subscribed
        yield heard


def until(met: Callable[[], Any]) -> Any:
    end = time.monotonic() + WAIT_S
    while not (found := met()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
    return found


def claims(hub: Served) -> Any:
    return plain.get(hub.root + "/admin/command-claims").json()


def patched(hub: Served, fragment: Any, charger: str = CHARGER) -> httpx.Response:
    """On a connection of its own: now one worker has it, now another."""
    url = f"{hub.root}/ngsi-ld/v1/entities/{charger}/attrs"
    return plain.patch(url, content=json.dumps(fragment), headers=JSON, timeout=30)


def shown(hub: Served, name: str) -> Any:
    found = hub.http.get(f"/entities/{CHARGER}", headers={"Link": LINK}).json()
    return found.get(name, {}).get("value")


def test_a_change_in_the_hub_commands_a_device_of_an_adapter_beside_it(tmp_path: Path) -> None:
    port = free_port()
    with Mosquitto(tmp_path, port), serving(tmp_path / "hub") as hub, beside(tmp_path, hub.root, port) as adapter:
        assert hub.http.post("/entities", content=json.dumps({**READY, **limit(1)}), headers=JSON).status_code == 201
        adapter.start()
        (claim,) = until(lambda: claims(hub))
        assert claim["adapter"] == "chargers"
        time.sleep(SETTLED_S)
        with device(port) as heard:
            assert patched(hub, limit(3000)).status_code == 204
            until(lambda: heard)
            assert json.loads(heard[0]) == {"SetChargingProfile": 3000}
            until(lambda: shown(hub, "chargingLimitStatus") == "DELIVERED")
            said(port, "/json/k1/c1/cmdexe", json.dumps({"SetChargingProfile": "limited"}))
            until(lambda: shown(hub, "chargingLimitStatus") == "OK")
            assert shown(hub, "chargingLimitResult") == "limited"

            assert patched(hub, limit(9000)).status_code == 204
            until(lambda: shown(hub, "chargingLimitStatus") == "ERROR")
            assert "ratedPower" in shown(hub, "chargingLimitResult")

            adapter.end(signal.SIGKILL)
            assert patched(hub, limit(2000)).status_code == 204
            adapter.start()
            until(lambda: len(heard) == 2)
            until(lambda: shown(hub, "chargingLimitStatus") == "DELIVERED")
            time.sleep(SETTLED_S)
            assert [json.loads(one)["SetChargingProfile"] for one in heard] == [3000, 2000]
        assert claim["entities"] == 1
        assert adapter.key() not in adapter.log() + (tmp_path / "hub.log").read_text() + json.dumps(claim)


def test_who_may_not_command_is_refused_and_what_is_forged_is_not_obeyed(tmp_path: Path) -> None:
    port, at = free_port(), free_port()
    forged = {**READY, **limit(5000, commandedBy=text("grid"), commandSeal=text(f"1:0:{'0' * 64}"))}
    forged["@context"] = CONTEXT
    (tmp_path / "forged.jsonl").write_text(json.dumps(forged) + "\n")
    with Mosquitto(tmp_path, port), beside(tmp_path, f"http://127.0.0.1:{at}", port) as adapter, device(port) as heard:
        with serving(tmp_path / "hub", "--host", "0.0.0.0", "--insecure", port=at) as hub:  # noqa: S104  as strangers do
            assert hub.http.post("/entities", content=json.dumps(READY), headers=JSON).status_code == 201
            adapter.start()
            until(lambda: claims(hub))
            time.sleep(SETTLED_S)
            refused = patched(hub, limit(3000))
            assert (refused.status_code, refused.json()["pointer"]) == (403, "/chargingLimit")
            assert shown(hub, "chargingLimit") is None
        assert main(["import", str(tmp_path / "forged.jsonl"), "--data", str(hub.data)]) == 0
        with serving(hub.data, port=at) as hub:
            assert shown(hub, "chargingLimit") == 5000
            assert patched(hub, limit(4000)).status_code == 204
            until(lambda: heard)
            assert plain.delete(f"{hub.root}/admin/command-claims/chargers").status_code == 204
            time.sleep(SETTLED_S)
            assert patched(hub, limit(1000)).status_code == 204
            time.sleep(SETTLED_S)
            assert [json.loads(one)["SetChargingProfile"] for one in heard] == [4000]


def test_a_change_in_another_broker_of_the_directory_commands_too(tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as closing:
        closing.enter_context(Mosquitto(tmp_path, port))
        adapter = closing.enter_context(beside(tmp_path, "", port))
        one = closing.enter_context(serving(tmp_path / "hub", "--adapters", str(adapter.folder)))
        other = closing.enter_context(serving(tmp_path / "hub"))
        heard = closing.enter_context(device(port))
        assert other.http.post("/entities", content=json.dumps(READY), headers=JSON).status_code == 201
        until(lambda: claims(other))
        time.sleep(SETTLED_S)
        for number, (hub, watts) in enumerate(((other, 3000), (one, 2000), (other, 1000))):
            assert patched(hub, limit(watts)).status_code == 204
            until(lambda: len(heard) > number)  # noqa: B023  it is asked at once
        until(lambda: shown(one, "chargingLimitStatus") == "DELIVERED")
        assert [json.loads(said)["SetChargingProfile"] for said in heard] == [3000, 2000, 1000]


def test_whichever_broker_of_a_server_is_written_to_and_wherever_the_adapter_is(tmp_path: Path) -> None:
    """One adapter is inside of a broker, the other beside two workers; both are commanded by way of the others."""
    port, second = free_port(), f"{CHARGER[:-1]}2"
    with ExitStack() as closing:
        url = closing.enter_context(fresh())
        closing.enter_context(Mosquitto(tmp_path, port))
        adapter = closing.enter_context(beside(tmp_path, "", port))
        (tmp_path / "far").mkdir()
        far = closing.enter_context(beside(tmp_path / "far", "", port))
        file = far.folder / "chargers.yaml"
        file.write_text(file.read_text().replace("adapter: chargers", "adapter: more").replace("c1", "c2"))
        one = closing.enter_context(serving(tmp_path / "one", "--store", url, "--adapters", str(adapter.folder)))
        other = closing.enter_context(serving(tmp_path / "two", "--store", url, "--workers", "2"))
        far.hub = other.root
        far.start()
        heard = closing.enter_context(device(port))
        for charger in (CHARGER, second):
            made = one.http.post("/entities", content=json.dumps({**READY, "id": charger}), headers=JSON)
            assert made.status_code == 201
        until(lambda: len(claims(other)) == 2)
        time.sleep(SETTLED_S)
        orders = [(other, CHARGER, 3000), (one, second, 2000), (other, second, 1000)]
        for number, (hub, charger, watts) in enumerate(orders):
            assert patched(hub, limit(watts), charger).status_code == 204
            until(lambda: len(heard) > number)  # noqa: B023  it is asked at once
        assert [json.loads(said)["SetChargingProfile"] for said in heard] == [watts for _, _, watts in orders]
