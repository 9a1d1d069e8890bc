"""What is left of an entity once its expired parts are gone (clauses 4.5.5.2, 4.22)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from broker.model.entity import ENTITY_MEMBERS, INSTANCE_MEMBERS, Document, Entity, Instance, instances, member
from broker.model.values import Instant, Json, to_instant


def live(entity: Entity, now: Instant) -> Entity | None:
    """The entity without what has expired by `now`; None where it has expired itself.

    An instance whose `expiresAt` is `now` or earlier goes, and an attribute goes with its last instance; the same
    holds for sub-attributes. An entity with nothing expired is given back as it is.
    """
    if over(entity, now):
        return None
    document = _without_expired(entity.document, ENTITY_MEMBERS, now)
    if document is entity.document:
        return entity
    return Entity(document, entity.created_at, entity.modified_at, entity.expires_at, entity.version)


def over(entity: Entity, now: Instant) -> bool:
    """Whether the entity as a whole has expired."""
    return entity.expires_at is not None and entity.expires_at <= now


def expired(instance: Instance, now: Instant) -> bool:
    """Whether an instance has expired."""
    if "expiresAt" not in instance:
        return False
    due = to_instant(cast("str", instance["expiresAt"]))
    return due is not None and due <= now


def next_expiry(entity: Entity) -> Instant | None:
    """When the entity, or an instance of it, expires next; None where nothing ever does."""
    due = list(_expiries(entity.document, ENTITY_MEMBERS))
    if entity.expires_at is not None:
        due.append(entity.expires_at)
    return min(due, default=None)


def _without_expired(holder: Document, reserved: frozenset[str], now: Instant) -> Document:
    changed: Document = {}
    for name, value in holder.items():
        if name in reserved:
            continue
        kept = _kept(instances(value), now)
        if kept is not None:
            changed[name] = member(kept) if kept else None
    if not changed:
        return holder
    merged = {**holder, **changed}
    return {name: value for name, value in merged.items() if name not in changed or value is not None}


def _kept(found: list[Instance], now: Instant) -> list[Instance] | None:
    """The instances that stay; None where all stay as they are."""
    kept = [_without_expired(one, INSTANCE_MEMBERS, now) for one in found if not expired(one, now)]
    same = len(kept) == len(found) and all(a is b for a, b in zip(kept, found, strict=True))
    return None if same else kept


def _expiries(holder: dict[str, Json], reserved: frozenset[str]) -> Iterator[Instant]:
    for name, value in holder.items():
        if name in reserved:
            continue
        for instance in instances(value):
            if "expiresAt" in instance:
                due = to_instant(cast("str", instance["expiresAt"]))
                if due is not None:
                    yield due
            yield from _expiries(instance, INSTANCE_MEMBERS)
