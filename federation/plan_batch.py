"""Batches divided among sources, and what came of each entity, pure (clauses 5.6.7 to 5.6.10, 5.6.20).

A source that serves the batch operation gets one request with all that concerns it; another gets a request for each
entity, as the ladder of the operation says: for an upsert it is asked to create, and where there is one, to replace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from broker.errors import NgsiError, OperationNotSupported, SourceFailed
from broker.ldcontext.active import ActiveContext
from broker.model.registration import Registration
from broker.model.values import Json
from federation.merge_provide import MULTI_STATUS, PARTS_MAX, problem_of, refusal_in
from federation.messages import Answered
from federation.plan_provide import Share, supports

CREATED = 201
Kind: TypeAlias = Literal["create", "upsert", "update", "merge", "delete"]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch operation: what it is called in Table 4.20-1, and the single operations that can stand in for it."""

    kind: Kind
    operation: str
    singles: tuple[str, ...]

    @property
    def operations(self) -> tuple[str, ...]:
        """Each of which is enough for a source to be asked."""
        return (*self.singles, self.operation)


@dataclass(frozen=True, slots=True)
class Parcel:
    """All of a batch that concerns one source: shares by the number of their member in the array."""

    registration: Registration
    shares: Mapping[int, Share]
    names: ActiveContext
    source: Json

    def entity_id(self, number: int) -> str:
        """Whose share it is."""
        return str(self.shares[number].document["id"])


@dataclass(frozen=True, slots=True)
class Failed:
    """A member in error at one source, or here where there is no registration."""

    number: int
    entity_id: str
    refusal: NgsiError
    registration: Registration | None = None


@dataclass(slots=True)
class Tally:
    """What became of the members of a batch, by their numbers in the array."""

    success: dict[int, str] = field(default_factory=dict)
    created: dict[int, str] = field(default_factory=dict)
    errors: list[Failed] = field(default_factory=list)

    def succeed(self, number: int, entity_id: str, *, created: bool) -> None:
        """Count a member as done, once however many sources did it."""
        self.success[number] = entity_id
        if created:
            self.created[number] = entity_id

    def fail(self, parcel: Parcel, numbers: Iterable[int], refusal: NgsiError) -> None:
        """Count members as failed at one source."""
        self.errors += [Failed(one, parcel.entity_id(one), refusal, parcel.registration) for one in numbers]


def batches_of(overwrite: str, mode: str) -> dict[Kind, Batch]:
    """The operations, `overwrite` and `mode` being the single operations that updates and upserts come down to."""
    return {
        "create": Batch("create", "createBatch", ("createEntity",)),
        "upsert": Batch("upsert", "upsertBatch", ("createEntity", mode)),
        "update": Batch("update", "updateBatch", (overwrite,)),
        "merge": Batch("merge", "mergeBatch", ("mergeEntity",)),
        "delete": Batch("delete", "deleteBatch", ("deleteEntity",)),
    }


def first_single(batch: Batch, registration: Registration) -> str:
    """The single operation that stands in for the batch at a source that does not serve it."""
    return next(one for one in batch.singles if supports(registration, one))


def second_single(batch: Batch, registration: Registration) -> str | OperationNotSupported:
    """What is asked next where an upserted entity is there already (clause 5.6.8.4)."""
    mode = batch.singles[-1]
    if supports(registration, mode):
        return mode
    return OperationNotSupported(
        f"The entity exists, and the source of {registration.id} does not serve {mode}.", clause="5.6.8.4"
    )


def count_batch(tally: Tally, batch: Batch, parcel: Parcel, answered: Answered) -> None:
    """Count what a source answered to the batch as a whole."""
    refusal = problem_of(answered)
    if refusal is not None:
        tally.fail(parcel, parcel.shares, refusal)
        return
    if answered.status == MULTI_STATUS:
        _count_partly(tally, batch, parcel, answered.body)
        return
    listed = {one for one in answered.body if isinstance(one, str)} if isinstance(answered.body, list) else None
    for number in parcel.shares:
        entity_id = parcel.entity_id(number)
        new = answered.status == CREATED and (listed is None or entity_id in listed)
        tally.succeed(number, entity_id, created=new)


def _count_partly(tally: Tally, batch: Batch, parcel: Parcel, body: Json) -> None:
    """A BatchOperationResult: only ids that were sent count, and those that are nowhere in it have failed."""
    held = body if isinstance(body, dict) else {}
    success, errors = held.get("success"), held.get("errors")
    done = {one for one in success if isinstance(one, str)} if isinstance(success, list) else set()
    refusals: dict[str, NgsiError] = {}
    for one in errors[:PARTS_MAX] if isinstance(errors, list) else ():
        if isinstance(one, dict) and isinstance(one.get("entityId"), str):
            refusals[str(one["entityId"])] = refusal_in(one.get("error"))
    silent = SourceFailed(f"The source of {parcel.registration.id} did not say what became of it.", clause="5.2.16")
    for number in parcel.shares:
        entity_id = parcel.entity_id(number)
        if entity_id in done:
            tally.succeed(number, entity_id, created=batch.kind == "create")
        if entity_id in refusals or entity_id not in done:
            tally.fail(parcel, (number,), refusals.get(entity_id, silent))


def in_order(found: Mapping[int, str]) -> list[str]:
    """The ids in the order of the array, each once."""
    return list(dict.fromkeys(found[number] for number in sorted(found)))


def errors_in_order(errors: Sequence[Failed]) -> list[tuple[str, NgsiError, Registration | None]]:
    """The errors in the order of the array, those of this broker before those of sources."""
    return [
        (one.entity_id, one.refusal, one.registration)
        for one in sorted(errors, key=lambda one: (one.number, one.registration is not None))
    ]
