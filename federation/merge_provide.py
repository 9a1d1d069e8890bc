"""What a distributed write came to, pure: one answer from what the sources and this broker did (6.3.17).

nothing failed                              what this broker would answer alone
one part alone, and it failed               its problem: 409 where the source does not serve it, 508, 504, 404, 502
every part failed for not finding it        404
no source serves it, nothing else was done  409
anything else                               207 with a BatchOperationResult or an UpdateResult, part by part
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from broker.encode.outcome import TEXT_CHARS_MAX, encode_problem
from broker.errors import (
    AlreadyExists,
    Conflict,
    LoopDetected,
    NgsiError,
    ResourceNotFound,
    SourceFailed,
    SourceTimeout,
)
from broker.ldcontext.active import ActiveContext
from broker.model.registration import Registration
from broker.model.values import Json
from federation.messages import Answered
from federation.plan_provide import Share

OK = 200
MULTI_STATUS = 207
PARTS_MAX = 1000
"""Errors of one answer of a source that are passed on: a remote answer is hostile."""


@dataclass(frozen=True, slots=True)
class Left:
    """Something that was not done: of which attribute, if of one, and why; `unserved` where nobody was asked."""

    refusal: NgsiError
    attribute: str = ""
    unserved: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What one source, or this broker (no registration), did of a write, and what it left undone.

    `updated` are the attributes it wrote, by IRI. `done` is False where it did nothing at all.
    """

    registration: Registration | None
    updated: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    done: bool = True


@dataclass(slots=True)
class Verdict:
    """How the parts are answered together: as one success, as one refusal, or each by itself."""

    parts: Sequence[Part]
    refusal: NgsiError | None = None
    mixed: bool = False
    done: bool = field(init=False)

    def __post_init__(self) -> None:
        self.done = any(part.done for part in self.parts)


def judge(parts: Sequence[Part]) -> Verdict:
    """The verdict over all parts of a write."""
    failures = [left for part in parts for left in part.left]
    if not failures:
        return Verdict(parts)
    if not any(part.done for part in parts):
        first = failures[0].refusal
        alone = len(parts) == 1
        if alone or all(_not_found(one.refusal) for one in failures) or all(one.unserved for one in failures):
            return Verdict(parts, refusal=first)
    return Verdict(parts, mixed=True)


def without_misses(parts: Sequence[Part], guesses: frozenset[str]) -> list[Part]:
    """The parts without those sources that were asked at a guess and do not know the entity, if another one did it."""
    if not any(part.done for part in parts):
        return list(parts)
    return [part for part in parts if not _is_miss(part, guesses)]


def _is_miss(part: Part, guesses: frozenset[str]) -> bool:
    if part.done or part.registration is None or part.registration.id not in guesses:
        return False
    return all(_not_found(left.refusal) for left in part.left)


def _not_found(refusal: NgsiError) -> bool:
    return isinstance(refusal, ResourceNotFound)


def batch_result(entity_id: str, verdict: Verdict) -> dict[str, Json]:
    """The BatchOperationResult of a write of one entity (clause 5.2.16)."""
    errors = {id(left.refusal): (left.refusal, part.registration) for part in verdict.parts for left in part.left}
    return batch_body([entity_id] if verdict.done else [], [(entity_id, *one) for one in errors.values()])


def batch_body(success: Sequence[str], errors: Iterable[tuple[str, NgsiError, Registration | None]]) -> dict[str, Json]:
    """`{"success": […], "errors": [{"entityId": …, "error": {…}, "registrationId": …}]}` (clause 5.2.17)."""
    failed: list[Json] = []
    for entity_id, refusal, registration in errors:
        one: dict[str, Json] = {"entityId": entity_id, "error": cast("Json", encode_problem(refusal))}
        if registration is not None:
            one["registrationId"] = registration.id
        failed.append(one)
    return {"success": list(success), "errors": failed}


def update_result(verdict: Verdict) -> dict[str, Json]:
    """The UpdateResult of a write of attributes, by their IRIs (clauses 5.2.18, 5.2.19)."""
    updated: dict[str, None] = {}
    failed: list[Json] = []
    for part in verdict.parts:
        updated |= dict.fromkeys(part.updated)
        for left in part.left:
            one: dict[str, Json] = {"attributeName": left.attribute, "reason": left.refusal.detail[:TEXT_CHARS_MAX]}
            if part.registration is not None:
                one["registrationId"] = part.registration.id
            failed.append(one)
    return {"updated": list(updated), "notUpdated": failed}


