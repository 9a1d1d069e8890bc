"""`kill -9` after a 201 loses nothing: many times, under load, on the same data."""

from __future__ import annotations

import json
import threading
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import httpx

from tests.outside.served import free_port, start

KILLS = 50
CLIENTS = 4
LOAD_S = 0.3


class Writer(threading.Thread):
    """Creates entities and raises a counter, one request after the other, until the broker is gone."""

    def __init__(self, port: int, name: str, counted: int) -> None:
        super().__init__(daemon=True)
        self.connection = HTTPConnection("127.0.0.1", port, timeout=10)
        self.label, self.counted = name, counted
        self.created: list[str] = []

    def run(self) -> None:
        try:
            self._write()
        except (OSError, HTTPException):
            return  # killed: what was not answered may be there or not
        finally:
            self.connection.close()

    def _write(self) -> None:
        number = 0
        while True:
            number += 1
            entity_id = f"urn:ngsi-ld:K:{self.label}-{number}"
            body = {"id": entity_id, "type": "K", "n": {"type": "Property", "value": number}}
            if self._post("/entities", body) == HTTPStatus.CREATED:
                self.created.append(entity_id)
            counter = {f"c{self.label[0]}": {"type": "Property", "value": self.counted + 1}}
            if self._post("/entities/urn:ngsi-ld:K:counter/attrs", counter) == HTTPStatus.NO_CONTENT:
                self.counted += 1

    def _post(self, path: str, body: object) -> int:
        headers = {"Content-Type": "application/json"}
        self.connection.request("POST", "/ngsi-ld/v1" + path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


def test_fifty_kills_under_load_lose_nothing_acknowledged(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    acknowledged: set[str] = set()
    counts = [0] * CLIENTS
    for round_number in range(KILLS):
        broker = start(data, port=port)
        if not round_number:
            made = broker.http.post("/entities", json={"id": "urn:ngsi-ld:K:counter", "type": "Counter"})
            assert made.status_code == httpx.codes.CREATED
        writers = [Writer(port, f"{client}r{round_number}", counts[client]) for client in range(CLIENTS)]
        for writer in writers:
            writer.start()
        time.sleep(LOAD_S)
        broker.kill()
        for writer in writers:
            writer.join(10)
        acknowledged.update(entity_id for writer in writers for entity_id in writer.created)
        counts = [writer.counted for writer in writers]
    assert len(acknowledged) > KILLS, "there was no load"
    broker = start(data, port=port)
    try:
        lost = acknowledged - ids(broker.http)
        counter = broker.http.get("/entities/urn:ngsi-ld:K:counter").json()
    finally:
        broker.kill()
    assert not lost
    # One more than acknowledged may be there: killed between commit and answer.
    assert all(counter[f"c{client}"]["value"] - counts[client] in (0, 1) for client in range(CLIENTS)), (
        counter,
        counts,
    )
    print(f"\nfigure kills {KILLS}\nfigure acknowledged {len(acknowledged) + sum(counts)}")


def ids(http: httpx.Client) -> set[str]:
    found: set[str] = set()
    while True:
        page = http.get("/entities", params={"type": "K", "pick": "id", "limit": 1000, "offset": len(found)}).json()
        found.update(entity["id"] for entity in page)
        if len(page) < 1000:
            return found
