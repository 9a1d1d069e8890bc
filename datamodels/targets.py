"""Of which types the entities are that a write leads to: looked up before the write, as its principal sees them.

    commands ─> documents as they will be ─> targets that a model says something of ─> id -> types

At most TARGETS_MAX a call are looked up. What is not there is not known: an entity may be led to before it comes, or
live in another broker. What was found is remembered for REMEMBERED_S: many entities lead to the same few.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from broker.errors import NgsiError, NonexistentTenant
from broker.model.entity import Entity
from broker.ports import Command, EntityStore, Put, Restriction
from datamodels.holding import Held
from datamodels.policies import Mode

TARGETS_MAX: Final = 1000
REMEMBERED_S: Final = 2.0
REMEMBERED_MAX: Final = 10_000
Known: TypeAlias = dict[str, frozenset[str]]
Models: TypeAlias = Callable[[Entity], Iterable[tuple[Held, Mode]]]


class Targets:
    """The types of targets in a store, and those that were looked up a moment ago. Any thread may ask."""

    def __init__(self, store: EntityStore, seconds: Callable[[], float] = time.monotonic) -> None:
        self._store, self._seconds = store, seconds
        self._remembered: dict[tuple[str, str], frozenset[str]] = {}
        self._since = seconds()

    def known(self, tenant: str, commands: Sequence[Command], models: Models, restriction: Restriction) -> Known:
        """`{"urn:ngsi-ld:Building:1": {"https://…/Building"}}`; those that come with the same call are known too."""
        coming = [Entity(one.expected, 0, 0) for one in commands if one.expected is not None]
        changed = [one for one in commands if one.expected is None]
        if changed:
            coming += self._foreseen(tenant, changed, models)
        for one in commands:
            self._remembered.pop((tenant, one.id), None)  # it may become one of another type
        wanted = {
            target for entity in coming for held, _ in models(entity) for target in held.targets_in(entity.document)
        }
        if not wanted:
            return {}
        known = self._found(tenant, wanted, restriction)
        known |= {entity.id: frozenset(entity.types) for entity in coming if entity.id in wanted}
        return known

    def _found(self, tenant: str, wanted: set[str], restriction: Restriction) -> Known:
        if restriction.view is not None:
            shown = ((one, restriction.show(entity)) for one, entity in self._look_up(tenant, wanted).items())
            return {one: frozenset(entity.types) for one, entity in shown if entity is not None}
        remembered = self._memory()
        known = {one: types for one in wanted if (types := remembered.get((tenant, one))) is not None}
        if len(known) < len(wanted):
            for one, entity in self._look_up(tenant, wanted - known.keys()).items():
                known[one] = remembered[tenant, one] = frozenset(entity.types)
        return known

    def _look_up(self, tenant: str, wanted: set[str]) -> dict[str, Entity]:
        try:
            return self._store.get_many(tenant, sorted(wanted)[:TARGETS_MAX])
        except NonexistentTenant:
            return {}

    def _memory(self) -> dict[tuple[str, str], frozenset[str]]:
        """What is remembered; forgotten as a whole where it is too old or too much."""
        now = self._seconds()
        if now - self._since > REMEMBERED_S or len(self._remembered) > REMEMBERED_MAX:
            self._remembered, self._since = {}, now
        return self._remembered

    def _foreseen(self, tenant: str, commands: Sequence[Command], models: Models) -> Iterator[Entity]:
        """What changes will make of entities as they are now; the writer decides on them as they are then."""
        for command, entity in self._current(tenant, commands):
            if not any(held.links for held, _ in models(entity)):
                continue
            try:
                decision = command.decide(entity, entity.modified_at)
            except NgsiError:
                continue  # the writer will say so
            if isinstance(decision, Put):
                yield decision.entity

    def _current(self, tenant: str, commands: Sequence[Command]) -> Iterator[tuple[Command, Entity]]:
        try:
            current = self._store.get_many(tenant, [one.id for one in commands])
        except NonexistentTenant:
            return
        yield from ((one, current[one.id]) for one in commands if one.id in current)
