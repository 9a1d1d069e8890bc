"""Subscribing to entities (clauses 5.8.1 to 5.8.5).

A subscription is a held document; what makes one is decided inside the store's transaction, so that every write that
comes after the answer is matched against it. Writes give a Future, as `operations.provide` does. A subscription is its
maker's, where something is hidden from somebody: for others, but for who runs the hub, there is none.

    create_subscription(broker, call, received, "https://x.org/c.jsonld").result() -> Subscription(id=…, …)
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, cast

from broker.decode.subscription import Received, created, revised
from broker.encode.language import preferences
from broker.encode.subscription import Shown
from broker.errors import AlreadyExists, BadRequestData, NgsiError, ResourceNotFound
from broker.model.names import is_uri
from broker.model.subscription import Subscription
from broker.model.values import Instant, Json, to_text
from broker.operations.broker import Broker, Call
from broker.operations.futures import then
from broker.operations.owning import may_keep
from broker.ports import UNRESTRICTED
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold
from broker.ports.outbox import SUBSCRIPTION, Delivery
from broker.query.ast import Window


@dataclass(frozen=True, slots=True)
class Found:
    """A subscription as it is kept, and what there is to say of its notifications."""

    subscription: Subscription
    created_at: Instant
    modified_at: Instant
    delivery: Delivery

    def shown(self, now: Instant, *, sys_attrs: bool) -> Shown:
        """What an answer says beside the subscription itself."""
        system = {"createdAt": to_text(self.created_at), "modifiedAt": to_text(self.modified_at)}
        return Shown(now, counters(self.delivery), cast("Mapping[str, Json]", system) if sys_attrs else {})


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Subscriptions of one window, oldest first; `total` where it was asked for."""

    found: list[Found]
    total: int | None = None
    more: bool = False


def create_subscription(
    broker: Broker, call: Call, received: Received, context: str, via: str = ""
) -> Future[Subscription]:
    """Create Subscription (clause 5.8.1): the subscription. Makes the tenant. `context` is its jsonldContext.

    `via` is the header it came with: where it is notified of through others already it is not passed on to.
    Fails with AlreadyExists, and with BadRequestData where the members don't go together or the end has passed.
    """
    _require_language(received)
    subscription_id = received.id or f"urn:ngsi-ld:Subscription:{broker.new_id()}"

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        if current is not None:
            raise AlreadyExists(
                f"The subscription {subscription_id} exists already.",
                pointer="/id",
                clause="5.8.1.4",
                remedy="Choose another id or give none, or PATCH the subscription.",
            )
        made = replace(
            created(received, subscription_id, now),
            jsonld_context=context,
            via=via,
            principal=call.principal.kept(),
            purposes=tuple(sorted(call.principal.purposes)),
        )
        return Hold(made.to_body(), made)

    return _one(broker, call, HeldCommand(SUBSCRIPTION, subscription_id, decide, creates=True))


def update_subscription(broker: Broker, call: Call, subscription_id: str, received: Received) -> Future[Subscription]:
    """Update Subscription (clause 5.8.2): the subscription as it is now.

    From then on it notifies for whoever updated it. Fails with ResourceNotFound and BadRequestData.
    """
    require_subscription_id(subscription_id)
    _require_language(received)

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        if current is None or not _is_there(call, current):
            raise _unknown(subscription_id)
        made = replace(
            revised(Subscription.from_body(current.body), received, now),
            principal=call.principal.kept(),
            purposes=tuple(sorted(call.principal.purposes)),
        )
        return Hold(made.to_body(), made)

    return _one(broker, call, HeldCommand(SUBSCRIPTION, subscription_id, decide))


def delete_subscription(broker: Broker, call: Call, subscription_id: str) -> Future[None]:
    """Delete Subscription (clause 5.8.5): it notifies no more. Fails with ResourceNotFound."""
    require_subscription_id(subscription_id)

    def decide(current: Held | None, _: Instant) -> HeldDecision:
        if current is None or not _is_there(call, current):
            raise _unknown(subscription_id)
        return Drop()

    return _one(broker, call, HeldCommand(SUBSCRIPTION, subscription_id, decide))


