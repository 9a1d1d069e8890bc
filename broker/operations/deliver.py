"""What operators do with deliveries: look at dead letters, send or drop them, try an endpoint.

A dead letter is a notification that was given up after its last attempt. One about an entity that the caller may not
see is not there for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from broker.errors import ResourceNotFound
from broker.operations.broker import Broker, Call
from broker.ports.outbox import SUBSCRIPTION, OutboxRow, Probed

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters: those with these numbers, or all of one subscription."""

    numbers: tuple[int, ...] = ()
    subscription: str = ""

    def takes(self, row: OutboxRow) -> bool:
        """Whether the row is one of them."""
        return row.subscription == self.subscription if self.subscription else row.number in self.numbers


def list_dead_letters(broker: Broker, call: Call, after: int, limit: int) -> tuple[list[OutboxRow], bool]:
    """A page of dead letters with a number above `after`, and whether more follow."""
    found: list[OutboxRow] = []
    for row in _visible(broker, call, after):
        if len(found) == limit:
            return found, True
        found.append(row)
    return found, False


def redeliver_dead_letters(broker: Broker, call: Call, wanted: Wanted) -> Future[int]:
    """Send them again, marked as redelivered; how many there were."""
    return broker.outbox.revive(call.tenant, _numbers(broker, call, wanted))


def discard_dead_letters(broker: Broker, call: Call, wanted: Wanted) -> Future[int]:
    """Forget them; how many there were."""
    return broker.outbox.discard(call.tenant, _numbers(broker, call, wanted))


def test_delivery(broker: Broker, call: Call, subscription_id: str) -> Future[Probed]:
    """Notify the endpoint of a subscription once, of an entity that it selects. Raises ResourceNotFound."""
    if broker.held.find_held(call.tenant, SUBSCRIPTION, subscription_id) is None:
        raise ResourceNotFound(
            f"There is no subscription {subscription_id}.",
            pointer="/subscriptionId",
            remedy="GET /ngsi-ld/v1/subscriptions lists those there are.",
        )
    return broker.probe(call.tenant, subscription_id)


def _visible(broker: Broker, call: Call, after: int = 0) -> Iterator[OutboxRow]:
    while rows := broker.outbox.dead(call.tenant, after, _PAGE):
        yield from (row for row in rows if call.restriction.show(row.change.entity) is not None)
        after = rows[-1].number


def _numbers(broker: Broker, call: Call, wanted: Wanted) -> Sequence[int]:
    return [row.number for row in _visible(broker, call) if wanted.takes(row)]
