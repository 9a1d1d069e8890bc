"""`misono adapter run --port`: the same door on loopback, beside a hub elsewhere."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.fakes import plain
from tests.outside.served import free_port, serving

PATIENCE_S = 15.0
FILE = "adapter: sensors\nlink: http\ncodec: iota-json\n"
GROUP = {"apikey": "a-key-of-the-sensors", "resource": "/iot/json", "entity_type": "Room"}


@contextmanager
def adapter(folder: Path, hub: str, data: Path) -> Iterator[httpx.Client]:
    port = free_port()
    command = [sys.executable, "-m", "broker", "adapter", "run", "--hub", hub, "--port", str(port)]
    with (
        subprocess.Popen([*command, "--adapters", str(folder), "--data", str(data)]) as process,
        plain.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        try:
            wait_for(client, process)
            yield client
        finally:
            process.terminate()
            assert process.wait(PATIENCE_S) == 0


def wait_for(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        assert process.poll() is None
        try:
            if client.get("/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("it was not ready in time")


def test_devices_are_provisioned_and_heard_beside_the_hub(tmp_path: Path) -> None:
    folder = tmp_path / "adapters"
    folder.mkdir()
    (folder / "sensors.yaml").write_text(FILE)
    with serving(tmp_path / "hub") as hub, adapter(folder, hub.root, tmp_path / "beside") as client:
        here = {"fiware-service": "city", "fiware-servicepath": "/"}
        assert client.post("/iot/services", json={"services": [GROUP]}, headers=here).status_code == 201
        sent = client.post("/iot/json?k=a-key-of-the-sensors&i=r1", json={"temperature": 21})
        assert sent.status_code == 200, sent.text

        def chunks() -> Iterator[bytes]:
            yield b'{"humidity"'
            yield b": 40}"

        chunked = client.post(
            "/iot/json?k=a-key-of-the-sensors&i=r1", content=chunks(), headers={"Content-Type": "application/json"}
        )
        assert chunked.status_code == 200, chunked.text
        end = time.monotonic() + PATIENCE_S
        while True:
            found = hub.http.get("/entities/urn:ngsi-ld:Room:r1", headers={"NGSILD-Tenant": "city"})
            if found.status_code == 200 and "humidity" in found.json():
                break
            assert time.monotonic() < end, found.text
            time.sleep(0.05)
        assert found.json()["temperature"]["value"] == 21
        (told,) = client.get("/admin/adapters").json()
        assert (told["adapter"], told["frames"], told["state"]) == ("sensors", 2, "ok")
        assert client.get("/admin/devices", headers={"NGSILD-Tenant": "city"}).json()[0]["id"] == "r1"
        assert client.get("/ngsi-ld/v1/entities").status_code == 404
        big = client.post("/iot/json?k=a-key-of-the-sensors&i=r1", content=b"x" * (1 << 20 | 1))
        assert big.status_code == 413
        assert client.get("/iot/about").status_code == 200
        assert client.get("/admin/devices", headers={"Host": "attacker.example"}).status_code == 403


def test_a_running_hub_knows_within_a_second_of_what_the_command_line_says(tmp_path: Path) -> None:
    folder = tmp_path / "adapters"
    folder.mkdir()
    (folder / "sensors.yaml").write_text(FILE + "mapping: rooms\n")
    (folder / "rooms.yaml").write_text(
        "mapping: rooms\nentities: [{id: 'urn:x:Room:{device}', type: Room, attributes: {temperature: t}}]\n"
    )
    (tmp_path / "key").write_text("its-own-key-of-r1")
    with serving(tmp_path / "data", "--adapters", str(folder)) as hub:

        def sent() -> int:
            return plain.post(f"{hub.root}/iot/json?k=its-own-key-of-r1&i=r1", json={"t": 21}, timeout=10).status_code

        assert sent() == 404
        elsewhere = {"Host": "attacker.example"}
        assert plain.get(f"{hub.root}/admin/devices", headers=elsewhere, timeout=10).status_code == 403
        add = [sys.executable, "-m", "broker", "devices", "add", "sensors", "r1", "--data", str(hub.data)]
        subprocess.run([*add, "--key-file", str(tmp_path / "key")], check=True, timeout=60)
        said = time.monotonic()
        while sent() != 200:
            assert time.monotonic() < said + 2, "it was not seen in time"
            time.sleep(0.05)
        remove = [sys.executable, "-m", "broker", "devices", "remove", "sensors", "r1", "--data", str(hub.data)]
        subprocess.run(remove, check=True, timeout=60)
        said = time.monotonic()
        while sent() == 200:
            assert time.monotonic() < said + 2, "it was not seen in time"
            time.sleep(0.05)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    (tmp_path / "sensors.yaml").write_text(FILE)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "broker", "adapter", "run", "--port", str(taken.getsockname()[1])]
        ended = subprocess.run(
            [*command, "--adapters", str(tmp_path), "--data", str(tmp_path / "data")],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert ended.returncode == 2
    assert "--port" in ended.stderr