def retrieve_subscription(broker: Broker, call: Call, subscription_id: str) -> Found:
    """Retrieve Subscription (clause 5.8.3). Raises ResourceNotFound."""
    require_subscription_id(subscription_id)
    held = broker.held.find_held(call.tenant, SUBSCRIPTION, subscription_id)
    if held is None or not _is_there(call, held):
        raise _unknown(subscription_id)
    return _found(held, broker.outbox.deliveries(call.tenant, [held.id]))


def query_subscriptions(broker: Broker, call: Call, window: Window) -> FoundPage:
    """Query Subscriptions (clause 5.8.4): one window of them."""
    if call.restriction is UNRESTRICTED:
        page, total = broker.held.page_held(call.tenant, SUBSCRIPTION, window.offset, window.limit)
    else:
        mine = [held for held in broker.held.all_held(call.tenant, SUBSCRIPTION) if _is_there(call, held)]
        page, total = mine[window.offset : window.offset + window.limit], len(mine)
    deliveries = broker.outbox.deliveries(call.tenant, [held.id for held in page]) if page else {}
    found = [_found(held, deliveries) for held in page]
    return FoundPage(found, total if window.count else None, total > window.offset + window.limit)


def counters(delivery: Delivery) -> dict[str, Json]:
    """The output-only members of a notification; nothing of what never was (clause 5.2.14.2)."""
    found: dict[str, Json] = {}
    if delivery.times_sent:
        found["timesSent"] = delivery.times_sent
    if delivery.times_failed:
        found["timesFailed"] = delivery.times_failed
    for name, instant in (
        ("lastNotification", delivery.last_notification),
        ("lastSuccess", delivery.last_success),
        ("lastFailure", delivery.last_failure),
    ):
        if instant is not None:
            found[name] = to_text(instant)
    success, failure = delivery.last_success, delivery.last_failure
    if success is not None or failure is not None:
        found["status"] = "failed" if success is None or (failure is not None and failure > success) else "ok"
    return found


def silent_on_deletion(subscription: Subscription) -> bool:
    """Whether the subscription names no triggers, and so will not see that something is deleted."""
    return not subscription.triggers and subscription.time_interval is None


def require_subscription_id(subscription_id: str) -> None:
    """Raise BadRequestData where the id is no URI (clauses 5.8.2.4, 5.8.3.4, 5.8.5.4)."""
    if not is_uri(subscription_id):
        raise BadRequestData(
            f"The subscription id {subscription_id[:80]!r} is no URI.",
            pointer="subscriptionId",
            clause="5.8.3.4",
            remedy='Give a URI such as "urn:ngsi-ld:Subscription:1".',
        )


def _require_language(received: Received) -> None:
    lang = received.members.get("lang")
    if lang is not None:
        try:
            preferences(lang)
        except NgsiError as error:
            error.pointer = "/lang"
            raise


def _unknown(subscription_id: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"There is no subscription {subscription_id[:200]}.",
        pointer="subscriptionId",
        clause="5.8.3.4",
        remedy="One that GET /ngsi-ld/v1/subscriptions lists.",
    )


def _is_there(call: Call, held: Held) -> bool:
    """Whether the subscription exists for who asks: it says whom and what its maker watches."""
    return call.restriction is UNRESTRICTED or may_keep(call.principal, str(held.body.get("principal", "anonymous")))


def _found(held: Held, deliveries: Mapping[str, Delivery]) -> Found:
    delivery = deliveries.get(held.id, Delivery())
    return Found(Subscription.from_body(held.body), held.created_at, held.modified_at, delivery)


def _one(broker: Broker, call: Call, command: HeldCommand) -> Future[Any]:
    return then(broker.held.apply_held(call.tenant, [command]), _first)


def _first(results: list[object]) -> object:
    """The one result. Raises it where it is a refusal."""
    if isinstance(results[0], NgsiError):
        raise results[0]
    return results[0]
