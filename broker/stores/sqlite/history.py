"""The history of this engine: written beside the entities or by jobs of the writer, read in the order of time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from math import inf
from threading import Lock
from typing import Final, Protocol, cast
from weakref import WeakKeyDictionary

import apsw

from broker.model.entity import Entity
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant, Json
from broker.ports import Command, Keep, Remove, Restriction
from broker.ports.evolution import EvolutionCommand, EvolutionPage, Retention
from broker.query.ast import EVERYTHING, Node, Window
from broker.query.concerning import attributes_in
from broker.query.temporal import TemporalQuery
from broker.stores import naming
from broker.stores.past import SCOPE, Past
from broker.stores.recall import Told, kind_of, open_to_all, page_of, split, tell
from broker.stores.sqlite import erasing, extents, retaining, scrubbing, subjects
from broker.stores.sqlite.aggregates import Aggregates
from broker.stores.sqlite.budget import Budget
from broker.stores.sqlite.candidates import candidates
from broker.stores.sqlite.ground import Ground, first
from broker.stores.sqlite.history_rows import HistoryRows
from broker.stores.sqlite.history_steps import Steps
from broker.stores.sqlite.known import Known, find, finding, is_known
from broker.stores.sqlite.readers import Readers, Tenant
from broker.stores.sqlite.reading import Forms, Reading
from broker.stores.sqlite.scrubbing import Went
from broker.stores.sqlite.writer import Job, Open

log = logging.getLogger("misono.store")

OVERWRITE_S: Final = 30.0
READER_S: Final = 0.05
Reads = Callable[[str], AbstractContextManager[tuple[apsw.Connection, Tenant]]]


@dataclass(slots=True)
class Asked:
    """A query of evolutions.

    `whole` says that all instances of its attributes must be read; `in_store` that SQLite makes the aggregates. Then
    `found_by` finds the attributes that have values, and is the query itself in all other cases.
    """

    query: TemporalQuery
    where: Node
    restriction: Restriction
    whole: bool = False
    in_store: bool = False

    def __post_init__(self) -> None:
        hides, scoped = not open_to_all(self.restriction), split(self.where)[1] is not None
        aggregates = self.query.aggregation is not None
        self.in_store = aggregates and not (hides or scoped or self.query.last_n is not None)
        self.whole = hides or scoped or (aggregates and not self.in_store)

    @property
    def found_by(self) -> TemporalQuery:
        """What tells whether an entity is in the answer."""
        return replace(self.query, aggregation=None, instances_max=1) if self.in_store else self.query


class Grounds(Ground, Protocol):
    """What erasing needs beside that: to remove an entity."""

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """Queue commands on entities, in the order of all writes."""


class SqliteHistory:
    """EvolutionStore; `readers` are for reads of a tenant's file, `transaction(tenant)` for one in one of its own."""

    def __init__(self, ground: Grounds, readers: Readers, transaction: Reads) -> None:
        self._ground, self._readers, self._transaction = ground, readers, transaction
        self._written: WeakKeyDictionary[Open, HistoryRows] = WeakKeyDictionary()
        self._forms: WeakKeyDictionary[Tenant, Forms] = WeakKeyDictionary()
        self._erasing = Lock()

    def beside(self, held: Open) -> HistoryRows:
        """What is written with the entities of a tenant."""
        rows = self._written[held] = HistoryRows(held)
        return rows

    def apply_evolution(self, tenant: str, commands: Sequence[EvolutionCommand]) -> Future[list[object]]:
        """Run the commands in the writer's transaction, each in a savepoint."""
        creates = any(command.creates for command in commands)
        return self._ground.run(tenant, [partial(self._run, command) for command in commands], creates=creates)

    def evolution(self, tenant: str, entity_id: str, query: TemporalQuery, restriction: Restriction) -> EvolutionPage:
        """The evolution of one entity. Raises TooComplexQuery past the work budget, OverBudget where INLINE is set."""
        asked = Asked(query, EVERYTHING, restriction)
        budget = Budget.of_caller()
        with self._readers.use(tenant) as (db, held), budget.on(db), finding(db, entity_id) as known:
            if known is None or known.dropped:
                return EvolutionPage([])
            reader = self._reader(db, held, asked)
            told = _tell(reader, known, asked)
            return _page(reader, [] if told is None else [(known, told)], asked)

    def known(self, tenant: str, entity_id: str) -> bool:
        """Whether there is anything of the entity, but for what was dropped."""
        within = self._ground.writing(tenant)
        if within is not None:
            return is_known(within, entity_id)
        readers = self._readers.of(tenant)
        db = readers.take()
        try:
            return is_known(db, entity_id)
        finally:
            readers.give(db)

    def evolutions(
        self, tenant: str, where: Node, query: TemporalQuery, window: Window, restriction: Restriction
    ) -> EvolutionPage:
        """Evolutions in the order of their creation, or by id; raises as `evolution`."""
        asked = Asked(query, where, restriction)
        budget = Budget.of_caller()
        with self._transaction(tenant) as (db, held), budget.on(db):
            reader = self._reader(db, held, asked)
            found = _told(reader, candidates(db, held.names, where, query.by_id), asked, budget)
            skipped = sum(1 for _ in islice(found, window.offset))
            told = list(islice(found, window.limit))
            page = _page(reader, told, asked)
            rest = sum(1 for _ in found) if window.count else sum(1 for _ in islice(found, 1))
        total = skipped + len(told) + rest if window.count else None
        return EvolutionPage(page.evolutions, total, rest > 0, page.cut)

    def evolution_ids(self, tenant: str, where: Node, query: TemporalQuery, restriction: Restriction) -> Iterator[str]:
        """The ids of all evolutions; the tenant's WAL grows while they are read."""
        asked, budget = Asked(query, where, restriction), Budget(inf)
        with self._transaction(tenant) as (db, held):
            reader = self._reader(db, held, asked)
            for known, _ in _told(reader, candidates(db, held.names, where, query.by_id), asked, budget):
                yield known.iri

    def begun(self, tenant: str) -> dict[str, Instant]:
        """The earliest time of an instance that was replaced, by type."""
        with self._transaction(tenant) as (db, _):
            return extents.begun(db)

    def erase(self, tenant: str, *entity_ids: str) -> Future[Mapping[str, Json]]:
        """Everything that is known of entities, from every table of the tenant."""
        removed = [Command(one, _removed) for one in entity_ids]
        with self._erasing:  # one at a time: another one's end would stop this one's overwriting
            # Each is waited for: a group of writes deletes before it runs what came with it, whatever came first.
            self._ground.run(tenant, [erasing.begin]).result()
            there = sum(map(bool, self._ground.apply(tenant, removed).result()))
            pending = self._ground.run(tenant, [partial(erasing.erase, entity_ids), erasing.end])
            wait([pending])
            self.overwrite(tenant)
        return first(pending, lambda gone: {**({"entity": there} if there else {}), **gone})

    def erase_traces(self, tenant: str, *entity_ids: str) -> Future[Mapping[str, Json]]:
        """What the change log and the outbox tell of entities."""
        with self._erasing:
            jobs: list[Job] = [erasing.begin, partial(erasing.erase_traces, entity_ids), erasing.end]
            pending = self._ground.run(tenant, jobs)
            wait([pending])
            self.overwrite(tenant)
        done: Future[Mapping[str, Json]] = Future()
        done.set_result(cast("Mapping[str, Json]", pending.result()[1]))
        return done

    def about(self, tenant: str, subject: str) -> dict[str, frozenset[str]]:
        """Every entity that is, or was, about a person, and all whom it is about."""
        with self._transaction(tenant) as (db, _):
            return naming.about(subjects.told(db, subject), subject)

    def subjects(self, tenant: str) -> list[str]:
        """Everybody whom entities are about, or were."""
        with self._transaction(tenant) as (db, _):
            return naming.subjects(subjects.told(db, None))

    def known_ids(self, tenant: str) -> list[str]:
        """Every id that stands anywhere in the tenant's file."""
        with self._transaction(tenant) as (db, _):
            return erasing.known_ids(db)

    def overwrite_daily(self, tenant: str) -> None:
        """Overwrite what deleted rows have left in a tenant of persons, once a day."""
        with self._transaction(tenant) as (db, _):
            due = scrubbing.due(db, self._ground.now())
        if due:
            with self._erasing:
                self.overwrite(tenant)

    def overwrite(self, tenant: str) -> None:
        """Overwrite copies of what was erased, where the tenant is one of persons; readers are waited for a while."""
        page, until = 1, time.monotonic() + OVERWRITE_S
        versions, cleaned = set[int](), 0
        while time.monotonic() < until:
            went = cast("Went", self._ground.run(tenant, [partial(_stretch, page)], alone=True).result()[0])
            page, cleaned = went.then, cleaned + went.cleaned
            if went.busy:
                time.sleep(READER_S)
                continue
            versions.add(went.version)
            if not page:
                versions.add(cast("int", self._ground.run(tenant, [scrubbing.touch]).result()[0]))
                if len(versions) == 1 or not cleaned:
                    return
                page, cleaned, versions = 1, 0, set()
        log.warning("a reader held back that what was erased is overwritten in tenant %r: erase again", tenant)

    def retain(self, tenant: str, rules: Sequence[Retention]) -> int:
        """Apply retention once: entity by entity, so that other writes come in between."""
        now = self._ground.now()
        with self._transaction(tenant) as (db, held):
            iris = list(retaining.due(db, held.names, rules, now))
        return sum(
            cast("int", self._ground.run(tenant, [partial(self._retain, iri, rules)]).result()[0]) for iri in iris
        )

    def _retain(self, iri: str, rules: Sequence[Retention], held: Open, now: Instant) -> int:
        return retaining.retain(self._written[held], iri, rules, now)

    def _run(self, command: EvolutionCommand, held: Open, now: Instant) -> object:
        rows = self._written[held]
        known = find(held.db, command.id)
        steps, result = command.decide(None if known is None or known.dropped else known.story().head(), now)
        if steps:
            try:
                Steps(rows, command.id, known, now).take(steps)
            except BaseException:
                rows.forget()
                raise
        return result

    def _reader(self, db: apsw.Connection, held: Tenant, asked: Asked) -> Reading:
        forms = self._forms.get(held)
        if forms is None:
            forms = self._forms[held] = Forms()
        return Reading(db, held.names, forms, asked.found_by)


