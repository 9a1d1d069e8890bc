"""The places of this engine: tenants like others, filled past the change log, copied and dropped as documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Final

from pymongo import InsertOne, UpdateOne
from pymongo.collection import Collection

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Labels
from broker.ports.outbox import EntityChange
from broker.stores.images import Change
from broker.stores.mongo import history_beside
from broker.stores.mongo.connection import Bson, asking
from broker.stores.mongo.entities import LIVE, OPTIONAL, Index, Stamped, to_bson, to_entity
from broker.stores.mongo.ground import Ground, Happened, Line, first, key, of_tenant
from broker.stores.mongo.history_leaves import HISTORY
from broker.stores.mongo.reading import Reads
from broker.stores.uniting import united

BATCH: Final = 500
_CHANGES: Final = ("p",)
_PLAN: Final = ("p", "q", "w")
"""What is under way with an entity, or with a history's head: a copy does not take it along."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What of the engine stands behind places. `made(place)` makes one; `dropped(place)` each forget it."""

    line: Line
    reads: Reads
    index: Index
    label: Callable[[Entity], Labels]
    made: Callable[[str], None]
    dropped: Sequence[Callable[[str], None]]


class MongoPlaces:
    """Places."""

    def __init__(self, ground: Ground, parts: Parts) -> None:
        self._ground, self._parts = ground, parts
        self.walk, self.walk_ids = parts.reads.walk, parts.reads.walk_ids

    def make_place(self, place: str) -> None:
        """An empty one."""
        with asking():
            self._parts.made(place)

    def fill_place(self, place: str, entities: Sequence[Entity]) -> Future[None]:
        """Put entities as they are, in the line of the place's writes."""
        return first(self._parts.line.run(place, [partial(self._fill, place, entities)]), lambda _: None)

    def copy_place(self, place: str, into: str) -> None:
        """Another one with the same entities and history. What is written meanwhile may be in it or not."""
        with asking():
            self._parts.made(into)
            ground = self._ground
            for collection, where, without in (
                (ground.trail, {"k": HISTORY}, ()),
                (ground.known, {"e": {"$exists": False}}, _PLAN),
                (ground.entities, LIVE, _CHANGES),
            ):
                for batch in _batches(collection, place, where):
                    collection.insert_many([_renamed(one, into, without) for one in batch], ordered=False)

    def drop_place(self, place: str) -> None:
        """Delete what there is in it, then its name: what was cut off is dropped by the next one who tries."""
        if self._parts.line.exists(place):
            first(self._parts.line.run(place, [partial(self._drop, place)]), lambda _: None).result()

    def _fill(self, place: str, entities: Sequence[Entity], _now: Instant) -> None:
        rows = self._rows(place, entities)
        there = {row["i"]: to_entity(row) for row in rows.values()}
        put: list[Happened] = []
        for entity in entities:
            held = there.get(entity.id)
            after = there[entity.id] = entity if held is None else united(held, entity)
            if after is not held:
                change = EntityChange(self._ground.stamps.next(), entity.created_at, held, after)
                put.append(Happened(place, change, Change(None, None)))
        if not put:
            return
        last = {one.change.entity.id: one.change.sequence for one in put}
        self._ground.trail.insert_many([leaf for one in put for leaf in history_beside.documents(one)], ordered=False)
        operations = [self._put(place, there[iri], rows.get(iri), number) for iri, number in last.items()]
        self._ground.entities.bulk_write(operations, ordered=False)

    def _rows(self, place: str, entities: Sequence[Entity]) -> dict[str, Bson]:
        ids = [key(place, entity.id) for entity in entities]
        return {row["i"]: row for row in self._ground.entities.find({"_id": {"$in": ids}, **LIVE})}

    def _put(self, place: str, entity: Entity, found: Bson | None, number: int) -> InsertOne[Bson] | UpdateOne:
        indexed = self._parts.index(entity.document, self._parts.label(entity))
        fields = to_bson(place, entity, Stamped(number if found is None else found["o"], number), indexed)
        if found is None:
            return InsertOne(fields)
        update: Bson = {"$set": {name: value for name, value in fields.items() if name != "_id"}}
        if gone := {name: "" for name in OPTIONAL if name in found and name not in fields}:
            update["$unset"] = gone
        return UpdateOne({"_id": found["_id"]}, update)

    def _drop(self, place: str, _now: Instant) -> None:
        for collection in (self._ground.entities, self._ground.trail, self._ground.known):
            collection.delete_many(of_tenant(place))
        for dropped in self._parts.dropped:
            dropped(place)


def _batches(collection: Collection[Bson], place: str, where: Bson) -> Iterator[list[Bson]]:
    """Documents by their ids, some at a time, so that no cursor waits for what is done with them."""
    after = ""
    while batch := list(collection.find({**where, **of_tenant(place, after)}).sort("_id", 1).limit(BATCH)):
        yield batch
        after = batch[-1]["_id"]


def _renamed(found: Bson, into: str, without: Sequence[str]) -> Bson:
    """The same document in another place."""
    kept = {name: value for name, value in found.items() if name not in without}
    return {**kept, "_id": key(into, found["_id"].partition("\n")[2]), "t": into}
