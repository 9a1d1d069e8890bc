"""The gate of histories that are written by themselves (clauses 5.6.11 to 5.6.16): each instance, held to its model.

What a model asks of an entity as a whole (which attributes must be there) is not asked of a part of its history; the
instances that say that an attribute ended are not values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Final, TypeAlias

from broker.model.entity import Instance
from broker.model.evolution import Evolution
from broker.model.values import Instant, Json
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    Begin,
    EvolutionCommand,
    EvolutionStep,
    EvolutionStore,
    ReplaceInstance,
)
from broker.ports.validator import ASKING, Asking, Violation
from datamodels.gate import Gate, Judge, ModelViolation

Decide: TypeAlias = Callable[[Evolution | None, Instant], tuple[Sequence[EvolutionStep], object]]
_OF_THE_WHOLE: Final = "required"


class GatedHistory:
    """An EvolutionStore whose writes pass the gate; everything else is the store's own."""

    def __init__(self, store: EvolutionStore, gate: Gate) -> None:
        self._store, self._gate = store, gate
        self.evolution, self.evolutions, self.evolution_ids = store.evolution, store.evolutions, store.evolution_ids
        self.begun, self.erase, self.known_ids, self.retain = store.begun, store.erase, store.known_ids, store.retain
        self.erase_traces, self.about, self.subjects = store.erase_traces, store.about, store.subjects
        self.known = store.known

    def apply_evolution(self, tenant: str, commands: Sequence[EvolutionCommand]) -> Future[list[object]]:
        """As the store's; instances that break a model are refused with ModelViolation, or warned of."""
        modes = self._gate.policies.modes(tenant)
        if not modes:
            return self._store.apply_evolution(tenant, commands)
        judge, asking = Judge(self._gate, self._gate.models(), modes), ASKING.get() or Asking()
        held = [EvolutionCommand(one.id, _held(one, judge, asking), one.creates) for one in commands]
        return self._store.apply_evolution(tenant, held)


def _held(command: EvolutionCommand, judge: Judge, asking: Asking) -> Decide:
    """A decision that is held to models. It may be made more than once: what was warned of is told once."""
    told: list[Violation] = []

    def decide(known: Evolution | None, now: Instant) -> tuple[Sequence[EvolutionStep], object]:
        steps, result = command.decide(known, now)
        violations, refused = _judged(judge, command.id, _types(known, steps), steps)
        if refused:
            raise ModelViolation(violations)
        if violations and not told:
            told.extend(violations)
            asking.warnings += violations
        return steps, result

    return decide


def _types(known: Evolution | None, steps: Sequence[EvolutionStep]) -> tuple[str, ...]:
    """The types that the entity has after the steps."""
    types = dict.fromkeys(() if known is None else known.types)
    for step in steps:
        if isinstance(step, Begin | AddTypes):
            types |= dict.fromkeys(step.types)
    return tuple(types)


def _judged(
    judge: Judge, entity_id: str, types: tuple[str, ...], steps: Sequence[EvolutionStep]
) -> tuple[list[Violation], bool]:
    found: list[Violation] = []
    refused = False
    for held, mode in judge.models_of(types):
        violations: list[Violation] = []
        for name, instance in _instances(steps):
            document: dict[str, Json] = {"id": entity_id, "type": list(types) if len(types) > 1 else types[0]}
            document[name] = instance
            violations += [one for one in held.violations(document) if not _is_of_the_whole(one)]
        if violations:
            judge.gate.counts.add(held.name, "refused" if mode == "reject" else "warned")
            refused = refused or mode == "reject"
            found += violations
    return found, refused


def _instances(steps: Sequence[EvolutionStep]) -> Iterator[tuple[str, Instance]]:
    for step in steps:
        if isinstance(step, AddInstances):
            yield from ((step.name, one) for one in step.instances if "deletedAt" not in one)
        elif isinstance(step, ReplaceInstance):
            yield step.name, step.instance


def _is_of_the_whole(violation: Violation) -> bool:
    return violation.rule == _OF_THE_WHOLE and not violation.pointer
