"""From a write to a notification: what matched is kept in the write's transaction, and closed when it is delivered."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from broker.model.entity import Entity
from broker.model.values import Instant, Json
from broker.ports.held import Held

DEAD_MAX: Final = 100_000
"""Dead rows that a tenant keeps; past it the oldest go, some at a time: an endpoint that is gone fills no disk."""
DEAD_SLICE: Final = 128  # how often that is looked at, in rows
SUBSCRIPTION = "subscription"
"""The kind of held documents that watches are made of."""
_NOTIFICATIONS: Final = uuid.UUID("5b1d3a64-7d0f-5f0e-9a0b-0d3f6c1e9a42")  # any fixed one


def notification_id(tenant: str, subscription: str, occasion: str) -> str:
    """A notification's id, the same however often it is sent.

    `occasion` is the change's sequence (`"17"`), or for a periodic one `"period:"` and what tells its period.
    """
    name = f"{tenant}\n{subscription}\n{occasion}"
    return f"urn:ngsi-ld:Notification:{uuid.uuid5(_NOTIFICATIONS, name)}"


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
    """The subscriptions of one tenant as they are at one generation, indexed.

    It must not raise for what a subscription or an entity is like: that would fail every write of the tenant.
    """

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
    dead and was asked for again. `due` is when it may be sent, or, for a dead one, when it died.
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

    All but `dropped` were attempts, which change the counters (timesSent, lastNotification and so on). `dropped` closes
    the row for another reason: the subscription is gone, paused or throttled. Of `row` only the number counts; one that
    is no longer waiting is passed over, its counters too.
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


def counted(known: Delivery | None, at: Instant, *, failed: bool) -> Delivery:
    """The counters after one more attempt at this instant (clause 5.8.6)."""
    last = known or Delivery()
    return Delivery(
        last.times_sent + 1,
        last.times_failed + failed,
        at,
        last.last_success if failed else at,
        at if failed else last.last_failure,
    )


@dataclass(frozen=True, slots=True)
class Probed:
    """What became of a test delivery: `reason` is empty where it arrived. `id` is the notification's."""

    id: str
    took_ms: float
    reason: str = ""


def undelivered(_tenant: str, _subscription: str) -> Future[Probed]:
    """Where nothing delivers, as in commands that serve nobody."""
    pending: Future[Probed] = Future()
    pending.set_result(Probed("", 0.0, "this process delivers nothing"))
    return pending


class Outbox(Protocol):
    """Rows waiting to be sent, and dead ones, of all tenants."""

    def listen(self, arrived: Callable[[str, Sequence[OutboxRow]], None]) -> None:
        """Be told of rows (tenant, rows) right after the commit that made them, in their order.

        It is called on the thread that committed, for commits of this process only: what other processes wrote is
        found by `waiting`. Be quick, and write nothing from there.
        """

    def tenants(self) -> list[str]:
        """Those that have, or had, subscriptions: only they can have rows. Opens no tenant."""

    def busy(self) -> list[str]:
        """Those of `tenants` that may have rows waiting; all of them where asking is no more work than looking."""

    def newest(self, tenant: str) -> int:
        """The highest number that a row was given, open or closed; 0 for none yet."""

    def waiting(self, tenant: str, after: int, limit: int, subscription: str = "") -> list[OutboxRow]:
        """Rows neither closed nor dead, with a number above `after`, by number; of one subscription where it is named.

        Numbers rise with every commit of a process. A reader goes on from the last it has seen, as far as it is
        `settled`.
        """

    def settled(self, number: int) -> int:
        """The highest number, up to this one, below which no row comes any more.

        It is `number` itself where numbers rise with every commit, whichever process made it. Else a row of another
        process may come with a number that is lower than one that was seen; not much later, and seldom after that.
        """

    def close_rows(self, tenant: str, closings: Sequence[Closing]) -> Future[None]:
        """Close or put off rows and change the counters, in one transaction; done when it is durable."""

    def count_sent(self, tenant: str, subscription: str, at: Instant, *, failed: bool) -> Future[None]:
        """Count one attempt that had no row: a periodic notification."""

    def deliveries(self, tenant: str, ids: Sequence[str] | None = None) -> Mapping[str, Delivery]:
        """Counters by subscription, of these or of all; those without an entry never sent."""

    def dead(self, tenant: str, after: int, limit: int) -> list[OutboxRow]:
        """Dead rows with a number above `after`, and why they died."""

    def revive(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """Make dead rows wait again, marked as redelivered, as if they had come now; how many there were.

        They get new numbers, and no attempts; listeners are told of them.
        """

    def discard(self, tenant: str, numbers: Sequence[int]) -> Future[int]:
        """Drop dead rows; how many there were."""


class Bell(Protocol):
    """Tells the other processes on a store that there are rows for them to deliver; a ring may be lost."""

    def listen(self, rung: Callable[[str], None]) -> None:
        """Call `rung(tenant)` on the running event loop."""

    def ring(self, tenant: str) -> None:
        """Tell the others. From an event loop: it waits for nothing."""

    def close(self) -> None:
        """Hear nothing more."""


class Leases(Protocol):
    """Who of several processes does a job, hub-wide and durable; a lease that is not renewed ends by itself."""

    def take(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or renew: the fencing token (it rises with every change of holder), None where another has it."""

    def release(self, name: str, holder: str) -> None:
        """Give it back."""


class Marks(Protocol):
    """Durable small facts of a tenant that a timer needs: when something was last done."""

    def mark(self, tenant: str, name: str, value: Json) -> Future[None]:
        """Keep a value under a name; None forgets it."""

    def marks(self, tenant: str, prefix: str) -> Mapping[str, Json]:
        """All whose names begin with the prefix."""
