"""Which subscriptions a change concerns, found by index: a thousand others cost nothing (ARCHITECTURE 3.5).

    change ─> doors: the entity's id, its types, any ─> its changed attributes, any ─> id patterns, some at once
           ─> candidates ─> Interest.may_want

A door that no subscription stands behind costs one look-up, and what a change did to attributes is worked out only
behind a door. The index leads to a superset of those concerned; `Interest.may_want` has the last word here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from broker.errors import NgsiError
from broker.model.entity import Entity
from broker.model.subscription import Subscription
from broker.model.values import Json
from broker.notify.interest import Interest, Way, make_interest
from broker.notify.triggers import differences
from broker.ports.held import Held
from broker.ports.outbox import EntityChange
from broker.query.patterns import Matcher, compile_pattern, compile_union

log = logging.getLogger("misono.notify")

GATES: Final = (256, 16)  # patterns asked at once, level by level; past a thousand re2 has no room for their automaton


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class _Compiled:
    """A subscription's body and what was made of it."""

    body: Mapping[str, Json]
    interest: Interest


class Watches:
    """The port Watches: makes an IndexedWatch, and compiles again only what changed since the last one.

    What no watch holds any more is forgotten.
    """

    def __init__(self) -> None:
        self._known: WeakValueDictionary[str, _Compiled] = WeakValueDictionary()

    def compile(self, subscriptions: Sequence[Held]) -> IndexedWatch:
        """The watch over these; a subscription that cannot be compiled is passed over and reported."""
        found = map(self._compiled, subscriptions)
        return IndexedWatch([one for one in found if one is not None])

    def _compiled(self, held: Held) -> _Compiled | None:
        known = self._known.get(held.id)
        if known is not None and known.body == held.body:
            return known
        try:
            made = _Compiled(held.body, make_interest(Subscription.from_body(held.body)))
        except (NgsiError, LookupError, TypeError, ValueError):
            # One that cannot be read must not keep the tenant from writing.
            log.exception("subscription %s cannot be read and is not watched for", held.id)
            return None
        self._known[held.id] = made
        return made


@dataclass(frozen=True, slots=True)
class _Gate:
    """Patterns behind one that matches wherever any of them does (None: there is no such one); or one of them."""

    opens: Matcher | None
    inner: Sequence[_Gate] = ()
    place: int = -1


def _gates(patterns: Sequence[tuple[str, int]], sizes: Sequence[int]) -> list[_Gate]:
    """Gates over the patterns of places, of at most `sizes` patterns, level by level."""
    if not sizes:
        return [_Gate(compile_pattern(pattern), (), place) for pattern, place in patterns]
    size, *smaller = sizes
    if len(patterns) <= smaller[0] if smaller else len(patterns) == 1:
        return _gates(patterns, smaller)
    found: list[_Gate] = []
    for start in range(0, len(patterns), size):
        some = patterns[start : start + size]
        found.append(_Gate(compile_union(sorted({pattern for pattern, _ in some})), _gates(some, smaller)))
    return found


def _opened(gates: Sequence[_Gate], entity_id: str) -> Iterator[int]:
    for gate in gates:
        if gate.opens is None or gate.opens.search(entity_id) is not None:
            if gate.inner:
                yield from _opened(gate.inner, entity_id)
            else:
                yield gate.place


class _Bucket:
    """Those who wait behind one door for one attribute: without an id pattern, and behind gates of patterns."""

    def __init__(self) -> None:
        self.free: list[int] = []
        self.patterns: list[tuple[str, int]] = []
        self.gates: list[_Gate] = []

    def close(self) -> None:
        """Make the gates, once all patterns are there; like stands with like."""
        self.gates = _gates(sorted(self.patterns), GATES)

    def places(self, entity_id: str) -> Iterator[int]:
        """The places of those to whom this id may belong."""
        yield from self.free
        yield from _opened(self.gates, entity_id)


_Door = dict[str | None, _Bucket]


class IndexedWatch:
    """The port Watch, over some subscriptions; ids come in their order."""

    def __init__(self, compiled: Sequence[_Compiled]) -> None:
        self._compiled = compiled
        self._by_id: dict[str, _Door] = {}
        self._by_type: dict[str, _Door] = {}
        self._any: _Door = {}
        for place, one in enumerate(compiled):
            if one.interest.active and not one.interest.periodic:
                self._add(place, one.interest)
        for door in self._all_doors():
            for bucket in door.values():
                bucket.close()

    def matched(self, change: EntityChange, linked: Callable[[str], Entity | None]) -> Sequence[str]:
        """Ids of the subscriptions that this change must notify, the oldest first."""
        doors = self._doors(change.entity)
        if not doors:
            return ()
        found = differences(change)
        names = (None, *found.names())
        entity_id = change.entity.id
        buckets = [bucket for door in doors for name in names if (bucket := door.get(name)) is not None]
        places = {place for bucket in buckets for place in bucket.places(entity_id)}
        candidates = (self._compiled[place].interest for place in sorted(places))
        return [interest.id for interest in candidates if interest.may_want(change, found, linked)]

    def _doors(self, entity: Entity) -> list[_Door]:
        doors = [self._any] if self._any else []
        if entity.id in self._by_id:
            doors.append(self._by_id[entity.id])
        doors += [self._by_type[iri] for iri in entity.types if iri in self._by_type]
        return doors

    def _add(self, place: int, interest: Interest) -> None:
        names: Iterable[str | None] = interest.attention.watched or (None,)
        for way in interest.ways:
            for door in self._behind(way):
                for name in names:
                    bucket = door.setdefault(name, _Bucket())
                    if way.pattern is None:
                        bucket.free.append(place)
                    else:
                        bucket.patterns.append((way.pattern, place))

    def _behind(self, way: Way) -> list[_Door]:
        if way.ids:
            return [self._by_id.setdefault(one, {}) for one in way.ids]
        if way.types is not None:
            return [self._by_type.setdefault(iri, {}) for iri in way.types]
        return [self._any]

    def _all_doors(self) -> list[_Door]:
        return [self._any, *self._by_id.values(), *self._by_type.values()]
