"""The history of the memory engine: every instance in a list, the model that other engines must agree with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass, field
from typing import Protocol, assert_never, cast

from broker.errors import NgsiError
from broker.model.entity import Entity
from broker.model.expiry import expired, over
from broker.model.values import Instant, Json
from broker.ports import Restriction
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    Begin,
    DropAll,
    DropAttribute,
    DropInstance,
    EndAttribute,
    EvolutionCommand,
    EvolutionPage,
    EvolutionStep,
    ReplaceInstance,
    Retention,
)
from broker.ports.outbox import EntityChange
from broker.query.ast import EVERYTHING, Node, Window
from broker.query.temporal import TemporalQuery
from broker.stores import naming
from broker.stores.memory_held import Ground, done, failed
from broker.stores.memory_retention import retained
from broker.stores.past import (
    SCOPE,
    Past,
    copied,
    corrected,
    ended,
    given,
    scope_changed,
    scope_past,
    steps,
    times,
    written,
)
from broker.stores.recall import Story, page_of, tell, union
from broker.stores.refusals import no_attribute, no_instance, no_tenant
from broker.stores.thinning import rule_for

ID_PREFIX = "urn:ngsi-ld:Instance:"


@dataclass(slots=True)
class _Kept:
    """One entity's history. `entity` is the entity as it is now, None where there is none."""

    order: tuple[bool, int]
    created_at: Instant
    modified_at: Instant
    deleted_at: Instant | None = None
    types: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    entity: Entity | None = None
    dropped: bool = False
    pasts: dict[str, list[Past]] = field(default_factory=dict)

    def story(self, entity_id: str) -> Story:
        """It as queries see it."""
        types, scopes = self.types, self.scopes
        if self.entity is not None:
            types, scopes = union(self.entity.types, types), union(self.entity.scopes, scopes)
        return Story(entity_id, types, scopes, self.created_at, self.modified_at, self.deleted_at, self.pasts)

    def copied(self) -> _Kept:
        """One to work on, so that a refused command leaves nothing."""
        kept = copy(self)
        kept.pasts = {name: list(pasts) for name, pasts in self.pasts.items()}
        return kept


class Grounds(Ground, Protocol):
    """What erasing needs beside that."""

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, Json]:
        """Drop an entity and every trace of it but its history: what went, by table."""

    def erase_traces(self, tenant: str, entity_id: str) -> Mapping[str, Json]:
        """Drop what the change log and the outbox tell of an entity: how much, by table."""

    def known_ids(self, tenant: str) -> set[str]:
        """The ids of entities, and those in the change log."""

    def named(self, tenant: str) -> Iterator[naming.Named]:
        """Whatever may name a person, but for history."""


