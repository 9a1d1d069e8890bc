"""What closings make of rows and counters: pure.

Attempts are counted before rows are closed. A process that dies in between leaves a row that is sent again, and that
is another attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from broker.model.values import Instant
from broker.ports.outbox import Closing, Delivery
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.outbox_rows import DEAD


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt at a subscription."""

    subscription: str
    at: Instant
    failed: bool


@dataclass(slots=True)
class Settled:
    """By `_id`: rows that go, and what is set in those that stay; what was attempted; how many died."""

    gone: list[str] = field(default_factory=list)
    kept: dict[str, Bson] = field(default_factory=dict)
    attempts: list[Attempted] = field(default_factory=list)
    died: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    subscription: str
    attempts: int
    outcome: str = ""
    at: Instant = 0
    reason: str = ""


def settle(waiting: Mapping[str, Bson], closings: Sequence[tuple[str, Closing]]) -> Settled:
    """What becomes of waiting rows, by `_id`. A closing of a row that does not wait any more is passed over."""
    rows = {name: _Row(one["s"], one["c"]) for name, one in waiting.items()}
    found = Settled()
    for name, closing in closings:
        row = rows.get(name)
        if row is None or row.outcome not in {"", "retry"}:
            continue
        due = closing.due if closing.outcome == "retry" else closing.at
        rows[name] = replace(row, attempts=row.attempts + 1, outcome=closing.outcome, at=due, reason=closing.reason)
        if closing.outcome != "dropped":
            found.attempts.append(Attempted(row.subscription, closing.at, closing.outcome != "delivered"))
    for name, row in rows.items():
        if row.outcome in {"retry", "dead"}:
            found.kept[name] = {"d": row.at, "c": row.attempts, "e": row.reason}
            if row.outcome == "dead":
                found.kept[name]["k"] = DEAD
                found.died += 1
        elif row.outcome:
            found.gone.append(name)
    return found


def increments(attempts: Iterable[Attempted]) -> dict[str, Bson]:
    """The update of each subscription's counters: how many more, and when the last ones were."""
    found: dict[str, Bson] = {}
    for one in attempts:
        update = found.setdefault(one.subscription, {"$inc": {"sent": 0, "failed": 0}, "$set": {}})
        update["$inc"]["sent"] += 1
        update["$inc"]["failed"] += one.failed
        update["$set"]["last"] = one.at
        update["$set"]["missed" if one.failed else "arrived"] = one.at
    return found


def to_delivery(found: Bson) -> Delivery:
    """Counters as they stand."""
    last = found.get("last"), found.get("arrived"), found.get("missed")
    return Delivery(found.get("sent", 0), found.get("failed", 0), *last)
