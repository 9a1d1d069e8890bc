"""A city moves from SQLite to MongoDB and back: while it is written to, cut off on the way, with little pause.

`MISONO_LONG=1` moves a larger one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.engines.wires.running import fresh
from tests.fakes.receiver import Receiver
from tests.outside.served import Served, free_port, serving

ENTITIES = 20_000 if os.environ.get("MISONO_LONG") else 100
BACK = 1_000 if os.environ.get("MISONO_LONG") else 100
"""Fewer: the servers of the tests look at every document for an index of several fields, which MongoDB does not."""
BATCH = 200
READ_ONLY_S_MAX = 60.0
CUT_AFTER_S = (0.9, 1.4, 2.0) if os.environ.get("MISONO_LONG") else (1.4,)
MOVED = ("--allow-private", "--notify-backoff-s", "0.1")
TIMEOUT_S = 300.0


class Writing:
    """A client that creates and changes entities until it is told to stop; it knows what was acknowledged."""

    def __init__(self, broker: Served) -> None:
        self._http = broker.http
        self._stopping = threading.Event()
        self.known: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._stopping.is_set():
            name = f"urn:ngsi-ld:Visitor:{number % 50}"
            if name in self.known:
                body: Any = {"count": {"type": "Property", "value": number}}
                status = self._http.patch(f"/entities/{name}/attrs", json=body).status_code
            else:
                status = self._http.post("/entities", json=thing(name, number, "Visitor")).status_code
            if status in (201, 204):
                self.known[name] = number
            number += 1
            time.sleep(0.01)


def thing(name: str, number: int, kind: str = "Thing") -> dict[str, Any]:
    made: dict[str, Any] = {"id": name, "type": kind, "count": {"type": "Property", "value": number}}
    for place in range(6):
        made[f"a{place}"] = {"type": "Property", "value": number * 1.5 + place, "observedAt": "2026-01-01T00:00:00Z"}
    return made


def populated(broker: Served, receiver: Receiver, entities: int) -> None:
    for start in range(0, entities, BATCH):
        batch = [thing(f"urn:ngsi-ld:Thing:{number}", number) for number in range(start, min(start + BATCH, entities))]
        assert broker.http.post("/entityOperations/create", json=batch).status_code == 201
    endpoint = {"uri": receiver.url, "accept": "application/json"}
    subscription = {"type": "Subscription", "entities": [{"type": "Visitor"}], "notification": {"endpoint": endpoint}}
    assert broker.http.post("/subscriptions", json=subscription).status_code == 201


def copying(source: str | Path, target: str | Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "broker", "copy", "--from", str(source), "--to", str(target), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def copied(source: str | Path, target: str | Path, *options: str) -> tuple[int, str]:
    process = copying(source, target, *options)
    said, _ = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, said


@contextmanager
def writing(broker: Served) -> Iterator[Writing]:
    found = Writing(broker)
    try:
        yield found
    finally:
        found.stop()


def everything(broker: Served) -> list[Any]:
    found: list[Any] = []
    for kind in ("Thing", "Visitor"):
        page: list[Any] = [None]
        while page:
            asked = {"type": kind, "limit": 1000, "offset": len([one for one in found if one["type"] == kind])}
            page = broker.http.get("/entities", params={**asked, "options": "sysAttrs"}).json()
            found += page
    return found


def until_heard(receiver: Receiver, name: str, value: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        data = [one for body in list(receiver.received) for one in body.json["data"]]
        if any(one["id"] == name and one["count"]["value"] == value for one in data):
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing was heard of {name}")


def moved_online(data: Path, url: str, broker: Served) -> dict[str, int]:
    """Copy while it is written to, cut off a few times; what was acknowledged."""
    with writing(broker) as client:
        for seconds in CUT_AFTER_S:
            cut = copying(data, url)
            time.sleep(seconds)
            cut.kill()
            cut.communicate()
        code, said = copied(data, url, "--quick")
        assert code == 0, said
    return client.known


def assert_read_only(broker: Served) -> None:
    refused = broker.http.post("/entities", json=thing("urn:ngsi-ld:Thing:late", 1))
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:misono:errors:ReadOnly")
    assert "retry-after" in refused.headers


def test_a_city_moves_with_little_pause(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    with fresh() as url, Receiver() as receiver:
        with serving(data, *MOVED, port=port) as old:
            populated(old, receiver, ENTITIES)
            known = moved_online(data, url, old)
            began = time.monotonic()
        with serving(data, *MOVED, "--read-only", port=port) as old:
            assert_read_only(old)
            code, said = copied(data, url, "--quick")
            assert code == 0, said
            copied_at = time.monotonic()
            before = everything(old)
            asked_s = time.monotonic() - copied_at
        with serving(tmp_path / "new", *MOVED, "--store", url, port=port) as new:
            name, number = "urn:ngsi-ld:Visitor:moved", 7
            assert new.http.post("/entities", json=thing(name, number, "Visitor")).status_code == 201
            read_only_s = time.monotonic() - began - asked_s
            sys.stdout.write(f"\nfigure read_only_s {read_only_s:.1f} {len(before)}\n")
            assert new.http.delete(f"/entities/{name}").status_code == 204
            assert everything(new) == before
            found = {one["id"]: one["count"]["value"] for one in before}
            assert {one: found[one] for one in known} == known
            until_heard(receiver, name, number)
        ids = [body.json["id"] for body in receiver.received]
        assert len(ids) == len(set(ids))
        assert read_only_s < READ_ONLY_S_MAX
        code, said = copied(data, url)
        assert code == 2, said
        assert "a broker has worked in it" in said


def test_the_way_back(tmp_path: Path) -> None:
    data = tmp_path / "back"
    with fresh() as url, Receiver() as receiver:
        with serving(tmp_path / "old", *MOVED, "--store", url) as old:
            populated(old, receiver, BACK)
            before = everything(old)
        code, said = copied(url, data)
        assert code == 0, said
        assert "all 1 tenants are the same in both" in said
    checked = subprocess.run(
        [sys.executable, "-m", "broker", "check", "--data", str(data)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    with serving(data) as broker:
        assert everything(broker) == before


def test_a_copy_that_did_not_end_is_not_served(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with fresh() as url:
        with serving(data) as broker:
            batch = [thing(f"urn:ngsi-ld:Thing:{number}", number) for number in range(1000)]
            assert broker.http.post("/entityOperations/create", json=batch).status_code == 201
        cut = copying(data, url)
        time.sleep(1.0)
        cut.kill()
        cut.communicate()
        if copied(url, tmp_path / "looked", "--quick")[0] == 2:
            return  # nothing of it was there yet
        command = [sys.executable, "-m", "broker", "serve", "--store", url, "--port", str(free_port())]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert ended.returncode != 0
        assert "did not end" in ended.stderr
        code, said = copied(data, url)
        assert code == 0, said


def test_what_cannot_be_copied_is_said(tmp_path: Path) -> None:
    code, said = copied(tmp_path / "nothing", tmp_path / "b")
    assert code == 2
    assert "holds no store" in said
    with serving(tmp_path / "a"):
        pass
    code, said = copied(tmp_path / "a", f"mongodb://user:secret@127.0.0.1:{free_port()}/x")
    assert code == 2
    assert "is not reached" in said
    assert "secret" not in said
    code, said = copied(tmp_path / "a", tmp_path / "a")
    assert code == 2
