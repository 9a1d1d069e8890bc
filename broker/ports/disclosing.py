"""What leaves the hub about persons, collected while an answer is made, and written down before it goes (pure).

    with telling.look_on(restriction) as found:      the policy's view says why it shows what (ports.audit.WITNESS)
        …  leaving([entity])  …                      whoever writes an answer out says what is in it
    pending = telling.record(found, By(principal, tenant, "query_entities"))      None: nothing about anybody
    numbered(response.headers, map(str, pending.result()))                        what it rests on can be asked for

A view shows many that are not in the answer (candidates, other pages); what is written down is what was written out.
A count, a map or an extent tells of all of them: `found.left_extent(Extent("count", where, names))`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias, cast

from broker.model.entity import Document, Entity, Instance, identity_of, instances
from broker.model.evolution import Evolution
from broker.model.subjects import DATA_SUBJECT, subjects_of
from broker.model.values import Instant, Json, to_instant
from broker.ports import Clock, Principal, Restriction
from broker.ports.audit import WITNESS, Audit, Basis, Entry, Told
from broker.query.ast import EVERYTHING, Node
from broker.query.concerning import may_meet

HEADER: Final = "Misono-Disclosure"
"""Of what tells of persons: the numbers of its entries in the audit, `17`, and in those of sources, `aizu:4`."""
Numbers: TypeAlias = tuple[int, ...]
Headers: TypeAlias = tuple[tuple[str, str], ...]
_OBSERVED: Final[Sequence[str]] = ("observedAt", "modifiedAt", "createdAt")
_Values: TypeAlias = tuple[int, Instant | None, Instant | None]
"""How many there are, and of when the oldest and the newest of them are."""
_NO_VALUES: Final[_Values] = (0, None, None)
_NO_TYPE: Final[Sequence[str]] = ("",)
_BESIDE: Final[Sequence[Instance]] = ({},)
"""An attribute that left beside its document."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What an answer tells without showing it: a `count` (`map`, `extent`) of what meets a condition.

    `names` are the attributes that were asked about; of an entity of which none of them was looked at, whatever was.
    `strict`: such an entity is not among what is told of.
    """

    kind: str
    where: Node = EVERYTHING
    names: frozenset[str] = frozenset()
    strict: bool = False


@dataclass(slots=True)
class _Person:
    """What leaves about one of them."""

    items: dict[str, set[str]] = field(default_factory=dict)
    records: set[str] = field(default_factory=set)
    values: int = 0
    first: Instant | None = None
    last: Instant | None = None

    def add(self, types: Iterable[str], attribute: str, values: _Values) -> None:
        for type_ in types:
            names = self.items.get(type_)
            if names is None:
                self.items[type_] = {attribute}
            else:
                names.add(attribute)
        count, first, last = values
        self.values += count
        if first is not None and (self.first is None or first < self.first):
            self.first = first
        if last is not None and (self.last is None or last > self.last):
            self.last = last

    def told(self, subject: str) -> Told:
        items = {type_: frozenset(names) for type_, names in self.items.items()}
        return Told(subject, items, frozenset(self.records), self.values, self.first, self.last)


@dataclass(slots=True)
class _Known:
    """Why parts of one entity may be shown, by attribute; whatever else of it leaves rests on all of that."""

    types: Sequence[str] = ()
    by_name: dict[str, dict[Basis, None]] = field(default_factory=dict)

    def add(self, bases: Iterable[Basis]) -> None:
        by_name = self.by_name
        for one in bases:
            held = by_name.get(one.attribute)
            if held is None:
                by_name[one.attribute] = {one: None}
            else:
                held[one] = None

    def all(self) -> list[Basis]:
        return [one for bases in self.by_name.values() for one in bases]


class Disclosing:
    """The port Witness, and what of it is in the answer; `entities` are the ids of those that tell of persons."""

    __slots__ = ("_extents", "_known", "_persons", "entities")

    def __init__(self) -> None:
        self.entities: Final = set[str]()
        self._known: dict[str, _Known] = {}
        self._persons: dict[tuple[str, bool], _Person] = {}
        self._extents: dict[bool, set[str]] = {}

    def saw(self, entity_id: str, bases: Iterable[Basis], types: Sequence[str] = ()) -> None:
        """The policy showed this of an entity."""
        known = self._known.get(entity_id)
        if known is None:
            known = self._known[entity_id] = _Known()
        known.types = types or known.types
        known.add(bases)

    def looked_at(self, attribute: str | None = None) -> bool:
        """Whether anything of persons was shown, or this attribute of one."""
        if attribute is None:
            return bool(self._known)
        return any(attribute in known.by_name for known in self._known.values())

    def left(self, entity: Entity, *places: str) -> None:
        """An entity is in the answer, with what is linked inside of it, and these attributes beside its document."""
        if self._known:
            self._document(entity.document, entity.modified_at, places)

    def left_members(self, entity_id: str, types: Sequence[str], members: Mapping[str, Json], at: Instant) -> None:
        """Members of an entity are in the answer, as they were at that time."""
        if self._known:
            self._document({**members, "id": entity_id, "type": cast("Json", list(types))}, at, ())

    def left_evolution(self, evolution: Evolution) -> None:
        """A history is in the answer, or periods made of it."""
        known, types = self._known.get(evolution.id), evolution.types
        if known is None:
            return
        self.entities.add(evolution.id)
        if evolution.attributes or not evolution.aggregated.keys() & known.by_name.keys():
            self._attributes(known, types, evolution.attributes, evolution.modified_at)
        for name, methods in evolution.aggregated.items():
            ends = [at for periods in methods.values() for one in periods for at in (one.start, one.end)]
            count = max(map(len, methods.values()), default=0)
            values = (count, min(ends, default=None), max(ends, default=None))
            self._rest(known.by_name.get(name, ()), types, name, values)

    def left_extent(self, extent: Extent) -> None:
        """The answer tells how many there are, which, or how far they reach, of those that were looked at.

        That somebody is not among them is told as well.
        """
        for entity_id, known in self._known.items():
            names: Iterable[str] = extent.names & known.by_name.keys()
            if not (names or extent.strict):
                names = known.by_name
            if names and may_meet(extent.where, entity_id, known.types):
                for name in names:
                    bases = known.by_name[name]
                    self._rest(bases, known.types or _NO_TYPE, name, _NO_VALUES)
                    for one in bases:
                        self._extents.setdefault(one.emergency, set()).add(extent.kind)

    def more(self, *, emergency: bool) -> dict[str, Json]:
        """`{"tells": ["count"]}` where what left was more, or other, than entities."""
        kinds = self._extents.get(emergency)
        return {"tells": [*sorted(kinds)]} if kinds else {}

    def told(self) -> list[tuple[bool, list[Told]]]:
        """What left, of whom, by consents (False) and in emergencies (True)."""
        by_kind: dict[bool, list[Told]] = {}
        for (subject, emergency), person in sorted(self._persons.items()):
            by_kind.setdefault(emergency, []).append(person.told(subject))
        return sorted(by_kind.items(), key=lambda pair: pair[0])

    def _document(self, document: Document, at: Instant, places: Sequence[str]) -> None:
        attributes = dict[str, Sequence[Instance]]()
        for name, value in document.items():
            if ":" in name:
                held = attributes[name] = instances(value)
                for instance in held:
                    if "entity" in instance or "entityList" in instance:
                        self._linked(instance, at)
        entity_id, types = identity_of(document)
        known = self._known.get(entity_id)
        if known is not None:
            self.entities.add(entity_id)
            for name in places:
                attributes.setdefault(name, _BESIDE)
            self._attributes(known, types, attributes, at)

    def _attributes(
        self, known: _Known, types: Sequence[str], found: Mapping[str, Sequence[Instance]], at: Instant
    ) -> None:
        some = False
        for name, held in found.items():
            bases = known.by_name.get(name)
            if bases is None:
                continue
            for instance in held:
                fitting = _fitting(bases, instance)
                if fitting:
                    some, of = True, _time_of(instance, at)
                    self._rest(fitting, types, name, (1, of, of))
        if not some:  # that there is such an entity is something about a person too
            for name in found or (DATA_SUBJECT,):
                self._rest(known.all(), types, name, _NO_VALUES)

    def _linked(self, instance: Instance, at: Instant) -> None:
        for member in ("entity", "entityList"):
            held = instance.get(member)
            for linked in held if isinstance(held, list) else [held]:
                if isinstance(linked, dict):
                    self._document(linked, at, ())

    def _rest(self, bases: Iterable[Basis], types: Iterable[str], name: str, values: _Values) -> None:
        """Note of an attribute so many values; two consents to the same are one disclosure."""
        counted = set[tuple[str, bool]]()
        for _, rests, _, emergency, _ in bases:
            for subject, record in rests:
                key = (subject, emergency)
                person = self._persons.get(key)
                if person is None:
                    person = self._persons[key] = _Person()
                person.records.add(record)
                if key not in counted:
                    counted.add(key)
                    person.add(types, name, values)


@dataclass(frozen=True, slots=True)
class By:
    """To whom something is told, in which tenant, through what."""

    principal: Principal
    tenant: str
    operation: str


@dataclass(frozen=True, slots=True)
class Telling:
    """What every exit works with; `epoch` gives the consent epoch of a tenant."""

    audit: Audit
    epoch: Callable[[str], int]
    clock: Clock

    @contextmanager
    def look_on(self, restriction: Restriction) -> Iterator[Disclosing]:
        """Collect what is shown in this block, on this thread."""
        found = Disclosing()
        before = WITNESS.set(None if restriction.view is None else found)
        try:
            yield found
        finally:
            WITNESS.reset(before)

    def record(self, found: Disclosing, by: By) -> Future[Numbers] | None:
        """Write what left of it; done, with the numbers, when that may go out. None where it is about nobody."""
        pending = list[Future[int]]()
        for emergency, told in found.told():
            entry = Entry(
                "emergency" if emergency else "disclosure", by.tenant, by.principal.name, self.clock.now(),
                by.principal.recipient, by.principal.purposes, by.operation, self.epoch(by.tenant), tuple(told),
                found.more(emergency=emergency),
            )  # fmt: skip
            pending.append(self.audit.record(entry))
        if not pending:
            return None
        return _numbers(pending)


def numbered(headers: Headers, numbers: Iterable[str]) -> Headers:
    """The headers with HEADER, these numbers before those that are in it already."""
    kept = tuple(one for one in headers if one[0] != HEADER)
    named = [*numbers, *(text for name, text in headers if name == HEADER)]
    return (*kept, (HEADER, ", ".join(named))) if named else kept


def leaving(entities: Iterable[Entity], *places: str) -> None:
    """These are in the answer that is being made on this thread."""
    found = WITNESS.get()
    if isinstance(found, Disclosing):
        for entity in entities:
            found.left(entity, *places)


def leaving_evolutions(evolutions: Iterable[Evolution]) -> None:
    """These histories are in the answer that is being made on this thread."""
    found = WITNESS.get()
    if isinstance(found, Disclosing):
        for evolution in evolutions:
            found.left_evolution(evolution)


def _numbers(pending: Sequence[Future[int]]) -> Future[Numbers]:
    """The numbers of entries that were recorded in this order: when the last one is durable all are."""
    found: Future[Numbers] = Future()

    def finish(_: Future[int]) -> None:
        failed = next((error for error in (one.exception() for one in pending) if error is not None), None)
        if failed is None:
            found.set_result(tuple(one.result() for one in pending))
        else:
            found.set_exception(failed)

    pending[-1].add_done_callback(finish)
    return found


def _fitting(bases: Iterable[Basis], instance: Instance) -> list[Basis]:
    """Those which may be the bases of an instance.

    One that names none may have had its names taken from it: rather is too much written down than too little.
    """
    dataset = instance.get("datasetId")
    fitting = [one for one in bases if one.dataset == dataset]
    if DATA_SUBJECT not in instance:
        return fitting
    named = subjects_of(instance[DATA_SUBJECT])
    return [one for one in fitting if one.own and {subject for subject, _ in one.rests} == named]


def _time_of(instance: Instance, at: Instant) -> Instant:
    for name in _OBSERVED:
        text = instance.get(name)
        if isinstance(text, str) and (found := _instant(text)) is not None:
            return found
    return at


_instant = lru_cache(maxsize=8_192)(to_instant)
