"""Changes under way: what an entity's document holds of a change until all that follows from it is written.

    s      its number                     w   ids of subscriptions that it matched        u l  subjects, data classes
    b a    what the entity was before and is after, without its document: created, modified, expires, version;
           absent where it was not there, or is not there any more
    bd ad  the documents before and after, whole                             r  before, as a patch on the document after

An entry is *short* where the entity's document itself says what it leaves out: the document after the change, or,
deleted, before it. Whoever writes another document over it makes the entries there whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from broker.model.entity import Document, Entity
from broker.model.values import Json
from broker.ports.outbox import EntityChange
from broker.stores.images import changed
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.entities import INDEXED, OPTIONAL, document_of, dump, load_any
from broker.stores.mongo.ground import Happened


def short(happened: Happened) -> Bson:
    """The entry of the last change of an entity, whose document stands beside it."""
    before, after = happened.change.before, happened.change.after
    entry = _entry(happened)
    if before is not None and after is not None:
        backwards = _backwards(before.document, happened)
        if list(_patched(after.document, backwards)) == list(before.document):
            entry["r"] = dump(backwards)[0]
        else:
            entry["bd"] = dump(before.document)[0]
    return entry


def whole(happened: Happened) -> Bson:
    """The entry of a change that says everything itself."""
    before, after = happened.change.before, happened.change.after
    entry = _entry(happened)
    if before is not None:
        entry["bd"] = dump(before.document)[0]
    if after is not None:
        entry["ad"] = dump(after.document)[0]
    return entry


def entries(changes: Sequence[Happened], *, beside: bool) -> list[Bson]:
    """The entries of one entity's changes, the last one short if the document of the entity stands `beside` it."""
    return [short(one) if beside and one is changes[-1] else whole(one) for one in changes]


def read(found: Bson) -> list[Happened]:
    """The changes under way of an entity's document, the oldest first."""
    listed = sorted(found.get("p", ()), key=lambda entry: int(entry["s"]))
    document = document_of(found) if listed else {}
    return [_read(found["t"], entry, document) for entry in listed]


def weight(listed: Sequence[Bson]) -> int:
    """Bytes of the texts in entries."""
    return sum(len(entry.get(name, b"")) for entry in listed for name in ("bd", "ad", "r"))


def over(found: Bson, fields: Bson, added: list[Bson]) -> tuple[Bson, Bson]:
    """Filter and update that put `fields` and new entries into a document, if it is still as it was read.

    Entries of others that are still there are made whole, as the document they rely on is written over; a deletion
    leaves it where it is.
    """
    where: Bson = {"_id": found["_id"], "n": found["n"]}
    deleted = "g" in fields
    names = ("nx", *INDEXED) if deleted else (*OPTIONAL, "g")
    put = {name: value for name, value in fields.items() if name != "_id"}
    update: Bson = {"$set": put}
    if gone := {name: "" for name in names if name not in fields and name in found}:
        update["$unset"] = gone
    others = [] if deleted else read(found)
    if others:
        where["$and"] = [{"p.s": one.change.sequence} for one in others]
        put["p"] = [whole(one) for one in others] + added
    else:
        update["$push"] = {"p": added[0] if len(added) == 1 else {"$each": added}}
    return where, update


def _entry(happened: Happened) -> Bson:
    change = happened.change
    heads = {"b": _head(change.before), "a": _head(change.after)}
    lists = {
        "w": list(happened.matched),
        "u": sorted(happened.subjects),
        "l": sorted(happened.data_classes),
    }
    found: Bson = {"s": change.sequence, "at": change.at}
    found.update((name, value) for name, value in {**heads, **lists}.items() if value)
    return found


def _read(tenant: str, entry: Bson, beside: Document) -> Happened:
    after = None if "a" not in entry else load_any(entry["ad"]) if "ad" in entry else beside
    if "b" not in entry:
        before = None
    elif "bd" in entry:
        before = load_any(entry["bd"])
    else:
        before = beside if after is None else _patched(after, load_any(entry["r"]))
    was, now = _entity(before, entry.get("b")), _entity(after, entry.get("a"))
    return Happened(
        tenant,
        EntityChange(entry["s"], entry["at"], was, now),
        changed(was, now),
        tuple(entry.get("w", ())),
        frozenset(entry.get("u", ())),
        frozenset(entry.get("l", ())),
    )


def _head(entity: Entity | None) -> list[int | None] | None:
    return None if entity is None else [entity.created_at, entity.modified_at, entity.expires_at, entity.version]


def _entity(document: Document | None, head: Sequence[int | None] | None) -> Entity | None:
    if document is None or head is None:
        return None
    created_at, modified_at, expires_at, version = head
    assert created_at is not None
    assert modified_at is not None
    assert version is not None
    return Entity(document, created_at, modified_at, expires_at, version)


def _backwards(before: Document, happened: Happened) -> dict[str, Json]:
    """Members to take away (None) or to set, so that the document after the change is the one before it."""
    was, now = happened.logged.before or {}, happened.logged.after or {}
    gone: dict[str, Json] = {name: None for name in now if name not in before and name != "expiresAt"}
    return gone | {name: value for name, value in was.items() if name in before}


def _patched(document: Document, patch: dict[str, Json]) -> Document:
    merged = {**document, **patch}
    return {name: value for name, value in merged.items() if value is not None}
