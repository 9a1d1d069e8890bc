"""The history of this engine: leaves written beside the entities or by steps of its own, read in the order of time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final, Protocol, cast

from broker.errors import TooComplexQuery
from broker.model.entity import Entity
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant, Json
from broker.ports import Command, Keep, Remove, Restriction
from broker.ports.evolution import EvolutionCommand, EvolutionPage, Retention
from broker.query.ast import EVERYTHING, Node, Window
from broker.query.concerning import attributes_in
from broker.query.temporal import TemporalQuery
from broker.stores import naming
from broker.stores.mongo import history_beside, history_erasing, history_retaining, subjects
from broker.stores.mongo.connection import Bson, asking
from broker.stores.mongo.ground import Ground, Happened, Line, first
from broker.stores.mongo.history_heads import Head, heads
from broker.stores.mongo.history_leaves import instance_id
from broker.stores.mongo.history_plan import Outcome, Plans
from broker.stores.mongo.history_reading import Pasts, Reading
from broker.stores.mongo.history_steps import Steps, Work
from broker.stores.mongo.history_walk import CHUNK, candidates
from broker.stores.past import SCOPE, Past
from broker.stores.recall import Told, open_to_all, page_of, split, tell
from broker.stores.refusals import no_tenant

READ_S_MAX: Final = 10.0


class Lines(Line, Protocol):
    """What erasing needs beside that: to remove an entity."""

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """Queue commands on entities, in the order of all writes."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query of evolutions, and what must be read for it."""

    query: TemporalQuery
    where: Node
    restriction: Restriction

    @property
    def every(self) -> bool:
        """Whether all instances of its attributes must be read."""
        scoped = split(self.where)[1] is not None
        return not open_to_all(self.restriction) or scoped or self.query.aggregation is not None

    @property
    def names(self) -> frozenset[str] | None:
        """The attributes that are looked at; None: all."""
        if not self.query.names or not open_to_all(self.restriction):
            return None
        return self.query.names | self.wholly

    @property
    def wholly(self) -> frozenset[str]:
        """The attributes of which more is looked at than the answer holds."""
        scoped = {SCOPE} if split(self.where)[1] is not None else frozenset()
        return attributes_in(self.where) | scoped | (frozenset() if open_to_all(self.restriction) else {DATA_SUBJECT})


