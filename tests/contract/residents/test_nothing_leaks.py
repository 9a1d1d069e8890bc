"""What a recipient may not see is absent, path by path. Each test bites: tests/leaks has a leak that turns it red."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.encode.linking import Join
from broker.ldcontext.core import core_context
from broker.model.entity import Entity
from broker.model.subscription import Subscription
from broker.model.values import Json, to_text
from broker.notify.payload import Sending, notify_change, shape_of
from broker.operations.consume import View, query_entities
from broker.operations.entity_maps import find_map, make_map
from broker.operations.follow import Wanted, see_restricted
from broker.operations.recall import retrieve_evolution
from broker.operations.snapshots import Wanted as Snapshot
from broker.operations.snapshots import create_snapshot, place_in
from broker.ports.outbox import EntityChange
from broker.query.ast import And, Geo, HasType, InScope, Ordering, OrderTerm, Selection, Window
from broker.query.ast import Path as Attribute
from broker.query.bind import bind
from broker.query.geo import parse_geo
from broker.query.q import parse_q
from broker.query.temporal import Aggregation, TemporalQuery
from tests.contract.residents.small_city import SmallCity, small_city
from tests.fakes.few_consents import (
    FRIEND,
    HEART_RATE,
    LOCATION,
    READING,
    WEIGHT,
    clinic,
    reading,
    resident,
)
from tests.fakes.unmistakable import UNMISTAKABLE

HOUR = 3_600_000_000
HANA, KEN = "urn:ngsi-ld:Reading:hana:1", "urn:ngsi-ld:Reading:ken:1"


@pytest.fixture(params=["memory", "sqlite"])
def city(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallCity]:
    with small_city(request.param, tmp_path) as made:
        yield made


def point(longitude: float) -> dict[str, object]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, 35.87]}}


def q(text: str) -> And:
    return And((HasType(READING), bind(parse_q(text), core_context())))


def test_q(city: SmallCity) -> None:
    city.put(reading("hana", heartRate=71, weight=52), reading("ken", heartRate=80, weight=90))
    city.city.give("hana", HEART_RATE)
    city.city.give("ken", HEART_RATE, WEIGHT)
    assert city.ids(clinic(), q("weight>50")) == [KEN]
    assert city.ids(clinic(), q("!weight")) == [HANA]
    assert city.ids(resident("hana"), q("weight>50")) == [HANA]
    assert city.ids(clinic("https://misono.example/def/purpose/Other"), q("weight>50")) == []


def test_geo(city: SmallCity) -> None:
    city.put(
        reading("hana", heartRate=71, location=point(139.73)), reading("ken", heartRate=80, location=point(139.73))
    )
    city.city.give("hana", HEART_RATE)
    city.city.give("ken", HEART_RATE, LOCATION)
    near = bind(parse_geo("near;maxDistance==500", "Point", "[139.73,35.87]", None), core_context())
    assert isinstance(near, Geo)
    assert city.ids(clinic(), And((HasType(READING), near))) == [KEN]


def test_scope(city: SmallCity) -> None:
    city.put(reading("hana", heartRate=71, scope="/ward/east"), reading("ken", heartRate=80, scope="/ward/east"))
    city.city.give("ken", HEART_RATE)
    assert city.ids(clinic(), InScope("/ward/#")) == [KEN]


def test_count(city: SmallCity) -> None:
    city.put(*(reading("hana", number, heartRate=60 + number) for number in range(5)), reading("ken", heartRate=80))
    city.city.give("ken", HEART_RATE)
    city.city.give("hana", HEART_RATE, covers_from=city.clock.now() + HOUR)
    restriction = city.call(clinic()).restriction
    page = city.broker.entities.select("", Selection(HasType(READING)), Window(1, count=True), restriction)
    assert (page.total, [one.id for one in page.entities], page.more) == (1, [KEN], False)


def test_order(city: SmallCity) -> None:
    city.put(*(reading("ken", number, heartRate=70, weight=90 - number) for number in range(4)))
    city.city.give("ken", HEART_RATE)
    order = Ordering((OrderTerm(Attribute(WEIGHT)),))
    assert city.ids(clinic(), order=order) == [f"urn:ngsi-ld:Reading:ken:{number}" for number in range(4)]


def test_join_at_depth_2(city: SmallCity) -> None:
    def friend(name: str) -> dict[str, object]:
        return {"type": "Relationship", "object": f"urn:ngsi-ld:Reading:{name}:1"}

    city.put(
        reading("ken", heartRate=70, friend=friend("mei")),
        reading("mei", heartRate=75, friend=friend("hana")),
        reading("hana", heartRate=71),
    )
    city.city.give("ken", HEART_RATE, FRIEND)
    city.city.give("mei", HEART_RATE, FRIEND)
    selection = Selection(And((HasType(READING), bind(parse_q("heartRate==70"), core_context()))))
    for view in (View(join=Join("flat", 2)), View(join=Join("inline", 2))):
        page = query_entities(city.broker, city.call(clinic()), selection, Window(10), view)
        assert "mei" in repr(page.entities)
        assert "'id': 'urn:ngsi-ld:Reading:hana:1'" not in repr(page.entities)


def test_types_and_attributes(city: SmallCity) -> None:
    city.put(reading("hana", heartRate=71, weight=52))
    nothing = city.call(clinic()).restriction
    assert city.broker.entities.types("", nothing) == []
    assert city.broker.entities.attributes("", nothing) == []
    city.city.give("hana", HEART_RATE)
    some = city.call(clinic()).restriction
    [found] = city.broker.entities.types("", some)
    assert (found.entities, WEIGHT in found.attributes, HEART_RATE in found.attributes) == (1, False, True)
    assert WEIGHT not in {one.iri for one in city.broker.entities.attributes("", some)}


def test_temporal_aggregate(city: SmallCity) -> None:
    start = city.clock.now() // HOUR * HOUR - HOUR
    for minute in range(0, 50, 10):
        at = to_text(start + minute * 60_000_000)
        value = {"type": "Property", "value": minute, "observedAt": at}
        city.put(reading("hana", heartRate=value, weight=value))
    city.city.give("hana", HEART_RATE, granularity="hourly")
    city.city.give("ken", HEART_RATE)
    hourly = TemporalQuery("after", start, aggregation=Aggregation(("avg", "totalCount"), 0, HOUR))
    [found] = retrieve_evolution(city.broker, city.call(clinic()), HANA, hourly).evolutions
    assert {name: one["avg"][0].value for name, one in found.aggregated.items()} == {HEART_RATE: 20.0}
    finer = TemporalQuery("after", start, aggregation=Aggregation(("avg",), 0, HOUR // 6))
    shifted = TemporalQuery("after", start + HOUR // 2, aggregation=Aggregation(("avg",), 0, HOUR))
    few = TemporalQuery("between", start, start + HOUR // 3, aggregation=Aggregation(("avg",), 0, HOUR))
    raw = TemporalQuery("after", start)
    for query in (finer, shifted, few, raw):
        page = city.broker.history.evolution("", HANA, query, city.call(clinic()).restriction)
        assert not [one for one in page.evolutions if one.attributes or one.aggregated], query


def test_a_previous_value(city: SmallCity) -> None:
    seconds = city.clock.now()
    before, after = (
        reading("hana", heartRate={"type": "Property", "value": value, "observedAt": to_text(seconds + at * HOUR)})
        for value, at in ((UNMISTAKABLE, -2), (75, 2))
    )
    city.city.give("hana", HEART_RATE, covers_from=seconds)
    body: Json = {
        "id": "urn:s:1", "type": "Subscription", "entities": [{"type": READING}],
        "notification": {"endpoint": {"uri": "http://x.org/", "accept": "application/json"}, "showChanges": True},
    }  # fmt: skip
    shape = shape_of(subscribed(body), core_context())
    change = EntityChange(1, seconds, Entity(before, seconds, seconds), Entity(after, seconds, seconds))
    told = notify_change(
        shape, change, Sending("urn:n:1", seconds, lambda _: None, city.call(clinic()).restriction.view)
    )
    assert told is not None
    assert "75" in repr(told.body)
    assert str(UNMISTAKABLE) not in repr(told.body)


def subscribed(body: Json) -> Subscription:
    from broker.decode.subscription import created, decode_subscription  # noqa: PLC0415  of this one test

    return created(decode_subscription(body, core_context()), "urn:s:1", 0)


def test_a_map_of_somebody_else(city: SmallCity) -> None:
    city.put(reading("ken", heartRate=80))
    city.city.give("ken", HEART_RATE)
    made = make_map(city.broker, city.call(clinic()), [KEN], None)
    assert find_map(city.broker, city.call(clinic()), made.id) is not None
    for other in (clinic("https://misono.example/def/purpose/Other"), clinic(name="lab"), resident("hana")):
        assert find_map(city.broker, city.call(other), made.id) is None


def test_a_snapshot_of_somebody_else(city: SmallCity) -> None:
    city.put(reading("ken", heartRate=80))
    snapshot_id = create_snapshot(city.broker, city.call(clinic()), Snapshot()).result()
    city.settle()
    assert place_in(city.broker, "", snapshot_id, clinic())
    for other in (clinic("https://misono.example/def/purpose/Other"), clinic(name="lab"), resident("hana")):
        with pytest.raises(Exception, match="no snapshot"):
            place_in(city.broker, "", snapshot_id, other)


def test_a_withdrawal_between_two_answers(city: SmallCity) -> None:
    city.put(reading("hana", heartRate=71))
    city.city.give("hana", HEART_RATE)
    assert city.ids(clinic()) == [HANA]
    city.city.withdraw("hana")
    assert city.ids(clinic()) == []


def test_a_replay_from_before_the_withdrawal(city: SmallCity) -> None:
    city.put(reading("hana", heartRate=71, alias="x"), reading("ken", heartRate=80))
    city.put(reading("hana", heartRate=72, alias="y"))
    city.put(reading("mei", heartRate=60))
    city.remove("urn:ngsi-ld:Reading:mei:1")
    for name in ("hana", "ken", "mei"):
        city.city.give(name, HEART_RATE)
    changes = city.broker.changes.since("", 0, 100)

    def seen() -> list[str]:
        found = see_restricted(city.broker, city.call(clinic()), changes, Wanted())
        return [one.id.split(":")[3] for one in found if HEART_RATE in {**(one.before or {}), **(one.after or {})}]

    assert seen() == ["hana", "ken", "hana", "mei", "mei"]
    city.city.withdraw("hana")
    city.city.withdraw("mei")
    found = see_restricted(city.broker, city.call(clinic()), changes, Wanted())
    assert {one.id for one in found} == {KEN}, "nor an alias that hangs on what is hidden"
