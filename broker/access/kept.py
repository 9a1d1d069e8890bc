"""Stores whose writes keep the rules of access (`writing`), and tell the index of consents what they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, Protocol, TypeAlias

from broker.access.writing import WriteRules, is_service, pointer_of
from broker.errors import Conflict
from broker.model.entity import Document, Entity, Instance
from broker.model.evolution import Evolution
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant
from broker.ports import SYSTEM, Command, Decision, EntityStore, Put, Remove
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    Begin,
    DropAttribute,
    DropInstance,
    EndAttribute,
    EvolutionCommand,
    EvolutionStep,
    EvolutionStore,
    ReplaceInstance,
)
from broker.ports.places import home_of

Steps: TypeAlias = tuple[Sequence[EvolutionStep], object]
_NOTHING: Final[Document] = {}


class Told(Protocol):
    """Who must know of a change of what decisions are made from."""

    def written(self, tenant: str) -> None:
        """It is being written."""

    def settled(self, tenant: str) -> None:
        """It is durable, or was not made."""


class Kept:
    """An EntityStore whose writes keep the rules; everything else is the store's own."""

    def __init__(self, store: EntityStore, rules: WriteRules, decides: frozenset[str], told: Told) -> None:
        """`decides` are the types that decisions are made from."""
        self._store, self._rules, self._decides, self._told = store, rules, decides, told
        self.get, self.get_many = store.get, store.get_many
        self.select, self.scan = store.select, store.scan
        self.types, self.attributes, self.extents = store.types, store.attributes, store.extents

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """As the store's; refused are Forbidden, BadRequestData and Conflict as the rules say."""
        telling = _Telling(tenant, self._decides, self._told)
        home, rules = home_of(tenant), self._rules
        rules.profiles.refresh()
        kept = [
            Command(one.id, _Deciding(one, home, rules, telling), one.creates, one.expected, one.by) for one in commands
        ]
        try:
            pending = self._store.apply(tenant, kept)
        except BaseException:
            telling.end()
            raise
        pending.add_done_callback(telling.ended)
        return pending


class _Telling:
    """Tells once for each submission, before anything of it is there."""

    __slots__ = ("_begun", "_decides", "_tenant", "_told")

    def __init__(self, tenant: str, decides: frozenset[str], told: Told) -> None:
        self._tenant, self._decides, self._told, self._begun = tenant, decides, told, False

    def look(self, types: Sequence[str]) -> None:
        """An entity of these types is about to change."""
        if not self._begun and not self._decides.isdisjoint(types):
            self._begun = True
            self._told.written(self._tenant)

    def ended(self, _: Future[list[object]]) -> None:
        """All of it is durable, or was not made."""
        self.end()

    def end(self) -> None:
        """As `ended`."""
        if self._begun:
            self._begun = False
            self._told.settled(self._tenant)


class _Deciding:
    """A decision that keeps the rules. It may be made more than once."""

    __slots__ = ("_command", "_decide", "_rules", "_service", "_system", "_telling", "_tenant")

    def __init__(self, command: Command, tenant: str, rules: WriteRules, telling: _Telling) -> None:
        self._command, self._decide = command, command.decide
        self._tenant, self._rules, self._telling = tenant, rules, telling
        self._system, self._service = SYSTEM in command.by.roles, is_service(command.by)

    def __call__(self, current: Entity | None, now: Instant) -> Decision:
        rules, expected = self._rules, self._command.expected
        if expected is not None and not self._service:
            rules.require_own(Entity(expected, 0, 0).types)
        decision = self._decide(current, now)
        if isinstance(decision, Put):
            self._put(current, decision.entity)
        elif isinstance(decision, Remove) and current is not None:
            if not self._service:
                rules.require_own(current.types)
            self._telling.look(current.types)
        return decision

    def _put(self, current: Entity | None, entity: Entity) -> None:
        rules, after = self._rules, entity.document
        before = None if current is None else current.document
        had = _NOTHING if before is None else before
        if not self._service:
            rules.require_own(entity.types, () if current is None else current.types)
        if not self._system:
            rules.require_same_person(had, after)
            rules.require_class(before, after)
        rules.require_pseudonyms(had, after)
        rules.require_known(self._tenant, after["type"], after)
        self._telling.look(entity.types if current is None else [*entity.types, *current.types])


class KeptHistory:
    """An EvolutionStore whose writes keep the rules; everything else is the store's own."""

    def __init__(self, store: EvolutionStore, rules: WriteRules) -> None:
        self._store, self._rules = store, rules
        self.evolution, self.evolutions, self.evolution_ids = store.evolution, store.evolutions, store.evolution_ids
        self.begun, self.erase, self.known_ids, self.retain = store.begun, store.erase, store.known_ids, store.retain
        self.erase_traces, self.about, self.subjects = store.erase_traces, store.about, store.subjects

    def apply_evolution(self, tenant: str, commands: Sequence[EvolutionCommand]) -> Future[list[object]]:
        """As the store's; refused as writes of the current state are."""
        self._rules.profiles.refresh()
        home = home_of(tenant)
        kept = [EvolutionCommand(one.id, self._deciding(one, home), one.creates, one.by) for one in commands]
        return self._store.apply_evolution(tenant, kept)

    def _deciding(self, command: EvolutionCommand, tenant: str) -> Callable[[Evolution | None, Instant], Steps]:
        system, service = SYSTEM in command.by.roles, is_service(command.by)

        def decide(known: Evolution | None, now: Instant) -> Steps:
            steps, result = command.decide(known, now)
            types = _types(known, steps)
            if not service:
                self._rules.require_own(types)
            if not system:
                _require_same_person(known, steps)
            self._hold(command.id, tenant, types, steps, system=system)
            return steps, result

        return decide

    def _hold(
        self, entity_id: str, tenant: str, types: tuple[str, ...], steps: Sequence[EvolutionStep], *, system: bool
    ) -> None:
        for name, found in _written(steps):
            document: Document = {"id": entity_id, "type": types[0] if len(types) == 1 else list(types)}
            for one in found:
                document[name] = one
                if not system:
                    self._rules.require_class(None, document)
                self._rules.require_pseudonyms(_NOTHING, document)
                self._rules.require_known(tenant, document["type"], document)


def _types(known: Evolution | None, steps: Sequence[EvolutionStep]) -> tuple[str, ...]:
    """The types that the entity has, and will have."""
    types = dict.fromkeys(() if known is None else known.types)
    for step in steps:
        if isinstance(step, Begin | AddTypes):
            types |= dict.fromkeys(step.types)
    return tuple(types)


def _written(steps: Sequence[EvolutionStep]) -> list[tuple[str, list[Instance]]]:
    found: list[tuple[str, list[Instance]]] = []
    for step in steps:
        if isinstance(step, AddInstances):
            found.append((step.name, [one for one in step.instances if "deletedAt" not in one]))
        elif isinstance(step, ReplaceInstance):
            found.append((step.name, [step.instance]))
    return [(name, held) for name, held in found if ":" in name]


def _require_same_person(known: Evolution | None, steps: Sequence[EvolutionStep]) -> None:
    """Raise Conflict where a history that there is would be about others."""
    changing = AddInstances | ReplaceInstance | DropAttribute | EndAttribute | DropInstance
    if known is not None and any(isinstance(one, changing) and one.name == DATA_SUBJECT for one in steps):
        raise Conflict(
            "whom an entity is about never changes", pointer=pointer_of(DATA_SUBJECT),
            remedy="make another entity for another person",
        )  # fmt: skip
