"""What is told of persons is what was in the answer: instances with subjects of their own, several of them, joins."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.encode.linking import Join
from broker.model.entity import Entity, instances
from broker.model.evolution import Evolution
from broker.model.subjects import DATA_SUBJECT, subjects_of, whose
from broker.operations.consume import View, query_entities, retrieve_entity
from broker.ports import ANYONE, Restriction
from broker.ports.audit import Basis
from broker.ports.disclosing import By, Disclosing, Extent, Telling, leaving, leaving_evolutions
from broker.query.ast import And, HasAttribute, HasType, Selection, Window
from broker.query.concerning import attributes_in
from broker.query.projection import Projection
from tests.fakes.clock import FakeClock
from tests.fakes.consented import NS, PERSONAL, Granted
from tests.fakes.house import fill, make_broker, make_call, prop
from tests.fakes.told import Recorded

PEOPLE = [f"urn:misono:subject:{name}" for name in "abc"]
TYPE = f"{NS}Person"
NAMES = [f"{NS}{name}" for name in ("pulse", "weight", "note")]
KNOWS = f"{NS}knows"
subjects = st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True)


def about(people: list[str]) -> dict[str, Any]:
    return {DATA_SUBJECT: prop(people)} if people else {}


@st.composite
def attributes(draw: st.DrawFn) -> Any:
    held = []
    for dataset in draw(st.lists(st.sampled_from(["", "urn:d:1", "urn:d:2"]), min_size=1, max_size=3, unique=True)):
        named = {"datasetId": dataset} if dataset else {}
        held.append(prop(1, **named, **about(draw(subjects))))
    return held[0] if len(held) == 1 else held


@st.composite
def persons(draw: st.DrawFn, number: int) -> Entity:
    document: dict[str, Any] = {"id": f"urn:p:{number}", "type": TYPE, **about(draw(subjects))}
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)):
        document[name] = draw(attributes())
    if draw(st.booleans()):
        document[KNOWS] = {"type": "Relationship", "object": f"urn:p:{(number + 1) % 3}"}
    return Entity(document, 5, 5)


def expected_of(shown: list[dict[str, Any]], policy: Granted, heads: dict[str, frozenset[str]]) -> Counter[str]:
    """Person -> how many values of theirs are in these documents, linked ones among them."""
    found: Counter[str] = Counter()
    for document in shown:
        for name, value in document.items():
            for one in instances(value) if ":" in name else ():
                named = subjects_of(one[DATA_SUBJECT]) if DATA_SUBJECT in one else heads[document["id"]]
                if name in PERSONAL and named:
                    found.update(named)
                inner = one.get("entity")
                found += expected_of([inner], policy, heads) if isinstance(inner, dict) else Counter()
    return found


GRANTS = st.dictionaries(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(sorted(PERSONAL))), st.just("urn:r"))
KEPT = st.sets(st.sampled_from([*NAMES, KNOWS, DATA_SUBJECT]), min_size=1)
JOINS = st.sampled_from([None, Join("inline", 1), Join("inline", 2), Join("flat", 1)])


@settings(max_examples=150, deadline=None)
@given(st.tuples(persons(0), persons(1), persons(2)), GRANTS, st.none() | KEPT, JOINS)
def test_values_told_of_are_those_that_left(
    people: tuple[Entity, ...], grants: dict[tuple[str, str], str], kept: set[str] | None, join: Join | None
) -> None:
    policy, audit, broker = Granted(grants), Recorded(), make_broker()
    fill(broker, *people)
    telling, restriction = Telling(audit, lambda _: 1, FakeClock()), policy.restrict(ANYONE, "", "")
    picked = None if kept is None else Projection(tuple((name, None) for name in ("id", "type", *sorted(kept))))
    with telling.look_on(restriction) as found:
        page = query_entities(
            broker, make_call(restriction), Selection(HasType(TYPE)), Window(2), View(projection=picked, join=join)
        )
        leaving(page.entities)
    telling.record(found, By(ANYONE, "", "query_entities"))
    told: Counter[str] = Counter()
    for entry in audit.entries:
        told.update({one.subject: one.values for one in entry.told})
    heads = {one.id: whose(one.document) for one in people}
    assert +told == expected_of([one.document for one in page.entities], policy, heads)


@st.composite
def series(draw: st.DrawFn) -> Entity:
    """A history as a view judges it: one attribute with many instances, each of which may name its own subjects."""
    least, most = draw(st.sampled_from([(0, 2), (0, 0), (1, 2)]))
    own = st.lists(st.sampled_from(PEOPLE), min_size=least, max_size=most, unique=True)
    held: Any = [prop(1, **about(draw(own))) for _ in range(draw(st.integers(2, 6)))]
    return Entity({"id": "urn:p:0", "type": TYPE, **about(draw(subjects)), NAMES[0]: held}, 5, 5)


@settings(max_examples=150, deadline=None)
@given(series(), GRANTS)
def test_histories_are_told_of_by_their_instances(person: Entity, grants: dict[tuple[str, str], str]) -> None:
    policy, audit = Granted(grants), Recorded()
    telling, restriction = Telling(audit, lambda _: 1, FakeClock()), policy.restrict(ANYONE, "", "")
    with telling.look_on(restriction) as found:
        shown = restriction.show(person)
        if shown is not None:
            leaving_evolutions([Evolution(shown.id, (TYPE,), 5, 5, attributes=dict(shown.attributes()))])
    told = Counter({one.subject: one.values for _, every in found.told() for one in every})
    expected = Counter[str]()
    if shown is not None:
        expected = expected_of([shown.document], policy, {person.id: whose(person.document)})
    own = {DATA_SUBJECT in one for one in person.instances(NAMES[0])}
    if len(own) == 1:
        assert +told == expected
    assert told >= expected  # where some name their subjects and some do not, rather too much is told of


def test_two_consents_to_the_same_are_one_value() -> None:
    found = Disclosing()
    found.saw("urn:p:1", [Basis(NAMES[0], ((PEOPLE[0], "urn:r:1"), (PEOPLE[0], "urn:r:2"), (PEOPLE[1], "urn:r:3")))])
    found.saw("urn:p:1", [Basis(NAMES[0], ((PEOPLE[0], "urn:r:4"),))])
    found.left(Entity({"id": "urn:p:1", "type": TYPE, NAMES[0]: prop(1)}, 5, 5))
    [(emergency, [first, second])] = found.told()
    assert (emergency, first.values, second.values) == (False, 1, 1)
    assert first.records == {"urn:r:1", "urn:r:2", "urn:r:4"}


@settings(max_examples=150, deadline=None)
@given(st.tuples(persons(0), persons(1), persons(2)), GRANTS, st.sampled_from([None, *NAMES]), st.booleans())
def test_a_count_tells_of_all_whom_it_rests_on(
    people: tuple[Entity, ...], grants: dict[tuple[str, str], str], name: str | None, page: bool
) -> None:
    policy, audit, broker = Granted(grants), Recorded(), make_broker()
    fill(broker, *people)
    telling, restriction = Telling(audit, lambda _: 1, FakeClock()), policy.restrict(ANYONE, "", "")
    where = HasType(TYPE) if name is None else And((HasType(TYPE), HasAttribute(name)))
    with telling.look_on(restriction) as found:
        shown = query_entities(broker, make_call(restriction), Selection(where), Window(3 * page, count=True))
        leaving(shown.entities)
        found.left_extent(Extent("count", where, attributes_in(where)))
    telling.record(found, By(ANYONE, "", "query_entities"))
    every = query_entities(broker, make_call(restriction), Selection(where), Window(3)).entities
    assert shown.total == len(every)
    heads = {one.id: whose(one.document) for one in people}
    told = {one.subject: one.values for entry in audit.entries for one in entry.told}
    expected = expected_of([one.document for one in every], policy, heads)
    for one in every:  # of an entity whose attribute was asked for, that one is told of
        asked = {key: value for key, value in one.document.items() if name is None or key in ("id", name)}
        assert (expected_of([asked], policy, heads) or expected_of([one.document], policy, heads)).keys() <= told.keys()
    assert told.keys() <= {subject for subject, _ in grants}
    assert +Counter(told) == (expected if page else Counter())
    assert len(audit.entries) <= 1
    assert all(entry.more == {"tells": ["count"]} for entry in audit.entries)


def test_nothing_is_told_of_what_is_public_nor_where_nothing_is_hidden() -> None:
    audit, broker = Recorded(), make_broker()
    fill(broker, Entity({"id": "urn:p:9", "type": TYPE, NAMES[2]: prop(1)}, 5, 5))
    telling = Telling(audit, lambda _: 1, FakeClock())
    for restriction in (Restriction(), Granted({}).restrict(ANYONE, "", "")):
        with telling.look_on(restriction) as found:
            leaving([retrieve_entity(broker, make_call(restriction), "urn:p:9")])
        assert telling.record(found, By(ANYONE, "", "retrieve_entity")) is None
    assert audit.entries == []
