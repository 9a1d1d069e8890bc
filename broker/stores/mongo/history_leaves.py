"""Leaves of history: documents of the trail that hold the instances of one change that have their times in common.

    _id  key(tenant, entity, "h", number, ordinal)
    n    the change's number          a    attributes of which it has instances, and LIFE
    w    their time (`Past.time`)     m    modified_at        u  true: never observed      x  deleted_at
    d    JSON: [[ordinal, place in `a`, body, created_at unless it is m], …]
    l    JSON: what the change was in the entity's life, where it was more than an update
    hy   types that the entity had not before
    y1 whom instances of it, or the entity, are about
    hf, hb on the leaf of a creation: its number, the entity's id (so entities are found in the order of their creation)

So an entity of twenty attributes leaves one document when it is created, and an update that observes five leaves one.
All instances of an attribute are found by {t, i, a, w, n} in the order of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import jiter

from broker.encode.text import dump
from broker.model.values import Instant
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import key
from broker.stores.mongo.keys import NAMED, named_members
from broker.stores.past import Past

HISTORY: Final = "h"
"""`k` of these documents."""
LIFE: Final = "@"
"""Stands among the attributes of a leaf that says something of the entity's life: no IRI is that."""
ORDINAL_BITS: Final = 20
_ORDINAL: Final = (1 << ORDINAL_BITS) - 1
ID_PREFIX: Final = "urn:ngsi-ld:Instance:"

Entry = tuple[str, Past]
"""An attribute and one of its instances."""


@dataclass(slots=True)
class Life:
    """What a change was in the life of its entity.

    `names` are attributes that it had not before the change (those of the leaf are among them), and so are `types`.
    `born` is the entity's creation; `ended` its types and scopes as it was deleted. `evaporated` are attributes and
    datasets that expired: what was written of them before and has expired, too, is gone (clause 4.22).
    """

    at: Instant
    names: list[str] = field(default_factory=list)
    born: Instant | None = None
    ended: tuple[list[str], list[str]] | None = None
    evaporated: list[tuple[str, str]] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.names or self.types or self.evaporated) or self.born is not None or self.ended is not None


@dataclass(slots=True)
class Leaf:
    """One document, read."""

    id: str
    iri: str
    number: int
    entries: list[Entry]
    life: Life | None = None
    source: Bson = field(default_factory=dict)


def leaves(tenant: str, iri: str, entries: Sequence[Entry], *, mark: str = "", life: Life | None = None) -> list[Bson]:
    """Documents for instances, `life` on the first of them; `mark` keeps their ids from those of others."""
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for name, past in entries:
        told = past.number >> ORDINAL_BITS, past.time, past.modified_at, past.observed_at is None, past.deleted_at
        groups.setdefault(told, []).append((name, past))
    made = [_leaf(tenant, iri, held, mark) for held in groups.values()]
    if life is not None and made:
        _mark(made[0], life)
    return made


def bare(tenant: str, iri: str, number: int, life: Life) -> Bson:
    """A document that has no instance: what a change was in the entity's life only."""
    made: Bson = {"_id": key(tenant, iri, HISTORY, number, "-"), "t": tenant, "i": iri, "k": HISTORY, "n": number}
    made |= {"a": [], "w": life.at, "m": life.at}
    _mark(made, life)
    return made


def read(document: Bson) -> Leaf:
    """The leaf of a document."""
    names, modified_at = document["a"], document["m"]
    observed = None if document.get("u") else document["w"]
    deleted_at, base = document.get("x"), document["n"] << ORDINAL_BITS
    entries: list[Entry] = []
    for ordinal, place, body, *more in jiter.from_json(document["d"]) if "d" in document else ():
        past = Past(base | ordinal, body, more[0] if more else modified_at, modified_at, observed, deleted_at)
        entries.append((names[place], past))
    return Leaf(document["_id"], document["i"], document["n"], entries, _life(document), document)


