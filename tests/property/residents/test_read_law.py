"""The law of the planner where history, changes, notifications, maps and snapshots are read.

What somebody gets equals what they would get if what is hidden from them had never been. Each comparison of two answers
is a case; the table printed at the end says how many there were, and how many of them would have told too much without
a restriction. LAW_WORLDS=100 makes more of them, LAW_WIRES="mongo ferret" makes some on MongoDB's wires, too.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.encode.linking import Join
from broker.ldcontext.core import core_context
from broker.model.evolution import Evolution
from broker.model.snapshot import Sought
from broker.notify.payload import Sending, notify_change, shape_of
from broker.notify.watch import Watches
from broker.operations.broker import Call
from broker.operations.consume import View, query_entities
from broker.operations.entity_maps import make_map
from broker.operations.follow import Seen, Wanted, see, see_restricted
from broker.operations.mapped import evolutions_in_map, query_in_map
from broker.operations.snapshots import Wanted as Snapshot
from broker.operations.snapshots import create_snapshot, place_in
from broker.ports import UNRESTRICTED, Restriction
from broker.ports.held import Held
from broker.query.ast import EVERYTHING, And, HasType, IdIn, Node, Selection, Window
from broker.query.bind import bind
from broker.query.q import parse_q
from broker.query.stored import node_to_json
from broker.query.temporal import Aggregation, TemporalQuery
from tests.contract.residents.test_nothing_leaks import subscribed
from tests.fakes.clock import START
from tests.fakes.few_consents import PARK, READING
from tests.property.residents.read_worlds import ATTRIBUTES, World, world

WORLDS = {"memory": 120, "sqlite": 25, **dict.fromkeys(os.environ.get("LAW_WIRES", "").split(), 24)}
MORE = int(os.environ.get("LAW_WORLDS", "0"))
CASES_MIN = {"memory": 3_000, "sqlite": 600}
"""Of those that run with every change."""
HOUR = 3_600_000_000


@pytest.mark.parametrize("engine", WORLDS)
def test_what_is_hidden_never_was(engine: str, tmp_path: Path) -> None:
    told, bites, worlds = Counter[str](), Counter[str](), MORE or WORLDS[engine]
    for seed in range(worlds):
        with world(engine, tmp_path, seed) as one:
            for path in (_temporal, _stream, _notifications, _maps, _snapshots):
                for number, (got, expected, whole) in enumerate(path(one)):
                    assert got == expected, (path.__name__, seed, number)
                    told[path.__name__] += whole != expected or bool(whole)
                    bites[path.__name__] += expected != whole
    print(
        *(f"{name[1:]:14} {told[name]:6} cases, {bites[name]:6} where something is hidden" for name in told), sep="\n"
    )
    print(f"figure law_reads_{engine} {told.total()} {worlds}")
    assert all(bites[name] * 10 >= told[name] * 3 for name in told), "three in ten must hide something"
    assert MORE or told.total() >= CASES_MIN.get(engine, 0)


def _calls(one: World) -> tuple[Call, Call]:
    there = one.whole.call(one.principal)
    return there, replace(one.cut.call(one.principal), restriction=UNRESTRICTED)


def _where(one: World) -> Node:
    random = one.random
    attribute, number = random.choice(["heartRate", "weight", "home", "alias"]), random.randint(0, 5)
    q = random.choice([f"{attribute}=={number}", f"{attribute}>{number}", attribute, f"!{attribute}", ""])
    kinds: list[Node] = [HasType(READING), HasType(PARK), IdIn(tuple(random.sample(one.ids, 3))), EVERYTHING]
    of = random.choice(kinds)
    return And((of, bind(parse_q(q), core_context()))) if q else of


def _times(one: World) -> TemporalQuery:
    random, query = one.random, TemporalQuery()
    if random.random() < 0.5:
        at = START + random.randint(0, 14) * 1_000_000
        query = TemporalQuery(
            random.choice(["after", "before"]), at, timeproperty=random.choice(["observedAt", "modifiedAt"])
        )
    if random.random() < 0.3:
        query = replace(query, last_n=random.randint(1, 3))
    if random.random() < 0.3:
        query = replace(query, names=frozenset(random.sample(sorted(ATTRIBUTES.values()), 2)))
    if random.random() < 0.3:
        query = replace(
            query,
            aggregation=Aggregation(("totalCount", "max"), 0, random.choice([1_000_000, HOUR])),
            names=frozenset(),
        )
    return query


def _plain(found: list[Evolution]) -> object:
    """Histories without the ids of instances, and without when the entity changed last, which hides nothing."""
    return [
        (
            one.id,
            sorted(one.types),
            {
                name: [{k: v for k, v in each.items() if k != "instanceId"} for each in held]
                for name, held in one.attributes.items()
            },
            {name: {method: [*periods] for method, periods in held.items()} for name, held in one.aggregated.items()},
        )
        for one in found
    ]


def _temporal(one: World) -> Iterator[tuple[object, object, object]]:
    there, here = _calls(one)
    for _ in range(12):
        where, query = _where(one), _times(one)

        def asked(city: Any, restriction: Restriction, where: Node = where, query: TemporalQuery = query) -> object:
            page = city.broker.history.evolutions("", where, query, Window(50, count=True), restriction)
            return _plain(page.evolutions), page.total

        yield asked(one.whole, there.restriction), asked(one.cut, here.restriction), asked(one.whole, UNRESTRICTED)


def _told(found: list[Seen]) -> object:
    return [(one.id, one.kind, one.before, one.after) for one in found]


def _stream(one: World) -> Iterator[tuple[object, object, object]]:
    there, here = _calls(one)
    changes, cut = one.whole.broker.changes.since("", 0, 1_000), one.cut.broker.changes.since("", 0, 1_000)
    for attributes in (frozenset[str](), *(frozenset({name}) for name in ATTRIBUTES.values())):
        where: list[Node] = [EVERYTHING, HasType(READING)]
        wanted = Wanted(one.random.choice(where), attributes)
        yield (
            _told(see_restricted(one.whole.broker, there, changes, wanted)),
            _told(see(cut, wanted)),
            _told(see(changes, wanted)),
        )
    assert here.restriction is UNRESTRICTED


def _subscription(one: World) -> dict[str, Any]:
    random = one.random
    names = random.sample(sorted(ATTRIBUTES), 2)
    body: dict[str, Any] = {
        "id": "urn:s:1",
        "type": "Subscription",
        "entities": [{"type": random.choice(["Reading", "Park"])}],
        "notification": {
            "endpoint": {"uri": "http://x.org/", "accept": "application/json"},
            "showChanges": random.random() < 0.5,
        },
    }
    if random.random() < 0.5:
        body["watchedAttributes"] = names
    if random.random() < 0.4:
        attribute = random.choice(["heartRate", "weight", "alias"])
        body["q"] = random.choice([f"{attribute}>{random.randint(0, 4)}", f"!{attribute}"])
    if random.random() < 0.5:
        body["notificationTrigger"] = random.sample(
            ["entityCreated", "attributeUpdated", "entityDeleted", "attributeDeleted"], 2
        )
    if not body["notification"]["showChanges"] and random.random() < 0.3:
        body["notification"]["attributes"] = names
    return body


def _notifications(one: World) -> Iterator[tuple[object, object, object]]:
    view = one.whole.call(one.principal).restriction.view
    for _ in range(6):
        subscription = replace(subscribed(_subscription(one)), principal=one.principal.kept())
        shape = shape_of(subscription, core_context())
        watch = Watches().compile([Held("urn:s:1", subscription.to_body(), 0, 0)])

        def notified(change: Any, seen: Any, shape: Any = shape, watch: Any = watch) -> object:
            if change is None or not watch.matched(change, lambda _: None):
                return None
            found = notify_change(shape, change, Sending("urn:n:1", START, lambda _: None, seen))
            return None if found is None else found.body

        for whole, cut in one.changes:
            yield notified(whole, view), notified(cut, None), notified(whole, None)


def _maps(one: World) -> Iterator[tuple[object, object, object]]:
    there, here = _calls(one)
    where = _where(one)

    def listed(city: Any, call: Call) -> object:
        broker = city.broker
        ids = broker.places.walk_ids("", Selection(where), call.restriction)
        made = make_map(broker, call, ids, None)
        page = query_in_map(broker, call, made, (Selection(where), Window(20, count=True)), View())
        histories = evolutions_in_map(broker, call, made, (where, TemporalQuery()), Window(20, count=True))
        return [one.document for one in page.entities], page.total, _plain(histories.evolutions)

    yield listed(one.whole, there), listed(one.cut, here), listed(one.whole, replace(there, restriction=UNRESTRICTED))


def _snapshots(one: World) -> Iterator[tuple[object, object, object]]:
    there, here = _calls(one)
    where = _where(one)

    def frozen(city: Any, call: Call) -> object:
        broker = city.broker
        snapshot_id = create_snapshot(broker, call, Snapshot(queries=(Sought(node_to_json(where)),))).result()
        city.settle()
        place = place_in(broker, "", snapshot_id, call.principal)
        asked = replace(call, tenant=place)
        found = query_entities(broker, asked, Selection(EVERYTHING), Window(50), View(join=Join("flat", 2)))
        return [one.document for one in found.entities]

    everything = one.whole.broker.entities.select("", Selection(where), Window(50), UNRESTRICTED)
    yield frozen(one.whole, there), frozen(one.cut, here), [each.document for each in everything.entities]
