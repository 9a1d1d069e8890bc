r"""Rows of the outbox as documents of the trail, and back.

    _id "city\nurn:x:1\no\n17\nurn:s:1"  (tenant, entity, change, subscription): written again it is the same one
    t i   tenant, entity                  k  "o" while it waits, "x" once it is dead
    n     its number                      q  the number of the change          at  when the change was
    s     the subscription                d  when it is due, or died           c   attempts    e  reason
    b a   the entity before and after     v  true: redelivered

A change that more than a few subscriptions match has one image for all of them, a document of its own (k = "m") that
names them in `w`: such rows have `m` in place of `b` and `a`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Final

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports.outbox import EntityChange, OutboxRow, notification_id
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.entities import dump, load_any
from broker.stores.mongo.ground import Happened, key
from broker.stores.mongo.keys import named_members
from broker.stores.mongo.stamps import STEP

WAITING: Final = "o"
DEAD: Final = "x"
IMAGE: Final = "m"
COUNTERS: Final = "d"
OWN_IMAGES: Final = 3
"""So many rows of one change have its image each: a document less to write, to read and to delete."""


def written(happened: Happened) -> list[Bson]:
    """What a change leaves in the outbox: a row for each subscription that it matched, numbered after the change."""
    tenant, change = happened.tenant, happened.change
    entity_id, sequence = change.entity.id, change.sequence
    images: Bson = {name: image(one) for name, one in (("b", change.before), ("a", change.after)) if one is not None}
    images |= named_members(None if one is None else one.document for one in (change.before, change.after))
    shared = len(happened.matched) > OWN_IMAGES
    common: Bson = {"t": tenant, "i": entity_id, "q": sequence, "at": change.at}
    own: Bson = {"m": True} if shared else images
    rows: list[Bson] = [
        {
            "_id": key(tenant, entity_id, WAITING, sequence, subscription),
            "k": WAITING,
            "n": number,
            "s": subscription,
            "d": change.at,
            "c": 0,
            **common,
            **own,
        }
        for number, subscription in _numbered(happened)
    ]
    if not shared:
        return rows
    kept = {"_id": key(tenant, entity_id, IMAGE, sequence), "k": IMAGE, "n": sequence, "w": list(happened.matched)}
    return [{**kept, **common, **images}, *rows]


def told(happened: Happened) -> list[OutboxRow]:
    """The rows of a change as they are once they are written."""
    change, made = happened.change, list[OutboxRow]()
    for number, subscription in _numbered(happened):
        name = notification_id(happened.tenant, subscription, str(change.sequence))
        made.append(OutboxRow(number + happened.late, name, subscription, change, change.at))
    return made


def _numbered(happened: Happened) -> Iterator[tuple[int, str]]:
    return zip(count(happened.change.sequence + STEP, STEP), happened.matched, strict=False)


def row_id(tenant: str, row: OutboxRow) -> str:
    """The `_id` of a row."""
    return key(tenant, row.change.entity.id, WAITING, row.change.sequence, row.subscription)


def image_id(row: Bson) -> str:
    """The `_id` of the image of a row that has none of its own."""
    return key(row["t"], row["i"], IMAGE, row["q"])


def rows_of(image: Bson) -> list[str]:
    """The `_id` of every row that this image was written for."""
    return [key(image["t"], image["i"], WAITING, image["q"], name) for name in image["w"]]


def to_rows(found: Sequence[Bson], images: Iterable[Bson]) -> list[OutboxRow]:
    """The rows of documents; changes that several of them are of are read once."""
    by_id = {one["_id"]: one for one in images}
    changes: dict[tuple[str, int], EntityChange] = {}
    rows: list[OutboxRow] = []
    for one in found:
        held = by_id.get(image_id(one)) if "m" in one else one
        if held is None:  # another process closed the last of these rows in between
            continue
        change = changes.get((one["i"], one["q"]))
        if change is None:
            change = changes[one["i"], one["q"]] = _change(held)
        rows.append(_row(one, change))
    return rows


def image(entity: Entity) -> bytes:
    """An entity as text, every number as it is."""
    head = [entity.created_at, entity.modified_at, entity.expires_at, entity.version]
    return dump([*head, entity.document])[0]


def revived(number: int, now: Instant) -> Mapping[str, object]:
    """What is set in a dead row that is to wait again."""
    return {"k": WAITING, "n": number, "d": now, "c": 0, "v": True, "e": ""}


def _change(held: Bson) -> EntityChange:
    return EntityChange(held["q"], held["at"], _entity(held.get("b")), _entity(held.get("a")))


def _entity(text: bytes | None) -> Entity | None:
    if text is None:
        return None
    created_at, modified_at, expires_at, version, document = load_any(text)
    return Entity(document, created_at, modified_at, expires_at, version)


def _row(found: Bson, change: EntityChange) -> OutboxRow:
    name = notification_id(found["t"], found["s"], str(found["q"]))
    state = found["d"], found["c"], bool(found.get("v")), found.get("e", "")
    return OutboxRow(found["n"], name, found["s"], change, *state)
