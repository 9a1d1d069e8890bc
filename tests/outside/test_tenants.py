"""Many tenants of a few entities: memory stays bounded, and a tenant that nobody asked for lately answers promptly.

`make figures` runs this with TENANTS=10000; the tests run it with fewer, and with the bars of the whole figure.
"""

from __future__ import annotations

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.fakes import plain
from tests.outside.served import Served, serving

TENANTS = int(os.environ.get("TENANTS", "300"))
ENTITIES = 10
RSS_MIB_MAX = 400
COLD_GET_MS_MAX = 20
COLD_GETS = 200
CLIENTS = 8


def batch(tenant: int) -> list[dict[str, object]]:
    return [
        {"id": f"urn:ngsi-ld:E:{number}", "type": "E", "value": {"type": "Property", "value": tenant * 100 + number}}
        for number in range(ENTITIES)
    ]


def cold_gets_ms(http: httpx.Client) -> list[float]:
    """Milliseconds of a GET in tenants chosen by chance: with many more tenants than open files nearly all are cold."""
    http.get("/entities/urn:ngsi-ld:E:0", headers={"NGSILD-Tenant": "t0"})
    found = []
    for tenant in random.Random(7).choices(range(TENANTS), k=COLD_GETS):
        begin = time.perf_counter()
        reply = http.get("/entities/urn:ngsi-ld:E:3", headers={"NGSILD-Tenant": f"t{tenant}"})
        found.append((time.perf_counter() - begin) * 1000)
        assert reply.json()["value"]["value"] == tenant * 100 + 3
    return sorted(found)


def make(broker: Served, tenants: range) -> None:
    """Create the entities of these tenants."""
    with plain.Client(base_url=broker.http.base_url, timeout=60) as http:
        for tenant in tenants:
            headers = {"NGSILD-Tenant": f"t{tenant}"}
            reply = http.post("/entityOperations/create", json=batch(tenant), headers=headers)
            assert reply.status_code == httpx.codes.CREATED, reply.text


@pytest.mark.timeout(1200)
def test_tenants_cost_little(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as broker:
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda first: make(broker, range(first, TENANTS, CLIENTS)), range(CLIENTS)))
        times_ms = cold_gets_ms(broker.http)
        rss_mib = broker.rss_mib()
        elsewhere = broker.http.get("/entities/urn:ngsi-ld:E:3")
    assert elsewhere.status_code == httpx.codes.NOT_FOUND, "a tenant's entity shows in another"
    p50, p99 = times_ms[len(times_ms) // 2], times_ms[int(len(times_ms) * 0.99)]
    print(f"\nfigure rss_mib {rss_mib:.1f} {TENANTS}")
    print(f"figure cold_get_p50_ms {p50:.2f} {COLD_GETS}\nfigure cold_get_p99_ms {p99:.2f} {COLD_GETS}")
    assert rss_mib <= RSS_MIB_MAX
    assert p50 <= COLD_GET_MS_MAX