def unserved(registration: Registration, operation: str) -> Conflict:
    """The refusal of what is registered elsewhere, by a source that does not do it (clauses 4.20, 5.6.1.4)."""
    return Conflict(
        f"What is written is registered by {registration.id}, whose source does not serve {operation}.",
        clause="4.3.6.3",
        remedy=f"add {operation} to the operations of the registration, or write to the source itself",
    )


def looped(registration: Registration) -> LoopDetected:
    """The refusal of what would come back to where it has been."""
    return LoopDetected(
        f"The registration {registration.id} leads to a broker that has passed on this request already.",
        pointer="Via", clause="6.3.17", remedy="register the source that holds the data",
    )  # fmt: skip


def problem_of(answered: Answered) -> NgsiError | None:
    """Why the source did not do what it was asked; None where it did, at least in part (clause 6.3.17)."""
    if answered.succeeded or (answered.trouble == "invalid" and OK <= answered.status <= MULTI_STATUS):
        return None  # whatever body says so: the write was done
    told = f"The source of {answered.forward.registration.id} "
    status, trouble = answered.status, answered.trouble
    if trouble == "loop" or status == LoopDetected.status:
        return looped(answered.forward.registration)
    if trouble in ("timeout", "cooldown") or status == SourceTimeout.status:
        return SourceTimeout(f"{told}did not answer in time.", clause="6.3.17", remedy="try again later")
    if trouble and trouble != "invalid":  # whatever body a status comes with, it says enough
        reason = answered.detail or trouble
        return SourceFailed(f"{told}could not be asked: {reason}.", clause="6.3.17", remedy="try again later")
    return refusal_of(status, f"{told}answered {status}{_told(answered.body)}")


def refusal_of(status: int, detail: str) -> NgsiError:
    """The refusal that stands for one of a source: what is not there is not found, all else has failed there."""
    made: Callable[..., NgsiError] = {404: ResourceNotFound, 409: AlreadyExists}.get(status, SourceFailed)
    return made(detail, clause="6.3.17")


def _told(body: Json) -> str:
    """What a problem body says, cut short: `: The entity exists already.`."""
    if not isinstance(body, dict):
        return "."
    words = [text for name in ("title", "detail") if isinstance(text := body.get(name), str) and text]
    return f": {' - '.join(words)[:TEXT_CHARS_MAX]}" if words else "."


def part_of(answered: Answered, share: Share, names: ActiveContext) -> Part:
    """What a source made of its share."""
    registration, attributes = share.registration, share.attributes
    problem = problem_of(answered)
    if problem is not None:
        left = tuple(Left(problem, name) for name in attributes) or (Left(problem),)
        return Part(registration, left=left, done=False)
    if answered.status != MULTI_STATUS:
        return Part(registration, attributes)
    left, done = _partly(answered, share, names)
    gone = {one.attribute for one in left}
    return Part(registration, tuple(name for name in attributes if name not in gone), left, done=done)


def _partly(answered: Answered, share: Share, names: ActiveContext) -> tuple[tuple[Left, ...], bool]:
    """What a source that answers 207 left undone, and whether it did anything."""
    body = answered.body if isinstance(answered.body, dict) else {}
    not_updated, errors = body.get("notUpdated"), body.get("errors")
    if isinstance(not_updated, list):
        left = tuple(_not_updated(one, names) for one in not_updated[:PARTS_MAX])
        return left, bool(body.get("updated"))
    if isinstance(errors, list):
        return tuple(_error(one) for one in errors[:PARTS_MAX]), bool(body.get("success"))
    refusal = SourceFailed(
        f"The source of {share.registration.id} did a part of it, and did not say which.", clause="6.3.17"
    )
    return tuple(Left(refusal, name) for name in share.attributes) or (Left(refusal),), True


def _not_updated(one: Json, names: ActiveContext) -> Left:
    held = one if isinstance(one, dict) else {}
    name, reason = held.get("attributeName"), held.get("reason")
    told = reason if isinstance(reason, str) else "the source does not say why"
    return Left(SourceFailed(told[:TEXT_CHARS_MAX], clause="5.2.19"), expanded(name, names))


def expanded(name: Json, names: ActiveContext) -> str:
    """A name as a source gave it, as an IRI; what is none as it came."""
    if not isinstance(name, str):
        return ""
    try:
        return names.expand(name)
    except NgsiError:
        return name[:TEXT_CHARS_MAX]


def _error(one: Json) -> Left:
    error = one.get("error") if isinstance(one, dict) else None
    return Left(refusal_in(error))


def refusal_in(error: Json) -> NgsiError:
    """The refusal in the problem that a source gives for one entity."""
    status = error.get("status") if isinstance(error, dict) else None
    return refusal_of(status if isinstance(status, int) else 0, f"The source answered{_told(error)}")
