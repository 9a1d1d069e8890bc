"""Laws of the changes, over random entities (clauses 5.5.8, 5.5.12, 5.6.1 to 5.6.5, 5.6.17 to 5.6.21)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.model import change
from broker.model.entity import ENTITY_MEMBERS, INSTANCE_MEMBERS, Entity, instances
from tests.strategies.entities import documents, entities

LATER = 1_900_000_000_000_000
NEW = "https://example.org/neverThere"


def bare(holder: Any, reserved: frozenset[str] = ENTITY_MEMBERS) -> Any:
    """The document, or instance, without stamps at any depth."""
    kept = {}
    for name, value in holder.items():
        if name in ("createdAt", "modifiedAt"):
            continue
        if name in reserved:
            kept[name] = value
        elif isinstance(value, list):
            kept[name] = [bare(one, INSTANCE_MEMBERS) for one in value]
        else:
            kept[name] = bare(value, INSTANCE_MEMBERS)
    return kept


def canonical(holder: Any, reserved: frozenset[str] = ENTITY_MEMBERS) -> bool:
    """One instance stands alone, several stand in a list, one a datasetId; at every depth."""
    for name, value in holder.items():
        if name in reserved:
            continue
        found = instances(value)
        if isinstance(value, list) and len(value) < 2:
            return False
        if len({one.get("datasetId") for one in found}) != len(found):
            return False
        if not all(canonical(one, INSTANCE_MEMBERS) for one in found):
            return False
    return True


fragments = documents().map(bare)


@given(entities(), fragments)
def test_writes_are_idempotent_and_leave_their_inputs_alone(entity: Entity, fragment: Any) -> None:
    kept, sent = deepcopy(entity), deepcopy(fragment)
    for write in (change.update, change.append, change.replace):
        once, _ = write(entity, fragment, LATER)
        twice, _ = write(once, fragment, LATER + 1)
        assert twice is once, write
        assert canonical(once.document)
    assert (entity, fragment) == (kept, sent)


@given(entities(), fragments)
def test_update_writes_each_instance_as_given_and_touches_no_other_attribute(entity: Entity, fragment: Any) -> None:
    after, result = change.update(entity, fragment, LATER)
    for name, value in after.document.items():
        if name in ENTITY_MEMBERS:
            continue
        written = {one.get("datasetId"): bare(one, INSTANCE_MEMBERS) for one in instances(value)}
        for one in instances(fragment.get(name)):
            assert written[one.get("datasetId")] == one
        if name not in fragment:
            assert value is entity.document[name]
    assert set(result.updated) - {"scope"} == set(fragment) - ENTITY_MEMBERS


@given(entities(), fragments)
def test_replace_leaves_what_was_given_and_nothing_else(entity: Entity, fragment: Any) -> None:
    after, _ = change.replace(entity, fragment, LATER)
    assert bare(after.document) == fragment
    assert list(after.document) == list(fragment)
    assert after.created_at == entity.created_at


@given(entities())
def test_merging_or_writing_what_is_there_changes_nothing(entity: Entity) -> None:
    same = bare(entity.document)
    assert change.merge(entity, same, LATER)[0] is entity
    assert change.update(entity, same, LATER)[0] is entity
    assert change.append(entity, same, LATER, overwrite=False)[0] is entity
    for name, value in same.items():
        if name not in ENTITY_MEMBERS:
            for one in instances(value):
                assert change.partial_update(entity, name, one, LATER) is entity


@given(entities(), entities())
def test_merge_is_idempotent(entity: Entity, other: Entity) -> None:
    held = {name: {one.get("datasetId"): one["type"] for one in instances(value)} for name, value in _of(entity)}
    fragment = {
        name: value
        for name, value in bare(other.document).items()
        if name in ENTITY_MEMBERS
        or all(held.get(name, {}).get(one.get("datasetId"), one["type"]) == one["type"] for one in instances(value))
    }
    once, _ = change.merge(entity, fragment, LATER)
    assert change.merge(once, fragment, LATER + 1)[0] is once
    assert canonical(once.document)


def _of(entity: Entity) -> Any:
    return [(name, value) for name, value in entity.document.items() if name not in ENTITY_MEMBERS]


@given(entities(), st.integers(), st.sampled_from([None, "urn:data:9"]))
def test_append_then_delete_is_nothing(entity: Entity, value: int, dataset: str | None) -> None:
    one: dict[str, Any] = {"type": "Property", "value": value}
    if dataset is not None:
        one["datasetId"] = dataset
    appended, _ = change.append(entity, {NEW: one}, LATER)
    assert appended is not entity
    after = change.delete_attribute(appended, NEW, LATER, dataset_id=dataset, delete_all=False)
    assert after.document == entity.document
    assert list(after.document) == list(entity.document)


@given(entities(), fragments)
def test_append_without_overwrite_never_changes_an_instance(entity: Entity, fragment: Any) -> None:
    after, _ = change.append(entity, fragment, LATER, overwrite=False)
    for name, value in _of(entity):
        found = {one.get("datasetId"): one for one in instances(after.document[name])}
        assert all(found[one.get("datasetId")] is one for one in instances(value))
    assert set(entity.scopes) <= set(after.scopes)


@given(entities(), st.data())
def test_drop_and_keep_are_each_other_s_rest(entity: Entity, data: st.DataObject) -> None:
    names = {name for name, _ in _of(entity)}
    some = data.draw(st.sets(st.sampled_from(sorted(names)))) if names else set()
    dropped = change.purge(entity, some, LATER).document
    kept = change.keep_only(entity, names - some, LATER).document
    assert dropped == kept
    assert set(dropped) == set(entity.document) - some
