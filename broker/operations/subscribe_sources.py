"""Subscribing to registrations of context sources (clause 5.11).

    create_source_subscription(broker, call, received, "https://x.org/c.jsonld").result() -> Subscription(id=…, …)

Beside those that somebody made stand those that distributed subscriptions need (clause 5.8.1.4): they can be read, and
are changed and deleted with their subscription. What is told of which registration is federation's work.
"""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Final

from broker.decode.subscription import Received, created, revised
from broker.errors import AlreadyExists, NgsiError, ResourceNotFound
from broker.model.subscription import Endpoint, NotificationParams, Subscription
from broker.model.values import Instant
from broker.operations.broker import Broker, Call
from broker.operations.futures import then
from broker.operations.subscribe import require_subscription_id
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold
from broker.ports.outbox import SUBSCRIPTION
from broker.ports.sources import RELAY, SOURCE_SUBSCRIPTION
from broker.query.ast import Window

_GIVEN: Final = "jsonldContextGiven"
_HERE: Final = "urn:misono:relay"
"""The endpoint of those: what they tell, this broker tells itself."""
_OWN: Final = uuid.UUID("0a5e1c1e-5d3b-5a53-8f0e-1c5ed30f6e77")  # any fixed one


@dataclass(frozen=True, slots=True)
class Kept:
    """A subscription to registrations; of one that belongs to a distributed subscription there is no own document.

    `names_context` tells whether its jsonldContext was given, and is not just that of the request.
    """

    subscription: Subscription
    created_at: Instant
    modified_at: Instant
    names_context: bool = False


@dataclass(frozen=True, slots=True)
class KeptPage:
    """Those of one window, oldest first; `total` where it was asked for."""

    kept: list[Kept]
    total: int | None = None
    more: bool = False


def create_source_subscription(broker: Broker, call: Call, received: Received, context: str) -> Future[Subscription]:
    """Create Context Source Registration Subscription (clause 5.11.2). Makes the tenant.

    Fails with AlreadyExists, and with BadRequestData where the members don't go together or the end has passed.
    """
    subscription_id = received.id or f"urn:ngsi-ld:Subscription:{broker.new_id()}"

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        if current is not None:
            raise AlreadyExists(
                f"The subscription {subscription_id} exists already.",
                pointer="/id",
                clause="5.11.2.4",
                remedy="Choose another id or give none, or PATCH the subscription.",
            )
        made = _by(replace(created(received, subscription_id, now), jsonld_context=context), call)
        return _hold(made, given="jsonld_context" in received.members)

    return _one(broker, call, HeldCommand(SOURCE_SUBSCRIPTION, subscription_id, decide, creates=True))


def update_source_subscription(
    broker: Broker, call: Call, subscription_id: str, received: Received
) -> Future[Subscription]:
    """Update Context Source Registration Subscription (clause 5.11.3). Fails with ResourceNotFound, BadRequestData."""
    require_subscription_id(subscription_id)

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        if current is None:
            raise _unknown(subscription_id)
        made = _by(revised(Subscription.from_body(current.body), received, now), call)
        return _hold(made, given="jsonld_context" in received.members or _GIVEN in current.body)

    return _one(broker, call, HeldCommand(SOURCE_SUBSCRIPTION, subscription_id, decide))


def delete_source_subscription(broker: Broker, call: Call, subscription_id: str) -> Future[None]:
    """Delete Context Source Registration Subscription (clause 5.11.6). Fails with ResourceNotFound."""
    require_subscription_id(subscription_id)

    def decide(current: Held | None, _: Instant) -> HeldDecision:
        if current is None:
            raise _unknown(subscription_id)
        return Drop()

    return _one(broker, call, HeldCommand(SOURCE_SUBSCRIPTION, subscription_id, decide))


def retrieve_source_subscription(broker: Broker, call: Call, subscription_id: str) -> Kept:
    """Retrieve Context Source Registration Subscription (clause 5.11.4). Raises ResourceNotFound."""
    require_subscription_id(subscription_id)
    held = broker.held.find_held(call.tenant, SOURCE_SUBSCRIPTION, subscription_id)
    if held is not None:
        return _kept(held)
    for one in _of_distributed(broker, call):
        if one.subscription.id == subscription_id:
            return one
    raise _unknown(subscription_id)


def query_source_subscriptions(broker: Broker, call: Call, window: Window) -> KeptPage:
    """Query Context Source Registration Subscriptions (clause 5.11.5): one window of them."""
    made = map(_kept, broker.held.all_held(call.tenant, SOURCE_SUBSCRIPTION))
    found = [*made, *_of_distributed(broker, call)]
    end = window.offset + window.limit
    return KeptPage(found[window.offset : end], len(found) if window.count else None, len(found) > end)


def distributed_id(subscription_id: str) -> str:
    """The id of the subscription to registrations that a distributed subscription needs."""
    return f"urn:ngsi-ld:Subscription:{uuid.uuid5(_OWN, subscription_id)}"


def _of_distributed(broker: Broker, call: Call) -> list[Kept]:
    """Those of distributed subscriptions, as far as these are there still."""
    found = []
    for relay in broker.held.all_held(call.tenant, RELAY):
        held = broker.held.find_held(call.tenant, SUBSCRIPTION, relay.id)
        if held is not None:
            one = Subscription.from_body(held.body)
            notification = NotificationParams(Endpoint(_HERE))
            shown = replace(one, id=distributed_id(one.id), notification=notification)
            found.append(Kept(shown, relay.created_at, held.modified_at))
    return found


def _hold(made: Subscription, *, given: bool) -> Hold:
    body = made.to_body()
    return Hold({**body, _GIVEN: True} if given else body, made)


def _by(made: Subscription, call: Call) -> Subscription:
    purposes = tuple(sorted(call.principal.purposes))
    return replace(made, principal=call.principal.kept(), purposes=purposes)


def _kept(held: Held) -> Kept:
    return Kept(Subscription.from_body(held.body), held.created_at, held.modified_at, _GIVEN in held.body)


def _unknown(subscription_id: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"There is no subscription {subscription_id[:200]} to registrations.",
        pointer="subscriptionId",
        clause="5.11.4.4",
        remedy="One that GET /ngsi-ld/v1/csourceSubscriptions lists.",
    )


def _one(broker: Broker, call: Call, command: HeldCommand) -> Future[Any]:
    return then(broker.held.apply_held(call.tenant, [command]), _first)


def _first(results: list[object]) -> object:
    """The one result. Raises it where it is a refusal."""
    if isinstance(results[0], NgsiError):
        raise results[0]
    return results[0]
