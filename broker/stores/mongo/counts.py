"""Types and attributes from the forms that occur, and where and when entities of each are (clauses 5.7.5 to 5.7.10).

The server counts documents by the digest of their form; what a digest stands for is read from one entity that has it,
once a process. What has expired, in whole or in part, is counted by what is left of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock
from typing import Final, cast

from pymongo.collection import Collection

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import TypeExtent
from broker.stores.discovery import Boxes, Times, extents_of, measure_types
from broker.stores.forms import Counted, form_of, form_text, merged
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.entities import LIVE, SHOWN, document_of, to_entity, to_live

FORMS_MAX: Final = 10_000
_BOX: Final = {"w": "$min", "s": "$min", "e": "$max", "n": "$max"}

Shape = tuple[list[str], dict[str, list[str]]]
"""Types, and attribute -> the kinds of its instances."""


class Forms:
    """Forms by their digest, as far as they were seen, and counts by form."""

    def __init__(self, entities: Collection[Bson]) -> None:
        self._entities = entities
        self._known: OrderedDict[str, Shape] = OrderedDict()
        self._lock = Lock()

    def counted(self, tenant: str, now: Instant) -> list[Counted]:
        """The forms of live entities, and how many have each: of all there are, which an index tells, and corrected."""
        every = {"t": tenant, "f": {"$gt": ""}}  # an entity that is deleted has none
        found: list[Counted] = []
        for row in self._grouped(every, {"n": {"$sum": 1}}):
            shape = self._shape(tenant, row["_id"])
            if shape is not None:
                found.append((*shape, row["n"]))
        for stored, left in self._stale(tenant, now):
            found.append((*_shape_of(stored), -1))
            if left is not None:
                found.append((*_shape_of(left), 1))
        return merged(found)

    def extents(self, tenant: str, now: Instant) -> list[TypeExtent]:
        """Each type, by IRI, on a server that has bounds of groups."""
        asked = {"since": {"$min": "$c"}, "until": {"$max": "$m"}}
        asked |= {side: {bound: f"$b.{side}"} for side, bound in _BOX.items()}
        fresh = {"t": tenant, **LIVE, "$or": [{"nx": {"$exists": False}}, {"nx": {"$gt": now}}]}
        times, boxes = list[Times](), list[Boxes]()
        for row in self._grouped(fresh, asked):
            shape = self._shape(tenant, row["_id"])
            if shape is not None:
                times.append((shape[0], row["since"], row["until"]))
                if row["w"] is not None:
                    boxes.append((shape[0], (row["w"], row["s"], row["e"], row["n"])))
        left = (one for _, one in self._stale(tenant, now) if one is not None)
        for one in measure_types(left):
            times.append(([one.iri], one.created_at, one.modified_at))
            boxes += [] if one.box is None else [([one.iri], one.box)]
        return extents_of(times, boxes)

    def _grouped(self, where: Bson, asked: Bson) -> list[Bson]:
        """What is asked, of each form."""
        steps = [{"$match": where}, {"$group": {"_id": "$f", **asked}}]
        return list(self._entities.aggregate(steps))

    def _stale(self, tenant: str, now: Instant) -> Iterator[tuple[Entity, Entity | None]]:
        """Those of which something has expired and is not swept yet, each with what is left of it."""
        expired = {"t": tenant, **LIVE, "nx": {"$lte": now}}
        for row in self._entities.find(expired, SHOWN):
            yield to_entity(row), to_live(row, now)

    def _shape(self, tenant: str, form: str) -> Shape | None:
        """What a digest stands for; None where no entity has it any more."""
        with self._lock:
            known = self._known.get(form)
        if known is not None:
            return known
        row = self._entities.find_one({"t": tenant, "f": form, **LIVE}, {"d": 1, "e": 1})
        if row is None:
            return None
        shape = _text(document_of(row))
        with self._lock:
            self._known[form] = shape
            if len(self._known) > FORMS_MAX:
                self._known.popitem(last=False)
        return shape


def _shape_of(entity: Entity) -> Shape:
    return _text(entity.document)


def _text(document: Bson) -> Shape:
    text = form_text(form_of(document))
    return cast("list[str]", text["types"]), cast("dict[str, list[str]]", text["attributes"])
