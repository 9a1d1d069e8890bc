"""What forwarding costs: processor time of a query that goes to a source, and of reads that registrations don't match.

Rounds of both kinds take turns and their medians are compared, so that what else the machine does falls on both.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from broker.model.registration import REGISTRATION, EntityInfo, Information, Mode, Registration
from broker.ports.held import HeldCommand, Hold
from broker.wiring import build
from specs.door import settings_of
from tests.outside.federation.hubs import cpu_s, house, hub, load, register
from tests.outside.served import Served

FORWARD_TIMES_MAX, LOSS_PERCENT_MAX = 3.5, 20
"""Where something is wrong; the bars, 2.5 and 10, are held by `make figures AREA=federation`, on a quiet machine."""
ROUNDS = 7
QUERIES, GETS = 150, 1500
MODES: Final[tuple[Mode, Mode]] = ("inclusive", "auxiliary")
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


def stranger(n: int) -> Registration:
    """A registration of cars, by id or by pattern: one by type alone would match any read by id."""
    car = f"https://uri.etsi.org/ngsi-ld/default-context/Car{n % 50}"
    kinds = (EntityInfo((car,), f"urn:ngsi-ld:Car:{n}"), EntityInfo((car,), None, f"^urn:ngsi-ld:Car:{n}x"))
    information = Information((kinds[n % 2],), (f"{car}/speed",))
    one = f"urn:ngsi-ld:ContextSourceRegistration:{n}"
    return Registration(one, "http://127.0.0.1:9", (information,), MODES[n // 2 % 2], ("retrieveOps",))


def held(registration: Registration) -> HeldCommand:
    """What keeps it."""
    return HeldCommand(REGISTRATION, registration.id, lambda *_: Hold(registration.to_body(), None, None), creates=True)


def fill(data: Path) -> None:
    """Put the strangers where a hub will find them: one by one over HTTP they would take a minute."""
    built = build(settings_of("--data", str(data)), deliver=False)
    try:
        commands = [held(stranger(n)) for n in range(REGISTRATIONS)]
        for start in range(0, REGISTRATIONS, 1000):
            results = built.house.broker.held.apply_held("", commands[start : start + 1000]).result()
            assert not [one for one in results if isinstance(one, Exception)]
    finally:
        built.close()


def test_registrations_that_do_not_match_cost_nothing_measurable(tmp_path: Path) -> None:
    def is_there(body: bytes) -> bool:
        return b'"rooms"' in body

    fill(tmp_path / "many")
    with ExitStack() as closing:
        bare, many = (closing.enter_context(hub(tmp_path / name, name)) for name in ("bare", "many"))
        for served in (bare, many):
            load(served, houses())
        assert (
            many.http.get("/csourceRegistrations?type=Car1&count=true&limit=1").headers["ngsild-results-count"] != "0"
        )
        without, with_them = medians(
            lambda: spent_s(bare, GET, GETS, is_there), lambda: spent_s(many, GET, GETS, is_there)
        )
    loss = 100 * (1 - without / with_them)
    print(f"\nfigure get_us {without * 1e6:.0f} {ROUNDS * GETS}")
    print(f"figure get_with_registrations_us {with_them * 1e6:.0f} {ROUNDS * GETS}")
    print(f"figure registrations_loss_percent {loss:.1f} {ROUNDS * GETS}")
    assert loss <= LOSS_PERCENT_MAX
