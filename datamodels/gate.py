"""The gate: every write of an entity, from wherever it comes, is held to the model of its type.

    apply(commands) ─> [nothing is held in this tenant: as they are]
                       targets of relationships are looked up, here, where no writer waits
                       decide ─> Put(entity) ─> violations of its models ─> off | warn | reject, by tenant and type
                                                less those that the entity had before

It stands around the EntityStore, so that there is no way past it: requests, batches, imports, adapters and what comes
from other cities all write by `apply`; histories that are written by themselves pass `gate_history`. Snapshots are
copies of what was let in, and are not held again when they are filled; a write into one is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Protocol, cast

from broker.errors import BadRequestData
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Command, Decision, EntityStore, Put
from broker.ports.validator import ASKING, Asking, Violation
from datamodels.conversion import in_own_units
from datamodels.holding import Held, compile_model
from datamodels.library import Library
from datamodels.policies import Mode, Modes
from datamodels.targets import Known, Targets

SHOWN_MAX: Final = 8
"""Violations that a refusal tells of."""


class ModelViolation(BadRequestData):
    """The entity would not be as its model says; `violations` are all that was found."""

    title = "Model violation"

    def __init__(self, violations: Sequence[Violation]) -> None:
        first = violations[0]
        told = "; ".join(map(str, violations[:SHOWN_MAX]))
        more = f"; and {len(violations) - SHOWN_MAX} more" if len(violations) > SHOWN_MAX else ""
        super().__init__(
            f"{first.entity_id} is not as its model says: {told}{more}.",
            pointer=first.path,
            clause="5.5.4",
            remedy=first.wanted,
        )
        self.violations = tuple(violations)

    @property
    def type_uri(self) -> str:
        """That of BadRequestData: the standard has no other one for what a model refuses."""
        return f"{self.namespace}{BadRequestData.__name__}"


class Policies(Protocol):
    """What is held in a tenant."""

    def modes(self, tenant: str) -> Modes:
        """The mode of each entity type. Cheap: asked at every write."""


class Packages(Protocol):
    """The packages of this broker."""

    def now(self) -> Library:
        """As they are now; the same object while none changed. Raises OverBudget where they must be read first."""


class Counts:
    """How many entities were warned of and refused, by model: for metrics. Any thread may count."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._of: dict[tuple[str, str], int] = {}

    def add(self, model: str, outcome: str) -> None:
        """One more."""
        with self._lock:
            self._of[model, outcome] = self._of.get((model, outcome), 0) + 1

    def all(self) -> dict[tuple[str, str], int]:
        """`{("DigitalGridRouter 1.0.0", "refused"): 2}`."""
        with self._lock:
            return dict(self._of)


@dataclass(eq=False, slots=True)
class Compiled:
    """The models of one library, compiled when they are first needed."""

    library: Library
    _held: dict[str, Held | None] = field(default_factory=dict)

    def of(self, iri: str) -> Held | None:
        """The model of a type; None for a type of no package."""
        try:
            return self._held[iri]
        except KeyError:
            found = self.library.model(iri)
            held = self._held[iri] = None if found is None else compile_model(*found, self.library)
            return held


@dataclass(eq=False, slots=True)
class Gate:
    """What entities are held to, and what is counted; `converts` says that values come into their model's own units."""

    packages: Packages
    policies: Policies
    counts: Counts
    converts: bool = False
    _compiled: Compiled | None = None

    def models(self) -> Compiled:
        """The models as they are now. Raises OverBudget where they must be read first."""
        library = self.packages.now()
        if self._compiled is None or self._compiled.library is not library:
            self._compiled = Compiled(library)
        return self._compiled


