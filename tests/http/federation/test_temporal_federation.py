"""Histories over several brokers (clauses 5.7.3, 5.7.4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker.model.registration import EntityInfo, Information, Interval
from tests.fakes.neighbours import Neighbour, neighbours, series

TYPE = "https://uri.etsi.org/ngsi-ld/default-context/Car"
SPEED = "https://uri.etsi.org/ngsi-ld/default-context/speed"
ID = "urn:ngsi-ld:Car:1"
REG = "urn:ngsi-ld:ContextSourceRegistration:1"
OPERATIONS = ("retrieveTemporal", "queryTemporal")
AFTER = "timerel=after&timeAt=2020-01-01T00:00:00Z"


@pytest.fixture
def pair() -> Iterator[tuple[Neighbour, Neighbour]]:
    """Misono, which has registered Aizu for the histories of cars."""
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", TYPE, operations=OPERATIONS)
        yield misono, aizu


def tell(broker: Neighbour, *histories: object) -> None:
    """Post histories."""
    for one in histories:
        assert broker.send("POST", "/temporal/entities", body=one).status in (201, 204)


def values(found: dict[str, list[dict[str, object]]], name: str = "speed") -> list[object]:
    """The values of an attribute, in their order."""
    return [one["value"] for one in found[name]]


def test_a_history_held_elsewhere_is_retrieved(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    tell(aizu, series(ID, "Car", speed={"2026-05-01": 10, "2026-05-02": 20}))
    assert values(misono.json("GET", f"/temporal/entities/{ID}?{AFTER}")) == [10, 20]


def test_instances_of_both_are_one_series(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    tell(misono, series(ID, "Car", speed={"2026-05-02": 20}))
    tell(aizu, series(ID, "Car", speed={"2026-05-01": 10, "2026-05-03": 30}))
    assert values(misono.json("GET", f"/temporal/entities/{ID}?{AFTER}")) == [10, 20, 30]
    assert values(misono.json("GET", f"/temporal/entities/{ID}?{AFTER}&lastN=2")) == [30, 20]


def test_an_instance_of_one_time_is_given_once(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    for one in pair:
        tell(one, series(ID, "Car", speed={"2026-05-01": 10}))
    assert values(misono.json("GET", f"/temporal/entities/{ID}?{AFTER}")) == [10]


def test_averages_are_of_the_merged_series(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    tell(misono, series(ID, "Car", speed={"2026-05-01": 100}))
    tell(aizu, series(ID, "Car", speed={"2026-05-02": 300}))
    time = "timerel=between&timeAt=2026-04-30T00:00:00Z&endTimeAt=2026-05-03T00:00:00Z"
    found = misono.json("GET", f"/temporal/entities?type=Car&{time}&format=aggregatedValues&aggrMethods=avg")
    assert found[0]["speed"]["avg"][0][0] == 200


def test_pages_are_of_all_sources_together(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    tell(misono, series(f"{ID}a", "Car", speed={"2026-05-01": 1}))
    tell(aizu, series(f"{ID}b", "Car", speed={"2026-05-01": 1}), series(f"{ID}c", "Car", speed={"2026-05-01": 1}))
    found = []
    for offset in (0, 2):
        reply = misono.send("GET", f"/temporal/entities?type=Car&{AFTER}&limit=2&offset={offset}&count=true")
        assert reply.headers["ngsild-results-count"] == "3"
        found += misono.json("GET", f"/temporal/entities?type=Car&{AFTER}&limit=2&offset={offset}")
    assert [one["id"][-1] for one in found] == ["a", "b", "c"]


def test_the_other_half_of_an_entity_is_found_behind_the_first_page_of_a_source(
    pair: tuple[Neighbour, Neighbour],
) -> None:
    misono, aizu = pair
    ids = [f"{ID}{number}" for number in range(6)]
    tell(misono, *(series(one, "Car", speed={"2026-05-01": 1}) for one in ids))
    tell(aizu, *(series(one, "Car", speed={"2026-05-02": 2}) for one in reversed(ids)))
    found = misono.json("GET", f"/temporal/entities?type=Car&{AFTER}&limit=2")
    assert [(one["id"], values(one)) for one in found] == [(ids[0], [1, 2]), (ids[1], [1, 2])]


def test_a_query_by_post_asks_sources_too(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    tell(aizu, series(ID, "Car", speed={"2026-05-01": 27}))
    body = {
        "type": "Query",
        "entities": [{"type": "Car"}],
        "temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"},
    }
    assert values(misono.json("POST", "/temporal/entityOperations/query", body=body)[0]) == [27]


def test_q_is_decided_by_the_source_of_whole_entities_and_here_of_split_ones(
    pair: tuple[Neighbour, Neighbour],
) -> None:
    misono, aizu = pair
    tell(misono, series(ID, "Car", colour={"2026-05-01": "red"}))
    tell(aizu, series(ID, "Car", speed={"2026-05-01": 99}), series(f"{ID}x", "Car", speed={"2026-05-01": 5}))
    q = "q=speed>50;colour==%22red%22"
    assert misono.json("GET", f"/temporal/entities?type=Car&{AFTER}&{q}") == []
    assert dict(misono.sources.asked[-1].parameters)["q"].startswith("speed")
    found = misono.json("GET", f"/temporal/entities?type=Car&{AFTER}&{q}&splitEntities=true")
    assert [one["id"] for one in found] == [ID]
    assert "q" not in dict(misono.sources.asked[-1].parameters)


def test_a_source_is_not_asked_for_times_it_does_not_have() -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        january = Interval(1_767_225_600_000_000, 1_769_904_000_000_000)
        misono.register(REG, "aizu", TYPE, operations=OPERATIONS, observation_interval=january)
        tell(aizu, series(ID, "Car", speed={"2026-01-15": 15, "2026-03-15": 35}))
        march = "timerel=between&timeAt=2026-03-01T00:00:00Z&endTimeAt=2026-04-01T00:00:00Z"
        assert misono.json("GET", f"/temporal/entities?type=Car&{march}") == []
        assert misono.sources.asked == []
        found = misono.json(
            "GET", f"/temporal/entities?type=Car&{march.replace('03-01', '01-01').replace('04-01', '02-01')}"
        )
        assert values(found[0]) == [15]


def test_a_source_that_fails_is_warned_of(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    tell(misono, series(ID, "Car", speed={"2026-05-01": 9}))
    path = f"/temporal/entities/{ID}?{AFTER}"
    assert "ngsild-warning" not in misono.send("GET", path).headers  # a 404 is nothing strange
    for said, code in (((200, {"hello": 1}), "111"), ((403, None), "299"), ((200, [1, "a"]), "111")):
        misono.sources.said["aizu"] = said
        reply = misono.send("GET", path)
        assert reply.status == 200
        assert reply.headers["ngsild-warning"].startswith(code)


def test_local_asks_nobody(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    tell(aizu, series(ID, "Car", speed={"2026-05-01": 9}))
    assert misono.json("GET", f"/temporal/entities?type=Car&{AFTER}&local=true") == []


def test_brokers_that_have_registered_each_other_answer_once() -> None:
    with neighbours("misono", "aizu", "busan") as (misono, aizu, busan):
        for one, other in ((misono, "aizu"), (aizu, "busan"), (busan, "misono")):
            one.register(REG, other, TYPE, operations=OPERATIONS)
            tell(one, series(ID, "Car", speed={"2026-05-01": 9}))
        found = misono.json("GET", f"/temporal/entities?type=Car&{AFTER}")
        assert [values(one) for one in found] == [[9]]


@pytest.mark.parametrize("maps", [("createEntityMapQueryTemporal",), ()], ids=["maps", "queries"])
def test_a_temporal_map_is_paged_over_all_sources(maps: tuple[str, ...]) -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", TYPE, operations=(*OPERATIONS, *maps))
        tell(misono, series(f"{ID}a", "Car", speed={"2026-05-01": 1}))
        for tail in "abc":
            tell(aizu, series(f"{ID}{tail}", "Car", speed={"2026-05-02": 2}))
        path = f"/temporal/entities?type=Car&{AFTER}"
        reply = misono.send("GET", f"{path}&entityMap=true&limit=1")
        assert reply.status == 201
        reference = {"NGSILD-EntityMap": reply.headers["ngsild-entitymap"]}
        told = misono.json("GET", reference["NGSILD-EntityMap"].removeprefix("/ngsi-ld/v1"))
        assert told["entityMap"] == {f"{ID}a": ["@none", REG], f"{ID}b": [REG], f"{ID}c": [REG]}
        assert bool(told["linkedMaps"]) is bool(maps)
        tell(aizu, series(f"{ID}late", "Car", speed={"2026-05-02": 2}))
        found = [misono.json("GET", f"{path}&limit=2&offset={at}", reference) for at in (0, 2)]
        assert [[one["id"][-1] for one in page] for page in found] == [["a", "b"], ["c"]]
        assert values(found[0][0]) == [1, 2]
        counted = misono.send("GET", f"{path}&count=true", reference)
        assert counted.headers["ngsild-results-count"] == "3"


def test_a_retrieval_over_a_temporal_map_tells_who_has_it(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, aizu = pair
    tell(aizu, series(ID, "Car", speed={"2026-05-01": 1}))
    reply = misono.send("GET", f"/temporal/entities/{ID}?{AFTER}&entityMap=true")
    told = misono.json("GET", reply.headers["ngsild-entitymap"].removeprefix("/ngsi-ld/v1"))
    assert told["entityMap"] == {ID: [REG]}


DAYS = [f"2026-05-{day:02}" for day in range(1, 13)]


def test_what_a_source_cuts_in_time_cuts_the_answer() -> None:
    with neighbours("misono", "aizu", temporal_page=5) as (misono, aizu):
        misono.register(REG, "aizu", TYPE, operations=OPERATIONS)
        tell(aizu, series(ID, "Car", speed=dict.fromkeys(DAYS, 1)))
        tell(misono, series(ID, "Car", colour=dict.fromkeys(DAYS[7:], "red")))
        seen: list[str] = []
        start = "2026-01-01T00:00:00Z"
        for _ in range(9):
            reply = misono.send("GET", f"/temporal/entities/{ID}?timerel=after&timeAt={start}")
            found = misono.json("GET", f"/temporal/entities/{ID}?timerel=after&timeAt={start}")
            seen += [one["observedAt"][:10] for one in found["speed"]]
            if reply.status == 200:
                break
            start = reply.headers["content-range"].split("Z-")[1].split("/")[0]
        assert sorted(set(seen)) == DAYS


def test_an_average_is_of_all_that_a_source_cuts_in_time() -> None:
    with neighbours("misono", "aizu", temporal_page=5) as (misono, aizu):
        misono.register(REG, "aizu", TYPE, operations=OPERATIONS)
        tell(aizu, series(ID, "Car", speed={day: at for at, day in enumerate(DAYS)}))
        asked = f"{AFTER}&format=aggregatedValues&aggrMethods=sum,totalCount"
        for found in (
            misono.json("GET", f"/temporal/entities/{ID}?{asked}"),
            misono.json("GET", f"/temporal/entities?type=Car&{asked}")[0],
        ):
            assert found["speed"]["sum"][0][0] == 66
            assert found["speed"]["totalCount"][0][0] == 12


def test_what_is_registered_with_some_attributes_is_asked_for_those() -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        part = (Information((EntityInfo((TYPE,)),), (SPEED,)),)
        misono.register(REG, "aizu", information=part, operations=OPERATIONS)
        tell(misono, series(ID, "Car", colour={"2026-05-01": "red"}))
        tell(aizu, series(ID, "Car", speed={"2026-05-02": 5}, secret={"2026-05-02": 5}))
        found = misono.json("GET", f"/temporal/entities?type=Car&{AFTER}&q=colour==%22red%22")
        assert [sorted(one) for one in found] == [["colour", "id", "speed", "type"]]


def test_nothing_is_taken_that_was_not_registered() -> None:
    with neighbours("misono") as (misono,):
        part = (Information((EntityInfo((TYPE,)),), (SPEED,)),)
        misono.register(REG, "elsewhere", information=part, operations=OPERATIONS)
        lies = [
            series(ID, "Car", speed={"2026-05-02": 5}, secret={"2026-05-02": 5}),
            series(f"{ID}x", "Boat", speed={"2026-05-02": 5}),
            {**series(f"{ID}y", "Car", speed={"2026-05-02": 5}), "type": 7},
            series("no uri", "Car", speed={"2026-05-02": 5}),
        ]
        misono.sources.said["elsewhere"] = (200, lies)
        reply = misono.send("GET", f"/temporal/entities?type=Car&{AFTER}")
        assert [sorted(one) for one in misono.json("GET", f"/temporal/entities?type=Car&{AFTER}")] == [
            ["id", "speed", "type"]
        ]
        assert reply.headers["ngsild-warning"].startswith("111")


def test_an_average_of_a_source_that_never_ends_is_warned_of() -> None:
    with neighbours("misono", "aizu", temporal_page=1) as (misono, aizu):
        misono.register(REG, "aizu", TYPE, operations=OPERATIONS)
        hours = {f"2026-05-{day:02}": day for day in range(1, 31)} | {f"2026-06-{day:02}": day for day in range(1, 31)}
        months = {f"2026-{month:02}-{day:02}": day for month in (7, 8, 9) for day in range(1, 31)}
        tell(aizu, series(ID, "Car", speed=hours | months))
        reply = misono.send("GET", f"/temporal/entities/{ID}?{AFTER}&format=aggregatedValues&aggrMethods=totalCount")
        assert reply.headers["ngsild-warning"].startswith("299")


def test_what_is_long_here_is_cut_in_time_too() -> None:
    with neighbours("misono", "aizu", temporal_page=5) as (misono, aizu):
        misono.register(REG, "aizu", TYPE, operations=OPERATIONS)
        tell(misono, series(ID, "Car", speed=dict.fromkeys(DAYS, 1)))
        tell(aizu, series(ID, "Car", colour=dict.fromkeys(DAYS[6:], "red")))
        for path in (f"/temporal/entities/{ID}?{AFTER}", f"/temporal/entities?type=Car&{AFTER}"):
            reply = misono.send("GET", path)
            assert reply.status == 206
            assert reply.headers["content-range"] == "date-time 2020-01-01T00:00:00Z-2026-05-05T00:00:00Z/*"
            found = misono.json("GET", path)
            one = found[0] if isinstance(found, list) else found
            assert (len(one["speed"]), one["colour"]) == (5, [])


def test_a_history_that_is_nowhere_is_not_found_and_sources_are_warned_of(pair: tuple[Neighbour, Neighbour]) -> None:
    misono, _ = pair
    misono.sources.said["aizu"] = (500, None)
    reply = misono.send("GET", f"/temporal/entities/{ID}?{AFTER}")
    assert reply.status == 404
    assert reply.headers["ngsild-warning"].startswith("299")


def test_a_source_that_gives_an_interval_alone_is_asked_for_histories_only() -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", TYPE, observation_interval=Interval(0))
        tell(aizu, series(ID, "Car", speed={"2026-05-01": 1}))
        aizu.json("POST", "/entities", body={"id": f"{ID}now", "type": "Car"})
        assert values(misono.json("GET", f"/temporal/entities/{ID}?{AFTER}")) == [1]
        assert misono.json("GET", "/entities?type=Car") == []
