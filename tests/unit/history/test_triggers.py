"""What a change did to attributes, and which triggers it draws."""

from __future__ import annotations

from typing import Any

import pytest

from broker.model.entity import Entity
from broker.model.subscription import DEFAULT_TRIGGERS
from broker.notify.triggers import Attention, Differences, differences, same_instance
from broker.ports.outbox import EntityChange

SPEED, NAME, ACCURACY = (f"https://example.org/{term}" for term in ("speed", "name", "accuracy"))
ONE, TWO = "urn:data:1", "urn:data:2"


def entity(**members: Any) -> Entity:
    names = {"speed": SPEED, "name": NAME}
    document: Any = {"id": "urn:e:1", "type": "https://example.org/Car"}
    document.update({names.get(name, name): value for name, value in members.items()})
    return Entity(document, 1, 2)


def value(of: Any, **members: Any) -> Any:
    return {"type": "Property", "value": of, **members}


def change(before: Entity | None, after: Entity | None) -> EntityChange:
    return EntityChange(1, 5, before, after)


def told(before: Entity | None, after: Entity | None) -> Differences:
    return differences(change(before, after))


def test_a_new_entity_creates_all_its_attributes_and_a_deleted_one_deletes_them() -> None:
    whole = entity(speed=value(1), name=[value("a"), value("b", datasetId=ONE)], scope="/a")
    touched = {SPEED: {"@none"}, NAME: {"@none", ONE}, "scope": {"@none"}}
    assert told(None, whole) == Differences(touched, {}, {})
    assert told(whole, None) == Differences({}, {}, touched)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (value(1), value(2)),
        (value(1), value(True)),
        (value(1), value(1, observedAt="2026-01-01T00:00:00Z")),
        (value(1, unitCode="CEL"), value(1)),
        (value(1), {"type": "Relationship", "object": "urn:e:2"}),
        (value(1, **{ACCURACY: value(0.1)}), value(1, **{ACCURACY: value(0.2)})),
        (value(1), value(1, **{ACCURACY: value(0.2)})),
        (value(1, **{ACCURACY: value(1)}), value(1, **{ACCURACY: [value(1), value(1, datasetId=ONE)]})),
    ],
)
def test_an_instance_is_updated_where_any_member_differs(old: Any, new: Any) -> None:
    assert told(entity(speed=old), entity(speed=new)) == Differences({}, {SPEED: {"@none"}}, {})


def test_stamps_alone_are_no_update_at_any_depth() -> None:
    stamps: Any = {"createdAt": "2026-01-01T00:00:00Z", "modifiedAt": "2026-01-02T00:00:00Z"}
    old = value(1, **{ACCURACY: value(2)})
    new = value(1, **{ACCURACY: value(2, **stamps)}, **stamps)
    assert same_instance(old, new)
    assert same_instance(new, old)
    assert told(entity(speed=old), entity(speed=new)) == Differences({}, {}, {})


def test_the_scope_is_a_special_property_and_the_type_is_none() -> None:
    none, one, several = entity(), entity(scope="/a"), entity(scope=["/a", "/b"])
    scope = {"scope": {"@none"}}
    assert told(none, one) == Differences(scope, {}, {})
    assert told(one, several) == Differences({}, scope, {})
    assert told(several, none) == Differences({}, {}, scope)
    assert told(several, entity(scope=["/a", "/b"])) == Differences({}, {}, {})
    assert told(none, entity(type="https://example.org/Bus")) == Differences({}, {}, {})


def test_instances_come_and_go_by_their_dataset() -> None:
    one, two = value(1, datasetId=ONE), value(1, datasetId=TWO)
    found = told(entity(speed=[value(1), one]), entity(speed=[value(2), two]))
    assert found == Differences({SPEED: {TWO}}, {SPEED: {"@none"}}, {SPEED: {ONE}})
    assert told(entity(speed=one, name=value("a")), entity(speed=one)).deleted == {NAME: {"@none"}}
    assert told(entity(speed=one), entity(speed=one, name=value("a"))).names() == {NAME}


_EMPTY, _SLOW, _FAST, _NAMED = entity(), entity(speed=value(1)), entity(speed=value(2)), entity(name=value("a"))
_KINDS = {
    "creation": (None, _SLOW),
    "bare creation": (None, _EMPTY),
    "addition": (_EMPTY, _SLOW),
    "update": (_SLOW, _FAST),
    "removal": (_SLOW, _EMPTY),
    "deletion": (_SLOW, None),
    "bare deletion": (_EMPTY, None),
}
_DRAWN = {
    "entityCreated": {"creation", "bare creation"},
    "entityDeleted": {"deletion", "bare deletion"},
    "attributeCreated": {"creation", "addition"},
    "attributeUpdated": {"update"},
    "attributeDeleted": {"removal", "deletion"},
}


def drawn(attention: Attention) -> set[str]:
    found = {kind: change(*pair) for kind, pair in _KINDS.items()}
    return {kind for kind, one in found.items() if attention.drawn_by(one, differences(one))}


@pytest.mark.parametrize("trigger", _DRAWN)
def test_each_trigger_is_drawn_by_its_changes(trigger: str) -> None:
    assert drawn(Attention(frozenset({trigger}))) == _DRAWN[trigger]
    watching = drawn(Attention(frozenset({trigger}), frozenset({SPEED, NAME})))
    assert watching == {kind for kind in _DRAWN[trigger] if "bare" not in kind}
    assert not drawn(Attention(frozenset({trigger}), frozenset({NAME})))


def test_the_default_triggers_are_silent_about_what_goes() -> None:
    assert drawn(Attention(frozenset(DEFAULT_TRIGGERS))) == {"creation", "addition", "update"}


def test_a_dataset_that_was_not_asked_for_draws_nothing() -> None:
    before = entity(speed=[value(1), value(1, datasetId=ONE)])
    after = entity(speed=[value(2), value(1, datasetId=ONE)])
    one = change(before, after)
    for datasets, expected in (({"@none"}, True), ({ONE}, False), ({ONE, "@none"}, True)):
        for watched in (frozenset[str](), frozenset({SPEED})):
            attention = Attention(frozenset(DEFAULT_TRIGGERS), watched, frozenset(datasets))
            assert attention.drawn_by(one, differences(one)) is expected
