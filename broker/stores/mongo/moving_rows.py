"""What stands beside the entities of a tenant, and the hub's documents, as rows of parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from pymongo import ReplaceOne, UpdateOne
from pymongo.collection import Collection

from broker.encode.text import dump
from broker.model.values import Json
from broker.stores.mongo import outbox_rows
from broker.stores.mongo.changelog import KIND as LOG
from broker.stores.mongo.changelog import ROW_BYTES
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.documents import KIND as DOCUMENT
from broker.stores.mongo.entities import load_any
from broker.stores.mongo.generations import KIND as GENERATION
from broker.stores.mongo.ground import Ground, key
from broker.stores.mongo.held import MARK
from broker.stores.mongo.outbox_rows import COUNTERS, DEAD, WAITING, image_id, to_rows
from broker.stores.mongo.packing import packed, unpacked
from broker.stores.moving import COPY_KIND, Key, Row, queued_body, to_entity

PAGE: Final = 500
_COUNTED: Final = ("sent", "failed", "last", "arrived", "missed")


class _Named(NamedTuple):
    """A part whose rows have texts as keys: where its documents are, and how they are read and made."""

    where: Callable[[str], Bson]
    key_of: Callable[[Bson], tuple[str, ...]]
    id_of: Callable[[str, tuple[str, ...]], str]
    body: Callable[[Bson], Json]
    document: Callable[[str, Row], Bson]


def rows(ground: Ground, tenant: str, part: str) -> Iterator[Row]:
    """The rows of a part by their keys, some at a time."""
    if part == "log":
        return logged(ground, tenant, 0)
    if part in _QUEUES:
        return _queued(ground, tenant, _QUEUES[part])
    return _read(_collection(ground, part), tenant, _PARTS[part])


def documents(ground: Ground) -> Iterator[Row]:
    """The hub's documents, but for what copies say of themselves."""
    return (row for row in _read(ground.hub, "", _DOCUMENTS) if cast("tuple[str, ...]", row.key)[0] != COPY_KIND)


def put(ground: Ground, tenant: str, part: str, found: Sequence[Row]) -> None:
    """Write them, or write them anew."""
    collection = _collection(ground, part)
    made = [_made(tenant, part, row) for row in found]
    collection.bulk_write([ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in made], ordered=False)
    if part == "held":
        _rise(ground.held, tenant, [cast("tuple[str, ...]", row.key)[0] for row in found])


def drop(ground: Ground, tenant: str, part: str, keys: Sequence[Key]) -> None:
    """Take them away."""
    if part in _NUMBERED:
        ground.trail.delete_many({"t": tenant, "k": _NUMBERED[part], "n": {"$in": list(keys)}})
        return
    names = cast("Sequence[tuple[str, ...]]", keys)
    ids = [_PARTS[part].id_of(tenant, name) for name in names]
    _collection(ground, part).delete_many({"_id": {"$in": ids}})
    if part == "held":
        _rise(ground.held, tenant, [name[0] for name in names])


def put_documents(ground: Ground, found: Sequence[Row]) -> None:
    """Write documents of the hub."""
    made = [_DOCUMENTS.document("", row) for row in found]
    ground.hub.bulk_write([ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in made], ordered=False)
    _rise_documents(ground, [cast("tuple[str, ...]", row.key)[0] for row in found])


def drop_documents(ground: Ground, keys: Sequence[Key]) -> None:
    """Take documents of the hub away."""
    names = cast("Sequence[tuple[str, ...]]", keys)
    ground.hub.delete_many({"_id": {"$in": [_DOCUMENTS.id_of("", name) for name in names]}})
    _rise_documents(ground, [name[0] for name in names])


def counts(ground: Ground, tenant: str) -> dict[str, int]:
    """How many rows there are, by part."""
    found = {part: ground.trail.count_documents({"t": tenant, "k": kind}) for part, kind in _NUMBERED.items()}
    for part, named in _PARTS.items():
        found[part] = _collection(ground, part).count_documents(named.where(tenant))
    return found