@dataclass(eq=False, slots=True)
class Judge:
    """What one call of `apply` is held to."""

    gate: Gate
    compiled: Compiled
    modes: Modes
    known: Known = field(default_factory=dict)

    def models(self, entity: Entity) -> Iterator[tuple[Held, Mode]]:
        """The models that an entity is held to."""
        return self.models_of(entity.types)

    def models_of(self, types: Iterable[str]) -> Iterator[tuple[Held, Mode]]:
        """The models of these types that something is held to."""
        for iri in types:
            mode = self.modes.of(iri)
            held = None if mode == "off" else self.compiled.of(iri)
            if held is not None:
                yield held, mode

    def judge(self, entity: Entity, before: Entity | None) -> tuple[list[Violation], bool]:
        """What is new against an entity, and whether it must be refused for it."""
        told: list[Violation] = []
        refused = False
        for held, mode in self.models(entity):
            violations = self._found(held, entity)
            if violations and before is not None:
                violations = _new(violations, entity, before, self._found(held, before))
            if violations:
                self.gate.counts.add(held.name, "refused" if mode == "reject" else "warned")
                refused = refused or mode == "reject"
                told += violations
        return told, refused

    def _found(self, held: Held, entity: Entity) -> list[Violation]:
        violations = held.violations(entity.document)
        if self.known and held.links:
            violations += held.astray(entity.document, self.known)
        return violations

    def converted(self, entity: Entity) -> Entity:
        """The entity with its values in its models' own units; itself where they are."""
        document = entity.document
        for held, _ in self.models(entity):
            document = in_own_units(document, held.model)
        if document is entity.document:
            return entity
        return Entity(document, entity.created_at, entity.modified_at, entity.expires_at, entity.version)


def _new(violations: list[Violation], entity: Entity, before: Entity, had: Sequence[Violation]) -> list[Violation]:
    """Those that the write made, or whose attribute it wrote: an entity that is older than its model can go on."""
    known = {(one.pointer, one.rule, one.wanted) for one in had}
    return [
        one
        for one in violations
        if (one.pointer, one.rule, one.wanted) not in known or _differs(one.path, entity, before)
    ]


def _differs(path: str, entity: Entity, before: Entity) -> bool:
    name = path[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")
    return bool(name) and entity.document.get(name) != before.document.get(name)


class Gated:
    """An EntityStore whose writes pass the gate; everything else is the store's own."""

    def __init__(self, store: EntityStore, gate: Gate) -> None:
        self._store, self._gate, self._targets = store, gate, Targets(store)
        self.get, self.get_many = store.get, store.get_many
        self.select, self.scan = store.select, store.scan
        self.types, self.attributes, self.extents = store.types, store.attributes, store.extents

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """As the store's; a command that would break a model is refused with ModelViolation, or warned of."""
        modes = self._gate.policies.modes(tenant)
        if not modes:
            return self._store.apply(tenant, commands)
        judge, asking = Judge(self._gate, self._gate.models(), modes), ASKING.get() or Asking()
        judge.known = self._targets.known(tenant, commands, judge.models, asking.restriction)
        return self._store.apply(
            tenant,
            [
                Command(one.id, cast("Decide", _Deciding(one.decide, judge, asking)), one.creates, one.expected, one.by)
                for one in commands
            ],
        )


Decide = Callable[["Entity | None", Instant], Decision]


class _Deciding:
    """A decision that is held to models. It may be made more than once: what was warned of once is not told again."""

    __slots__ = ("_asking", "_decide", "_judge", "_told")

    def __init__(self, decide: Decide, judge: Judge, asking: Asking) -> None:
        self._decide, self._judge, self._asking, self._told = decide, judge, asking, False

    def __call__(self, current: Entity | None, now: Instant) -> Decision:
        decision = self._decide(current, now)
        if not isinstance(decision, Put):
            return decision
        if self._judge.gate.converts:
            decision = Put(self._judge.converted(decision.entity), decision.result)
        violations, refused = self._judge.judge(decision.entity, current)
        if refused:
            raise ModelViolation(violations)
        if violations and not self._told:
            self._told = True
            self._asking.warnings += violations
        return decision
