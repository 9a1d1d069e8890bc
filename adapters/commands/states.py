"""What becomes of a command: pure steps from one state to the next, and what the audit says of each.

    PENDING ─┬─> DELIVERED ─┬─> OK | ERROR | EXPIRED
             └──────────────┘

A step is None where nothing changes. What is done stays done: an answer that comes late is written down, and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from adapters.order import Delivered
from adapters.readings import Answered
from broker.model.values import Instant, Json

Status: TypeAlias = Literal["PENDING", "DELIVERED", "OK", "ERROR", "EXPIRED"]
OPEN: Final = frozenset({"PENDING", "DELIVERED"})
PAUSE_US: Final = 1_000_000
PAUSE_MAX_US: Final = 30_000_000
"""How long is waited for a device that was not reached: doubled each time, up to this."""
_DOUBLINGS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Commanded:
    """One command, as the book has it.

    `attribute` (IRI) of `entity` was set to `instance` (its value members, names expanded) by `by`; `name` is what the
    device calls it. `sending` says that it was handed to the link and nothing is known since. `due` is when it is to
    be sent. `answers` is False for devices that never say what became of it. `number` is its place in the order.
    """

    id: str
    tenant: str
    entity: str
    attribute: str
    instance: Mapping[str, Json]
    adapter: str
    device: str
    name: str
    by: str
    made_at: Instant
    expires_at: Instant
    part: str = ""
    once: bool = False
    answers: bool = True
    status: Status = "PENDING"
    result: Json = None
    sending: bool = False
    attempts: int = 0
    due: Instant = 0
    changed_at: Instant = 0
    number: int = 0

    @property
    def done(self) -> bool:
        """Nothing is waited for any more."""
        return self.status not in OPEN or (self.status == "DELIVERED" and not self.answers)

    def same_as(self, other: Commanded) -> bool:
        """Whether it says the same: who gives a command's id twice says the same thing again, or is mistaken."""
        mine, theirs = (
            (one.tenant, one.entity, one.attribute, dict(one.instance), one.device) for one in (self, other)
        )
        return mine == theirs


@dataclass(frozen=True, slots=True)
class Step:
    """What a command becomes, and what the audit says of it."""

    command: Commanded
    event: str
    details: Mapping[str, Json] = field(default_factory=dict)


def sent(command: Commanded, now: Instant, said: Mapping[str, Json]) -> Step | None:
    """It goes to the link now: from here on, a crash leaves it open whether the device has it."""
    if command.status != "PENDING" or command.sending:
        return None
    going = replace(command, sending=True, attempts=command.attempts + 1, changed_at=now)
    return Step(going, "sending", {"attempt": going.attempts, **said})


def not_reached(command: Commanded, now: Instant, reason: str) -> Step | None:
    """The device was not there: it is tried again after a pause."""
    if command.status != "PENDING" or not command.sending:
        return None
    pause = min(PAUSE_US << min(command.attempts - 1, _DOUBLINGS_MAX), PAUSE_MAX_US)
    waiting = replace(command, sending=False, due=now + pause, changed_at=now)
    return Step(waiting, "not_reached", {"reason": reason})


def in_doubt(command: Commanded, now: Instant, reason: str) -> Step | None:
    """Nobody knows whether the device has it: what may be said twice is, anything else ends as an error."""
    if command.status != "PENDING" or not command.sending:
        return None
    if command.once:
        return _ended(command, "ERROR", f"it is not known whether the device has it: {reason}", now)
    return not_reached(command, now, f"in doubt: {reason}")


def delivered(command: Commanded, now: Instant, outcome: Delivered) -> Step | None:
    """The link has handed it over; some protocols answer at once."""
    if command.status not in OPEN:
        return Step(command, "late", {"status": outcome.status, "result": outcome.result})
    if command.status != "PENDING":  # the answer was quicker than the link
        return None
    if outcome.status != "DELIVERED":
        return _ended(command, outcome.status, outcome.result, now)
    handed = replace(command, status="DELIVERED", sending=False, result=outcome.result, changed_at=now)
    return Step(handed, "delivered", {} if outcome.result is None else {"result": outcome.result})


def answered(command: Commanded, now: Instant, answer: Answered) -> Step:
    """The device said something of it. What comes after the end is written down only."""
    said: Mapping[str, Json] = {"status": answer.status, "result": answer.result}
    if command.status not in OPEN:
        return Step(command, "late", said)
    if answer.status != "DELIVERED":
        return _ended(command, answer.status, answer.result, now)
    handed = replace(command, status="DELIVERED", sending=False, result=answer.result, changed_at=now)
    return Step(handed, "delivered", said)


def refused(command: Commanded, now: Instant, reason: str) -> Step | None:
    """It is outside of what the device may be told: it is never sent."""
    return None if command.status != "PENDING" or command.sending else _ended(command, "ERROR", reason, now)


def replaced(command: Commanded, now: Instant, by: str) -> Step | None:
    """A newer one for the same attribute came before it was sent. What is done once is not replaced."""
    if command.status != "PENDING" or command.sending or command.once:
        return None
    return _ended(command, "ERROR", f"replaced by {by}", now, "replaced")


def restored(command: Commanded, now: Instant) -> Step | None:
    """It comes out of a backup: whether it was done since, nobody knows, and it is not sent again."""
    return (
        None if command.status not in OPEN else _ended(command, "ERROR", "brought back from a backup", now, "restored")
    )


def expired(command: Commanded, now: Instant) -> Step | None:
    """Its time is up: it is not sent any more, or was not answered."""
    if command.done or now < command.expires_at:
        return None
    if command.status == "DELIVERED":
        reason = "the device did not answer in time"
    else:
        reason = "the link did not answer in time" if command.sending else "the device was not reached in time"
    return _ended(command, "EXPIRED", reason, now)


def _ended(command: Commanded, status: Status, result: Json, now: Instant, event: str = "") -> Step:
    ended = replace(command, status=status, result=result, sending=False, changed_at=now)
    return Step(ended, event or status.lower(), {} if result is None else {"result": result})
