"""What the port Hub promises, in the broker's own process and over HTTP."""

from __future__ import annotations

import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from broker.errors import BadRequestData, ResourceNotFound
from broker.hub.inside import HubInside
from broker.hub.over_http import HubOverHttp
from broker.ports.hub import Hub, HubAway, HubForgot
from broker.settings import read_settings
from broker.wiring import build
from tests.outside.served import start, stop

NS = "https://example.org/def/"
LEVEL, STATE, TANK = NS + "level", NS + "state", NS + "Tank"
OURS = "https://uri.etsi.org/ngsi-ld/default-context/short"
_numbers = count(1)


@pytest.fixture(scope="module")
def inside() -> Iterator[Hub]:
    built = build(read_settings(Namespace(config=""), {"MISONO_STORE": "memory"}))
    yield HubInside(built.house)
    built.close()


@pytest.fixture(scope="module")
def over_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    broker = start(tmp_path_factory.mktemp("hub") / "data", "--store", "memory")
    with HubOverHttp(broker.root) as hub:
        yield hub
    stop(broker)


@pytest.fixture(params=["inside", "over_http"])
def hub(request: pytest.FixtureRequest) -> Hub:
    found: Hub = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def tenant() -> str:
    return f"city{next(_numbers)}"


def level(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def tank(number: int, value: Any, **more: Any) -> dict[str, Any]:
    return {"id": f"urn:x:{number}", "type": TANK, LEVEL: level(value), **more}


def test_what_was_written_is_read_with_whole_names(hub: Hub, tenant: str) -> None:
    parts = {NS + "by": {"type": "Relationship", "object": "urn:x:9"}, OURS: level(1)}
    whole: dict[str, Any] = {
        "id": "urn:x:1",
        "type": TANK,
        "scope": "/a/b",
        LEVEL: level(2.5, unitCode="LTR", observedAt="2026-11-23T03:00:00.123456Z", **parts),
        OURS: [level(1), level(2, datasetId="urn:d:2")],
        STATE: {"type": "VocabProperty", "vocab": NS + "full"},
        "https://uri.etsi.org/ngsi-ld/location": {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [139.7, 35.85]},
        },
        NS + "name": {"type": "LanguageProperty", "languageMap": {"ja": "御園", "en": "Misono"}},
        NS + "huge": level(12345678901234567890123),
    }
    assert hub.upsert(tenant, [whole]) == [None]
    assert hub.entity(tenant, "urn:x:1") == whole
    assert hub.entity(tenant, "urn:x:2") is None
    assert list(hub.query(tenant, TANK)) == [whole]


def test_an_update_leaves_other_attributes_alone(hub: Hub, tenant: str) -> None:
    hub.upsert(tenant, [tank(1, 1, **{STATE: level("new")})])
    hub.upsert(tenant, [{"id": "urn:x:1", "type": TANK, LEVEL: level(2)}])
    found = hub.entity(tenant, "urn:x:1")
    assert found is not None
    assert (found[LEVEL], found[STATE]) == (level(2), level("new"))


def test_each_refusal_stands_at_its_place(hub: Hub, tenant: str) -> None:
    bad: dict[str, Any] = {"id": "urn:x:2", "type": TANK, LEVEL: {"type": "Property"}}
    results = hub.upsert(tenant, [tank(1, 1), bad, tank(2, 5), {"id": "no uri", "type": TANK}, tank(3, 1)])
    assert [type(one) for one in results] == [type(None), BadRequestData, type(None), BadRequestData, type(None)]
    assert results[1] is not None
    assert LEVEL.rpartition("/")[2] in results[1].pointer
    found = hub.entity(tenant, "urn:x:2")
    assert found is not None
    assert found[LEVEL]["value"] == 5  # type: ignore[index,call-overload]


def test_the_same_entity_twice_is_written_in_order(hub: Hub, tenant: str) -> None:
    before = hub.newest(tenant) if hub.upsert(tenant, [tank(0, 0)]) else 0
    assert hub.upsert(tenant, [tank(1, number) for number in range(50)]) == [None] * 50
    found = hub.entity(tenant, "urn:x:1")
    assert found is not None
    assert found[LEVEL] == level(49)
    values = [change.after[LEVEL]["value"] for change in hub.changes(tenant, before, 5)]  # type: ignore[index,call-overload]
    assert values == [*range(50)]


