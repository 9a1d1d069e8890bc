"""A Subscription, or a fragment of one, from a body (clauses 5.2.12, 5.8.1, 5.8.2).

A body is read to its members (`decode_subscription`); a new subscription is made of them (`created`), or an existing
one is revised by them (`revised`): what the members must be together is looked at then, on the whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from broker.decode.given import Given, standing_at, unknown_members
from broker.decode.notification import ENDPOINT_MEMBERS, NOTIFICATION_MEMBERS, decode_notification
from broker.decode.query import TEXTS_MAX, decode_geo, decode_selectors
from broker.decode.reading import refusal
from broker.decode.temporal_query import temporal_texts
from broker.errors import BadRequestData
from broker.ldcontext.active import ActiveContext
from broker.model.secrets import HIDDEN, unmasked
from broker.model.subscription import TRIGGERS, Filter, GeoFilter, Selector, Subscription
from broker.model.values import NGSI_LD_NULL, Instant, Json
from broker.query.bind import bind
from broker.query.geo import parse_geo
from broker.query.ids import parse_id_pattern
from broker.query.percent import decoded
from broker.query.projection import Projection
from broker.query.q import parse_q
from broker.query.scopes import parse_scope_q
from broker.query.stored import node_to_json, projection_from_json
from broker.query.times import parse_times
from broker.query.types import parse_types

SECONDS_MAX: Final = 3_155_760_000  # a hundred years
INTERVAL_S_MIN: Final = 0.1  # a timer that fires more often keeps the broker from its other work
ANY_TYPE: Final = "*"
_CLAUSE: Final = "5.2.12"
_READ_ONLY: Final = frozenset({"status", "createdAt", "modifiedAt", "deletedAt"})
_VERSION: Final = re.compile(r"[1-9]\d{0,3}\.\d{1,4}")
_REFUSED: Final = {
    "temporalQ": "temporalQ is for subscriptions to context source registrations (POST /csourceSubscriptions)",
}


@dataclass(frozen=True, slots=True)
class Received:
    """The members of a body, decoded, by the name of the field; None for one that is to go.

    `q` is still a text: what its values mean depends on `expand_values`, which may stand in the subscription already.
    `ignored` are names of members that mean nothing here.
    """

    names: ActiveContext
    members: Mapping[str, Any]
    id: str | None = None
    ignored: tuple[str, ...] = ()

    def with_context(self, url: str) -> Received:
        """The same with this jsonldContext."""
        return replace(self, members={**self.members, "jsonld_context": url})


def decode_subscription(
    body: Json, names: ActiveContext, *, fragment: bool = False, to_sources: bool = False
) -> Received:
    """The members of a Subscription's body, `@context` left out; in a fragment a null removes a member.

    `to_sources`: it is one to registrations of context sources, which may have a temporalQ (clause 5.11.2).

    Raises BadRequestData, OperationNotSupported for an endpoint this broker cannot speak to.
    """
    given = Given(body, "", _CLAUSE)
    held = given.members()
    if "type" in held or not fragment:
        given.needed("type").one_of("Subscription")
    identifier = given.member("id").uri() if "id" in held else None
    members: dict[str, Any] = {}
    for name, value in held.items():
        if name in _REFUSED and not to_sources:
            raise refusal(f"A Subscription to entities has no {name}.", "/" + name, _CLAUSE, _REFUSED[name])
        if name not in _READERS:
            continue
        field, read = _READERS[name]
        removed = fragment and (value is None or value == NGSI_LD_NULL)
        members[field] = None if removed else read(given.member(name), names)
    return Received(names, members, identifier, _ignored(held))


def created(received: Received, subscription_id: str, now: Instant) -> Subscription:
    """The new subscription. Raises BadRequestData where its members don't go together (clause 5.8.1.4)."""
    members = dict(received.members)
    if "notification" not in members:
        raise refusal(
            "A Subscription has a notification.", "/notification", _CLAUSE, '{"endpoint": {"uri": "https://…"}}'
        )
    text = members.pop("q", None)
    made = Subscription(id=subscription_id, **members)
    return _checked(_with_q(made, text, received.names), None, received, now)


def revised(current: Subscription, received: Received, now: Instant) -> Subscription:
    """The subscription with the members that were received in the place of its own (clauses 5.5.8, 5.8.2.4).

    One that had expired and gets a later end is active again. Raises BadRequestData.
    """
    if received.id is not None and received.id != current.id:
        raise refusal("The id of a subscription stays as it is.", "/id", "5.8.2.4", f'"id": "{current.id}", or no id')
    members = dict(received.members)
    if members.get("notification", current.notification) is None:
        raise refusal("A Subscription has a notification.", "/notification", _CLAUSE, "another one in its place")
    if "q" not in members and current.q is not None and members.keys() & {"expand_values", "json_keys"}:
        raise refusal("expandValues and jsonKeys change what q means.", "/q", "4.9", "q as well")
    if "expires_at" in members and "active" not in members and current.status(now) == "expired":
        members["active"] = True
    given = "q" in members
    text = members.pop("q", None)
    found = replace(current, **{name: _DEFAULTS[name] if value is None else value for name, value in members.items()})
    if given:
        found = _with_q(found, text, received.names)
    return _checked(found, current, received, now)


