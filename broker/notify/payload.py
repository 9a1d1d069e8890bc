"""What is sent: a Notification of one change, or of the entities a period finds (clauses 5.3.1, 5.8.6).

    shape = shape_of(subscription, names)                  once a subscription and version; names: of jsonldContext
    notify_change(shape, row.change, Sending(row.id, now, follow, view))        -> Notification | None (nothing to tell)
    notify_entities(shape, entities, Sending(id, now, follow, view))            -> Notification | None (no entities)
    notification.body, .media_type, .link                  the JSON, its Content-Type, the value of the Link header

`follow` gives linked entities as they are at sending, as far as the subscriber may see them; `view` is the
restriction's as of now, None where nothing is hidden. What a view hides never was: a change of hidden attributes alone
is None. Headers of receiverInfo, the tenant's and signatures are the binding's. Both raise TooManyResults where a join
links too many entities. For periods, `shape.interest.where` is the selection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from broker.encode.entity import Format, Representation, encode_entity
from broker.encode.geojson import encode_collection, encode_feature, geometry_of
from broker.encode.linking import JOIN_LEVEL_MAX, Join, Linker
from broker.encode.versions import Version, amended, read_version
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.core import CORE_URL
from broker.model.entity import ENTITY_MEMBERS, Document, Entity
from broker.model.subscription import NotificationParams, Subscription
from broker.model.values import Instant, Json, to_text
from broker.notify.changes import Telling
from broker.notify.interest import Interest, make_interest
from broker.notify.triggers import Differences, differences, removals
from broker.ports.disclosing import leaving
from broker.ports.outbox import EntityChange
from broker.query.projection import Projection, keep_datasets, project
from broker.query.stored import projection_from_json

GEO_JSON = "application/geo+json"
JSON = "application/json"
LOCATION = "location"
_LINK = '<{}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


@dataclass(frozen=True, slots=True)
class Shape:
    """How a subscription's notifications look: all that follows from it and its @context.

    `context` is the URL of the @context; `linked` says that it goes into the Link header instead of the body.
    """

    interest: Interest
    names: ActiveContext
    representation: Representation
    projection: Projection | None
    join: Join | None
    media_type: str
    context: str
    linked: bool
    telling: Telling
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """One sending: the notification's id, when, and what its reader may see now."""

    id: str
    at: Instant
    follow: Callable[[str], Entity | None]
    view: Callable[[Entity], Entity | None] | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification to be sent, in JSON: `{"id": …, "type": "Notification", "subscriptionId": …, "data": […]}`."""

    body: dict[str, Json]
    media_type: str
    link: str | None = None


def shape_of(subscription: Subscription, names: ActiveContext) -> Shape:
    """The shape of a subscription's notifications. Raises NgsiError for a query that is not accepted."""
    params, interest = subscription.notification, make_interest(subscription)
    shown = Representation(_format(params), params.sys_attrs, subscription.lang)
    media_type = params.endpoint.accept
    return Shape(
        interest=interest,
        names=names,
        representation=shown,
        projection=_projection(params),
        join=_join(params),
        media_type=media_type,
        context=subscription.jsonld_context or CORE_URL,
        linked=media_type == JSON or (media_type == GEO_JSON and _prefers_json(params)),
        telling=Telling(shown, interest.attention, params.show_changes),
        version=None if subscription.conformance is None else read_version(subscription.conformance),
    )


def notify_change(shape: Shape, change: EntityChange, sending: Sending) -> Notification | None:
    """The notification of a change: the entity as of it; None where the subscriber may see nothing to be told of."""
    seen = _seen(change, sending)
    if seen is None:
        return None
    # Where nothing else is asked of the differences, it is enough to know what is gone.
    again = seen is not change or shape.interest.may_select is not None
    found = differences(seen) if shape.telling.show_changes or again else removals(seen)
    if again and not shape.interest.wants(seen, found, sending.follow):
        return None
    if seen.after is None:
        return _notification(shape, [_of_deletion(shape, seen, found)], sending)
    return _notification(shape, _shown(shape, [shape.telling.after(seen, found)], sending), sending)


def notify_entities(shape: Shape, entities: Sequence[Entity], sending: Sending) -> Notification | None:
    """The notification of a period, about these entities as the subscriber sees them; None where there are none."""
    if not entities:
        return None
    return _notification(shape, _shown(shape, [_of_datasets(shape, one) for one in entities], sending), sending)


