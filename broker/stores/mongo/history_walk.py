"""The entities that a query of evolutions must look at, in the order of the answer.

Those that were ever created come first, in the order of their creation, also those that are gone; then those that only
history ever had. They are read on by key, chunk by chunk: what is written meanwhile may be among them or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any, Final, Literal

from pymongo.collection import Collection

from broker.query.ast import And, HasAttribute, IdIn, Node, Or
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import Ground
from broker.stores.mongo.history_heads import Head, heads
from broker.stores.mongo.history_leaves import HISTORY

CHUNK: Final = 200
Order = Literal["ascending", "descending"] | None


def candidates(ground: Ground, tenant: str, where: Node, order: Order, count: int = CHUNK) -> Iterator[list[Head]]:
    """Chunks of every entity with a history that may meet the condition: first so many, then more at a time."""
    ids = ids_in(where)
    if ids is not None:
        found = [head for head in heads(ground, tenant, sorted(ids)).values() if not head.dropped]
        yield sorted(found, key=_by_id if order else _by_number, reverse=order == "descending")
        return
    walk = _by_ids(ground, tenant, descending=order == "descending") if order else _by_creation(ground, tenant)
    size = min(count, CHUNK)
    while chunk := list(islice(walk, size)):
        size = min(2 * size, CHUNK)
        found_by_id = heads(ground, tenant, [iri for _, iri in chunk])
        there = [(number, found_by_id[iri]) for number, iri in chunk if iri in found_by_id]
        yield [head for number, head in there if not head.dropped and _is_there(head, number, by_id=bool(order))]


def attributes_in(node: Node) -> frozenset[str]:
    """The attributes whose instances a condition looks at."""
    if isinstance(node, (And, Or)):
        return frozenset[str]().union(*(attributes_in(term) for term in node.terms))
    if isinstance(node, HasAttribute):
        return frozenset({node.name})
    path = getattr(node, "path", None)
    return frozenset() if path is None else frozenset({path.name})


def ids_in(where: Node) -> frozenset[str] | None:
    """The only ids that can meet the condition; None where it names none."""
    named = [frozenset(term.ids) for term in _terms(where) if isinstance(term, IdIn)]
    return frozenset.intersection(*named) if named else None


def all_ids(ground: Ground, tenant: str) -> Iterator[str]:
    """Every entity that has, or had, a history."""
    return (iri for _, iri in _by_creation(ground, tenant))


def _terms(where: Node) -> tuple[Node, ...]:
    if isinstance(where, And):
        return tuple(inner for term in where.terms for inner in _terms(term))
    return (where,)


def _is_there(head: Head, number: int | None, *, by_id: bool) -> bool:
    """Whether it is this place where an entity comes, of those where it was seen."""
    return by_id or (number == head.born if head.order is None else number is None)


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