def _stretch(page: int, held: Open, now: Instant) -> Went:
    return scrubbing.stretch(page, held, now) if held.overwrites else Went(0)


def _removed(current: Entity | None, _now: Instant) -> Keep | Remove:
    return Keep(result=False) if current is None else Remove(result=True)


def _told(reader: Reading, found: Iterator[Known], asked: Asked, budget: Budget) -> Iterator[tuple[Known, Told]]:
    for known in found:
        budget.spend()
        told = _tell(reader, known, asked)
        if told is not None:
            yield known, told


def _tell(reader: Reading, known: Known, asked: Asked) -> Told | None:
    """What a query asks of one entity: no more is read than it needs."""
    query, scope_q = reader.query, split(asked.where)[1]
    hides = not open_to_all(asked.restriction)
    names = reader.names_of(known) if hides or not query.names else list(query.names)
    looked_at = attributes_in(asked.where)
    pasts: dict[str, list[Past]] = {}
    for name in dict.fromkeys([*names, *looked_at]):
        pasts[name] = reader.pasts(known, name, whole=asked.whole or name in looked_at)
    if scope_q is not None:
        pasts[SCOPE] = reader.every(known, SCOPE)
    if hides:  # whom it is about holds for all of it, whenever that was said
        pasts[DATA_SUBJECT] = reader.every(known, DATA_SUBJECT)
    held = {name: found for name, found in pasts.items() if found}
    story = known.story(held)
    if hides:
        lacking = ((name, reader.last(known, name)) for name in pasts if name not in held and name != SCOPE)
        story = replace(story, beside={name: last for name, last in lacking if last is not None})
    return tell(story, query, asked.where, asked.restriction)


def _page(reader: Reading, told: list[tuple[Known, Told]], asked: Asked) -> EvolutionPage:
    known = {found.iri: found for found, _ in told}

    def name_of(entity_id: str, name: str, past: Past) -> str:
        return reader.id_of(known[entity_id], name, past)

    if asked.in_store:
        return _aggregated(reader.asking(asked.query), told)
    return page_of([one for _, one in told], asked.query, name_of)


def _aggregated(reader: Reading, told: list[tuple[Known, Told]]) -> EvolutionPage:
    """Aggregates of the attributes that were found to have values."""
    aggregates, evolutions = Aggregates(reader), []
    for known, one in told:
        found = aggregates.periods(known, [name for name in one.rows if name != SCOPE])
        kinds = {name: kind_of(one.rows[name]) for name in found}
        evolutions.append(replace(one.story.head(), aggregated=found, kinds=kinds))
    return EvolutionPage(evolutions)