def _format(params: NotificationParams) -> Format:
    return "simplified" if params.format == "keyValues" else params.format


def _projection(params: NotificationParams) -> Projection | None:
    """`attributes` are a pick that keeps what is no attribute (clause 5.2.14.1)."""
    if params.attributes:
        return Projection(tuple((name, None) for name in (*ENTITY_MEMBERS, *params.attributes)))
    given = params.pick or params.omit
    return None if given is None else projection_from_json(given.projection)


def _join(params: NotificationParams) -> Join | None:
    return None if params.join == "@none" else Join(params.join, min(params.join_level, JOIN_LEVEL_MAX))


def _prefers_json(params: NotificationParams) -> bool:
    """Whether receiverInfo asks for GeoJSON without an @context in it (clauses 5.3.1, 6.3.8)."""
    return any(key.lower() == "prefer" and value == "body=json" for key, value in params.endpoint.receiver_info)


def _seen(change: EntityChange, sending: Sending) -> EntityChange | None:
    """The change as far as the subscriber may see it."""
    view = sending.view
    if view is None:
        return change
    before = None if change.before is None else view(change.before)
    after = None if change.after is None else view(change.after)
    if (after if change.after is not None else before) is None:
        return None
    return EntityChange(change.sequence, change.at, before, after)


def _of_datasets(shape: Shape, entity: Entity) -> Entity:
    wanted = shape.interest.attention.datasets
    return _with(entity, keep_datasets(entity.document, wanted)) if wanted else entity


def _shown(shape: Shape, entities: list[Entity], sending: Sending) -> list[dict[str, Json]]:
    """The entities, then those they are joined with, as they are sent."""
    if shape.join is None:
        cut = [_projected(shape, entity) for entity in entities]
    elif shape.join.mode == "flat":
        cut = Linker(sending.follow, shape.join).flat(entities, shape.projection)
    else:
        linker = Linker(sending.follow, shape.join)
        cut = [linker.inline(entity, shape.projection) for entity in entities]
    wholes = [*entities, *cut[len(entities) :]]
    return [_encoded(shape, one, whole) for one, whole in zip(cut, wholes, strict=True)]


def _of_deletion(shape: Shape, change: EntityChange, found: Differences) -> dict[str, Json]:
    """A deleted entity: `{"id": …, "type": …, "deletedAt": …}`, and attributes as far as they are told of."""
    gone = shape.telling.deleted(change, found)
    shown = _encoded(shape, _projected(shape, gone), gone)
    system = shown["properties"] if shape.media_type == GEO_JSON else shown
    if shape.projection is None or not shape.projection.omits or shape.projection.gives("deletedAt"):
        cast("dict[str, Json]", system)["deletedAt"] = to_text(change.at)
    return shown


def _encoded(shape: Shape, entity: Entity, whole: Entity) -> dict[str, Json]:
    """One entity as it is sent; `whole` is the entity before a projection took anything from it."""
    if shape.media_type == GEO_JSON:
        location = shape.names.expand(LOCATION)
        leaving((entity,), *((location,) if location in whole.document else ()))
        return encode_feature(entity, shape.representation, shape.names, geometry_of(whole, location))
    leaving((entity,))
    shown = encode_entity(entity, shape.representation, shape.names)
    return shown if shape.version is None else amended(shown, shape.version)


def _notification(shape: Shape, shown: list[dict[str, Json]], sending: Sending) -> Notification:
    context: dict[str, Json] = {} if shape.linked else {"@context": shape.context}
    data: Json
    if shape.media_type == GEO_JSON:
        data = {**encode_collection(shown), **context}
    else:
        data = [{**one, **context} for one in shown]
    body: dict[str, Json] = {
        "id": sending.id,
        "type": "Notification",
        "subscriptionId": shape.interest.id,
        "notifiedAt": to_text(sending.at),
        "data": data,
    }
    return Notification(body, shape.media_type, _LINK.format(shape.context) if shape.linked else None)


def _projected(shape: Shape, entity: Entity) -> Entity:
    return entity if shape.projection is None else _with(entity, project(entity.document, shape.projection))


def _with(entity: Entity, document: Document) -> Entity:
    return Entity(document, entity.created_at, entity.modified_at, entity.expires_at, entity.version)
