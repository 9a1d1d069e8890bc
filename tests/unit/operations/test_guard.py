"""Writes by somebody who does not see everything: hidden parts survive, and never show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from broker.access.view import Rules, view_of
from broker.errors import AlreadyExists, Conflict, ResourceNotFound
from broker.model import change
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.operations.guard import Decide, guarded
from broker.ports import UNRESTRICTED, Decision, Keep, Put, Remove, Restriction

T0, T1 = 1_767_225_600_000_000, 1_767_225_601_000_000
SPEED, OWNER, NOTE = "https://e/speed", "https://e/owner", "https://e/note"
GPS = "urn:d:gps"
RULES = Rules(
    entities=frozenset({"urn:x:secret"}),
    types=frozenset({"https://e/Secret"}),
    attributes=frozenset({OWNER}),
    instances=frozenset({(SPEED, GPS)}),
    sub_attributes=frozenset({(SPEED, NOTE)}),
)
HIDING = Restriction(view=view_of(RULES))


def prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def car(entity_id: str = "urn:x:1") -> Entity:
    document: dict[str, Any] = {
        "id": entity_id,
        "type": "https://e/Car",
        SPEED: [prop(1, **{NOTE: prop("n")}), prop(2, datasetId=GPS)],
        OWNER: prop("o"),
    }
    return change.create(document, T0)


def decide(function: Callable[[Entity, Instant], Entity]) -> Decide:
    def decided(current: Entity | None, now: Instant) -> Decision:
        if current is None:
            raise ResourceNotFound("none")
        after = function(current, now)
        return Keep() if after is current else Put(after)

    return guarded(HIDING, decided)


def put(decision: Decision) -> dict[str, Any]:
    assert isinstance(decision, Put)
    return decision.entity.document


def test_nothing_is_wrapped_where_nothing_is_hidden() -> None:
    def anything(_: Entity | None, __: Instant) -> Decision:
        return Keep()

    assert guarded(UNRESTRICTED, anything) is anything


def test_replace_sees_the_view_and_keeps_hidden_parts() -> None:
    seen: list[Entity] = []

    def replaced(entity: Entity, now: Instant) -> Entity:
        seen.append(entity)
        return change.replace(entity, {"id": "urn:x:1", "type": "https://e/Car", SPEED: prop(9)}, now)[0]

    after = put(decide(replaced)(car(), T1))
    assert seen[0].document == {"id": "urn:x:1", "type": "https://e/Car", SPEED: prop(1)}
    assert after[OWNER] == prop("o")
    default, gps = after[SPEED]
    assert (default["value"], default[NOTE]) == (9, prop("n"))
    assert gps == prop(2, datasetId=GPS)


@pytest.mark.parametrize(
    "fragment",
    [{OWNER: prop("mine")}, {SPEED: prop(5, datasetId=GPS)}, {SPEED: prop(5, **{NOTE: prop("mine")})}],
    ids=["attribute", "instance", "sub-attribute"],
)
def test_writing_where_something_is_hidden_is_a_conflict_without_detail(fragment: dict[str, Any]) -> None:
    with pytest.raises(Conflict) as refusal:
        decide(lambda entity, now: change.append(entity, fragment, now)[0])(car(), T1)
    assert OWNER not in refusal.value.detail
    assert refusal.value.pointer == ""


def test_deleting_what_holds_something_hidden_is_a_conflict() -> None:
    with pytest.raises(Conflict):
        decide(lambda entity, now: change.purge(entity, {SPEED}, now))(car(), T1)


def test_deleting_what_is_visible_leaves_the_hidden_instance() -> None:
    entity = change.partial_update(car(), SPEED, {NOTE: "urn:ngsi-ld:null"}, T0)
    after = put(decide(lambda shown, now: change.purge(shown, {SPEED}, now))(entity, T1))
    assert after[SPEED] == prop(2, datasetId=GPS)


def test_what_is_hidden_cannot_be_deleted_alone() -> None:
    with pytest.raises(ResourceNotFound):
        decide(lambda e, now: change.delete_attribute(e, OWNER, now, dataset_id=None, delete_all=False))(car(), T1)
    with pytest.raises(ResourceNotFound):
        decide(lambda e, now: change.delete_attribute(e, SPEED, now, dataset_id=GPS, delete_all=False))(car(), T1)


def test_a_hidden_entity_is_not_found_and_cannot_be_made() -> None:
    secret = car("urn:x:secret")
    with pytest.raises(ResourceNotFound):
        decide(lambda entity, _: entity)(secret, T1)

    def created(current: Entity | None, now: Instant) -> Decision:
        assert current is None
        return Put(change.create({"id": "urn:x:secret", "type": "https://e/Car"}, now))

    for there in (secret, None):
        with pytest.raises(AlreadyExists):
            guarded(HIDING, created)(there, T1)


def test_writing_what_is_hidden_is_refused_alike_whether_it_is_there_or_not() -> None:
    def created(_: Entity | None, now: Instant) -> Decision:
        return Put(change.create({"id": "urn:x:1", "type": "https://e/Car", OWNER: prop(1)}, now))

    with pytest.raises(Conflict):
        guarded(HIDING, created)(None, T1)
    without = change.purge(car(), {OWNER}, T0)
    for entity in (car(), without):
        with pytest.raises(Conflict):
            decide(lambda shown, now: change.append(shown, {OWNER: prop("mine")}, now)[0])(entity, T1)


def test_an_entity_goes_as_a_whole_with_what_is_hidden_in_it() -> None:
    assert guarded(HIDING, lambda _, __: Remove("gone"))(car(), T1) == Remove("gone")
