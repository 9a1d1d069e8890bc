"""Whether an entity is hidden or is not there at all: neither the answer tells it, nor how long it takes.

TIMING=2000 asks so often for each of both, and again; what a test of every day asks is less.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from tests.outside.residents.test_revocation import ACCESS, BESIDE, CLINIC, HANA, ROOT, TENANT, City
from tests.outside.served import serving

ASKED = int(os.environ.get("TIMING", "300"))
ROUNDS = 3
HIDDEN, ABSENT = "urn:ngsi-ld:HeartRateObservation:hana", "urn:ngsi-ld:HeartRateObservation:hano"
BAR = 0.05


def timed(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> tuple[float, bytes]:
    """How long an answer takes, and what is in it but for the id that was asked for."""
    begin = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    taken = time.perf_counter() - begin
    told = sorted(name.lower() for name, _ in answer.getheaders())
    return taken, repr((answer.status, told)).encode() + body.replace(path.rpartition("/")[2].encode(), b"ID")


def difference(connection: http.client.HTTPConnection, headers: dict[str, str]) -> float:
    """By how much the medians of alternating requests differ, as a part of the shorter one."""
    taken: dict[str, list[float]] = {HIDDEN: [], ABSENT: []}
    for number in range(ASKED):
        for one in (HIDDEN, ABSENT) if number % 2 else (ABSENT, HIDDEN):
            taken[one].append(timed(connection, f"/ngsi-ld/v1/entities/{one}", headers)[0])
    hidden, absent = median(taken[HIDDEN]), median(taken[ABSENT])
    print(f"hidden {hidden * 1e6:.1f} µs, absent {absent * 1e6:.1f} µs")
    return abs(hidden - absent) / min(hidden, absent)


def test_hidden_is_like_absent(tmp_path: Path) -> None:
    with serving(tmp_path / "city", "--access", str(ACCESS)) as served:
        city = City(served)
        city.token("clinic", "--role", "recipient", "--recipient", CLINIC, "--purpose", "HealthAdvice")
        city.token("hana", "--role", "resident", "--subject", HANA)
        command = [sys.executable, str(BESIDE), str(served.data), str(ACCESS), TENANT, HANA]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as watch:
            assert watch.stdout is not None
            assert watch.stdout.read(1) == b"."
            assert watch.stdin is not None
            watch.stdin.close()
        assert city.ask("hana", "GET", f"/ngsi-ld/v1/entities/{HIDDEN}").status_code == 200
        connection, headers = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20), city.headers("clinic")
        bodies = {timed(connection, f"/ngsi-ld/v1/entities/{one}", headers)[1] for one in (HIDDEN, ABSENT)}
        assert len(bodies) == 1, bodies
        found = [difference(connection, headers) for _ in range(ROUNDS)]
        connection.close()
    print(f"figure hidden_or_absent {median(found) * 100:.2f} {2 * ASKED * ROUNDS}")
    assert min(found) < BAR, found
