"""What is left of an entity once some of it is hidden: rules, and the view they make.

    rules = Rules(attributes=frozenset({"https://…/owner"}), instances=frozenset({("https://…/speed", "urn:x:gps")}))
    Restriction(view=view_of(rules))

A hidden attribute takes its instances along, a hidden instance its sub-attributes; an attribute whose instances are all
hidden is hidden itself. What no rule concerns is shared, not copied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from broker.model.entity import ENTITY_MEMBERS, Document, Entity, Instance, instances, member
from broker.model.values import Json


@dataclass(frozen=True, slots=True)
class Rules:
    """What is hidden, by IRIs.

    `entities` by id; `types`: every entity that has one of them; `attributes` by name; `instances` as (attribute,
    datasetId), None for the default instance; `sub_attributes` as (attribute, sub-attribute).
    """

    entities: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    instances: frozenset[tuple[str, str | None]] = frozenset()
    sub_attributes: frozenset[tuple[str, str]] = frozenset()


def view_of(rules: Rules) -> Callable[[Entity], Entity | None]:
    """The function that takes away from an entity what the rules hide; None for an entity they hide as a whole."""

    def view(entity: Entity) -> Entity | None:
        if entity.id in rules.entities or not rules.types.isdisjoint(entity.types):
            return None
        document = _visible(entity.document, rules)
        if document is entity.document:
            return entity
        return Entity(document, entity.created_at, entity.modified_at, entity.expires_at, entity.version)

    return view


def _visible(document: Document, rules: Rules) -> Document:
    kept: Document = {}
    changed = False
    for name, value in document.items():
        after = value if name in ENTITY_MEMBERS else _attribute(name, value, rules)
        changed = changed or after is not value
        if after is not None:
            kept[name] = after
    return kept if changed else document


def _attribute(name: str, value: Json, rules: Rules) -> Json:
    if name in rules.attributes:
        return None
    before = instances(value)
    after = [_instance(name, one, rules) for one in before if (name, one.get("datasetId")) not in rules.instances]
    if len(after) == len(before) and all(a is b for a, b in zip(after, before, strict=True)):
        return value
    return member(after) if after else None


def _instance(name: str, instance: Instance, rules: Rules) -> Instance:
    hidden = [sub for sub in instance if (name, sub) in rules.sub_attributes]
    if not hidden:
        return instance
    return {sub: value for sub, value in instance.items() if sub not in hidden}