class MongoHistory:
    """EvolutionStore, and `Beside` of the store that writes what changes leave.

    `made(tenant)` makes a tenant, `forget(tenant, id)` deletes what there is of an entity beside its history, in the
    line of writes: how much, by table.
    """

    def __init__(
        self, ground: Ground, line: Lines, made: Callable[[str], None], forget: Callable[[str, str], Mapping[str, Json]]
    ) -> None:
        self._ground, self._line, self._made, self._forget = ground, line, made, forget
        self._plans = Plans(ground)

    def documents(self, happened: Happened) -> list[Bson]:
        """The leaves of a change."""
        return history_beside.documents(happened)

    def committed(self, tenant: str, happened: Sequence[Happened]) -> None:
        """What expired before takes its past along, behind what is waiting to be written."""
        for one in happened:
            if history_beside.evaporates(one):
                self._line.run(tenant, [partial(self._clear, tenant, one.change.entity.id)])

    def apply_evolution(self, tenant: str, commands: Sequence[EvolutionCommand]) -> Future[list[object]]:
        """Run the commands in the line of the tenant's writes."""
        creates = any(command.creates for command in commands)
        return self._line.run(tenant, [partial(self._run, tenant, command) for command in commands], creates=creates)

    def evolution(self, tenant: str, entity_id: str, query: TemporalQuery, restriction: Restriction) -> EvolutionPage:
        """The evolution of one entity. Raises OverBudget where INLINE is set."""
        asked = _Asked(query, EVERYTHING, restriction)
        with asking():
            self._require(tenant)
            head = heads(self._ground, tenant, [entity_id]).get(entity_id)
            if head is None or head.dropped:
                return EvolutionPage([])
            told = _tell(head, self._reading(tenant, asked).one(head, every=asked.every), asked)
        return page_of([] if told is None else [told], query, _name_of)

    def known(self, tenant: str, entity_id: str) -> bool:
        """Whether there is anything of the entity, but for what was dropped."""
        with asking():
            self._require(tenant)
            head = self._find(tenant, entity_id)
            return head is not None and not head.dropped

    def evolutions(
        self, tenant: str, where: Node, query: TemporalQuery, window: Window, restriction: Restriction
    ) -> EvolutionPage:
        """Evolutions in the order of their creation, or by id. Raises TooComplexQuery past the work budget."""
        with asking():
            found = self._told(tenant, _Asked(query, where, restriction), _Budget(), window.offset + window.limit + 1)
            skipped = sum(1 for _ in islice(found, window.offset))
            told = list(islice(found, window.limit))
            rest = sum(1 for _ in found) if window.count else sum(1 for _ in islice(found, 1))
        total = skipped + len(told) + rest if window.count else None
        page = page_of(told, query, _name_of)
        return EvolutionPage(page.evolutions, total, rest > 0, page.cut)

    def evolution_ids(self, tenant: str, where: Node, query: TemporalQuery, restriction: Restriction) -> Iterator[str]:
        """The ids of all evolutions, read on by key: what is written meanwhile may be among them."""
        with asking():
            for told in self._told(tenant, _Asked(query, where, restriction), None, CHUNK):
                yield told.story.id

    def begun(self, tenant: str) -> dict[str, Instant]:
        """The earliest time of an instance, by type."""
        with asking():
            self._require(tenant)
            return history_retaining.begun(self._ground, tenant)

    def erase(self, tenant: str, *entity_ids: str) -> Future[Mapping[str, Json]]:
        """Everything that is known of entities, from every collection."""
        there = sum(map(bool, self._line.apply(tenant, [Command(one, _removed) for one in entity_ids]).result()))
        pending = self._line.run(tenant, [partial(self._erase, tenant, entity_ids)])
        return first(pending, lambda gone: {**({"entity": there} if there else {}), **gone})

    def erase_traces(self, tenant: str, *entity_ids: str) -> Future[Mapping[str, Json]]:
        """What the change log and the outbox tell of entities."""
        return first(self._line.run(tenant, [partial(self._erase_traces, tenant, entity_ids)]), dict)

    def about(self, tenant: str, subject: str) -> dict[str, frozenset[str]]:
        """Every entity that is, or was, about a person, and all whom it is about."""
        with asking():
            self._require(tenant)
            return naming.about(subjects.told(self._ground, tenant, subject), subject)

    def subjects(self, tenant: str) -> list[str]:
        """Everybody whom entities are about, or were."""
        with asking():
            self._require(tenant)
            return naming.subjects(subjects.told(self._ground, tenant, None))

    def known_ids(self, tenant: str) -> list[str]:
        """Every id that stands anywhere in the tenant's data."""
        with asking():
            self._require(tenant)
            return history_erasing.known_ids(self._ground, tenant)

    def retain(self, tenant: str, rules: Sequence[Retention]) -> int:
        """Apply retention once: entity by entity, so that other writes come in between."""
        with asking():
            self._require(tenant)
            due = history_retaining.due(self._ground, tenant, rules, self._ground.clock.now())
            return sum(self._retained(tenant, iri, rules) for iri in due)

    def repair(self) -> int:
        """Carry out what commands of processes that are gone have left; how many there were."""
        return self._plans.left()

    def _require(self, tenant: str) -> None:
        if not self._line.exists(tenant):
            raise no_tenant(tenant)

    def _find(self, tenant: str, iri: str) -> Head | None:
        return heads(self._ground, tenant, [iri]).get(iri)

    def _reading(self, tenant: str, asked: _Asked) -> Reading:
        return Reading(self._ground, tenant, asked.query, asked.names, asked.wholly)

    def _told(self, tenant: str, asked: _Asked, budget: _Budget | None, count: int) -> Iterator[Told]:
        self._require(tenant)
        reading = self._reading(tenant, asked)
        for chunk in candidates(self._ground, tenant, asked.where, asked.query.by_id, count):
            for head, pasts in reading.chunk(chunk, every=asked.every):
                if budget is not None:
                    budget.spend()
                told = _tell(head, pasts, asked)
                if told is not None:
                    yield told

    def _run(self, tenant: str, command: EvolutionCommand, now: Instant) -> object:
        def decide(head: Head | None) -> tuple[Outcome | None, object]:
            known = None if head is None or head.dropped else head.story().head()
            taken, result = command.decide(known, now)
            if not taken:
                return None, result
            self._made(tenant)
            changed = head or Head(command.id, now, now, order=self._ground.stamps.next())
            work = Work(self._ground, tenant, changed, fresh=head is None)
            steps = Steps(work, changed, now)
            steps.take(taken)
            if steps.dropped_all and changed.entity is None:
                return history_retaining.everything(self._ground, tenant, changed), result
            put, drop = work.written()
            return Outcome(changed, put, drop), result

        return self._plans.decided(tenant, partial(self._find, tenant, command.id), decide)

    def _erase(self, tenant: str, iris: Sequence[str], now: Instant) -> dict[str, Json]:
        gone: Counter[str] = Counter()
        for iri in iris:
            gone.update(history_erasing.erase(self._ground, self._find(tenant, iri), tenant, iri))
        history_erasing.finish(self._ground, tenant, iris)
        gone.update(self._erase_traces(tenant, iris, now))
        return {table: number for table, number in gone.items() if number}

    def _erase_traces(self, tenant: str, iris: Sequence[str], _now: Instant) -> dict[str, int]:
        gone: Counter[str] = Counter()
        for iri in iris:
            gone.update(self._forget(tenant, iri))
        return {table: number for table, number in gone.items() if number}

    def _retained(self, tenant: str, iri: str, rules: Sequence[Retention]) -> int:
        return cast("int", self._line.run(tenant, [partial(self._retain, tenant, iri, rules)]).result()[0])

    def _retain(self, tenant: str, iri: str, rules: Sequence[Retention], now: Instant) -> object:
        decide = partial(history_retaining.decide, self._ground, tenant, rules, now)
        return self._plans.decided(tenant, partial(self._find, tenant, iri), decide)

    def _clear(self, tenant: str, iri: str, _now: Instant) -> object:
        decide = partial(history_retaining.clear, self._ground, tenant)
        return self._plans.decided(tenant, partial(self._find, tenant, iri), decide)


class _Budget:
    """Until when a read may work."""

    def __init__(self) -> None:
        self._end = time.perf_counter() + READ_S_MAX

    def spend(self) -> None:
        """Go on, or raise TooComplexQuery (clause 5.5.2)."""
        if time.perf_counter() > self._end:
            raise TooComplexQuery(
                f"The query needs more than {READ_S_MAX:.0f} s of work.",
                pointer="q",
                clause="5.5.2",
                remedy="Narrow it: name the entities, and ask for less time.",
            )


def _removed(current: Entity | None, _now: Instant) -> Keep | Remove:
    return Keep(result=False) if current is None else Remove(result=True)


def _name_of(_entity_id: str, _name: str, past: Past) -> str:
    return instance_id(past)


def _tell(head: Head, pasts: Pasts, asked: _Asked) -> Told | None:
    return tell(head.story(pasts), asked.query, asked.where, asked.restriction)
