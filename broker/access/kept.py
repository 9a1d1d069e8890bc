"""Stores whose writes keep the rules of access (`writing`), and tell the index of consents what they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, Protocol, TypeAlias

from broker.access.formerly import Formerly, Key
from broker.access.labels import subjects_in
from broker.access.writing import (
    WriteRules,
    about_in,
    another_person,
    another_time,
    has_marks,
    is_service,
    with_marks,
)
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

    def __init__(
        self,
        store: EntityStore,
        rules: WriteRules,
        decides: frozenset[str],
        told: Told,
        formerly: Formerly | None = None,
    ) -> None:
        """`decides` are the types that decisions are made from; `formerly` knows whom ids were about."""
        self._store, self._rules, self._decides, self._told = store, rules, decides, told
        self._formerly = formerly
        self.get, self.get_many = store.get, store.get_many
        self.select, self.scan = store.select, store.scan
        self.types, self.attributes, self.extents = store.types, store.attributes, store.extents

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """As the store's; refused are Forbidden, BadRequestData and Conflict as the rules say."""
        telling = _Telling(_Claims(tenant, self._formerly), self._decides, self._told)
        self._rules.profiles.refresh()
        kept = [
            Command(one.id, _Deciding(one, self._rules, telling), one.creates, one.expected, one.by) for one in commands
        ]
        try:
            pending = self._store.apply(tenant, kept)
        except BaseException:
            telling.end()
            raise
        pending.add_done_callback(telling.ended)
        return pending


class _Claims:
    """Which ids came to be about whom in one submission."""

    __slots__ = ("_formerly", "_keys", "tenant")

    def __init__(self, tenant: str, formerly: Formerly | None) -> None:
        self.tenant, self._formerly = tenant, formerly
        self._keys: list[Key] = []

    def claim(self, entity_id: str, about: frozenset[str], *, current: bool = True) -> None:
        """An id comes to be about these. Raises Conflict where it was about others, or `current` is, which is there."""
        if self._formerly is not None:
            key = (self.tenant, entity_id)
            if current:
                self._formerly.require_current(key, about)
            self._keys.append(key)
            self._formerly.require(key, about, self)

    def end(self) -> None:
        """All of it is durable, or was not made."""
        if self._formerly is not None and self._keys:
            keys, self._keys = self._keys, []
            self._formerly.settled(keys, self)


class _Telling:
    """Tells once for each submission, before anything of it is there."""

    __slots__ = ("_begun", "_decides", "_told", "claims", "home", "tenant")

    def __init__(self, claims: _Claims, decides: frozenset[str], told: Told) -> None:
        self.claims, self.tenant, self.home = claims, claims.tenant, home_of(claims.tenant)
        self._decides, self._told, self._begun = decides, told, False

    def look(self, types: Sequence[str]) -> None:
        """An entity of these types is about to change."""
        if not self._begun and not self._decides.isdisjoint(types):
            self._begun = True
            self._told.written(self.tenant)

    def ended(self, _: Future[list[object]]) -> None:
        """All of it is durable, or was not made."""
        self.end()

    def end(self) -> None:
        """As `ended`."""
        self.claims.end()
        if self._begun:
            self._begun = False
            self._told.settled(self.tenant)


