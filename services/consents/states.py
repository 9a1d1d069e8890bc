"""The states of a consent and what leads from one to the next (pure): DPV's terms, ISO/IEC TS 27560's events.

    record = apply(None, Event("urn:…:1", 1, now, Act.GIVE, "", 7, {"person": 7, "recipient": …, "dataItems": […]}))
    record.state, record.holds(now) -> State.GIVEN, True

A record is the fold of its events; nothing else changes it. What is wider than before is another record, which
supersedes this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from broker.model.values import Instant, to_instant


class State(StrEnum):
    """DPV's states of a consent, by their words in the vocabulary `consentState`."""

    REQUESTED = "ConsentRequested"
    DEFERRED = "ConsentRequestDeferred"
    GIVEN = "ConsentGiven"
    RENEWED = "RenewedConsentGiven"
    REFUSED = "ConsentRefused"
    WITHDRAWN = "ConsentWithdrawn"
    REVOKED = "ConsentRevoked"
    EXPIRED = "ConsentExpired"
    INVALIDATED = "ConsentInvalidated"


class Act(StrEnum):
    """What happens to a consent."""

    REQUEST = "request"
    """A recipient, or another member of the household, asks for it."""
    DEFER = "defer"
    AGREE = "agree"
    """One member of a household does, others are still asked."""
    GIVE = "give"
    REFUSE = "refuse"
    RENEW = "renew"
    NOTE = "note"
    """The terms that it rests on were changed: it lapses at `reconsentBy`; the conditions of use: at `conditionsBy`."""
    SUPERSEDE = "supersede"
    """Another record takes its place."""
    WITHDRAW = "withdraw"
    """By the person, or whoever acts for them."""
    REVOKE = "revoke"
    """By another than the person."""
    EXPIRE = "expire"
    LAPSE = "lapse"
    """It no longer rests on anything: terms were changed, or another member of the household withdrew."""


HOLDING: Final = frozenset({State.GIVEN, State.RENEWED})
"""DPV's ConsentStatusValidForProcessing."""
OPEN: Final = frozenset({State.REQUESTED, State.DEFERRED})
"""Somebody is to answer."""
NEXT: Final[Mapping[tuple[State | None, Act], State]] = {
    (None, Act.REQUEST): State.REQUESTED,
    (None, Act.GIVE): State.GIVEN,
    **{(state, Act.DEFER): State.DEFERRED for state in OPEN},
    **{(state, Act.AGREE): State.REQUESTED for state in OPEN},
    **{(state, Act.GIVE): State.GIVEN for state in OPEN},
    **{(state, Act.REFUSE): State.REFUSED for state in OPEN},
    **{(state, Act.RENEW): State.RENEWED for state in HOLDING},
    **{(state, Act.NOTE): state for state in HOLDING},
    **{(state, Act.WITHDRAW): State.WITHDRAWN for state in HOLDING},
    **{(state, Act.REVOKE): State.REVOKED for state in HOLDING},
    **{(state, Act.SUPERSEDE): State.INVALIDATED for state in HOLDING | OPEN},
    **{(state, Act.EXPIRE): State.EXPIRED for state in HOLDING | OPEN},
    **{(state, Act.LAPSE): State.INVALIDATED for state in HOLDING | OPEN},
}


class Impossible(Exception):
    """What a consent in that state does not do."""

    def __init__(self, state: State | None, act: Act) -> None:
        super().__init__(f"a consent in the state {state} is not one to {act}")
        self.state, self.act = state, act


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the history: `by` is who did it where that is no resident, `actor` the number of the resident who did.

    `changed` holds the members that it sets; one that it takes away is None.
    """

    record: str
    version: int
    at: Instant
    act: Act
    by: str = ""
    actor: int = 0
    changed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """A consent as it is now. `person` is the number of whose it is; `body` its members, by their names in the model.

    `subject` (the pseudonym), `epoch` (the number of its last event) and `number` (its place in the book) are known
    where it was read from the book.
    """

    id: str
    person: int
    recipient: str
    purpose: str
    state: State
    version: int
    at: Instant
    body: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    epoch: int = 0
    number: int = 0

    @property
    def items(self) -> tuple[str, ...]:
        """`("HeartRateObservation/heartRate@hourly",)`."""
        return tuple(self.body.get("dataItems", ()))

    def instant(self, name: str) -> Instant | None:
        """A time among its members."""
        text = self.body.get(name)
        return None if text is None else to_instant(text)

    def holds(self, now: Instant) -> bool:
        """Whether data may be had by it."""
        due = due_of(self)
        since = self.instant("validFrom") or 0
        return self.state in HOLDING and since <= now and (due is None or now < due[0])


def apply(record: Record | None, event: Event) -> Record:
    """The record after the event. Raises Impossible."""
    state = NEXT.get((None if record is None else record.state, event.act))
    if state is None:
        raise Impossible(None if record is None else record.state, event.act)
    if record is None:
        body = {name: value for name, value in event.changed.items() if name not in _HEAD and value is not None}
        person, recipient, purpose = (event.changed[name] for name in _HEAD)
        return Record(event.record, int(person), recipient, purpose, state, 1, event.at, body)
    body = {name: value for name, value in {**record.body, **event.changed}.items() if value is not None}
    return replace(record, state=state, version=record.version + 1, at=event.at, body=body)


def fold(events: Iterable[Event]) -> dict[str, Record]:
    """Every record after these events, by its id. Raises Impossible."""
    found: dict[str, Record] = {}
    for event in events:
        found[event.record] = apply(found.get(event.record), event)
    return found


def due_of(record: Record) -> tuple[Instant, Act] | None:
    """When it ends by itself, and by which act; None where it does not."""
    ends = [
        (instant, act) for name, act in _ENDS.get(record.state, ()) if (instant := record.instant(name)) is not None
    ]
    return min(ends, default=None)


_ENDS: Final[Mapping[State, tuple[tuple[str, Act], ...]]] = {
    **dict.fromkeys(HOLDING, (("validUntil", Act.EXPIRE), ("reconsentBy", Act.LAPSE), ("conditionsBy", Act.LAPSE))),
    **dict.fromkeys(OPEN, (("requestedUntil", Act.EXPIRE),)),
}
_HEAD: Final = ("person", "recipient", "purpose")
