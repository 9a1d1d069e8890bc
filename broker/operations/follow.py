"""Following the changes of a tenant, in the order of their commits, through access as of now.

    read_changes(broker, tenant, 41, 64) -> [LoggedChange(42, …), …]
    see(changes, wanted) -> [Seen(42, "urn:…:House:1", "updated", …)]

A change is seen by who may see the entity as it was, as it became and, if it is still there, as it is now; of what
changed they see what they may. A change of which nothing is left is not seen at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from broker.encode.text import dump
from broker.errors import Gone, ResourceNotFound
from broker.model.entity import Document, Entity
from broker.model.values import Instant, Json
from broker.operations.broker import Broker, Call
from broker.operations.heads import Head, Heads
from broker.ports import ChangeLog, LoggedChange, Restriction
from broker.query.ast import EVERYTHING, Node
from broker.query.match import matches

OPERATION = "follow_changes"
"""The name that access knows it by."""
EXPIRES_AT = "expiresAt"
_STAMPS = frozenset({"createdAt", "modifiedAt"})
Kind: TypeAlias = Literal["created", "updated", "deleted"]
Image: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes: of entities that `where` (on id, type and scope) held for before or after it.

    With `attributes` (IRIs), only those that touch one of them.
    """

    where: Node = EVERYTHING
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Seen:
    """A change as one who follows sees it: the changed members, whole instances, before and after it.

    `version` is 0 for who does not see all of the entity: it would count what is hidden from them.
    """

    sequence: int
    id: str
    kind: Kind
    version: int
    at: Instant
    types: tuple[str, ...]
    before: Image | None
    after: Image | None


def start_after(changes: ChangeLog, tenant: str, position: int | None) -> int:
    """The position to go on from: the one given, or the newest.

    Raises Gone where changes after it are no longer kept, or it is not of this log; NonexistentTenant.
    """
    oldest, newest = changes.bounds(tenant)
    if position is None:
        return newest
    if position > newest:
        raise gone(oldest)
    if position < oldest - 1:  # all may be there for all that: numbers need not follow one another
        read_changes(changes, tenant, position, 1)
    return position


def gone(oldest: int) -> Gone:
    """The refusal of a position that the log cannot go on from."""
    return Gone(
        f"the changes kept begin with {oldest}" if oldest else "no change is kept",
        oldest=oldest,
        pointer="Last-Event-ID",
        remedy=f"read the entities anew, then follow from now, or with Last-Event-ID: {max(oldest - 1, 0)}",
    )


def read_changes(changes: ChangeLog, tenant: str, position: int, limit: int) -> list[LoggedChange]:
    """The next changes after a position, oldest first. Raises Gone where they are no longer all there."""
    try:
        return changes.since(tenant, position, limit)
    except ResourceNotFound as error:
        raise gone(changes.bounds(tenant)[0]) from error


def see(changes: Sequence[LoggedChange], wanted: Wanted) -> list[Seen]:
    """What is wanted of the changes, for who may see everything."""
    found = (
        _seen(change, change.before, change.after, change.version) for change in changes if _is_of(change, wanted.where)
    )
    return [seen for seen in found if _touches(seen, wanted.attributes)]


def see_restricted(broker: Broker, call: Call, changes: Sequence[LoggedChange], wanted: Wanted) -> list[Seen]:
    """What is wanted of the changes and may be seen under `call.restriction`; reads the entities as they are now."""
    now = broker.entities.get_many(call.tenant, list({change.entity_id for change in changes}))
    heads = Heads(broker, call.tenant)

    def linked(entity_id: str) -> Entity | None:
        return call.restriction.show(broker.entities.get(call.tenant, entity_id))

    found = []
    for change in changes:
        if _is_of(change, wanted.where):
            entity = now.get(change.entity_id)
            head = heads.of(change, entity)
            sides = [side for side in _sides(change, head) if side is not None] if head is not None else []
            judged = entity or (sides[-1] if sides else None)  # of one that is gone, what the log tells must do
            if judged is None or not matches(call.restriction.where, judged, linked):
                continue
            if sides and all(map(call.restriction.show, (judged, *sides))):
                found += _shown(change, sides, call.restriction, whole=call.restriction.show(judged) is judged)
    return [seen for seen in found if _touches(seen, wanted.attributes)]


def _seen(change: LoggedChange, before: Image | None, after: Image | None, version: int = 0) -> Seen:
    kind: Kind = "created" if change.before is None else "deleted" if change.after is None else "updated"
    return Seen(change.sequence, change.entity_id, kind, version, change.at, change.types, before, after)


def _touches(seen: Seen, attributes: frozenset[str]) -> bool:
    return not attributes or any(attributes.intersection(image) for image in (seen.before, seen.after) if image)


def _is_of(change: LoggedChange, where: Node) -> bool:
    if where == EVERYTHING:
        return True
    return any(matches(where, side, _nothing_linked) for side in _sides(change, Head()) if side is not None)


def _sides(change: LoggedChange, head: Head) -> tuple[Entity | None, Entity | None]:
    """The entity before and after, as far as is known: id, type, scope, the changed members, and its head."""
    changed = {*(change.before or ()), *(change.after or ())}
    kept = {name: value for name, value in head.document.items() if name not in changed}
    after: Document = {**kept, "id": change.entity_id, "type": [*change.types], "scope": [*change.scopes]}
    before = (
        after if change.after is None else {name: after[name] for name in after if name not in (change.after or ())}
    )
    return _side(before, change.before, change, head), _side(after, change.after, change, head)


def _side(known: Document, image: Image | None, change: LoggedChange, head: Head) -> Entity | None:
    if image is None:
        return None
    members = {name: value for name, value in image.items() if name != EXPIRES_AT}
    created_at = change.at if head.created_at is None else head.created_at
    return Entity({**known, "id": change.entity_id, **members}, created_at, change.at, None, change.version)


def _shown(change: LoggedChange, sides: Sequence[Entity], restriction: Restriction, *, whole: bool) -> list[Seen]:
    """The change without what is hidden of it; none where it was all hidden."""
    images = (change.before, change.after)
    known = iter(sides)
    shown = [None if image is None else _cut(image, next(known), restriction) for image in images]
    before, after = shown
    if before is not None and after is not None:
        for name in {*(change.before or ()), *(change.after or ())}:
            if _is_hidden(name, images, (before, after)):
                before.pop(name, None)
                after.pop(name, None)
    nothing = not before and not after and bool(change.before or change.after)
    return [] if nothing else [_seen(change, before, after, change.version if whole else 0)]


def _cut(image: Image, side: Entity, restriction: Restriction) -> dict[str, Json] | None:
    shown = restriction.show(side)
    if shown is None:
        return None
    return {
        name: shown.document.get(name, image[name]) for name in image if name == EXPIRES_AT or name in shown.document
    }


def _is_hidden(name: str, whole: Sequence[Image | None], shown: Sequence[Image]) -> bool:
    """Whether what changed of a member is hidden, though something else of it can be seen."""
    old, new = (_content((image or {}).get(name)) for image in whole)
    return old != new and _content(shown[0].get(name)) == _content(shown[1].get(name))


def _content(value: Json) -> bytes:
    """A member's text without the times of writing, which tell of hidden changes too."""
    return dump(_unstamped(value))


def _unstamped(value: Json) -> Json:
    if isinstance(value, list):
        return [_unstamped(one) for one in value]
    if isinstance(value, dict):
        return {name: _unstamped(one) for name, one in value.items() if name not in _STAMPS}
    return value


def _nothing_linked(_: str) -> Entity | None:
    return None
