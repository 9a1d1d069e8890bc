"""What is kept of changes under way says them again, to the letter, however writes follow each other."""

from __future__ import annotations

from typing import Any

import bson
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.model.entity import Entity
from broker.ports.outbox import EntityChange
from broker.stores.images import changed
from broker.stores.mongo import pending
from broker.stores.mongo.entities import Stamped, dump, to_bson
from broker.stores.mongo.ground import Happened
from broker.stores.mongo.stamps import STEP
from tests.strategies.entities import IDS, entities

CITY = "city"
IRI = IDS[0]


@st.composite
def _lives(draw: st.DrawFn) -> list[list[Happened]]:
    """Groups of changes of one entity, one after the other; each group is one write of its document."""
    current: Entity | None = None
    number, groups = STEP, list[list[Happened]]()
    for _ in range(draw(st.integers(1, 5))):
        group: list[Happened] = []
        for _ in range(draw(st.integers(1, 3))):
            after = _following(draw, current)
            group.append(_happened(number, current, after, draw(st.booleans())))
            current, number = after, number + STEP
        groups.append(group)
    return groups


def _following(draw: st.DrawFn, current: Entity | None) -> Entity | None:
    if current is not None and draw(st.integers(0, 3)) == 0:
        return None
    drawn = draw(entities(ids=st.just(IRI)))
    if current is None:
        return Entity(drawn.document, drawn.created_at, drawn.created_at, drawn.expires_at, 1)
    document = drawn.document
    if draw(st.booleans()):  # a patch: what was there stays in its order, some of it goes
        left = {
            name: value for name, value in current.document.items() if name in ("id", "type") or draw(st.booleans())
        }
        document = {**left, **document}
    return Entity(document, current.created_at, drawn.modified_at, drawn.expires_at, current.version + 1)


def _happened(number: int, before: Entity | None, after: Entity | None, told: bool) -> Happened:
    matched = ("urn:s:1", "urn:s:2") if told else ()
    subjects, classes = (frozenset({3}), frozenset({"personal"})) if told else (frozenset[int](), frozenset[str]())
    change = EntityChange(number, number + 5, before, after)
    return Happened(CITY, change, changed(before, after), matched, subjects, classes)


def _put(document: dict[str, Any] | None, group: list[Happened]) -> dict[str, Any]:
    """What a write of the group leaves, of a server that does as it is told."""
    last = group[-1].change
    listed = pending.entries(group, beside=last.after is not None or len(group) == 1)
    if last.after is None:
        fields: dict[str, Any] = {"g": True, "v": last.entity.version + 1, "n": last.sequence}
        if document is None:
            whole = to_bson(CITY, last.entity, Stamped(1, last.sequence), {})
            return _wire({**whole, **fields, "p": listed})
    else:
        fields = to_bson(CITY, last.after, Stamped(1, last.sequence), {"k": ["*"]})
        if document is None:
            return _wire({**fields, "p": listed})
    _, update = pending.over(document, fields, listed)
    left = {name: value for name, value in document.items() if name not in update.get("$unset", ())}
    left |= update["$set"]
    pushed = update.get("$push", {}).get("p")
    if pushed is not None:
        left["p"] = left["p"] + pushed.get("$each", [pushed])
    return _wire(left)


def _wire(document: dict[str, Any]) -> dict[str, Any]:
    return bson.decode(bson.encode(document))


def _text(happened: Happened) -> object:
    """Everything of a change, documents to the letter."""

    def of(entity: Entity | None) -> object:
        if entity is None:
            return None
        return dump(entity.document), entity.created_at, entity.modified_at, entity.expires_at, entity.version

    change, logged = happened.change, happened.logged
    images = dump(logged.before), dump(logged.after)
    rest = happened.matched, happened.subjects, happened.data_classes
    return change.sequence, change.at, of(change.before), of(change.after), images, rest


@settings(max_examples=300, deadline=None)
@given(_lives())
def test_all_that_is_under_way_reads_back(groups: list[list[Happened]]) -> None:
    document: dict[str, Any] | None = None
    for group in groups:
        document = _put(document, group)
    assert document is not None
    written = [one for group in groups for one in group]
    assert [_text(one) for one in pending.read(document)] == [_text(one) for one in written]


@settings(max_examples=300, deadline=None)
@given(_lives(), st.data())
def test_what_is_no_longer_under_way_takes_nothing_along(groups: list[list[Happened]], data: st.DataObject) -> None:
    document: dict[str, Any] | None = None
    left = list[Happened]()
    for group in groups:
        document = _put(document, group)
        left += group
        gone = {one.change.sequence for one in left if data.draw(st.booleans())}
        left = [one for one in left if one.change.sequence not in gone]
        document["p"] = [entry for entry in document["p"] if entry["s"] not in gone]
    assert document is not None
    assert [_text(one) for one in pending.read(document)] == [_text(one) for one in left]


@settings(max_examples=200, deadline=None)
@given(_lives())
def test_a_short_entry_is_no_longer_than_a_whole_one(groups: list[list[Happened]]) -> None:
    for one in (one for group in groups for one in group):
        assert len(bson.encode(pending.short(one))) <= len(bson.encode(pending.whole(one))) + 4
