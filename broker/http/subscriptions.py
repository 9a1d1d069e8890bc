"""`/subscriptions` and `/subscriptions/{subscriptionId}` (clauses 6.10, 6.11)."""

from __future__ import annotations

from dataclasses import replace

from broker.decode.subscription import Received, decode_subscription
from broker.encode.subscription import encode_subscription
from broker.http.exchange import Exchange
from broker.http.links import page_links
from broker.http.messages import Answer, Deferred, Response
from broker.http.parameters import split_query
from broker.http.query import window_of
from broker.http.respond import Headers, content, created
from broker.http.route import API_ROOT
from broker.model.subscription import Subscription
from broker.model.values import Json
from broker.operations import subscribe
from broker.operations.subscribe import Found

PATH = API_ROOT + "/subscriptions"
IGNORED_SHOWN_MAX = 10


def create_subscription(exchange: Exchange) -> Answer:
    """POST /subscriptions: 201, 400, 409 (clause 6.10.3.1)."""
    received = decode_subscription(exchange.body, exchange.call.names)
    context = context_of(exchange, received)
    if exchange.parameters.flag("local") and "local_only" not in received.members:
        received = replace(received, members={**received.members, "local_only": True})
    via = exchange.request.headers.get("via", "")
    pending = subscribe.create_subscription(exchange.house.broker, exchange.call, received, context, via)

    def render(made: Subscription) -> Response:
        _changed(exchange)
        return created("subscriptions", made.id, warnings_of(received, made, triggers=True))

    return Deferred(pending, render)


def update_subscription(exchange: Exchange) -> Answer:
    """PATCH /subscriptions/{subscriptionId}: 204, 400, 404 (clause 6.11.3.2)."""
    call = exchange.call
    received = decode_subscription(exchange.body, call.names, fragment=True)
    if "jsonld_context" in received.members:
        received = received.with_context(context_of(exchange, received))
    subscription_id = exchange.path["subscriptionId"]
    pending = subscribe.update_subscription(exchange.house.broker, call, subscription_id, received)

    def render(made: Subscription) -> Response:
        _changed(exchange)
        return Response(204, warnings_of(received, made, triggers="triggers" in received.members))

    return Deferred(pending, render)


def delete_subscription(exchange: Exchange) -> Answer:
    """DELETE /subscriptions/{subscriptionId}: 204, 404 (clause 6.11.3.3)."""
    pending = subscribe.delete_subscription(exchange.house.broker, exchange.call, exchange.path["subscriptionId"])

    def render(_: object) -> Response:
        _changed(exchange)
        return Response(204)

    return Deferred(pending, render)


def retrieve_subscription(exchange: Exchange) -> Answer:
    """GET /subscriptions/{subscriptionId}: 200, 404 (clause 6.11.3.1)."""
    found = subscribe.retrieve_subscription(exchange.house.broker, exchange.call, exchange.path["subscriptionId"])
    return content(exchange, _encoded(exchange, found))


def query_subscriptions(exchange: Exchange) -> Answer:
    """GET /subscriptions: 200 with a page, oldest first (clause 6.10.3.2)."""
    window = window_of(exchange)
    page = subscribe.query_subscriptions(exchange.house.broker, exchange.call, window)
    headers: Headers = () if page.total is None else (("NGSILD-Results-Count", str(page.total)),)
    if window.limit and (page.more or window.offset):
        given = split_query(exchange.request.query_string)
        link = page_links(PATH, given, (window.offset, window.limit, page.more), exchange.media_type)
        headers += () if link is None else (("Link", link),)
    return content(exchange, [_encoded(exchange, found) for found in page.found], headers)


def _changed(exchange: Exchange) -> None:
    """What sources have of it is another thing from now on (clause 5.8.1.4)."""
    if exchange.house.far is not None:
        exchange.house.far.subscribed(exchange.call.tenant)


def _encoded(exchange: Exchange, found: Found) -> Json:
    sys_attrs = "sysAttrs" in exchange.parameters.words("options")
    shown = found.shown(exchange.house.broker.clock.now(), sys_attrs=sys_attrs)
    return encode_subscription(found.subscription, exchange.call.names, shown)


def context_of(exchange: Exchange, received: Received) -> str:
    """The URL of the @context of the notifications: that of the request where jsonldContext gives none.

    Raises BadRequestData and LdContextNotAvailable for one that cannot be used (clause 5.8.1.4).
    """
    house, call = exchange.house, exchange.call
    url = received.members.get("jsonld_context")
    if url is None:
        return house.names.link(call.names.source, call.tenant)
    house.names.resolve(url, call.tenant)
    return str(url)


def warnings_of(received: Received, made: Subscription, *, triggers: bool) -> Headers:
    """What was accepted and may not be what was meant, in one header; of its triggers only where they are new."""
    texts = []
    if triggers and subscribe.silent_on_deletion(made):
        texts.append(
            "without notificationTrigger deletions are not notified; "
            "entityDeleted and attributeDeleted in notificationTrigger ask for them"
        )
    if received.ignored:
        shown = ", ".join(name[:60] for name in received.ignored[:IGNORED_SHOWN_MAX])
        texts.append(f"members that mean nothing here were ignored: {shown}")
    value = ", ".join(f'199 misono "{_quotable(text)}"' for text in texts)
    return (("NGSILD-Warning", value),) if value else ()


def _quotable(text: str) -> str:
    """The text as a quoted string of a header may hold it."""
    return "".join(one if " " <= one <= "~" and one not in '"\\' else "?" for one in text)