def test_queries_go_over_pages_and_filter(hub: Hub, tenant: str) -> None:
    hub.upsert(tenant, [tank(number, number) for number in range(230)])
    hub.upsert(tenant, [{"id": "urn:y:1", "type": NS + "Other", LEVEL: level(200)}])
    assert {one["id"] for one in hub.query(tenant, TANK)} == {f"urn:x:{number}" for number in range(230)}
    assert [one["id"] for one in hub.query(tenant, TANK, f"{LEVEL}>=229")] == ["urn:x:229"]
    assert list(hub.query(tenant, NS + "Nothing")) == []


def test_a_tenant_that_nobody_made_has_nothing(hub: Hub) -> None:
    assert hub.entity("nowhere", "urn:x:1") is None
    assert list(hub.query("nowhere", TANK)) == []
    assert hub.newest("nowhere") == 0
    assert hub.changes("nowhere", 0, 0.05) == []


def test_deleting_tells_what_was_not_there(hub: Hub, tenant: str) -> None:
    hub.upsert(tenant, [tank(1, 1), tank(2, 1)])
    results = hub.delete(tenant, ["urn:x:1", "urn:x:7"])
    assert [type(one) for one in results] == [type(None), ResourceNotFound]
    assert hub.entity(tenant, "urn:x:1") is None
    assert hub.delete(tenant, []) == []


def test_changes_are_told_in_order_with_both_sides(hub: Hub, tenant: str) -> None:
    hub.upsert(tenant, [tank(1, 1, **{OURS: level(1)})])
    start = hub.newest(tenant)
    hub.upsert(tenant, [tank(1, 2)])
    hub.upsert(tenant, [tank(2, 7)])
    hub.delete(tenant, ["urn:x:1"])
    found = hub.changes(tenant, start, 5)
    while len(found) < 3:
        found += hub.changes(tenant, found[-1].sequence, 5)
    assert [one.entity_id for one in found] == ["urn:x:1", "urn:x:2", "urn:x:1"]
    assert [one.types for one in found] == [(TANK,)] * 3
    assert (found[0].before, found[0].after) == ({LEVEL: level(1)}, {LEVEL: level(2)})
    assert (found[1].before, found[1].after) == ({}, {LEVEL: level(7)})
    assert (found[2].before, found[2].after) == ({LEVEL: level(2), OURS: level(1)}, {})
    assert [one.sequence for one in found] == sorted({one.sequence for one in found})
    assert hub.newest(tenant) == found[-1].sequence
    assert hub.changes(tenant, found[-1].sequence, 0.05) == []


def test_who_waits_for_a_change_is_woken_by_it(hub: Hub, tenant: str) -> None:
    hub.upsert(tenant, [tank(1, 1)])
    start, began = hub.newest(tenant), time.monotonic()
    writer = threading.Timer(0.3, hub.upsert, (tenant, [tank(1, 2)]))
    writer.start()
    found = hub.changes(tenant, start, 20)
    writer.join()
    assert [one.after for one in found] == [{LEVEL: level(2)}]
    assert time.monotonic() - began < 10


def test_changes_may_be_read_again_from_before(hub: Hub, tenant: str) -> None:
    hub.upsert(tenant, [tank(1, 1)])
    start = hub.newest(tenant)
    hub.upsert(tenant, [tank(1, 2)])
    first = hub.changes(tenant, start, 5)
    assert hub.changes(tenant, start, 5) == first


def test_a_position_that_is_not_of_the_log_is_said_to_be_forgotten(hub: Hub, tenant: str) -> None:
    hub.upsert(tenant, [tank(1, 1)])
    with pytest.raises(HubForgot):
        hub.changes(tenant, hub.newest(tenant) + 1000, 2)


def test_a_hub_that_is_not_there_is_away(tmp_path: Path) -> None:
    with HubOverHttp("http://127.0.0.1:9") as hub:
        with pytest.raises(HubAway):
            hub.upsert("", [tank(1, 1)])
        with pytest.raises(HubAway):
            hub.entity("", "urn:x:1")
        with pytest.raises(HubAway):
            hub.newest("")
        with pytest.raises(HubAway):
            hub.changes("", 1, 1)
