"""ETags and the writes that depend on them: If-Match, If-None-Match (ARCHITECTURE 7; RFC 9110)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes import plain
from tests.outside.served import Served

ENTITY = "urn:ngsi-ld:Tagged:1"
SEED = {"id": ENTITY, "type": "Tagged", "a": {"type": "Property", "value": 1}, "b": {"type": "Property", "value": 1}}
FRAGMENT = {"a": {"type": "Property", "value": 2}}
WRITES: list[tuple[str, str, Any]] = [
    ("PUT", f"/entities/{ENTITY}", {**SEED, **FRAGMENT}),
    ("PATCH", f"/entities/{ENTITY}", FRAGMENT),
    ("POST", f"/entities/{ENTITY}/attrs", FRAGMENT),
    ("PATCH", f"/entities/{ENTITY}/attrs", FRAGMENT),
    ("PATCH", f"/entities/{ENTITY}/attrs/a", FRAGMENT["a"]),
    ("PUT", f"/entities/{ENTITY}/attrs/a", FRAGMENT["a"]),
    ("DELETE", f"/entities/{ENTITY}/attrs/b", None),
    ("DELETE", f"/entities/{ENTITY}", None),
]


@pytest.fixture
def door(served: Served) -> Iterator[httpx.Client]:
    headers = {"NGSILD-Tenant": f"tags{time.monotonic_ns()}"}
    with plain.Client(base_url=served.http.base_url, headers=headers, timeout=30) as client:
        assert client.post("/entities", json=SEED).status_code == 201
        yield client


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=lambda value: str(value)[:40])
def test_a_write_of_what_has_changed_meanwhile_is_412(door: httpx.Client, method: str, path: str, body: Any) -> None:
    old = door.get(f"/entities/{ENTITY}").headers["ETag"]
    assert door.post(f"/entities/{ENTITY}/attrs", json={"c": {"type": "Property", "value": 3}}).status_code == 204
    now = door.get(f"/entities/{ENTITY}")
    assert now.headers["ETag"] != old
    refused = door.request(method, path, json=body, headers={"If-Match": old})
    assert refused.status_code == 412, refused.text
    assert refused.json()["type"].endswith("PreconditionFailed")
    assert door.get(f"/entities/{ENTITY}").json() == now.json()
    done = door.request(method, path, json=body, headers={"If-Match": now.headers["ETag"]})
    assert done.status_code == 204, done.text


def test_a_write_of_what_is_not_there_is_404_or_412(door: httpx.Client) -> None:
    reply = door.delete("/entities/urn:ngsi-ld:Tagged:9", headers={"If-Match": "*"})
    assert reply.status_code in (404, 412)


def test_create_only_if_none_is_there(door: httpx.Client) -> None:
    assert door.post("/entities", json=SEED, headers={"If-None-Match": "*"}).status_code in (409, 412)
    other = {**SEED, "id": "urn:ngsi-ld:Tagged:2"}
    assert door.post("/entities", json=other, headers={"If-None-Match": "*"}).status_code == 201
