"""The entities that a query of evolutions must look at, in the order of the answer.

Those that were ever created come first, in the order of their creation, also those that are gone; then those that only
history ever had. They are read on by key, chunk by chunk: what is written meanwhile may be among them or not. Of a type
that few ever had, the ids are read first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any, Final, Literal

from pymongo.collection import Collection

from broker.query.ast import Node
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import Ground
from broker.stores.mongo.history_heads import Head, heads
from broker.stores.mongo.history_leaves import HISTORY, LIFE
from broker.stores.narrowing import ids_in, types_in

CHUNK: Final = 200
FEW: Final = 20_000
"""Entities of a type up to which their ids are read, and put in order, before anything else of them."""
PLACES: Final = 1_000
Order = Literal["ascending", "descending"] | None


def candidates(ground: Ground, tenant: str, where: Node, order: Order, count: int = CHUNK) -> Iterator[list[Head]]:
    """Chunks of every entity with a history that may meet the condition: first so many, then more at a time."""
    ids = ids_in(where)
    if ids is not None:
        found = [head for head in heads(ground, tenant, sorted(ids)).values() if not head.dropped]
        yield sorted(found, key=_by_id if order else _by_number, reverse=order == "descending")
        return
    types = types_in(where)
    few = None if types is None else _few_of(ground, tenant, types)
    walk: Iterator[tuple[int | None, str]]
    if few is not None:
        walk = iter(_in_order(ground, tenant, few, order))
    elif order:
        walk = _by_ids(ground, tenant, descending=order == "descending")
    else:
        walk = _by_creation(ground, tenant)
    size = min(count, CHUNK)
    while chunk := list(islice(walk, size)):
        size = min(2 * size, CHUNK)
        found_by_id = heads(ground, tenant, [iri for _, iri in chunk])
        there = [(number, found_by_id[iri]) for number, iri in chunk if iri in found_by_id]
        in_place = [head for number, head in there if few is not None or order or _is_there(head, number)]
        yield [head for head in in_place if not head.dropped and (types is None or _has_one(head, types))]


def all_ids(ground: Ground, tenant: str) -> Iterator[str]:
    """Every entity that has, or had, a history."""
    return (iri for _, iri in _by_creation(ground, tenant))


def _few_of(ground: Ground, tenant: str, types: frozenset[str]) -> list[str] | None:
    """The entities that ever had one of the types; None where that is so often that a walk finds some soon."""
    which: Bson = {"t": tenant, "hy": {"$in": sorted(types)}}
    found: dict[str, None] = {}
    for collection in (ground.trail, ground.known):
        rows = list(collection.find(which, {"i": 1}).limit(FEW + 1))
        if len(rows) > FEW:
            return None
        found |= dict.fromkeys(one["i"] for one in rows)
    return list(found)


def _in_order(ground: Ground, tenant: str, iris: list[str], order: Order) -> list[tuple[int | None, str]]:
    """These entities in the order of the answer."""
    if order:
        return [(None, iri) for iri in sorted(iris, reverse=order == "descending")]
    places: dict[str, tuple[bool, int]] = {}
    for start in range(0, len(iris), PLACES):
        some = {"t": tenant, "i": {"$in": iris[start : start + PLACES]}}
        for one in ground.trail.find({**some, "k": HISTORY, "a": LIFE, "hf": {"$exists": True}}, {"i": 1, "hf": 1}):
            places[one["i"]] = min(places.get(one["i"], (True, 0)), (False, one["hf"]))
        for one in ground.known.find({**some, "o": {"$exists": True}}, {"i": 1, "o": 1}):
            places[one["i"]] = (True, one["o"])
    return [(None, iri) for iri in sorted(places, key=places.__getitem__)]


def _has_one(head: Head, types: frozenset[str]) -> bool:
    return not types.isdisjoint(head.story().types)


def _is_there(head: Head, number: int | None) -> bool:
    """Whether it is this place where an entity comes, of those where it was seen."""
    return number == head.born if head.order is None else number is None


def _by_creation(ground: Ground, tenant: str) -> Iterator[tuple[int | None, str]]:
    """`(number of a creation, entity)`, then `(None, entity)` for those that history had first."""
    for one in _read_on(ground.trail, {"t": tenant, "k": HISTORY}, "hf", 1):
        yield one["hf"], one["i"]
    for one in _read_on(ground.known, {"t": tenant}, "o", 1):
        yield None, one["i"]


def _by_ids(ground: Ground, tenant: str, *, descending: bool) -> Iterator[tuple[int | None, str]]:
    way = -1 if descending else 1
    created = (one["i"] for one in _read_on(ground.trail, {"t": tenant, "k": HISTORY}, "hb", way))
    told = (one["i"] for one in _read_on(ground.known, {"t": tenant, "o": {"$gt": 0}}, "i", way))
    last = None
    for iri in merge(created, told, reverse=descending):
        if iri != last:
            yield None, iri
        last = iri


def _read_on(collection: Collection[Bson], where: Bson, by: str, way: int) -> Iterator[Bson]:
    """All in the order of one member, which all that are meant have."""
    after: Any = None
    while True:
        bound: Bson = {"$exists": True} if after is None else {"$gt" if way == 1 else "$lt": after}
        found: Sequence[Bson] = list(collection.find({**where, by: bound}, {"i": 1, by: 1}).sort(by, way).limit(CHUNK))
        yield from found
        if len(found) < CHUNK:
            return
        after = found[-1][by]


def _by_id(head: Head) -> str:
    return head.iri


def _by_number(head: Head) -> tuple[bool, int]:
    return (head.order is not None, head.order or head.born or 0)
