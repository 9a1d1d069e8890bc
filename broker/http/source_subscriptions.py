"""`/csourceSubscriptions` and `/csourceSubscriptions/{subscriptionId}` (clauses 6.12, 6.13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from broker.decode.subscription import decode_subscription
from broker.encode.registration import moment
from broker.encode.subscription import Shown, encode_subscription
from broker.http.exchange import Exchange
from broker.http.links import page_links
from broker.http.media import LD_JSON
from broker.http.messages import Answer, Deferred, Response
from broker.http.parameters import split_query
from broker.http.query import window_of
from broker.http.respond import Headers, content, created
from broker.http.route import API_ROOT
from broker.http.subscriptions import context_of, warnings_of
from broker.model.subscription import Subscription
from broker.model.values import Json, to_text
from broker.operations import subscribe_sources
from broker.operations.subscribe import counters
from broker.operations.subscribe_sources import Kept
from broker.ports.outbox import Delivery

PATH = API_ROOT + "/csourceSubscriptions"


def create_source_subscription(exchange: Exchange) -> Answer:
    """POST /csourceSubscriptions: 201, 400, 409 (clause 6.12.3.1)."""
    received = decode_subscription(exchange.body, exchange.call.names, to_sources=True)
    context = context_of(exchange, received)
    pending = subscribe_sources.create_source_subscription(exchange.house.broker, exchange.call, received, context)

    def render(made: Subscription) -> Response:
        _changed(exchange)
        return created("csourceSubscriptions", made.id, warnings_of(received, made, triggers=False))

    return Deferred(pending, render)


def update_source_subscription(exchange: Exchange) -> Answer:
    """PATCH /csourceSubscriptions/{subscriptionId}: 204, 400, 404 (clause 6.13.3.2)."""
    call = exchange.call
    received = decode_subscription(exchange.body, call.names, fragment=True, to_sources=True)
    if "jsonld_context" in received.members:
        received = received.with_context(context_of(exchange, received))
    subscription_id = exchange.path["subscriptionId"]
    pending = subscribe_sources.update_source_subscription(exchange.house.broker, call, subscription_id, received)

    def render(made: Subscription) -> Response:
        _changed(exchange)
        return Response(204, warnings_of(received, made, triggers=False))

    return Deferred(pending, render)


def delete_source_subscription(exchange: Exchange) -> Answer:
    """DELETE /csourceSubscriptions/{subscriptionId}: 204, 404 (clause 6.13.3.3)."""
    subscription_id = exchange.path["subscriptionId"]
    pending = subscribe_sources.delete_source_subscription(exchange.house.broker, exchange.call, subscription_id)

    def render(_: object) -> Response:
        _changed(exchange)
        return Response(204)

    return Deferred(pending, render)


def retrieve_source_subscription(exchange: Exchange) -> Answer:
    """GET /csourceSubscriptions/{subscriptionId}: 200, 404 (clause 6.13.3.1)."""
    subscription_id = exchange.path["subscriptionId"]
    found = subscribe_sources.retrieve_source_subscription(exchange.house.broker, exchange.call, subscription_id)
    return content(exchange, _encoded(exchange, found, _deliveries(exchange, [found])))


def query_source_subscriptions(exchange: Exchange) -> Answer:
    """GET /csourceSubscriptions: 200 with a page, oldest first (clause 6.12.3.2)."""
    window = window_of(exchange)
    page = subscribe_sources.query_source_subscriptions(exchange.house.broker, exchange.call, window)
    headers: Headers = () if page.total is None else (("NGSILD-Results-Count", str(page.total)),)
    if window.limit and (page.more or window.offset):
        given = split_query(exchange.request.query_string)
        link = page_links(PATH, given, (window.offset, window.limit, page.more), LD_JSON)
        headers += () if link is None else (("Link", link),)
    deliveries = _deliveries(exchange, page.kept)
    return content(exchange, [_encoded(exchange, one, deliveries) for one in page.kept], headers)


def _encoded(exchange: Exchange, kept: Kept, deliveries: Mapping[str, Delivery]) -> Json:
    system: dict[str, Json] = {}
    if "sysAttrs" in exchange.parameters.words("options"):
        system = {"createdAt": to_text(kept.created_at), "modifiedAt": to_text(kept.modified_at)}
    counted = counters(deliveries.get(kept.subscription.id, Delivery()))
    shown = Shown(exchange.house.broker.clock.now(), counted, system)
    found = encode_subscription(kept.subscription, exchange.call.names, shown)
    found.pop("notificationTrigger", None)  # triggers are changes of entities
    if not kept.names_context:
        found.pop("jsonldContext", None)
    if kept.subscription.expires_at is not None:
        found["expiresAt"] = moment(kept.subscription.expires_at)
    return cast("Json", found)


def _deliveries(exchange: Exchange, kept: list[Kept]) -> Mapping[str, Delivery]:
    far = exchange.house.far
    if far is None or not kept:
        return {}
    return far.told(exchange.call.tenant, [one.subscription.id for one in kept])


def _changed(exchange: Exchange) -> None:
    if exchange.house.far is not None:
        exchange.house.far.subscribed(exchange.call.tenant)
