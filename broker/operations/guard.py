"""What a write may see and touch: a decision made on the view, hidden parts kept (ARCHITECTURE: access is a seam).

A decide function behind the guard sees the entity as the principal does, and must write what they may see: whether a
hidden part is there or not, writing onto its place is refused in the same words. What is written gets the hidden parts
back; where the holder of one is gone, the write is refused too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from broker.errors import AlreadyExists, Conflict
from broker.model.entity import ENTITY_MEMBERS, INSTANCE_MEMBERS, Document, Entity, Instance, instances, member
from broker.model.values import Instant, Json
from broker.ports import Decision, Put, Restriction

Decide: TypeAlias = Callable[[Entity | None, Instant], Decision]


def guarded(restriction: Restriction, decide: Decide) -> Decide:
    """`decide` as this principal may have it; `decide` itself where nothing is hidden from them.

    Of an entity that is hidden as a whole, `decide` sees None: what then would make one is answered AlreadyExists,
    and so is an entity that they could not see once it is made. What they write must be visible to them.
    """
    view = restriction.view
    if view is None:
        return decide

    def decided(current: Entity | None, now: Instant) -> Decision:
        shown = None if current is None else view(current)
        decision = decide(shown, now)
        if not isinstance(decision, Put):
            return decision
        seen = view(decision.entity)
        if shown is None and (seen is None or current is not None):
            raise AlreadyExists("The entity exists already.", clause="5.6.1", remedy="Choose another id.")
        if seen is not decision.entity:
            raise touches_what_is_hidden()
        if current is None or shown is None or shown is current:
            return decision
        return Put(_with_hidden(current, shown, decision.entity), decision.result)

    return decided


def _with_hidden(current: Entity, shown: Entity, put: Entity) -> Entity:
    document = restored(current.document, shown.document, put.document)
    return Entity(document, put.created_at, put.modified_at, put.expires_at, put.version)


def restored(full: Document, shown: Document, put: Document, reserved: frozenset[str] = ENTITY_MEMBERS) -> Document:
    """`put` with what `full` has more than `shown`, at every depth."""
    restored = dict(put)
    for name, held in full.items():
        if name in reserved:
            continue
        seen = shown.get(name)
        if seen is held:
            continue
        if seen is None:
            if name in put:
                raise touches_what_is_hidden()
            restored[name] = held
        else:
            restored[name] = _restored_instances(held, seen, put.get(name))
    return restored


def _restored_instances(full: Json, shown: Json, put: Json) -> Json:
    seen, written = _by_dataset(shown), _by_dataset(put)
    result = dict(written)
    for dataset, held in _by_dataset(full).items():
        visible = seen.get(dataset)
        if visible is held:
            continue
        if visible is None:
            if dataset in written:
                raise touches_what_is_hidden()
            result[dataset] = held
        elif dataset not in written:
            raise touches_what_is_hidden()
        else:
            result[dataset] = restored(held, visible, written[dataset], INSTANCE_MEMBERS)
    return member(list(result.values()))


def _by_dataset(value: Json) -> dict[Json, Instance]:
    return {one.get("datasetId"): one for one in instances(value)}


def touches_what_is_hidden() -> Conflict:
    """The refusal of a write onto the place of something hidden."""
    return Conflict("This cannot be written.", clause="5.5.2", remedy="Write another attribute, or another entity.")
