"""Sixteen clients that increment sub-members of one entity by merge lose no increment, with one worker and with two."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.fakes import plain
from tests.outside.served import Served, serving

CLIENTS = 16
INCREMENTS = 40
ENTITY = "urn:ngsi-ld:Counter:1"


def increment(broker: Served, client: int) -> int:
    """Raise this client's own member of the value, and its own sub-attribute, one merge each."""
    with plain.Client(base_url=broker.http.base_url, timeout=60) as http:
        for number in range(1, INCREMENTS + 1):
            fragment = {
                "count": {
                    "type": "Property",
                    "value": {f"m{client}": number},
                    f"s{client}": {"type": "Property", "value": number},
                }
            }
            reply = http.patch(f"/entities/{ENTITY}", json=fragment)
            assert reply.status_code == httpx.codes.NO_CONTENT, reply.text
    return INCREMENTS


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_increment_is_lost(tmp_path: Path, workers: str) -> None:
    with serving(tmp_path / "data", "--workers", workers) as broker:
        seed = {"id": ENTITY, "type": "Counter", "count": {"type": "Property", "value": {"seed": True}}}
        assert broker.http.post("/entities", json=seed).status_code == httpx.codes.CREATED
        with ThreadPoolExecutor(CLIENTS) as pool:
            done = list(pool.map(lambda client: increment(broker, client), range(CLIENTS)))
        count = broker.http.get(f"/entities/{ENTITY}").json()["count"]
    assert count["value"] == {"seed": True, **{f"m{client}": INCREMENTS for client in range(CLIENTS)}}
    assert all(count[f"s{client}"]["value"] == INCREMENTS for client in range(CLIENTS))
    print(f"\nfigure increments_{workers}_workers {2 * sum(done)}")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_read_modify_write_is_lost_with_if_match(tmp_path: Path, workers: str) -> None:
    """One counter for all: who reads, adds one and writes back under If-Match never overwrites another."""

    def count_up(broker: Served) -> None:
        with plain.Client(base_url=broker.http.base_url, timeout=60) as http:
            done = 0
            while done < 10:
                found = http.get(f"/entities/{ENTITY}")
                fragment = {"count": {"type": "Property", "value": found.json()["count"]["value"] + 1}}
                headers = {"If-Match": found.headers["ETag"]}
                reply = http.patch(f"/entities/{ENTITY}", json=fragment, headers=headers)
                assert reply.status_code in (httpx.codes.NO_CONTENT, httpx.codes.PRECONDITION_FAILED), reply.text
                done += reply.status_code == httpx.codes.NO_CONTENT

    with serving(tmp_path / "data", "--workers", workers) as broker:
        seed = {"id": ENTITY, "type": "Counter", "count": {"type": "Property", "value": 0}}
        assert broker.http.post("/entities", json=seed).status_code == httpx.codes.CREATED
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(count_up, [broker] * 4))
        assert broker.http.get(f"/entities/{ENTITY}").json()["count"]["value"] == 40
