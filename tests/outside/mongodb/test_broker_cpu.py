"""What an operation costs a broker in CPU, over MongoDB and over SQLite; the server's is not in it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.engines.mongodb.houses import house
from tests.engines.wires.running import fresh
from tests.fakes import plain
from tests.outside.served import Served, serving

HOUSES, THREADS = 200, 8
TIMES_MAX = 4.0
"""Of what SQLite takes, with the driver and the way to the server in it."""
Request = Callable[[httpx.Client, int], httpx.Response]


def create(http: httpx.Client, number: int) -> httpx.Response:
    return http.post("/entities", json=house(number))


def get(http: httpx.Client, number: int) -> httpx.Response:
    return http.get(f"/entities/{house(number % HOUSES)['id']}")


def patch(http: httpx.Client, number: int) -> httpx.Response:
    body = {"reading1": {"type": "Property", "value": number}}
    return http.patch(f"/entities/{house(number % HOUSES)['id']}/attrs", json=body)


def page(http: httpx.Client, _number: int) -> httpx.Response:
    return http.get("/entities?type=House&q=reading2%3E20&limit=100")


WORK: dict[str, tuple[Request, int]] = {
    "create": (create, HOUSES),
    "get": (get, 400),
    "patch": (patch, 200),
    "page": (page, 20),
}


def cpu_us(process: int) -> float:
    """CPU that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return 1e6 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def each_us(served: Served, request: Request, times: int) -> float:
    """CPU of the broker for each of so many requests."""
    numbers, lock = iter(range(times)), threading.Lock()

    def work() -> None:
        with plain.Client(base_url=f"{served.root}/ngsi-ld/v1", timeout=60) as http:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                codes.add(request(http, number).status_code)

    codes: set[int] = set()
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    before = cpu_us(served.process.pid)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes <= {200, 201, 204}, codes
    return (cpu_us(served.process.pid) - before) / times


def test_mongodb_costs_a_broker_a_small_multiple_of_sqlite(tmp_path: Path) -> None:
    found: dict[str, dict[str, float]] = {}
    with fresh() as url:
        for engine, store in (("sqlite", "sqlite"), ("mongodb", url)):
            with serving(tmp_path / engine, "--store", store) as served:
                found[engine] = {name: each_us(served, *work) for name, work in WORK.items()}
    for name, (_, times) in WORK.items():
        ours, theirs = found["mongodb"][name], found["sqlite"][name]
        print(f"figure cpu_{name}_us {ours:.0f} {times}\nfigure cpu_{name}_times {ours / theirs:.2f} {times}")
        assert ours < TIMES_MAX * theirs, name
