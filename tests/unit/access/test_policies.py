"""The policy of a house without users, and the views that rules make."""

from __future__ import annotations

from typing import Any

from broker.access.policies import AllowAll
from broker.access.view import Rules, view_of
from broker.model import change
from broker.model.entity import Entity
from broker.ports import UNRESTRICTED, Principal
from tests.fakes.hiding import (
    HIDDEN_ATTRIBUTE,
    HIDDEN_ENTITY,
    HIDDEN_INSTANCE,
    HIDDEN_SUB_ATTRIBUTE,
    HIDDEN_TYPE,
    HidingPolicy,
    cut,
)

NOBODY = Principal()


def prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def entity(entity_id: Any = "urn:x:1", types: Any = "https://e/T", **members: Any) -> Entity:
    return change.create({"id": entity_id, "type": types, **members}, 0)


def test_allow_all_hides_nothing() -> None:
    policy = AllowAll()
    policy.admit(NOBODY, "", "create_entity")
    assert policy.restrict(NOBODY, "", "query_entities") is UNRESTRICTED
    assert not policy.label(entity()).of


def test_a_view_shares_what_no_rule_concerns() -> None:
    plain = entity(**{"https://e/a": prop(1)})
    assert cut(plain) is plain


def test_the_hiding_policy_hides_each_kind_of_thing() -> None:
    view = HidingPolicy().restrict(NOBODY, "", "query_entities").view
    assert view is not None
    assert view(entity(HIDDEN_ENTITY)) is None
    assert view(entity(types=["https://e/T", HIDDEN_TYPE])) is None
    speed, dataset = HIDDEN_INSTANCE
    note = HIDDEN_SUB_ATTRIBUTE[1]
    shown = view(
        entity(**{HIDDEN_ATTRIBUTE: prop(1), speed: [prop(1, **{note: prop("n")}), prop(2, datasetId=dataset)]})
    )
    assert shown == entity(**{speed: prop(1)})


def test_an_attribute_goes_with_its_last_visible_instance() -> None:
    speed = "https://e/speed"
    view = view_of(Rules(instances=frozenset({(speed, None)})))
    assert view(entity(**{speed: prop(1)})) == entity()
