"""What was decided and who got what: written before it leaves, never lost, never changed unseen."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from broker.model.values import Instant, Json


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody was shown of one person: attributes by entity type (IRIs), and the consents that it rests on.

    `first` and `last` are the instants of the oldest and newest value among them, `values` how many; it holds none.
    """

    subject: str
    items: Mapping[str, frozenset[str]]
    records: frozenset[str] = frozenset()
    values: int = 0
    first: Instant | None = None
    last: Instant | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the audit: a disclosure, a decision, an act. It never holds values of attributes.

    `kind` says what it is (`disclosure`, `emergency`, `erasure`, `consent`, `review`, …), `operation` through what.
    """

    kind: str
    tenant: str
    principal: str
    at: Instant
    recipient: str = ""
    purposes: frozenset[str] = frozenset()
    operation: str = ""
    epoch: int = 0
    told: tuple[Told, ...] = ()
    more: Mapping[str, Json] = field(default_factory=dict)


class Audit(Protocol):
    """The audit of this hub."""

    def record(self, entry: Entry) -> Future[int]:
        """Write it; done, with its number, when it is durable: only then what it tells of may leave the hub."""


class Unaudited:
    """Nothing is kept: where no access is configured nobody has any rights that could be told of."""

    def record(self, entry: Entry) -> Future[int]:  # noqa: ARG002 - the port's
        """Done at once."""
        done: Future[int] = Future()
        done.set_result(0)
        return done
