"""What a source notifies, on its way to the subscriber (clause 5.8.6).

    POST /federation/relay/{token} ─> whose copy? ─> entities as far as they are registered and the subscriber may see
        ─> where they may be split: joined with what is here and at other sources, and filtered ─> the subscriber

The source has its answer when the subscriber has the notification: until then it is the source that keeps it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final, cast

from broker.encode.text import dump
from broker.errors import BadRequestData, NgsiError, NonexistentTenant, ServiceUnavailable
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Deferred, Response
from broker.http.relays import no_copy
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.core import CORE_URL, core_context
from broker.model.entity import Entity
from broker.model.names import is_uri
from broker.model.subscription import Subscription
from broker.model.values import Json, to_text
from broker.notify.interest import make_interest
from broker.notify.message import Message
from broker.notify.payload import Notification, Sending, notify_entities, shape_of
from broker.operations.broker import Call
from broker.ports import Principal
from broker.ports.disclosing import HEADER, By
from broker.ports.held import HeldStore
from broker.ports.outbox import SUBSCRIPTION, Outbox, notification_id
from broker.ports.places import home_of
from broker.ports.sources import RELAY
from broker.query.sources import Specification
from federation.copies import GEO_JSON, is_split, is_whole
from federation.found import READS, Heard, naming_of, sources_of
from federation.hub import Hub
from federation.messages import Answered, Forward, Match
from federation.plan import given, retrieval
from federation.relays import Copy, Relay
from federation.resting import rests_on

log = logging.getLogger("misono.federation")

THREADS: Final = 16
SEND_S: Final = 70.0
ENTITIES_MAX: Final = 1_000  # in one notification
_OPERATION: Final = "notification"
_MEMBERS: Final = frozenset({"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})
_LD_JSON: Final = "application/ld+json"
_LINK: Final = '<{}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


@dataclass(frozen=True, slots=True)
class Way:
    """From a copy to its subscriber."""

    tenant: str
    subscription: Subscription
    copy: Copy
    names: ActiveContext

    @property
    def match(self) -> Match:
        """What the source may speak of."""
        return Match(self.copy.registration, self.copy.registration.information)


class Relays:
    """Passes notifications on; `send` gives why one did not arrive."""

    def __init__(self, hub: Hub, held: HeldStore, outbox: Outbox, send: Callable[[Message], Future[str]]) -> None:
        self._hub, self._held, self._outbox, self._send = hub, held, outbox, send
        self._known: dict[str, tuple[int, dict[str, tuple[str, Copy]]]] = {}
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None

    def relay(self, exchange: Exchange) -> Answer:
        """The answer to a source; done when the subscriber has it, or has not taken it."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="relay")
            return Deferred(self._pool.submit(self._relay, exchange), _answered)

    def close(self) -> None:
        """Let what is under way end."""
        if self._pool is not None:
            self._pool.shutdown()

    def _relay(self, exchange: Exchange) -> None:
        way = self._way(exchange)
        body = cast("dict[str, Json]", exchange.body)
        data, now = body.get("data"), exchange.house.broker.clock.now()
        if not isinstance(data, list) or len(data) > ENTITIES_MAX:
            raise BadRequestData("a notification has entities", pointer="/data", clause="5.3.1", remedy='"data": […]')
        if way.subscription.status(now) != "active":
            return
        received = body.get("id")
        occasion = f"relay:{way.copy.id}:{received if isinstance(received, str) else dump(data)!r}"
        name = notification_id(way.tenant, way.subscription.id, occasion)
        exchange = _as_subscriber(exchange, way)
        message = self._message(exchange, way, data, name)
        if message is not None:
            self._deliver(exchange, way, message)

    def _message(self, exchange: Exchange, way: Way, data: list[Json], name: str) -> Message | None:
        """What the subscriber is told; what that tells of persons is on its way into the audit."""
        call, telling = exchange.call, exchange.house.telling
        if call.restriction.view is None:
            whole = is_whole(way.subscription) or call.names is not way.names
            found = self._whole(exchange, way, data, name) if whole else _passed_on(exchange, way, data, name)
            return None if found is None else _made(way, found, _rests_on(exchange, way, data))
        if telling is None:
            found = self._whole(exchange, way, data, name)
            return None if found is None else _made(way, found)
        with telling.look_on(call.restriction) as seen:
            found = self._whole(exchange, way, data, name)
            rests = _rests_on(exchange, way, data)
        if found is None:
            return None
        told = telling.record(seen, By(call.principal, home_of(way.tenant), _OPERATION))
        return replace(_made(way, found, rests), told=told)

    def _deliver(self, exchange: Exchange, way: Way, message: Message) -> None:
        at = exchange.house.broker.clock.now()
        reason = self._send(message).result(SEND_S)
        self._outbox.count_sent(way.tenant, way.subscription.id, at, failed=bool(reason))
        if reason:
            log.info("a notification for %s did not arrive: %s", way.subscription.id, reason)
            raise ServiceUnavailable(
                "the subscriber has not taken the notification", clause="5.8.6", remedy="send it again in a while"
            )

    def _way(self, exchange: Exchange) -> Way:
        """Whose copy this is. Raises ResourceNotFound."""
        token = exchange.path["token"]
        tenant = token.partition(".")[2]
        try:
            found = self._copies(tenant).get(token)
            held = None if found is None else self._held.find_held(tenant, SUBSCRIPTION, found[0])
        except NonexistentTenant:
            raise no_copy() from None
        if found is None or held is None:
            raise no_copy()
        subscription = Subscription.from_body(held.body)
        url = subscription.jsonld_context
        names = exchange.house.names.resolve(url, tenant) if url else core_context()
        return Way(tenant, subscription, found[1], names)

    def _copies(self, tenant: str) -> Mapping[str, tuple[str, Copy]]:
        """Subscription and copy by token."""
        generation = self._held.held_generation(tenant, RELAY)
        known = self._known.get(tenant)
        if known is None or known[0] != generation:
            relays = [Relay.from_body(one.id, one.body) for one in self._held.all_held(tenant, RELAY)]
            copies = {one.token: (relay.subscription, one) for relay in relays for one in relay.copies.values()}
            known = self._known[tenant] = (generation, copies)
        return known[1]

    def _whole(self, exchange: Exchange, way: Way, data: list[Json], name: str) -> Notification | None:
        """A notification of entities as they are, as a whole where they may be split."""
        heard = Heard(exchange, [way.match])
        deleted = {str(one.get("id")): one for one in data if isinstance(one, dict) and "deletedAt" in one}
        for body in data:
            if not isinstance(body, dict) or "deletedAt" not in body:
                heard.read(way.match, body)
        for warning in heard.warnings:
            log.info("a notification of %s is not as it should be: %s", warning.agent, warning.text)
        if is_split(way.subscription):
            self._complete(exchange, way, heard, [*heard.parts, *deleted])
        broker, call = exchange.house.broker, exchange.call

        def follow(entity_id: str) -> Entity | None:
            return call.restriction.show(broker.entities.get(way.tenant, entity_id))

        interest = make_interest(way.subscription)
        merged = {one: heard.merged(one) for one in (*heard.parts, *deleted)}
        entities = [one for one in merged.values() if one is not None and interest.selects(one, follow)]
        sending = Sending(name, broker.clock.now(), follow, call.restriction.view)
        found = notify_entities(shape_of(way.subscription, way.names), entities, sending)
        gone: list[Json] = [one for name, one in deleted.items() if merged[name] is None]
        untold = call.restriction.view is not None or way.subscription.notification.endpoint.accept == GEO_JSON
        return _beside(found, None if untold else _passed_on(exchange, way, gone, name))

    def _complete(self, exchange: Exchange, way: Way, heard: Heard, ids: Sequence[str]) -> None:
        """Add what is here and at other sources of the entities that were notified (clause 5.8.6)."""
        call, store = exchange.call, exchange.house.broker.entities
        asked = []
        for entity_id in ids:
            here = call.restriction.show(store.get(way.tenant, entity_id))
            if here is not None:
                heard.here[entity_id] = here
            for match in sources_of(self._hub, exchange, (Specification((entity_id,)),), READS):
                if match.registration.id != way.copy.registration.id:
                    forwards = retrieval(match, entity_id, None, naming_of(exchange, match))
                    asked += [(match, forward) for forward in forwards]
        if not asked:
            return
        heard.matches = [way.match, *dict.fromkeys(match for match, _ in asked)]
        answers = self._hub.sources.ask(exchange, [forward for _, forward in asked])
        for (match, _), answered in zip(asked, answers, strict=True):
            for body in heard.take(match, answered):
                heard.read(match, body)


