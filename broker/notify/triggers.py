"""What a change did to an entity's attributes, and whether a subscription's triggers ask for it (5.2.12, 5.8.6).

    differences(change) -> Differences(created={}, updated={"https://…/speed": {"@none"}}, deleted={})

It is told by instance: one that is new in an attribute is created, one that goes is deleted, whatever other instances
the attribute has. An instance is updated where any member of it, or of its sub-attributes, is another than before;
createdAt and modifiedAt say nothing by themselves. All attributes of a new entity are created, all of a deleted one
are deleted. The scope counts as an attribute, `scope`: it is a special Property (clause 4.18). The types do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from broker.model.change.sameness import same
from broker.model.entity import ENTITY_MEMBERS, INSTANCE_MEMBERS, Entity, Instance, instances
from broker.model.values import Json
from broker.ports.outbox import EntityChange

DEFAULT_DATASET = "@none"
SCOPE = "scope"
STAMPS = frozenset({"createdAt", "modifiedAt"})

Touched: TypeAlias = dict[str, set[str]]
"""Attribute IRI -> the datasetIds of the instances concerned, `@none` for the default one."""


@dataclass(frozen=True, slots=True)
class Differences:
    """The instances that a change created, updated and deleted."""

    created: Touched
    updated: Touched
    deleted: Touched

    def names(self) -> set[str]:
        """The attributes that changed in any way."""
        return {*self.created, *self.updated, *self.deleted}

    def of_trigger(self, trigger: str) -> Touched:
        """What `attributeCreated`, `attributeUpdated` or `attributeDeleted` is about."""
        return {"attributeCreated": self.created, "attributeUpdated": self.updated}.get(trigger, self.deleted)


def differences(change: EntityChange) -> Differences:
    """What the change did to attributes."""
    before, after = change.before, change.after
    if before is None or after is None:
        whole = _whole(change.entity)
        return Differences(whole, {}, {}) if before is None else Differences({}, {}, whole)
    found = Differences({}, {}, {})
    old, new = before.document, after.document
    for name, value in new.items():
        held = old.get(name)
        if held is value:
            continue
        if name not in ENTITY_MEMBERS:
            _compare(name, held, value, found)
        elif name == SCOPE and held != value:
            (found.created if held is None else found.updated)[SCOPE] = {DEFAULT_DATASET}
    for name, held in old.items():
        if name not in new:
            found.deleted[name] = {DEFAULT_DATASET} if name == SCOPE else set(by_dataset(held))
    return found


def removals(change: EntityChange) -> Differences:
    """What the change took away, of attributes; nothing is said of what it created or updated."""
    before, after = change.before, change.after
    if before is None or after is None:
        return differences(change)
    old, new, gone = before.document, after.document, dict[str, set[str]]()
    for name, held in old.items():
        value = new.get(name)
        if value is held or (isinstance(value, dict) and isinstance(held, dict) and _one_dataset(held, value)):
            continue
        if value is None:
            gone[name] = {DEFAULT_DATASET} if name == SCOPE else set(by_dataset(held))
        elif name not in ENTITY_MEMBERS and (left := by_dataset(held).keys() - by_dataset(value).keys()):
            gone[name] = left
    return Differences({}, {}, gone)


def _one_dataset(old: Instance, new: Instance) -> bool:
    return old.get("datasetId") == new.get("datasetId")


def _whole(entity: Entity) -> Touched:
    found = {name: {dataset(one) for one in held} for name, held in entity.attributes()}
    if entity.scopes:
        found[SCOPE] = {DEFAULT_DATASET}
    return found


def _compare(name: str, old: Json, new: Json, found: Differences) -> None:
    before, after = by_dataset(old), by_dataset(new)
    for dataset_id, instance in after.items():
        held = before.get(dataset_id)
        if held is None:
            found.created.setdefault(name, set()).add(dataset_id)
        elif not same_instance(held, instance):
            found.updated.setdefault(name, set()).add(dataset_id)
    gone = before.keys() - after.keys()
    if gone:
        found.deleted[name] = gone


def dataset(instance: Instance) -> str:
    """The instance's datasetId, `@none` for the default instance."""
    found = instance.get("datasetId")
    return found if isinstance(found, str) else DEFAULT_DATASET


def by_dataset(attribute: Json) -> dict[str, Instance]:
    """The instances of a member by their datasetId."""
    return {dataset(one): one for one in instances(attribute)}


def same_instance(old: Instance, new: Instance) -> bool:
    """Whether an instance holds what another one holds, createdAt and modifiedAt apart at every depth."""
    if old is new:
        return True
    for name, value in new.items():
        if name in STAMPS:
            continue
        held = old.get(name)
        if held is not value and not (name in old and _same_member(name, held, value)):
            return False
    return all(name in new for name in old if name not in STAMPS)


def _same_member(name: str, old: Json, new: Json) -> bool:
    if name in INSTANCE_MEMBERS:
        return same(old, new)
    before, after = by_dataset(old), by_dataset(new)
    return before.keys() == after.keys() and all(same_instance(before[one], after[one]) for one in after)


@dataclass(frozen=True, slots=True)
class Attention:
    """What a subscription looks at: its triggers, and of attributes those `watched` and instances of `datasets`.

    An empty set stands for all. `triggers` are those of 5.2.12 with `entityUpdated` spelt out.
    """

    triggers: frozenset[str]
    watched: frozenset[str] = frozenset()
    datasets: frozenset[str] = frozenset()

    def drawn_by(self, change: EntityChange, found: Differences) -> bool:
        """Whether this change of attributes or of the whole entity is one to tell of.

        A new or deleted entity is told of by `entityCreated` or `entityDeleted` where it has a watched attribute.
        """
        for trigger in self.triggers:
            if trigger == "entityCreated":
                drawn = change.before is None and self._concerns(found.created)
            elif trigger == "entityDeleted":
                drawn = change.after is None and self._concerns(found.deleted)
            else:
                drawn = self.sees(found.of_trigger(trigger))
            if drawn:
                return True
        return False

    def sees(self, touched: Mapping[str, set[str]]) -> bool:
        """Whether a watched attribute, in an instance of interest, is among these."""
        if not self.watched:
            return bool(touched) if not self.datasets else any(map(self._of_interest, touched.values()))
        return any(name in touched and self._of_interest(touched[name]) for name in self.watched)

    def _concerns(self, attributes: Mapping[str, set[str]]) -> bool:
        return not self.watched or self.sees(attributes)

    def _of_interest(self, dataset_ids: set[str]) -> bool:
        return not self.datasets or not self.datasets.isdisjoint(dataset_ids)