def _with_q(subscription: Subscription, text: str | None, names: ActiveContext) -> Subscription:
    """The subscription with `q` read: values of attributes in expandValues are expanded, but for those in jsonKeys."""
    if text is None:
        return replace(subscription, q=None)
    expand, json_keys = (
        frozenset(iris) | {names.compact(iri) for iri in iris}
        for iris in (subscription.expand_values, subscription.json_keys)
    )
    with standing_at(Given(text, "/q", "4.9")):
        return replace(
            subscription, q=Filter(text, node_to_json(bind(parse_q(decoded(text), expand, json_keys), names)))
        )


def _checked(found: Subscription, before: Subscription | None, received: Received, now: Instant) -> Subscription:
    """The subscription, its secrets put in, where its members go together."""
    if found.expires_at is not None and "expires_at" in received.members and found.expires_at <= now:
        raise refusal("expiresAt has passed.", "/expiresAt", "5.8.1.4", "a moment that is still to come")
    _check_subject(found)
    _check_timing(found)
    _check_depth(found)
    endpoint = unmasked(found.notification.endpoint, None if before is None else before.notification.endpoint)
    if endpoint is None:
        raise refusal(
            f"'{HIDDEN}' stands for a secret that is not shown, and there is none to put in its place.",
            "/notification/endpoint", "5.2.15", "the secret itself; a known one is kept for its own address only",
        )  # fmt: skip
    return replace(found, notification=replace(found.notification, endpoint=endpoint))


def _check_subject(found: Subscription) -> None:
    if not (found.entities or found.watched or found.local_only):
        raise refusal(
            "The subscription is about nothing.", "/entities", _CLAUSE,
            "entities, watchedAttributes, or localOnly true for all entities of this broker",
        )  # fmt: skip
    if found.local_only is False and any(one.type == ANY_TYPE for one in found.entities):
        raise refusal("The type * is about this broker's own entities.", "/localOnly", "5.2.33", "leave localOnly out")


def _check_timing(found: Subscription) -> None:
    if found.time_interval is None:
        return
    for name, given in (("watchedAttributes", bool(found.watched)), ("throttling", found.throttling is not None)):
        if given:
            raise refusal(
                f"timeInterval and {name} exclude each other.", "/" + name, _CLAUSE,
                f"timeInterval for notifications at fixed times, or {name} for notifications of changes",
            )  # fmt: skip
    if not (found.entities or found.local_only):
        raise refusal("timeInterval needs entities.", "/entities", _CLAUSE, '"entities": [{"type": "House"}]')


def _check_depth(found: Subscription) -> None:
    """Raise BadRequestData where a projection reaches deeper into linked entities than the join (clause 4.21)."""
    params = found.notification
    level = 0 if params.join == "@none" else params.join_level
    for name, projected in (("pick", params.pick), ("omit", params.omit)):
        if projected is None:
            continue
        projection: Projection = projection_from_json(projected.projection)
        if projection.depth > level:
            raise refusal(
                f"This reaches {projection.depth} levels into linked entities, and {level} are joined.",
                f"/notification/{name}", "4.21", f'"join": "inline", "joinLevel": {projection.depth}',
            )  # fmt: skip


def _ignored(body: dict[str, Json]) -> tuple[str, ...]:
    """Names of the members that this broker knows nothing of, as paths: `notification/frequency`."""
    known = frozenset(_READERS) | _READ_ONLY | {"id", "type", "@context"}
    found = list(unknown_members(body, known))
    notification = body.get("notification")
    if isinstance(notification, dict):
        found += ["notification/" + name for name in unknown_members(notification, NOTIFICATION_MEMBERS)]
        endpoint = notification.get("endpoint")
        if isinstance(endpoint, dict):
            found += ["notification/endpoint/" + name for name in unknown_members(endpoint, ENDPOINT_MEMBERS)]
    return tuple(found)