def _answered(_: object) -> Response:
    return Response(200)


def _made(way: Way, found: Notification, rests: tuple[str, ...] = ()) -> Message:
    endpoint = way.subscription.notification.endpoint
    return Message(
        id=str(found.body["id"]),
        endpoint=endpoint,
        content_type=found.media_type,
        body=dump(found.body),
        link=found.link,
        info=endpoint.receiver_info,
        tenant=way.tenant,
        rests_on=rests,
    )


def _rests_on(exchange: Exchange, way: Way, data: list[Json]) -> tuple[str, ...]:
    """The numbers of the source's disclosures, where what it notified tells the subscriber of persons."""
    forward = Forward(way.copy.registration, _OPERATION, "POST", "")
    said = exchange.request.headers.get(HEADER.lower())
    if said is None:
        return ()
    return tuple(rests_on(exchange, [Answered(forward, 200, data, {HEADER.lower(): said})]))


def _as_subscriber(exchange: Exchange, way: Way) -> Exchange:
    """The exchange with what the subscriber may see now, in the tenant of the subscription."""
    reader = Principal.of_kept(way.subscription.principal, way.subscription.purposes)
    restriction = exchange.house.broker.access.restrict(reader, way.tenant, _OPERATION)
    names = exchange.call.names
    if names.source == way.names.source:
        names = way.names
    return replace(exchange, call=Call(way.tenant, names, reader, restriction))


