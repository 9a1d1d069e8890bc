"""Messages made of subscriptions and changes: the @context found, access asked as of now, the body written.

compose.ready(tenant, entry)                is everything at hand, or is there something to fetch first
compose.change(tenant, entry, row)          the message of a row; None: there is nothing its reader may be told
compose.period(tenant, entry, id)           the message of a period; None where no entity is found
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from broker.encode.text import dump
from broker.errors import TooManyResults
from broker.ldcontext.core import core_context
from broker.model.entity import Entity
from broker.notify.book import Entry
from broker.notify.message import Message
from broker.notify.payload import Notification, Sending, Shape, notify_change, notify_entities, shape_of
from broker.ports import Access, Clock, ContextNames, EntityStore, Principal, Restriction
from broker.ports.disclosing import By, Telling
from broker.ports.outbox import OutboxRow
from broker.ports.places import home_of
from broker.query.ast import Selection, Window

SHAPES_MAX: Final = 10_000
PERIOD_PAGE: Final = 500
PERIOD_ENTITIES_MAX: Final = 10_000  # entities in one notification of a period
OPERATION: Final = "notification"


class Composer:
    """Makes messages. `ready` first: what it says no to may fetch a @context and belongs into a thread."""

    def __init__(
        self, entities: EntityStore, names: ContextNames, access: Access, clock: Clock, telling: Telling | None = None
    ) -> None:
        self._entities = entities
        self._names = names
        self._access = access
        self._clock = clock
        self._telling = telling
        self._shapes: OrderedDict[tuple[str, str], tuple[int, Shape]] = OrderedDict()

    def ready(self, tenant: str, entry: Entry) -> bool:
        """Whether a message can be made without asking anybody."""
        url = entry.subscription.jsonld_context
        return not url or self._names.resolve_cached(url, home_of(tenant)) is not None

    def change(self, tenant: str, entry: Entry, row: OutboxRow) -> Message | None:
        """The message of one change. Raises NgsiError where the @context or the linked entities cannot be had."""
        shape, restriction = self._shape(tenant, entry), self._restriction(tenant, entry)
        sending = self._sending(tenant, row.id, restriction)
        return self._message(tenant, entry, restriction, lambda: notify_change(shape, row.change, sending), row)

    def period(self, tenant: str, entry: Entry, notification_id: str) -> Message | None:
        """The message of one period, about all that the subscription selects. Raises NgsiError."""
        shape, restriction = self._shape(tenant, entry), self._restriction(tenant, entry)
        sending = self._sending(tenant, notification_id, restriction)

        def compose() -> Notification | None:
            return notify_entities(shape, list(self._selected(tenant, shape, restriction)), sending)

        return self._message(tenant, entry, restriction, compose)

    def sample(self, tenant: str, entry: Entry, notification_id: str) -> Message | None:
        """A message about the first entity that the subscription selects: for a test of its endpoint."""
        shape, restriction = self._shape(tenant, entry), self._restriction(tenant, entry)
        sending = self._sending(tenant, notification_id, restriction)

        def compose() -> Notification | None:
            page = self._entities.select(tenant, Selection(shape.interest.where), Window(1), restriction)
            return notify_entities(shape, page.entities, sending)

        return self._message(tenant, entry, restriction, compose)

    def _shape(self, tenant: str, entry: Entry) -> Shape:
        subscription = entry.subscription
        key = (tenant, subscription.id)
        url = subscription.jsonld_context
        names = self._names.resolve(url, home_of(tenant)) if url else core_context()
        kept = self._shapes.get(key)
        if kept is None or kept[0] != entry.version or kept[1].names is not names:
            kept = self._shapes[key] = (entry.version, shape_of(subscription, names))
            while len(self._shapes) > SHAPES_MAX:
                self._shapes.popitem(last=False)
        return kept[1]

    def _restriction(self, tenant: str, entry: Entry) -> Restriction:
        return self._access.restrict(_reader(entry), home_of(tenant), OPERATION)

    def _message(
        self,
        tenant: str,
        entry: Entry,
        restriction: Restriction,
        compose: Callable[[], Notification | None],
        row: OutboxRow | None = None,
    ) -> Message | None:
        """The message; what it tells of persons is on its way into the audit, which the transport waits for."""
        if self._telling is None or restriction.view is None:
            return _message(tenant, entry, compose(), row)
        with self._telling.look_on(restriction) as found:
            message = _message(tenant, entry, compose(), row)
        if message is None:
            return None
        return replace(message, told=self._telling.record(found, By(_reader(entry), home_of(tenant), OPERATION)))

    def _sending(self, tenant: str, notification_id: str, restriction: Restriction) -> Sending:
        def follow(entity_id: str) -> Entity | None:
            return restriction.show(self._entities.get(tenant, entity_id))

        return Sending(notification_id, self._clock.now(), follow, restriction.view)

    def _selected(self, tenant: str, shape: Shape, restriction: Restriction) -> Iterator[Entity]:
        selection = Selection(shape.interest.where)
        for offset in range(0, PERIOD_ENTITIES_MAX + 1, PERIOD_PAGE):
            page = self._entities.select(tenant, selection, Window(PERIOD_PAGE, offset), restriction)
            yield from page.entities
            if not page.more:
                return
        raise TooManyResults(f"the subscription selects more than {PERIOD_ENTITIES_MAX} entities", clause="5.8.6")


def _reader(entry: Entry) -> Principal:
    return Principal.of_kept(entry.subscription.principal, entry.subscription.purposes)


def _message(tenant: str, entry: Entry, notification: Notification | None, row: OutboxRow | None) -> Message | None:
    if notification is None:
        return None
    endpoint = entry.subscription.notification.endpoint
    return Message(
        id=str(notification.body["id"]),
        endpoint=endpoint,
        content_type=notification.media_type,
        body=dump(notification.body),
        link=notification.link,
        info=endpoint.receiver_info,
        tenant=tenant,
        redelivered=row is not None and row.redelivered,
    )