class _Deciding:
    """A decision that keeps the rules. It may be made more than once."""

    __slots__ = ("_decide", "_expected", "_rules", "_service", "_system", "_telling", "_tenant")

    def __init__(self, command: Command, rules: WriteRules, telling: _Telling) -> None:
        self._expected, self._decide = command.expected, command.decide
        self._tenant, self._rules, self._telling = telling.home, rules, telling
        self._system, self._service = SYSTEM in command.by.roles, is_service(command.by)

    def __call__(self, current: Entity | None, now: Instant) -> Decision:
        rules = self._rules
        if self._expected is not None and not self._service:
            rules.require_own(rules.profiles.of(self._expected["type"]).types)
        decision = self._decide(current, now)
        if isinstance(decision, Put):
            if current is None:
                self._make(decision.entity)
            else:
                self._change(current, decision.entity, now)
        elif isinstance(decision, Remove) and current is not None:
            if not self._service:
                rules.require_own(current.types)
            self._telling.look(current.types)
        return decision

    def _make(self, entity: Entity) -> None:
        rules, document = self._rules, entity.document
        types = rules.profiles.of(document["type"]).types
        if not self._service:
            rules.require_own(types)
        rules.require_new(self._tenant, document, system=self._system)
        if not self._service and (subject := document.get(DATA_SUBJECT)) is not None:
            self._claim(entity.id, subjects_in(subject))
        self._telling.look(types)

    def _change(self, current: Entity, entity: Entity, now: Instant) -> None:
        rules, before, after = self._rules, current.document, entity.document
        if not self._service:
            rules.require_own(entity.types, current.types)
            rules.require_same_person(self._tenant, before, after)
        if not self._system:
            rules.require_class(before, after)
        rules.require_pseudonyms(before, after)
        rules.require_known(self._tenant, after["type"], after)
        if not self._service:
            self._require_same_time(current, entity, now)
            if not about_in(before.get(DATA_SUBJECT)):
                self._claim(entity.id, about_in(after.get(DATA_SUBJECT)))
        self._telling.look([*entity.types, *current.types])

    def _claim(self, entity_id: str, about: frozenset[str]) -> None:
        if about:
            self._telling.claims.claim(entity_id, about, current=False)

    def _require_same_time(self, current: Entity, entity: Entity, now: Instant) -> None:
        """Raise Conflict where a value that was there would be of another time: decided again, with marks for it."""
        moved = self._rules.moved(self._tenant, current, entity)
        if not moved:
            return
        decision = self._decide(with_marks(current, moved), now)
        for name in moved:
            if isinstance(decision, Put) and has_marks(decision.entity, name):
                raise another_time(name)


class KeptHistory:
    """An EvolutionStore whose writes keep the rules; everything else is the store's own."""

    def __init__(self, store: EvolutionStore, rules: WriteRules, formerly: Formerly | None = None) -> None:
        """`formerly` knows whom ids were about."""
        self._store, self._rules, self._formerly = store, rules, formerly
        self.evolution, self.evolutions, self.evolution_ids = store.evolution, store.evolutions, store.evolution_ids
        self.begun, self.erase, self.known_ids, self.retain = store.begun, store.erase, store.known_ids, store.retain
        self.erase_traces, self.about, self.subjects = store.erase_traces, store.about, store.subjects
        self.known = store.known

    def apply_evolution(self, tenant: str, commands: Sequence[EvolutionCommand]) -> Future[list[object]]:
        """As the store's; refused as writes of the current state are."""
        self._rules.profiles.refresh()
        claims = _Claims(tenant, self._formerly)
        kept = [EvolutionCommand(one.id, self._deciding(one, claims), one.creates, one.by) for one in commands]
        try:
            pending = self._store.apply_evolution(tenant, kept)
        except BaseException:
            claims.end()
            raise
        pending.add_done_callback(lambda _: claims.end())
        return pending

    def _deciding(self, command: EvolutionCommand, claims: _Claims) -> Callable[[Evolution | None, Instant], Steps]:
        system, service = SYSTEM in command.by.roles, is_service(command.by)
        home = home_of(claims.tenant)

        def decide(known: Evolution | None, now: Instant) -> Steps:
            steps, result = command.decide(known, now)
            types = _types(known, steps)
            if not service:
                self._rules.require_own(types)
            if not service:
                _require_same_person(known, steps)
            self._hold(command.id, home, types, steps, system=system)
            if known is None and not service and (about := _about(steps)):
                claims.claim(command.id, about)
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


def _about(steps: Sequence[EvolutionStep]) -> frozenset[str]:
    """Whom a history that begins says to be about."""
    named = (found for name, found in _written(steps) if name == DATA_SUBJECT)
    return frozenset(one for found in named for instance in found for one in about_in(instance))


def _require_same_person(known: Evolution | None, steps: Sequence[EvolutionStep]) -> None:
    """Raise Conflict where a history that there is would be about others."""
    changing = AddInstances | ReplaceInstance | DropAttribute | EndAttribute | DropInstance
    if known is not None and any(isinstance(one, changing) and one.name == DATA_SUBJECT for one in steps):
        raise another_person()
