"""Reads of history: the instances of entities that a query may ask for.

What is little comes in one read. Of an entity with more than WHOLE_MAX leaves in the query's time, or where it is asked
for one attribute only, each is read for itself, in the order of time, and no further than the answer goes; by another
time than that of observation, all of its leaves are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from broker.model.subjects import DATA_SUBJECT
from broker.query.temporal import TemporalQuery
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import Ground
from broker.stores.mongo.history_beside import gone
from broker.stores.mongo.history_heads import Head
from broker.stores.mongo.history_leaves import Leaf, of_entities, read
from broker.stores.past import SCOPE, Past
from broker.stores.periods import ALWAYS
from broker.stores.recall import counted_at, span_of

WHOLE_MAX: Final = 500
CHUNK_MAX: Final = 5_000
BATCH: Final = 500
_TIMELESS: Final = frozenset({SCOPE, DATA_SUBJECT})
"""What holds from its time on: all of it is looked at, whatever a query's time is."""
_DATED: Final = {"observedAt": "w", "modifiedAt": "m", "deletedAt": "x"}

Pasts = dict[str, list[Past]]


class Reading:
    """One query on the histories of one tenant.

    `names` are the attributes that are looked at (None: all), `wholly` those of them of which all within the query's
    time must be read, `every` says that so it is of all.
    """

    def __init__(
        self, ground: Ground, tenant: str, query: TemporalQuery, names: frozenset[str] | None, wholly: frozenset[str]
    ) -> None:
        self._ground, self._tenant, self._query = ground, tenant, query
        self._names, self._wholly = names, wholly

    def chunk(self, found: Sequence[Head], *, every: bool = False) -> Iterator[tuple[Head, Pasts]]:
        """Each entity with its instances."""
        if len(found) <= 1:
            yield from ((head, self.one(head, every=every)) for head in found)
            return
        leaves = self._all([head.iri for head in found], CHUNK_MAX)
        if leaves is None:
            half = len(found) // 2
            yield from self.chunk(found[:half], every=every)
            yield from self.chunk(found[half:], every=every)
            return
        by_iri: dict[str, list[Leaf]] = {}
        for leaf in leaves:
            by_iri.setdefault(leaf.iri, []).append(leaf)
        for head in found:
            yield head, self._sorted(head, by_iri.get(head.iri, ()))

    def one(self, head: Head, *, every: bool = False) -> Pasts:
        """The instances of one entity."""
        names = self._names if self._names is not None else head.attributes()
        leaves = None if len(names) == 1 and not every else self._all([head.iri], WHOLE_MAX)
        if leaves is not None:
            return self._sorted(head, leaves)
        pasts: Pasts = {}
        for name in names:
            held = self._limited(head, name, without_limit=every or name in self._wholly)
            if held:
                pasts[name] = held
        return pasts

    def _all(self, iris: Sequence[str], most: int) -> list[Leaf] | None:
        """All leaves; None where they are more than that."""
        which = of_entities(self._tenant, iris)
        if self._names is not None:
            which["a"] = {"$in": sorted(self._names)}
        span = self._span()
        timeless = sorted(_TIMELESS & self._wholly)
        if span and timeless:
            which["$or"] = [span, {"a": {"$in": timeless}}]
        else:
            which |= span
        found = list(self._ground.trail.find(which).limit(most + 1))
        return None if len(found) > most else [read(one) for one in found]

    def _span(self) -> Bson:
        """The query's time as a filter: all of a leaf have it in common, but for createdAt."""
        member = _DATED.get(self._query.timeproperty)
        start, end = span_of(self._query)
        if member is None or (start, end) == ALWAYS:
            return {}
        bound: Bson = {"$gte": start} if start > ALWAYS[0] else {}
        return {member: bound | ({"$lt": end} if end < ALWAYS[1] else {})}

    def _sorted(self, head: Head, leaves: Iterable[Leaf]) -> Pasts:
        pasts: Pasts = {}
        for leaf in leaves:
            for name, past in leaf.entries:
                if (self._names is None or name in self._names) and not gone(past, name, head.lives):
                    pasts.setdefault(name, []).append(past)
        return pasts

    def _limited(self, head: Head, name: str, *, without_limit: bool) -> list[Past]:
        """The instances of an attribute that the answer can hold."""
        query = self._query
        observed = query.timeproperty == "observedAt"
        which: Bson = {**of_entities(self._tenant, [head.iri]), "a": name}
        if name not in _TIMELESS or name not in self._wholly:
            which |= self._span()
        cursor = self._ground.trail.find(which)
        if without_limit or not observed:
            return [past for one in cursor.batch_size(BATCH) for past in self._asked(head, name, one, wholly=True)]
        way = -1 if query.last_n is not None else 1
        more = min(query.instances_max, query.last_n or query.instances_max)
        ordered = cursor.sort([("w", way), ("n", way)]).batch_size(min(more + 1, BATCH))
        held: list[Past] = []
        for one in ordered:
            held += self._asked(head, name, one, wholly=False)
            if self._is_enough(held, more):
                break
        return held

    def _is_enough(self, held: Sequence[Past], more: int) -> bool:
        """Whether the answer holds no more: the last few, or a page and one beyond its last instant."""
        last_n, most = self._query.last_n, self._query.instances_max
        if last_n is not None and last_n <= most:
            return len(held) >= more
        return len(held) > more and held[-1].time != held[more - 1].time

    def _asked(self, head: Head, name: str, document: Bson, *, wholly: bool) -> Iterator[Past]:
        """The instances of the attribute, as far as they count; with `wholly` those of other datasets, too."""
        datasets: Any = None if wholly or name == SCOPE else self._query.dataset_ids
        for of, past in read(document).entries:
            if of != name or gone(past, name, head.lives) or (datasets and (past.dataset or "@none") not in datasets):
                continue
            if wholly or counted_at(past, self._query) is not None:
                yield past
