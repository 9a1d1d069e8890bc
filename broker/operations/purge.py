"""Purge Entities: delete all that a query selects, or attributes of theirs (clause 5.6.21)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from broker.errors import BadRequestData, NgsiError
from broker.model import change
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.operations.batch import BatchFailure, BatchResult
from broker.operations.broker import Broker, Call
from broker.operations.consume import linked_depth
from broker.operations.entity_maps import EntityMap
from broker.operations.futures import one_after_another, then
from broker.operations.guard import guarded
from broker.operations.mapped import fitting_in_map
from broker.operations.provide import Written, outcome_of
from broker.ports import Command, Decision, Keep, Put, Remove
from broker.query.ast import Node, Selection
from broker.query.match import matches

_CHUNK = 200  # writes in one transaction: other writers get their turn between two


@dataclass(frozen=True, slots=True)
class Purge:
    """What goes from the selected entities: all of them, or the attributes `drop`, or all attributes but `keep`.

    Both hold IRIs (and `scope`); give at most one.
    """

    keep: frozenset[str] | None = None
    drop: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.keep is not None and self.drop is not None:
            raise BadRequestData(
                "keep and drop exclude each other.", pointer="keep", clause="6.4.3.3", remedy="Give one of them."
            )


def purge_entities(
    broker: Broker, call: Call, where: Node, purge: Purge, entity_map: EntityMap | None = None
) -> Future[BatchResult]:
    """Purge Entities (clause 5.6.21): 204, or 207 where there are errors.

    `where` is the bound condition of the whole request. What it selects, of the entities in `entity_map` if there is
    one, is read first; each entity is looked at again in the transaction that writes it, and left alone if it no longer
    fits. Not one transaction: entities created meanwhile stay.

    Raises BadRequestData where the condition reaches into linked entities; TooComplexQuery past the work limit.
    """
    if linked_depth(where):
        raise BadRequestData(
            "A purge does not reach into linked entities.",
            pointer="q",
            clause="5.6.21.4",
            remedy="Ask for attributes of the entities themselves.",
        )
    if entity_map is None:
        ids = list(broker.places.walk_ids(call.tenant, Selection(where), call.restriction))
    else:
        ids = fitting_in_map(broker, call, entity_map, where)
    return _in_chunks(broker, call, [_command(call, entity_id, where, purge) for entity_id in ids])


def _in_chunks(broker: Broker, call: Call, commands: list[Command]) -> Future[BatchResult]:
    result = BatchResult()

    def step(chunk: list[Command]) -> Callable[[], Future[list[object]]]:
        return lambda: broker.entities.apply(call.tenant, chunk)

    def collect(outcomes: list[object]) -> None:
        for outcome in outcomes:
            _collect(call, commands[len(result.success) + len(result.errors)].id, outcome, result)

    steps = (step(commands[start : start + _CHUNK]) for start in range(0, len(commands), _CHUNK))
    return then(one_after_another(steps, collect), lambda _: result)


def _collect(call: Call, entity_id: str, outcome: object, result: BatchResult) -> None:
    try:
        result.success.append(outcome_of(outcome, call).id)
    except NgsiError as refusal:
        result.errors.append(BatchFailure(entity_id, refusal))


def _command(call: Call, entity_id: str, where: Node, purge: Purge) -> Command:
    def decide(current: Entity | None, now: Instant) -> Decision:
        if current is None or not matches(where, current, _nothing_linked):
            return Keep(Written(entity_id, 0))
        if purge.drop is not None:
            after = change.purge(current, purge.drop, now)
        elif purge.keep is not None:
            after = change.keep_only(current, purge.keep, now)
        else:
            return Remove(Written(entity_id, 0))
        written = Written(entity_id, after.version)
        return Keep(written) if after is current else Put(after, written)

    return Command(entity_id, guarded(call.restriction, decide), by=call.principal)


def _nothing_linked(_: str) -> Entity | None:
    return None