def newest(ground: Ground, tenant: str) -> int:
    """The highest number of the log; 0 for an empty one."""
    found = ground.trail.find({"t": tenant, "k": LOG, "i": {"$gt": ""}}, {"n": 1}).sort("n", -1).limit(1)
    return max((int(one["n"]) for one in found), default=0)


def trimmed(ground: Ground, tenant: str) -> int:
    """The number in the log's mark."""
    found = ground.trail.find_one({"_id": key(tenant, "", LOG)}, {"n": 1})
    return 0 if found is None else int(found["n"])


def trim(ground: Ground, tenant: str, number: int) -> None:
    """Write the log's mark; what is kept is measured anew."""
    mark = {"_id": key(tenant, "", LOG), "t": tenant, "i": "", "k": LOG, "n": number, "b": 0, "p": 0}
    ground.trail.replace_one({"_id": mark["_id"]}, mark, upsert=True)


def _collection(ground: Ground, part: str) -> Collection[Bson]:
    return ground.held if part in ("held", "mark") else ground.trail


def _read(collection: Collection[Bson], tenant: str, part: _Named) -> Iterator[Row]:
    """Keys first, as they are in order here only, then what they stand for."""
    found = collection.find(part.where(tenant), {"k": 1, "g": 1, "i": 1, "s": 1})
    keys = sorted(part.key_of(one) for one in found)
    for start in range(0, len(keys), PAGE):
        ids = [part.id_of(tenant, name) for name in keys[start : start + PAGE]]
        there = {one["_id"]: one for one in collection.find({"_id": {"$in": ids}})}
        for name, one in zip(keys[start : start + PAGE], ids, strict=True):
            if one in there:
                yield Row(name, part.body(there[one]))


def _by_number(ground: Ground, tenant: str, kind: str, after: int = 0) -> Iterator[list[Bson]]:
    while found := list(ground.trail.find({"t": tenant, "k": kind, "n": {"$gt": after}}).sort("n", 1).limit(PAGE)):
        yield found
        after = found[-1]["n"]


def logged(ground: Ground, tenant: str, after: int) -> Iterator[Row]:
    """The rows of the log with a higher number."""
    for found in _by_number(ground, tenant, LOG, after):
        for one in found:
            if one["i"]:  # else the mark
                images = [unpacked(one[name]) if name in one else None for name in ("b", "a")]
                about = unpacked(one["y"]) if "y" in one else None
                lists = one.get("s"), one.get("z"), about
                yield Row(one["n"], [one["i"], one["v"], one["m"], *images, *lists])


def _log_row(tenant: str, row: Row) -> Bson:
    iri, version, at, before, after, subjects, classes, about = cast("list[Any]", row.body)
    number = cast("int", row.key)
    made: Bson = {"_id": key(tenant, iri, LOG, number), "t": tenant, "i": iri, "k": LOG, "n": number, "v": version}
    images = {"b": before, "a": after}
    made |= {"m": at, **{name: packed(image) for name, image in images.items() if image is not None}}
    made["w"] = ROW_BYTES + len(iri) + sum(len(made[name]) for name in images if name in made)
    if about is not None:
        made["y"] = packed(about)
    return made | {name: values for name, values in (("s", subjects), ("z", classes)) if values}


def _queued(ground: Ground, tenant: str, kind: str) -> Iterator[Row]:
    for found in _by_number(ground, tenant, kind):
        shared = [image_id(one) for one in found if "m" in one]
        images = list(ground.trail.find({"_id": {"$in": shared}})) if shared else []
        for row in to_rows(found, images):
            yield Row(row.number, queued_body(row))


def _queued_row(tenant: str, kind: str, row: Row) -> Bson:
    """A row with images of its own."""
    subscription, due, attempts, redelivered, reason, sequence, at, before, after = cast("list[Any]", row.body)
    entities = {"b": to_entity(before), "a": to_entity(after)}
    iri = next(one.id for one in entities.values() if one is not None)
    made: Bson = {"_id": key(tenant, iri, WAITING, sequence, subscription), "t": tenant, "i": iri, "k": kind}
    made |= {"n": row.key, "q": sequence, "at": at, "s": subscription, "d": due, "c": attempts, "e": reason}
    made |= {name: outbox_rows.image(one) for name, one in entities.items() if one is not None}
    return made | ({"v": True} if redelivered else {})


