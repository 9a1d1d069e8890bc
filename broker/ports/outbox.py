"""From a write to a notification: what matched is kept in the write's transaction, and closed when it is delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, Protocol

from broker.model.entity import Entity
from broker.model.values import Instant, Json
from broker.ports.held import Held

SUBSCRIPTION = "subscription"
"""The kind of held documents that watches are made of."""


@dataclass(frozen=True, slots=True)
class EntityChange:
    """One change of one entity, whole, before and after: None for what was or is not there."""

    sequence: int
    at: Instant
    before: Entity | None
    after: Entity | None

    @property
    def entity(self) -> Entity:
        """The entity after the change, or, deleted, as it last was."""
        found = self.after or self.before
        assert found is not None
        return found


class Watch(Protocol):
    """The subscriptions of one tenant as they are at one generation, indexed."""

    def matched(self, change: EntityChange, linked: Callable[[str], Entity | None]) -> Sequence[str]:
        """Ids of the subscriptions that this change must notify; pure but for `linked`."""


class Watches(Protocol):
    """Makes watches; wiring gives one to the engine."""

    def compile(self, subscriptions: Sequence[Held]) -> Watch:
        """The watch over these documents; called when their generation has moved."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One notification to be: a subscription and a change, with the entity as of that change.

    `id` is stable: the same however often it is sent. `attempts` counts those made. `redelivered` marks one that was
    dead and was asked for again.
    """

    number: int
    id: str
    subscription: str
    change: EntityChange
    due: Instant
    attempts: int = 0
    redelivered: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of an attempt: `delivered` and `dead` close the row, `retry` keeps it until `due`.

    `counted` says whether it was an attempt (counters timesSent, lastNotification and so on change), or the row is
    closed for another reason: the subscription is gone, paused or throttled (`dropped`).
    """

    row: OutboxRow
    outcome: Literal["delivered", "retry", "dead", "dropped"]
    at: Instant
    due: Instant = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A subscription's counters (clause 5.2.14.2), as instants in µs; None for never."""

    times_sent: int = 0
    times_failed: int = 0
    last_notification: Instant | None = None
    last_success: Instant | None = None
    last_failure: Instant | None = None


class Outbox(Protocol):
    """Rows waiting to be sent, and dead ones, of all tenants."""

    def listen(self, arrived: Callable[[str, Sequence[OutboxRow]], None]) -> None:
        """Be told of rows (tenant, rows) right after the commit that made them, in this process, on its thread."""

    def waiting(self, tenant: str, after: int, limit: int) -> list[OutboxRow]:
        """Rows neither closed nor dead, with a number above `after`, in the order of their changes."""

    def close_rows(self, tenant: str, closings: Sequence[Closing]) -> Future[None]:
        """Close or put off rows and change the counters, in one transaction; done when it is durable."""

    def count_sent(self, tenant: str, subscription: str, at: Instant, *, failed: bool) -> Future[None]:
        """Count one attempt that had no row: a periodic notification."""

    def deliveries(self, tenant: str) -> Mapping[str, Delivery]:
        """Counters by subscription; those without an entry never sent."""

    def dead(self, tenant: str, after: int, limit: int) -> list[OutboxRow]:
        """Dead rows with a number above `after`, and why they died."""

    def revive(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """Make dead rows wait again, marked as redelivered; how many there were."""

    def discard(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """Drop dead rows; how many there were."""


class Leases(Protocol):
    """Who of several processes does a job, hub-wide and durable; a lease that is not renewed ends by itself."""

    def take(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or renew: the fencing token (it rises with every change of holder), None where another has it."""

    def release(self, name: str, holder: str) -> None:
        """Give it back."""


class Marks(Protocol):
    """Durable small facts of a tenant that a timer needs: when something was last done."""

    def mark(self, tenant: str, name: str, value: Json) -> Future[None]:
        """Keep a value under a name."""

    def marks(self, tenant: str, prefix: str) -> Mapping[str, Json]:
        """All whose names begin with the prefix."""