def _entities(given: Given, names: ActiveContext) -> tuple[Selector, ...]:
    found = []
    for at, one in enumerate(decode_selectors(given.value, given.pointer)):
        where = Given(one.type, f"{given.pointer}/{at}/type", "4.17")
        with standing_at(where):
            types = None if one.type == ANY_TYPE else node_to_json(bind(parse_types(one.type), names))
        if one.id_pattern is not None:
            with standing_at(Given(None, f"{given.pointer}/{at}/idPattern", "5.2.33")):
                parse_id_pattern(one.id_pattern)
        found.append(Selector(one.type, types, one.ids, one.id_pattern))
    return tuple(found)


def _attributes(given: Given, names: ActiveContext) -> tuple[str, ...]:
    """IRIs of attributes; `scope` stands for itself."""
    found = [(one.text(), one.pointer) for one in given.each()]
    for name, pointer in found:
        if name in ("id", "type"):
            raise refusal(f"'{name}' is no attribute and never changes so.", pointer, _CLAUSE, "names of attributes")
    return tuple(dict.fromkeys(name if name == "scope" else names.expand(name, pointer) for name, pointer in found))


def _listed(given: Given, names: ActiveContext) -> tuple[str, ...]:
    """IRIs of attributes that come with commas between them, or as a list."""
    words = given.texts() if isinstance(given.value, list) else given.text().split(",")
    return tuple(dict.fromkeys(names.expand(word.strip(), given.pointer) for word in words))


def _triggers(given: Given, _: ActiveContext) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.one_of(*TRIGGERS) for one in given.each()))


def _q(given: Given, _: ActiveContext) -> str:
    text = given.text()
    with standing_at(given):
        parse_q(decoded(text))
    return text


def _geo(given: Given, names: ActiveContext) -> GeoFilter:
    geo = decode_geo(given.value, given.pointer)
    with standing_at(given):
        node = bind(parse_geo(geo.georel, geo.geometry, geo.coordinates, geo.geoproperty), names)
    return GeoFilter(dict(given.members()), node_to_json(node))


def _scope_q(given: Given, _: ActiveContext) -> str:
    with standing_at(given):
        parse_scope_q(given.text())
    return given.text()


def _datasets(given: Given, _: ActiveContext) -> tuple[str, ...]:
    each = [given] if isinstance(given.value, str) else given.each(TEXTS_MAX)
    return tuple(dict.fromkeys(one.text() if one.value == "@none" else one.uri() for one in each))


def _version(given: Given, _: ActiveContext) -> str:
    if not _VERSION.fullmatch(given.text()):
        raise given.refused("a version of the specification such as '1.6'")
    return given.text()


def _some_text(given: Given, _: ActiveContext) -> str:
    if not isinstance(given.value, str):
        raise given.refused("a text")
    return given.value


def _flag(given: Given, _: ActiveContext) -> bool:
    return given.flag()


def _seconds(given: Given, _: ActiveContext) -> int | float:
    return given.above_zero(SECONDS_MAX)


def _interval(given: Given, _: ActiveContext) -> int | float:
    found = given.above_zero(SECONDS_MAX)
    if found < INTERVAL_S_MIN:
        raise BadRequestData(
            f"Every {found} seconds is more often than this broker sends.", pointer=given.pointer, clause=_CLAUSE,
            remedy=f"at least {INTERVAL_S_MIN}",
        )  # fmt: skip
    return found


def _times(given: Given, _: ActiveContext) -> dict[str, Json]:
    texts = temporal_texts(given)
    with standing_at(given):
        parse_times(texts)
    return dict(given.members())


def _lang(given: Given, _: ActiveContext) -> str:
    return given.text()


_READERS: Final[dict[str, tuple[str, Callable[[Given, ActiveContext], Any]]]] = {
    "entities": ("entities", _entities),
    "notification": ("notification", decode_notification),
    "notificationTrigger": ("triggers", _triggers),
    "watchedAttributes": ("watched", _attributes),
    "q": ("q", _q),
    "geoQ": ("geo", _geo),
    "scopeQ": ("scope_q", _scope_q),
    "csf": ("csf", _q),
    "datasetId": ("dataset_ids", _datasets),
    "description": ("description", _some_text),
    "expandValues": ("expand_values", _listed),
    "expiresAt": ("expires_at", lambda given, _: given.instant()),
    "isActive": ("active", _flag),
    "jsonKeys": ("json_keys", _listed),
    "jsonldContext": ("jsonld_context", lambda given, _: given.uri()),
    "lang": ("lang", _lang),
    "localOnly": ("local_only", _flag),
    "ngsildConformance": ("conformance", _version),
    "splitEntities": ("split_entities", _flag),
    "subscriptionName": ("name", _some_text),
    "throttling": ("throttling", _seconds),
    "temporalQ": ("temporal", _times),
    "timeInterval": ("time_interval", _interval),
}
_DEFAULTS: Final[dict[str, Any]] = {one.name: one.default for one in fields(Subscription)}