def _made(tenant: str, part: str, row: Row) -> Bson:
    if part == "log":
        return _log_row(tenant, row)
    return _queued_row(tenant, _QUEUES[part], row) if part in _QUEUES else _PARTS[part].document(tenant, row)


def _held_body(one: Bson) -> Json:
    return [unpacked(one["d"]), one["c"], one["m"], one["v"], one.get("x")]


def _held(tenant: str, row: Row) -> Bson:
    kind, name = cast("tuple[str, str]", row.key)
    body, created_at, modified_at, version, expires_at = cast("list[Any]", row.body)
    made: Bson = {"_id": key(tenant, kind, name), "t": tenant, "k": kind, "i": name, "v": version, "c": created_at}
    made |= {"m": modified_at, "d": packed(body), "w": modified_at}
    return made if expires_at is None else {**made, "x": expires_at}


def _mark(tenant: str, row: Row) -> Bson:
    (name,) = cast("tuple[str]", row.key)
    (value,) = cast("list[Json]", row.body)
    return {"_id": key(tenant, MARK, name), "t": tenant, "k": MARK, "i": name, "d": dump(value).decode()}


def _delivery(tenant: str, row: Row) -> Bson:
    (name,) = cast("tuple[str]", row.key)
    told = zip(_COUNTED, cast("list[Any]", row.body), strict=True)
    made: Bson = {"_id": key(tenant, "", COUNTERS, name), "t": tenant, "i": "", "k": COUNTERS, "n": 0, "s": name}
    return made | {member: value for member, value in told if value is not None}


def _document(_tenant: str, row: Row) -> Bson:
    kind, name = cast("tuple[str, str]", row.key)
    body, created_at, ordinal = cast("list[Any]", row.body)
    made: Bson = {"_id": key(DOCUMENT, kind, name), "k": DOCUMENT, "g": kind, "i": name, "o": ordinal}
    return made | {"d": dump(body).decode(), "c": created_at}


def _rise(held: Collection[Bson], tenant: str, kinds: Sequence[str]) -> None:
    held.bulk_write([
        UpdateOne(
            {"_id": key(tenant, kind)},
            {"$inc": {"n": 1}, "$setOnInsert": {"k": GENERATION, "t": tenant, "g": kind}},
            upsert=True,
        )
        for kind in dict.fromkeys(kinds)
    ])  # fmt: skip


def _rise_documents(ground: Ground, kinds: Sequence[str]) -> None:
    ground.hub.bulk_write([
        UpdateOne(
            {"_id": key("generation", kind)},
            {"$inc": {"n": 1}, "$setOnInsert": {"k": GENERATION, "t": "", "g": kind}},
            upsert=True,
        )
        for kind in dict.fromkeys(kinds)
    ])  # fmt: skip


_QUEUES: Final = {"outbox": WAITING, "dead": DEAD}
_NUMBERED: Final = {"log": LOG, **_QUEUES}
_PARTS: Final[Mapping[str, _Named]] = {
    "held": _Named(
        lambda tenant: {"t": tenant, "k": {"$nin": [MARK, GENERATION]}},
        lambda one: (one["k"], one["i"]),
        lambda tenant, name: key(tenant, *name),
        _held_body,
        _held,
    ),
    "mark": _Named(
        lambda tenant: {"t": tenant, "k": MARK},
        lambda one: (one["i"],),
        lambda tenant, name: key(tenant, MARK, *name),
        lambda one: [load_any(one["d"])],
        _mark,
    ),
    "delivery": _Named(
        lambda tenant: {"t": tenant, "k": COUNTERS},
        lambda one: (one["s"],),
        lambda tenant, name: key(tenant, "", COUNTERS, *name),
        lambda one: [one.get("sent", 0), one.get("failed", 0), *(one.get(member) for member in _COUNTED[2:])],
        _delivery,
    ),
}
_DOCUMENTS: Final = _Named(
    lambda _: {"k": DOCUMENT},
    lambda one: (one["g"], one["i"]),
    lambda _, name: key(DOCUMENT, *name),
    lambda one: [load_any(one["d"]), one["c"], one["o"]],
    _document,
)