def rewritten(leaf: Leaf, entries: Sequence[Entry]) -> Bson | None:
    """The leaf's document with these instances only; None where nothing is left that it says."""
    source = leaf.source
    if not entries and leaf.life is None:
        return None
    made = {name: value for name, value in source.items() if name != "d"}
    _fill(made, entries)
    if leaf.life is not None:
        _mark(made, leaf.life)
    return made


def instance_id(past: Past) -> str:
    """The id of an instance; it stays when the instance is corrected."""
    return f"{ID_PREFIX}{past.number}"


def parse_id(text: str) -> int | None:
    """The number of an instance; None for an id that this broker never gave."""
    digits = text.removeprefix(ID_PREFIX)
    if digits == text or not (digits.isascii() and digits.isdecimal()) or len(digits) > 30:  # noqa: PLR2004 - 2^73
        return None
    return int(digits)


def of_entities(tenant: str, iris: Sequence[str]) -> Bson:
    """A filter for the leaves of entities; of one, it says the range of `_id` too, by which one shard is asked."""
    if len(iris) == 1:
        return {"_id": _below(key(tenant, iris[0], HISTORY)), "t": tenant, "i": iris[0], "k": HISTORY}
    return {"t": tenant, "i": {"$in": list(iris)}, "k": HISTORY}


def of_number(tenant: str, iri: str, number: int) -> Bson:
    """A filter for the leaves that hold instances of a change, by the number of one of them."""
    return {"_id": _below(key(tenant, iri, HISTORY, number >> ORDINAL_BITS))}


def _below(head: str) -> Bson:
    """Every `_id` that goes on behind a line feed."""
    return {"$gte": f"{head}\n", "$lt": f"{head}\x0b"}


def _leaf(tenant: str, iri: str, held: Sequence[Entry], mark: str) -> Bson:
    past = held[0][1]
    number, ordinal = past.number >> ORDINAL_BITS, past.number & _ORDINAL
    made: Bson = {"_id": key(tenant, iri, HISTORY, number, f"{ordinal}{mark}"), "t": tenant, "i": iri, "k": HISTORY}
    made |= {"n": number, "w": past.time, "m": past.modified_at}
    if past.observed_at is None:
        made["u"] = True
    if past.deleted_at is not None:
        made["x"] = past.deleted_at
    _fill(made, held)
    return made


def _fill(made: Bson, held: Iterable[Entry]) -> None:
    names: dict[str, int] = {}
    rows: list[Any] = []
    held = list(held)
    made.pop(NAMED, None)
    made |= named_members({name: past.body} for name, past in held)
    for name, past in held:
        row = [past.number & _ORDINAL, names.setdefault(name, len(names)), past.body]
        rows.append(row if past.created_at == made["m"] else [*row, past.created_at])
    made["a"] = list(names)
    if rows:
        made["d"] = dump(rows)


def _mark(made: Bson, life: Life) -> None:
    names = [name for name in life.names if name not in made["a"]]
    made["a"] = [*made["a"], LIFE]
    told: dict[str, Any] = {"at": life.at}
    if life.born is not None:
        told["born"] = life.born
        made["hf"], made["hb"] = made["n"], made["i"]
    if life.types:
        made["hy"] = life.types
    told |= {
        name: value
        for name, value in (("names", names), ("ended", life.ended), ("evaporated", life.evaporated))
        if value
    }
    made["l"] = dump(told)


def _life(document: Bson) -> Life | None:
    if "l" not in document:
        return None
    told = cast("dict[str, Any]", jiter.from_json(document["l"]))
    ended = told.get("ended")
    return Life(
        told["at"],
        [*(name for name in document["a"] if name != LIFE), *told.get("names", ())],
        told.get("born"),
        None if ended is None else (ended[0], ended[1]),
        [(name, dataset) for name, dataset in told.get("evaporated", ())],
        document.get("hy", []),
    )
