"""Leaves of history as documents and back, and what a change leaves in them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.model.entity import Document, Entity
from broker.model.values import to_text
from broker.ports.outbox import EntityChange
from broker.stores.images import changed
from broker.stores.mongo import pending
from broker.stores.mongo.entities import Stamped, to_bson
from broker.stores.mongo.ground import Happened
from broker.stores.mongo.history_beside import documents, evaporates
from broker.stores.mongo.history_leaves import LIFE, ORDINAL_BITS, instance_id, leaves, parse_id, read, rewritten
from broker.stores.past import SCOPE, Past
from tests.contract.engines import NS
from tests.fakes.clock import START

A = "urn:e:a"
N = START // 64 * 64
VALUES = st.sampled_from([1, 2.5, True, None, "x", 10**30, [1, [2]], {"a.b": {"$c": 1}}, "ä"])
INSTANTS = st.integers(START, START + 3)
INSTANCES = st.fixed_dictionaries(
    {"type": st.just("Property"), "value": VALUES},
    optional={"datasetId": st.just("urn:x:1"), "unitCode": st.just("CEL")},
)
PASTS = st.builds(
    lambda body, created, modified, observed, deleted: Past(0, body, created, modified, observed, deleted),
    INSTANCES,
    INSTANTS,
    INSTANTS,
    st.none() | INSTANTS,
    st.none() | INSTANTS,
)
ENTRIES = st.lists(st.tuples(st.sampled_from([f"{NS}speed", f"{NS}name", SCOPE]), PASTS), max_size=8)


def numbered(entries: list[tuple[str, Past]]) -> list[tuple[str, Past]]:
    for place, (_, past) in enumerate(entries, 1):
        past.number = (N << ORDINAL_BITS) + place
    return entries


def spelled(entries: list[tuple[str, Past]]) -> list[str]:
    return sorted(repr(entry) for entry in entries)


@given(ENTRIES)
def test_instances_come_back_as_they_were(entries: list[tuple[str, Past]]) -> None:
    made = leaves("city", A, numbered(entries))
    assert len({one["_id"] for one in made}) == len(made)
    assert spelled([entry for one in made for entry in read(one).entries]) == spelled(entries)


@given(ENTRIES.filter(bool), st.data())
def test_a_leaf_is_written_again_without_some(entries: list[tuple[str, Past]], data: st.DataObject) -> None:
    leaf = read(leaves("city", A, numbered(entries))[0])
    kept = [entry for entry in leaf.entries if data.draw(st.booleans())]
    again = rewritten(leaf, kept)
    assert (again is None) == (not kept)
    if again is not None:
        assert again["_id"] == leaf.id
        assert spelled(read(again).entries) == spelled(kept)
        assert set(again["a"]) == {name for name, _ in kept}


@given(st.integers(0, 2**73))
def test_an_id_says_its_number(number: int) -> None:
    assert parse_id(instance_id(Past(number, {}, 0, 0))) == number


@pytest.mark.parametrize("text", ["", "urn:x:1", "urn:ngsi-ld:Instance:", "urn:ngsi-ld:Instance:x", "7", "²", "7" * 99])
def test_other_ids_say_none(text: str) -> None:
    assert parse_id(text) is None
    assert parse_id(f"urn:ngsi-ld:Instance:{text}") is None or text == "7"


def prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def entity(version: int, at: int, document: dict[str, Any], expires_at: int | None = None) -> Entity:
    held: Document = {"id": A, "type": f"{NS}Car", **document}
    return Entity(held, START, at, expires_at, version)


def happened(before: Entity | None, after: Entity | None, at: int) -> Happened:
    return Happened("city", EntityChange(N, at, before, after), changed(before, after))


FIRST = entity(1, START, {f"{NS}speed": prop(1, observedAt="2026-01-01T00:00:00Z"), f"{NS}name": prop("x")})
LATER = entity(
    2,
    START + 1,
    {f"{NS}speed": prop(2, modifiedAt=to_text(START + 1)), f"{NS}colour": prop("red"), "scope": "/east"},
)
DUE = {f"{NS}flash": prop(1, expiresAt=to_text(START + 5)), f"{NS}name": prop("x")}
CHANGES = [
    happened(None, FIRST, START),
    happened(FIRST, LATER, START + 1),
    happened(LATER, None, START + 2),
    happened(entity(1, START, DUE), entity(2, START + 9, {f"{NS}name": prop("x")}), START + 9),
    happened(entity(1, START, DUE, START + 5), None, START + 9),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_change_leaves_is_the_same_after_a_crash(change: Happened) -> None:
    """As its entry beside the entity says it, short or whole."""
    last = change.change.after or change.change.before
    assert last is not None
    for entry in (pending.short(change), pending.whole(change)):
        document = to_bson("city", last, Stamped(1, N), {}) | {"p": [entry]}
        assert [documents(one) for one in pending.read(document)] == [documents(change)]


def test_a_creation_leaves_one_document_for_what_was_not_observed() -> None:
    unobserved, observed = sorted(documents(CHANGES[0]), key=lambda one: "u" not in one)
    assert (unobserved["a"], observed["a"]) in [
        ([f"{NS}name"], [f"{NS}speed", LIFE]),
        ([f"{NS}name", LIFE], [f"{NS}speed"]),
    ]
    first = next(one for one in (unobserved, observed) if LIFE in one["a"])
    assert (first["hf"], first["hb"], first["hy"]) == (N, A, [f"{NS}Car"])
    life = read(first).life
    assert life is not None
    assert (life.born, sorted(life.names)) == (START, [f"{NS}name", f"{NS}speed"])


def test_an_update_says_what_came_new() -> None:
    lives = [life for one in documents(CHANGES[1]) if (life := read(one).life) is not None]
    assert len(lives) == 1
    assert set(lives[0].names) >= {f"{NS}colour", SCOPE}
    assert (lives[0].born, lives[0].ended, lives[0].types) == (None, None, [])


def test_a_deletion_says_what_the_entity_was() -> None:
    (life,) = [life for one in documents(CHANGES[2]) if (life := read(one).life) is not None]
    assert life.ended == ([f"{NS}Car"], ["/east"])
    ended = [past for one in documents(CHANGES[2]) for _, past in read(one).entries]
    assert {past.deleted_at for past in ended} == {START + 2}


@pytest.mark.parametrize(("place", "expected"), list(enumerate([False, False, False, True, True])))
def test_what_expires_takes_its_past_along(place: int, expected: bool) -> None:
    assert evaporates(CHANGES[place]) is expected
    lives = [life for one in documents(CHANGES[place]) if (life := read(one).life) is not None]
    assert any(life.evaporated == [(f"{NS}flash", "")] for life in lives) is expected
