"""Versions of one entity from several sources become one (clauses 4.5.5.2, 4.5.5.3)."""

from __future__ import annotations

from typing import Any

from broker.model.entity import Entity
from broker.model.values import to_text
from federation.merge import Part, merge_parts, only, without

ID = "urn:ngsi-ld:Vehicle:1"
TYPE, SPEED, BRAND = "urn:t:Vehicle", "urn:n:speed", "urn:n:brand"
NOW = 1_000_000


def _entity(created: int = 0, modified: int = 0, expires: int | None = None, **more: Any) -> Entity:
    names = {"speed": SPEED, "brand": BRAND}
    return Entity({"id": ID, "type": TYPE, **{names.get(k, k): v for k, v in more.items()}}, created, modified, expires)


def _prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def _merged(*parts: Entity | Part) -> Entity:
    found = merge_parts([one if isinstance(one, Part) else Part(one) for one in parts], NOW)
    assert found is not None
    return found


def _value(entity: Entity, name: str) -> Any:
    return [one["value"] for one in entity.instances(name)]


def test_one_part_is_given_back_as_it_is() -> None:
    entity = _entity(speed=_prop(1))
    assert _merged(entity) is entity


def test_attributes_of_all_parts_are_united() -> None:
    found = _merged(_entity(speed=_prop(1)), _entity(brand=_prop("x")))
    assert _value(found, SPEED) == [1]
    assert _value(found, BRAND) == ["x"]


def test_the_one_observed_last_is_given_wherever_it_stands() -> None:
    old, new = _prop(1, observedAt="2026-01-01T00:00:00Z"), _prop(2, observedAt="2026-01-01T00:00:00.5Z")
    assert _value(_merged(_entity(speed=old), _entity(speed=new)), SPEED) == [2]
    assert _value(_merged(_entity(speed=new), _entity(speed=old)), SPEED) == [2]


def test_an_observed_one_is_given_before_one_modified_later() -> None:
    observed = _entity(speed=_prop(1, observedAt="2026-01-01T00:00:00Z"))
    assert _value(_merged(_entity(900, 900, speed=_prop(2)), observed), SPEED) == [1]


def test_without_observations_the_one_modified_last_is_given() -> None:
    changed = _entity(100, 700, speed=_prop(2, modifiedAt=to_text(700)))
    assert _value(_merged(_entity(500, 500, speed=_prop(1)), changed), SPEED) == [2]
    assert _value(_merged(changed, _entity(800, 800, speed=_prop(1))), SPEED) == [1]


def test_what_has_no_time_at_all_loses_against_what_has_one() -> None:
    undated = Part(_entity(900, 900, speed=_prop(2)), dated=False)
    assert _value(_merged(undated, _entity(500, 500, speed=_prop(1))), SPEED) == [1]


def test_instances_of_other_datasets_stand_side_by_side() -> None:
    other = _prop(2, datasetId="urn:d:1")
    assert _value(_merged(_entity(speed=_prop(1)), _entity(speed=other)), SPEED) == [1, 2]


def test_an_expired_instance_does_not_win() -> None:
    stale = _prop(2, observedAt="2026-01-01T00:00:00Z", expiresAt=to_text(NOW - 1))
    assert _value(_merged(_entity(speed=_prop(1)), _entity(speed=stale)), SPEED) == [1]


def test_auxiliary_parts_fill_gaps_only() -> None:
    filler = Part(_entity(speed=_prop(2, observedAt="2026-01-01T00:00:00Z"), brand=_prop("x")), auxiliary=True)
    found = _merged(filler, _entity(speed=_prop(1)))
    assert _value(found, SPEED) == [1]
    assert _value(found, BRAND) == ["x"]


def test_an_entity_known_from_auxiliary_sources_alone_is_given() -> None:
    first, second = (Part(_entity(speed=_prop(value)), auxiliary=True) for value in (1, 2))
    assert _value(_merged(first, second), SPEED) == [1]


def test_types_and_scopes_are_united() -> None:
    found = _merged(_entity(scope="/a"), _entity(type=[TYPE, "urn:t:Car"], scope=["/b", "/a"]))
    assert found.types == [TYPE, "urn:t:Car"]
    assert found.scopes == ["/a", "/b"]


def test_what_comes_of_a_transient_entity_expires_by_itself_where_others_last() -> None:
    due = NOW + 5
    later = _prop(2, expiresAt=to_text(NOW + 9), datasetId="urn:d:1")
    found = _merged(_entity(brand=_prop("x")), _entity(expires=due, speed=[_prop(1), later]))
    assert found.expires_at is None
    assert [one["expiresAt"] for one in found.instances(SPEED)] == [to_text(due)] * 2
    assert "expiresAt" not in found.instances(BRAND)[0]


def test_an_attribute_that_ends_before_its_entity_keeps_its_end() -> None:
    sooner = _prop(1, expiresAt=to_text(NOW + 2))
    found = _merged(_entity(brand=_prop("x")), _entity(expires=NOW + 5, speed=sooner))
    assert found.instances(SPEED)[0]["expiresAt"] == to_text(NOW + 2)


def test_an_entity_that_expires_everywhere_expires_last_of_all() -> None:
    found = _merged(_entity(expires=NOW + 2, speed=_prop(1)), _entity(expires=NOW + 7, brand=_prop("x")))
    assert found.expires_at == NOW + 7
    assert "expiresAt" not in found.instances(SPEED)[0]


def test_expired_versions_count_for_nothing() -> None:
    assert merge_parts([Part(_entity(expires=NOW, speed=_prop(1)))], NOW) is None
    assert _value(_merged(_entity(expires=NOW, speed=_prop(1)), _entity(brand=_prop("x"))), SPEED) == []


def test_every_instance_keeps_its_own_times() -> None:
    sub = {"urn:n:sub": _prop(3)}
    late = _entity(700, 700, brand=_prop("x", **sub))
    found = _merged(_entity(100, 300, speed=_prop(1)), late)
    assert (found.created_at, found.modified_at) == (100, 700)
    brand: Any = found.instances(BRAND)[0]
    assert brand["createdAt"] == brand["urn:n:sub"]["createdAt"] == to_text(700)
    assert "createdAt" not in found.instances(SPEED)[0]
    assert "createdAt" not in late.instances(BRAND)[0], "parts are never changed"


def test_what_is_held_elsewhere_is_taken_away() -> None:
    entity = _entity(speed=_prop(1), brand=_prop("x"))
    assert without(entity, None) is None
    assert without(entity, {"urn:n:other"}) is entity
    reduced = without(entity, {SPEED})
    assert reduced is not None
    assert set(reduced.document) == {"id", "type", BRAND}


def test_no_more_is_taken_than_was_registered() -> None:
    entity = _entity(speed=[_prop(1), _prop(2, datasetId="urn:d:1")], brand=_prop("x"))
    assert only(entity, ()) is entity
    assert set(only(entity, {SPEED}).document) == {"id", "type", SPEED}
    assert _value(only(entity, (), {"urn:d:1"}), SPEED) == [2]
