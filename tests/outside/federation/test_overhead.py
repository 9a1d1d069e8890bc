"""What forwarding costs: processor time of a query that goes to a source, and of reads that registrations don't match.

Rounds of both kinds take turns and their medians are compared, so that what else the machine does falls on both.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.outside.federation.hubs import cpu_s, house, hub, load, register
from tests.outside.served import Served

FORWARD_TIMES_MAX = 2.5
LOSS_PERCENT_MAX = 10
ROUNDS = 7
QUERIES, GETS = 60, 1500
HOUSES = 200
REGISTRATIONS = 10_000
QUERY = "/ngsi-ld/v1/entities?type=House&limit=20"
GET = "/ngsi-ld/v1/entities/urn:ngsi-ld:House:007"


def spent_s(served: Served, path: str, times: int, check: Callable[[bytes], bool]) -> float:
    """Seconds of processor that the hub uses for one such request."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
    before = cpu_s(served)
    for _ in range(times):
        connection.request("GET", path)
        body = connection.getresponse().read()
        assert check(body), body[:500]
    spent = cpu_s(served) - before
    connection.close()
    return spent / times


def medians(first: Callable[[], float], second: Callable[[], float]) -> tuple[float, float]:
    """Of both, rounds by turns; one round before them is not counted."""
    first(), second()
    pairs = [(first(), second()) for _ in range(ROUNDS)]
    return statistics.median(one for one, _ in pairs), statistics.median(two for _, two in pairs)


def houses() -> list[dict[str, Any]]:
    return [house(f"{n:03}", rooms=n % 7, floor=n % 3, owner=f"Owner {n}", area=n / 7) for n in range(HOUSES)]


def test_forwarding_to_one_source_costs_little_more_than_answering(tmp_path: Path) -> None:
    def all_there(body: bytes) -> bool:
        return body.count(b'"type":"House"') == 20

    with ExitStack() as closing:
        names = ("local", "source", "middle")
        local, source, middle = (closing.enter_context(hub(tmp_path / name, name)) for name in names)
        load(local, houses())
        load(source, houses())
        register(middle, source.root)
        here, forwarded = medians(
            lambda: spent_s(local, QUERY, QUERIES, all_there), lambda: spent_s(middle, QUERY, QUERIES, all_there)
        )
    print(f"\nfigure local_query_us {here * 1e6:.0f} {ROUNDS * QUERIES}")
    print(f"figure forwarded_query_us {forwarded * 1e6:.0f} {ROUNDS * QUERIES}")
    print(f"figure forward_times {forwarded / here:.2f} {ROUNDS * QUERIES}")
    assert forwarded <= FORWARD_TIMES_MAX * here


def strangers() -> list[dict[str, Any]]:
    """Registrations of everything but houses: by id, by pattern, by type."""
    found = []
    for n in range(REGISTRATIONS):
        kinds: tuple[dict[str, str], ...] = (
            {"id": f"urn:ngsi-ld:Car:{n}"},
            {"idPattern": f"^urn:ngsi-ld:Car:{n}x"},
            {},
        )
        information = {"entities": [{"type": f"Car{n % 50}", **kinds[n % 3]}], "propertyNames": [f"speed{n % 9}"]}
        found.append({"information": [information], "mode": "auxiliary" if n % 2 else "inclusive"})
    return found


def test_registrations_that_do_not_match_cost_nothing_measurable(tmp_path: Path) -> None:
    def is_there(body: bytes) -> bool:
        return b'"rooms"' in body

    with ExitStack() as closing:
        bare, many = (closing.enter_context(hub(tmp_path / name, name)) for name in ("bare", "many"))
        for served in (bare, many):
            load(served, houses())
        for registration in strangers():
            register(many, "http://127.0.0.1:9", **registration)
        without, with_them = medians(
            lambda: spent_s(bare, GET, GETS, is_there), lambda: spent_s(many, GET, GETS, is_there)
        )
    loss = 100 * (1 - without / with_them)
    print(f"\nfigure get_us {without * 1e6:.0f} {ROUNDS * GETS}")
    print(f"figure get_with_registrations_us {with_them * 1e6:.0f} {ROUNDS * GETS}")
    print(f"figure registrations_loss_percent {loss:.1f} {ROUNDS * GETS}")
    assert loss <= LOSS_PERCENT_MAX