def _beside(found: Notification | None, gone: Notification | None) -> Notification | None:
    """One notification of both."""
    if found is None or gone is None:
        return found or gone
    data, more = found.body["data"], gone.body["data"]
    if isinstance(data, list) and isinstance(more, list):
        data += more
    return found


def _passed_on(exchange: Exchange, way: Way, data: list[Json], name: str) -> Notification | None:
    """The notification as it came, with the subscriber's own id, as far as the source may speak of it."""
    shown = [one for one in (_allowed(way, body) for body in data) if one is not None]
    if not shown:
        return None
    endpoint, url = way.subscription.notification.endpoint, way.subscription.jsonld_context or CORE_URL
    linked = endpoint.accept != _LD_JSON
    body: dict[str, Json] = {
        "id": name,
        "type": "Notification",
        "subscriptionId": way.subscription.id,
        "notifiedAt": to_text(exchange.house.broker.clock.now()),
        "data": [one if linked else {**one, "@context": url} for one in shown],
    }
    return Notification(body, endpoint.accept, _LINK.format(url) if linked else None)


def _allowed(way: Way, body: Json) -> dict[str, Json] | None:
    """The entity with what was registered of it; None for one that was not."""
    if not isinstance(body, dict):
        return None
    entity_id, types = body.get("id"), body.get("type")
    listed = [types] if isinstance(types, str) else types
    if not isinstance(entity_id, str) or not is_uri(entity_id) or not isinstance(listed, list):
        return None
    try:
        iris = [way.names.expand(one) for one in listed if isinstance(one, str)]
        known = {one: way.names.expand(one) for one in body if one not in _MEMBERS and one != "@context"}
    except NgsiError:
        return None
    offered = given(way.match, Entity({"id": entity_id, "type": cast("Json", iris)}, 0, 0))
    if offered is None:
        return None
    return {
        one: value
        for one, value in body.items()
        if one in _MEMBERS or (one in known and (not offered or known[one] in offered))
    }
