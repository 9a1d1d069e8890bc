"""The gate: every write of an entity, from wherever it comes, is held to the model of its type.

    apply(commands) ─> [nothing is held in this tenant: as they are]
                       decide ─> Put(entity) ─> violations of its models ─> off | warn | reject, by tenant and type
                                                less those that the entity had before

It stands around the EntityStore, so that there is no way past it: requests, batches, imports, adapters and what comes
from other cities all write by `apply`. Snapshots are copies of what was let in, and are not held again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final, Protocol

from broker.errors import BadRequestData
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Command, Decision, EntityStore, Put
from broker.ports.validator import WARNED, Violation
from datamodels.holding import Held, compile_model
from datamodels.library import Library
from datamodels.policies import Mode, Modes

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
            pointer=first.pointer,
            remedy=first.wanted,
        )
        self.violations = tuple(violations)


class Policies(Protocol):
    """What is held in a tenant."""

    def modes(self, tenant: str) -> Modes:
        """The mode of each entity type. Cheap: asked at every write."""


class Counts:
    """How many entities were let through, warned of and refused, by model: for metrics. Any thread may count."""

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


@dataclass(frozen=True, eq=False)
class Gate:
    """Models compiled when they are first needed, and what is counted."""

    library: Library
    policies: Policies
    counts: Counts
    _compiled: dict[str, Held | None] = field(default_factory=dict)

    def held(self, iri: str) -> Held | None:
        """The model of a type; None for a type of no package."""
        if iri not in self._compiled:
            found = self.library.model(iri)
            self._compiled[iri] = None if found is None else compile_model(*found, self.library)
        return self._compiled[iri]

    def judge(self, modes: Modes, entity: Entity, before: Entity | None) -> tuple[list[Violation], bool]:
        """What is new against an entity, and whether it must be refused for it."""
        found, refused = [], False
        for held, mode in self._models(modes, entity):
            violations = held.violations(entity.document)
            if violations and before is not None and mode == "reject":
                had = {(one.pointer, one.rule) for one in held.violations(before.document)}
                violations = [one for one in violations if (one.pointer, one.rule) not in had]
            if violations:
                self.counts.add(held.name, "refused" if mode == "reject" else "warned")
                refused = refused or mode == "reject"
                found += violations
        return found, refused

    def _models(self, modes: Modes, entity: Entity) -> Iterator[tuple[Held, Mode]]:
        for iri in entity.types:
            mode = modes.of(iri)
            held = None if mode == "off" else self.held(iri)
            if held is not None:
                yield held, mode


class Gated:
    """An EntityStore whose writes pass the gate; everything else is the store's own."""

    def __init__(self, store: EntityStore, gate: Gate) -> None:
        self._store, self._gate = store, gate
        self.get, self.get_many = store.get, store.get_many
        self.select, self.scan = store.select, store.scan
        self.types, self.attributes, self.extents = store.types, store.attributes, store.extents

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """As the store's; a command that would break a model is refused with ModelViolation, or warned of."""
        modes = self._gate.policies.modes(tenant)
        if modes:
            warned = WARNED.get()
            commands = [replace(one, decide=_Deciding(one.decide, self._gate, modes, warned)) for one in commands]
        return self._store.apply(tenant, commands)


class _Deciding:
    """A decision that is held to models. It may be made more than once: what was warned of once is not told again."""

    __slots__ = ("_decide", "_gate", "_modes", "_told", "_warned")

    def __init__(
        self,
        decide: Callable[[Entity | None, Instant], Decision],
        gate: Gate,
        modes: Modes,
        warned: Callable[[Violation], None] | None,
    ) -> None:
        self._decide, self._gate, self._modes, self._warned = decide, gate, modes, warned
        self._told = False

    def __call__(self, current: Entity | None, now: Instant) -> Decision:
        decision = self._decide(current, now)
        if not isinstance(decision, Put):
            return decision
        violations, refused = self._gate.judge(self._modes, decision.entity, current)
        if refused:
            raise ModelViolation(violations)
        if violations and self._warned is not None and not self._told:
            self._told = True
            for violation in violations:
                self._warned(violation)
        return decision
