"""Whom to tell what of registrations, pure (clauses 5.3.2, 5.3.3, 5.11.7).

What a subscriber was last told of is kept, and compared with what there is now: whatever happened in between, and
however often a notification failed, the next one makes up for it.

    told {a: version 1, b: version 3},  now {b: version 4, c: version 1}
        ->  newlyMatching [c], updated [b], noLongerMatching [a]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, cast

from broker.encode.registration import encode_registration
from broker.ldcontext.active import ActiveContext
from broker.model.registration import Registration
from broker.model.secrets import shown_info
from broker.model.subscription import Subscription
from broker.model.values import Instant, Json, to_text
from broker.query.source_filters import SourceQuery, fits
from federation.selecting import parts_of

Reason: TypeAlias = Literal["newlyMatching", "updated", "noLongerMatching"]
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A registration at a version of its document; `at` is when it was made: another one of its id differs in it."""

    registration: Registration
    version: int
    at: Instant


@dataclass(frozen=True, slots=True)
class Told:
    """What a subscriber knows: at which version of the subscription, of which registrations, and of which period."""

    version: int = 0
    at: Instant = 0
    known: Mapping[str, Listed] = field(default_factory=dict)
    period: int = -1

    def to_json(self) -> Json:
        """As it is kept."""
        known: list[Json] = [[one.registration.to_body(), one.version, one.at] for one in self.known.values()]
        return [self.version, self.at, known, self.period]

    @classmethod
    def from_json(cls, body: Json) -> Told:
        """What was kept."""
        version, at, known, period = cast("list[Any]", body)
        listed = [Listed(Registration.from_body(one[0]), one[1], one[2]) for one in known]
        return cls(version, at, {one.registration.id: one for one in listed}, period)


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification to be, and what its reader knows once it has arrived."""

    reason: Reason
    registrations: tuple[Listed, ...]
    after: Told

    @property
    def occasion(self) -> str:
        """The same for the same news."""
        told = ",".join(f"{one.registration.id}={one.version}@{one.at}" for one in self.registrations)
        return f"sources:{self.after.version}:{self.after.period}:{self.reason}:{told}"


def matching(query: SourceQuery, listed: Sequence[Listed]) -> dict[str, Listed]:
    """The registrations that a subscription is about, with the parts that matter to it and without secrets."""
    found = {}
    for one in listed:
        if fits(one.registration, query):
            parts = parts_of(one.registration, query.wanted)
            public = replace(
                one.registration, information=parts, info=tuple(shown_info(one.registration.info)), credentials=None
            )
            found[public.id] = Listed(public, one.version, one.at)
    return found


def next_notice(told: Told, version: int, at: Instant, now: Mapping[str, Listed]) -> Notice | None:
    """What is to be told first; None where the subscriber knows all there is to know.

    `version` and `at` are those of the subscription's document: a new or changed one is told all that matches now.
    """
    if (told.version, told.at) != (version, at):
        after = Told(version, at, now, told.period)
        return Notice("newlyMatching", tuple(now.values()), after)
    new = {name: one for name, one in now.items() if name not in told.known or told.known[name].at != one.at}
    if new:
        return Notice("newlyMatching", tuple(new.values()), replace(told, known={**told.known, **new}))
    changed = {name: one for name, one in now.items() if told.known[name].version != one.version}
    if changed:
        return Notice("updated", tuple(changed.values()), replace(told, known={**told.known, **changed}))
    gone = tuple(one for name, one in told.known.items() if name not in now)
    if gone:
        return Notice("noLongerMatching", gone, replace(told, known=dict(now)))
    return None


def period_notice(told: Told, version: int, at: Instant, now: Mapping[str, Listed], passed: int) -> Notice | None:
    """The notification of a period, about all that matches; None where it was told already. `passed` counts from 0."""
    fresh = (told.version, told.at) != (version, at)
    if not fresh and passed <= told.period:
        return None
    return Notice("newlyMatching" if fresh else "updated", tuple(now.values()), Told(version, at, now, passed))


def notification(
    notice: Notice, notification_id: str, subscription: Subscription, names: ActiveContext, at: Instant
) -> dict[str, Json]:
    """The CSourceNotification (clause 5.3.2) without @context. Types stand in arrays, of one too."""
    return {
        "id": notification_id,
        "type": "ContextSourceNotification",
        "subscriptionId": subscription.id,
        "notifiedAt": to_text(at),
        "triggerReason": notice.reason,
        "data": [_encoded(one.registration, names) for one in notice.registrations],
    }


def _encoded(registration: Registration, names: ActiveContext) -> Json:
    found = encode_registration(registration, names)
    for information in cast("list[dict[str, Any]]", found["information"]):
        for entity in information.get("entities", ()):
            if isinstance(entity.get("type"), str):
                entity["type"] = [entity["type"]]
    return found
