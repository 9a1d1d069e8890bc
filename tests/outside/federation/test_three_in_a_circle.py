"""Three hubs that all have registered each other: every query ends, and gives each entity once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import permutations

import pytest

from tests.outside.federation.hubs import house, hub, ids, load, register
from tests.outside.served import Served

NAMES = ("aizu", "genoa", "misono")
ENDS_S = 5.0
"""Below the time that a source may take: nobody waits for nobody."""
OWN = [f"urn:ngsi-ld:House:{name}" for name in NAMES]
SHARED = "urn:ngsi-ld:House:shared"
READS = (
    "/entities?type=House",
    "/entities?type=House&limit=2&count=true",
    "/entities?q=rooms>0",
    f"/entities/{SHARED}",
    f"/entities/{OWN[0]}",
    "/types",
    "/types?details=true",
    "/types/House",
    "/attributes",
    "/attributes/rooms",
    "/temporal/entities?type=House&timerel=before&timeAt=2100-01-01T00:00:00Z",
    "/csourceRegistrations?type=House",
)


@pytest.fixture(scope="module", params=["all", "round"])
def circle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Served]]:
    """Each registers both others; or only the next one."""
    place = tmp_path_factory.mktemp("circle")
    with ExitStack() as closing:
        hubs = [closing.enter_context(hub(place / name, name)) for name in NAMES]
        for number, served in enumerate(hubs):
            load(served, [house(NAMES[number], rooms=number + 1), house("shared", **{f"of_{NAMES[number]}": number})])
        pairs = permutations(hubs, 2) if request.param == "all" else zip(hubs, hubs[1:] + hubs[:1], strict=True)
        for one, other in pairs:
            register(one, other.root, operations=["federationOps", "redirectionOps"])
        yield hubs


def test_each_hub_gives_each_entity_once(circle: list[Served]) -> None:
    slowest = 0.0
    for served in circle:
        begin = time.monotonic()
        found = ids(served.http.get("/entities?type=House"))
        slowest = max(slowest, time.monotonic() - begin)
        assert sorted(found) == sorted([*OWN, SHARED])
    print(f"\nfigure circle_slowest_ms {slowest * 1000:.0f} {len(circle)}")


def test_what_each_knows_of_a_shared_entity_is_put_together_once(circle: list[Served]) -> None:
    for served in circle:
        entity = served.http.get(f"/entities/{SHARED}").json()
        assert {name: entity[f"of_{name}"]["value"] for name in NAMES} == {name: at for at, name in enumerate(NAMES)}


@pytest.mark.parametrize("path", READS)
def test_every_question_ends(circle: list[Served], path: str) -> None:
    for served in circle:
        begin = time.monotonic()
        answer = served.http.get(path)
        assert time.monotonic() - begin < ENDS_S
        assert answer.status_code == 200, answer.text


def test_pages_over_the_circle_are_everything_once(circle: list[Served]) -> None:
    for served in circle:
        pages = (served.http.get(f"/entities?type=House&limit=1&offset={offset}") for offset in range(5))
        found = [one for page in pages for one in ids(page)]
        assert sorted(found) == sorted([*OWN, SHARED])


def test_a_write_ends_and_is_done_everywhere(circle: list[Served]) -> None:
    begin = time.monotonic()
    body = {"painted": {"type": "Property", "value": "white"}}
    answer = circle[0].http.post(f"/entities/{SHARED}/attrs", json=body)
    assert time.monotonic() - begin < ENDS_S
    assert answer.status_code in (204, 207), answer.text
    for served in circle:
        entity = served.http.get(f"/entities/{SHARED}?local=true").json()
        assert entity.get("painted", {}).get("value") == "white", served.root