class MemoryHistory:
    """EvolutionStore, and the companion of the store that writes what changes leave."""

    def __init__(self, ground: Grounds) -> None:
        self._ground = ground
        self._tenants: dict[str, dict[str, _Kept]] = {}
        self._number = 0

    def write(self, tenant: str, changes: Sequence[EntityChange]) -> None:
        """Keep what each change wrote."""
        held = self._tenants.setdefault(tenant, {})
        for change in changes:
            kept = held.get(change.entity.id)
            if kept is None:
                kept = held[change.entity.id] = _Kept((False, self._next()), change.entity.created_at, change.at)
            self._change(kept, change)

    def apply_evolution(self, tenant: str, commands: Sequence[EvolutionCommand]) -> Future[list[object]]:
        """Run the commands at once; the future is done on return."""
        with self._ground.lock:
            if not self._ground.exists(tenant) and not any(command.creates for command in commands):
                return failed(no_tenant(tenant))
            now = self._ground.moment(tenant)
            try:
                return done([self._run(tenant, command, now) for command in commands])
            except Exception as fault:  # noqa: BLE001 - whatever a decision raises goes to who made it
                return failed(fault)

    def evolution(self, tenant: str, entity_id: str, query: TemporalQuery, restriction: Restriction) -> EvolutionPage:
        """The evolution of one entity."""
        with self._ground.lock:
            kept = self._of(tenant).get(entity_id)
            found = [] if kept is None or kept.dropped else [kept.story(entity_id)]
            told = [one for story in found if (one := tell(story, query, EVERYTHING, restriction)) is not None]
            return page_of(told, query, _name_of)

    def known(self, tenant: str, entity_id: str) -> bool:
        """Whether there is anything of the entity, but for what was dropped."""
        with self._ground.lock:
            kept = self._of(tenant).get(entity_id)
            return kept is not None and not kept.dropped

    def evolutions(
        self, tenant: str, where: Node, query: TemporalQuery, window: Window, restriction: Restriction
    ) -> EvolutionPage:
        """Evolutions in the order of their creation, or by id."""
        with self._ground.lock:
            held = sorted(self._of(tenant).items(), key=lambda item: item[1].order)
            stories = [kept.story(entity_id) for entity_id, kept in held if not kept.dropped]
            if query.by_id is not None:
                stories.sort(key=lambda story: story.id, reverse=query.by_id == "descending")
            told = [one for story in stories if (one := tell(story, query, where, restriction)) is not None]
            page = page_of(told[window.offset : window.offset + window.limit], query, _name_of)
        total = len(told) if window.count else None
        return EvolutionPage(page.evolutions, total, len(told) > window.offset + window.limit, page.cut)

    def evolution_ids(self, tenant: str, where: Node, query: TemporalQuery, restriction: Restriction) -> Iterator[str]:
        """The ids of all evolutions of this moment."""
        page = self.evolutions(tenant, where, query, Window(2**62), restriction)
        return iter([one.id for one in page.evolutions])

    def begun(self, tenant: str) -> dict[str, Instant]:
        """The earliest time of an instance, by type."""
        with self._ground.lock:
            found: dict[str, Instant] = {}
            for entity_id, kept in self._of(tenant).items():
                at = min((past.time for pasts in kept.pasts.values() for past in pasts), default=None)
                if at is not None and not kept.dropped:
                    found |= {iri: min(at, found.get(iri, at)) for iri in kept.story(entity_id).types}
            return found

    def copy_all(self, tenant: str, into: str) -> None:
        """The same history in another tenant."""
        with self._ground.lock:
            held = self._tenants.get(tenant, {})
            self._tenants[into] = {entity_id: kept.copied() for entity_id, kept in held.items()}

    def drop_all(self, tenant: str) -> None:
        """No history is left of the tenant."""
        with self._ground.lock:
            self._tenants.pop(tenant, None)

    def _of(self, tenant: str) -> dict[str, _Kept]:
        if not self._ground.exists(tenant):
            raise no_tenant(tenant)
        return self._tenants.setdefault(tenant, {})

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _change(self, kept: _Kept, change: EntityChange) -> None:
        before, after = change.before, change.after
        kept.entity, kept.dropped, kept.modified_at = after, False, change.at
        kept.deleted_at = change.at if after is None else None
        if after is None and before is not None:
            kept.types, kept.scopes = union(before.types, kept.types), union(before.scopes, kept.scopes)
        expires = before is not None and over(before, change.at)
        if scope_changed(before, after) and not expires:
            scope = None if after is None else after.document.get("scope")
            kept.pasts.setdefault(SCOPE, []).append(scope_past(scope, self._next(), change.at))
        for name, was, now in steps(before, after):
            held = kept.pasts.setdefault(name, [])
            if now is not None:
                held.append(written(now, change.entity, self._next()))
            elif was is not None and expired(was, change.at):
                held[:] = [
                    one for one in held if one.dataset != was.get("datasetId", "") or not expired(one.body, change.at)
                ]
            elif was is not None and not expires:
                last = written(was, change.entity, 0)
                held.append(ended(was, self._next(), last.created_at, change.at))

    def _run(self, tenant: str, command: EvolutionCommand, now: Instant) -> object:
        held = self._tenants.setdefault(tenant, {})
        kept = held.get(command.id)
        try:
            known = None if kept is None or kept.dropped else kept.story(command.id).head()
            taken, result = command.decide(known, now)
            changed = _Kept((True, self._next()), now, now) if kept is None else kept.copied()
            for step in taken:
                self._step(changed, step, now)
        except NgsiError as refusal:
            return refusal
        if taken:
            changed.pasts = {name: pasts for name, pasts in changed.pasts.items() if pasts}
            if any(isinstance(step, DropAll) for step in taken) and changed.entity is None:
                held.pop(command.id, None)
            else:
                held[command.id] = changed
            self._ground.make(tenant)
        return result

    def _step(self, kept: _Kept, step: EvolutionStep, now: Instant) -> None:
        kept.modified_at = now
        match step:
            case Begin(types, scopes) | AddTypes(types, scopes):
                kept.types, kept.scopes = union(kept.types, types), union(kept.scopes, scopes)
                kept.created_at, kept.dropped = now if kept.dropped else kept.created_at, False
                if isinstance(step, Begin) and step.created_at is not None:
                    kept.created_at, kept.deleted_at = step.created_at, step.deleted_at
            case AddInstances():
                self._add(kept, step, now)
            case DropAttribute():
                _drop(kept, step)
            case EndAttribute():
                self._end(kept, step, now)
            case ReplaceInstance(name, instance_id) | DropInstance(name, instance_id):
                _replace(kept, name, instance_id, step, now)
            case DropAll():
                kept.types, kept.scopes, kept.pasts, kept.dropped = (), (), {}, True
            case _:
                assert_never(step)

    def _add(self, kept: _Kept, step: AddInstances, now: Instant) -> None:
        held = kept.pasts.setdefault(step.name, [])
        if step.copied:
            there = {times(past) for past in held}
            put = [copied(instance, self._next(), now) for instance in step.instances]
            held += [past for past in put if times(past) not in there]
            return
        for instance in step.instances:
            past = given(instance, self._next(), now)
            if past.observed_at is not None:
                key = (past.dataset, past.observed_at)
                held[:] = [one for one in held if (one.dataset, one.observed_at) != key]
            held.append(past)

    def _end(self, kept: _Kept, step: EndAttribute, now: Instant) -> None:
        if step.name == SCOPE and (kept.scopes or kept.pasts.get(SCOPE)):
            kept.scopes = ()
            kept.pasts.setdefault(SCOPE, []).append(scope_past(None, self._next(), now))
            return
        last: dict[str, Past] = {}
        for past in kept.pasts.get(step.name, ()):
            if _concerned(past, step) and (past.dataset not in last or last[past.dataset].number < past.number):
                last[past.dataset] = past
        live = [past for past in last.values() if past.deleted_at is None and (not step.only or step.only(past.body))]
        if not live:
            raise no_attribute(step.name)
        for past in live:
            kept.pasts[step.name].append(ended(past.body, self._next(), past.created_at, now))

    def erase(self, tenant: str, *entity_ids: str) -> Future[Mapping[str, Json]]:
        """Everything that is known of entities."""
        gone: Counter[str] = Counter()
        with self._ground.lock:
            for entity_id in entity_ids:
                kept = self._of(tenant).pop(entity_id, None)
                if kept is not None:
                    gone.update({"history": 1, "instance": sum(map(len, kept.pasts.values()))})
                gone.update(cast("Mapping[str, int]", self._ground.erase(tenant, entity_id)))
                self._of(tenant).pop(entity_id, None)
        return done({table: number for table, number in gone.items() if number})

    def erase_traces(self, tenant: str, *entity_ids: str) -> Future[Mapping[str, Json]]:
        """What the change log and the outbox tell of entities."""
        gone: Counter[str] = Counter()
        with self._ground.lock:
            for entity_id in entity_ids:
                gone.update(cast("Mapping[str, int]", self._ground.erase_traces(tenant, entity_id)))
        return done({table: number for table, number in gone.items() if number})

    def about(self, tenant: str, subject: str) -> dict[str, frozenset[str]]:
        """Every entity that is, or was, about a person, and all whom it is about."""
        with self._ground.lock:
            return naming.about(self._named(tenant), subject)

    def subjects(self, tenant: str) -> list[str]:
        """Everybody whom entities are about, or were."""
        with self._ground.lock:
            return naming.subjects(self._named(tenant))

    def _named(self, tenant: str) -> Iterator[naming.Named]:
        yield from self._ground.named(tenant)
        for entity_id, kept in self._of(tenant).items():
            yield from ((entity_id, {name: past.body}) for name, held in kept.pasts.items() for past in held)

    def known_ids(self, tenant: str) -> list[str]:
        """Every id that is known of."""
        with self._ground.lock:
            return sorted({*self._of(tenant), *self._ground.known_ids(tenant)})

    def retain(self, tenant: str, rules: Sequence[Retention]) -> int:
        """Apply retention once."""
        with self._ground.lock:
            now, gone, held = self._ground.moment(tenant), 0, self._of(tenant)
            for entity_id, kept in list(held.items()):
                rule = rule_for(kept.story(entity_id).types, rules)
                if rule is None:
                    continue
                kept.pasts, went = retained(kept.pasts, kept.entity, rule, now)
                gone += went
                if went and not kept.pasts and kept.entity is None and kept.deleted_at is not None:
                    del held[entity_id]
            return gone


def _name_of(_entity_id: str, _name: str, past: Past) -> str:
    return f"{ID_PREFIX}{past.number}"


def _drop(kept: _Kept, step: DropAttribute) -> None:
    held, only = kept.pasts.get(step.name, []), step.only
    left = [past for past in held if not _concerned(past, step) or (only is not None and not only(past.body))]
    if len(left) == len(held):
        raise no_attribute(step.name)
    kept.pasts[step.name] = left


def _concerned(past: Past, step: DropAttribute | EndAttribute) -> bool:
    return step.everything or past.dataset == (step.dataset_id or "")


def _replace(kept: _Kept, name: str, instance_id: str, step: ReplaceInstance | DropInstance, now: Instant) -> None:
    held = kept.pasts.get(name, [])
    if not held:
        raise no_attribute(name)
    place = next((place for place, past in enumerate(held) if _name_of("", name, past) == instance_id), None)
    if place is None:
        raise no_instance(name, instance_id)
    old = held.pop(place)
    if isinstance(step, ReplaceInstance):
        held.insert(place, corrected(old, step, now))
    elif step.guard is not None:
        step.guard(old.body)
