"""Subscriptions as they are answered: names compacted, secrets hidden (clauses 5.2.12 to 5.2.15, 5.8.3).

A text of a query language goes out as it came in where the caller's @context reads it as it was meant; under another
@context it is written anew from what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from broker.errors import NgsiError
from broker.ldcontext.active import ActiveContext
from broker.model.secrets import masked
from broker.model.subscription import (
    DEFAULT_TRIGGERS,
    Endpoint,
    Filter,
    GeoFilter,
    NotificationParams,
    Projected,
    Selector,
    Subscription,
)
from broker.model.values import Instant, Json, to_text
from broker.query.ast import Geo, Node
from broker.query.bind import bind, unbind
from broker.query.percent import decoded, encoded
from broker.query.projection import Projection, bind_projection, parse_omit, parse_pick, unbind_projection
from broker.query.q import parse_q
from broker.query.stored import node_from_json, projection_from_json
from broker.query.text import render, render_path, render_projection
from broker.query.types import parse_types


@dataclass(frozen=True, slots=True)
class Shown:
    """What an answer says of a subscription beside what was subscribed to.

    `counters` are the output-only members of its notification (clause 5.2.14.2) and `system` its createdAt and
    modifiedAt, both as they are written; none where there are none.
    """

    now: Instant
    counters: Mapping[str, Json] = field(default_factory=dict)
    system: Mapping[str, Json] = field(default_factory=dict)


def encode_subscription(subscription: Subscription, names: ActiveContext, shown: Shown) -> dict[str, Json]:
    """The Subscription, names compacted; no @context. What has its default is shown only where it tells something."""
    found: dict[str, Json] = {"id": subscription.id, "type": "Subscription"}
    found |= _texts(subscription)
    found |= _subject(subscription, names)
    found |= _queries(subscription, names)
    if not subscription.active:
        found["isActive"] = False
    if subscription.expires_at is not None:
        found["expiresAt"] = to_text(subscription.expires_at)
    found["notification"] = {**_notification(subscription.notification, names), **shown.counters}
    found["status"] = subscription.status(shown.now)
    found["jsonldContext"] = subscription.jsonld_context
    found |= shown.system
    return found


_TEXTS = {
    "name": "subscriptionName", "description": "description", "scope_q": "scopeQ", "csf": "csf", "lang": "lang",
    "temporal": "temporalQ",
    "local_only": "localOnly", "split_entities": "splitEntities", "conformance": "ngsildConformance",
    "throttling": "throttling", "time_interval": "timeInterval",
}  # fmt: skip


def _texts(subscription: Subscription) -> dict[str, Json]:
    """The members that no @context changes."""
    members = {name: getattr(subscription, attribute) for attribute, name in _TEXTS.items()}
    return {name: value for name, value in members.items() if value is not None}


def _subject(subscription: Subscription, names: ActiveContext) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if subscription.entities:
        found["entities"] = [_selector(one, names) for one in subscription.entities]
    if subscription.watched:
        found["watchedAttributes"] = [iri if iri == "scope" else names.compact(iri) for iri in subscription.watched]
    triggers = subscription.triggers or (() if subscription.time_interval is not None else DEFAULT_TRIGGERS)
    if triggers:
        found["notificationTrigger"] = list(triggers)
    return found


def _selector(selector: Selector, names: ActiveContext) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if selector.ids:
        found["id"] = selector.ids[0] if len(selector.ids) == 1 else list(selector.ids)
    if selector.id_pattern is not None:
        found["idPattern"] = selector.id_pattern
    found["type"] = selector.type if selector.types is None else _types(selector, names)
    return found


def _types(selector: Selector, names: ActiveContext) -> str:
    meant = node_from_json(selector.types)
    try:
        same = bind(parse_types(selector.type), names) == meant
    except NgsiError:
        same = False
    return selector.type if same else render(unbind(meant, names))


def _queries(subscription: Subscription, names: ActiveContext) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, iris in (("expandValues", subscription.expand_values), ("jsonKeys", subscription.json_keys)):
        if iris:
            found[name] = ",".join(map(names.compact, iris))
    if subscription.q is not None:
        found["q"] = _q(subscription.q, subscription, names)
    if subscription.geo is not None:
        found["geoQ"] = _geo(subscription.geo, names)
    if subscription.dataset_ids:
        found["datasetId"] = list(subscription.dataset_ids)
    return found


def _q(q: Filter, subscription: Subscription, names: ActiveContext) -> str:
    meant = node_from_json(q.node)
    expand, json_keys = (
        frozenset(iris) | {names.compact(iri) for iri in iris}
        for iris in (subscription.expand_values, subscription.json_keys)
    )
    try:
        same = repr(bind(parse_q(decoded(q.text), expand, json_keys), names)) == repr(meant)
    except NgsiError:
        same = False
    return (
        q.text
        if same
        else encoded(
            render(unbind(meant, names, frozenset(subscription.expand_values) - frozenset(subscription.json_keys)))
        )
    )


def _geo(geo: GeoFilter, names: ActiveContext) -> dict[str, Json]:
    if "geoproperty" not in geo.given:
        return dict(geo.given)
    meant: Node = unbind(node_from_json(geo.node), names)
    return {**geo.given, "geoproperty": render_path(cast(Geo, meant).path)}


def _notification(params: NotificationParams, names: ActiveContext) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if params.attributes:
        found["attributes"] = [names.compact(iri) for iri in params.attributes]
    for name, projected in (("pick", params.pick), ("omit", params.omit)):
        if projected is not None:
            found[name] = _projected(projected, names)
    found["format"] = params.format
    if params.join != "@none":
        found |= {"join": params.join, "joinLevel": params.join_level}
    if params.show_changes:
        found["showChanges"] = True
    if params.sys_attrs:
        found["sysAttrs"] = True
    found["endpoint"] = _endpoint(masked(params.endpoint))
    return found


def _projected(projected: Projected, names: ActiveContext) -> list[Json]:
    meant = projection_from_json(projected.projection)
    parse = parse_omit if meant.omits else parse_pick
    try:
        same = bind_projection(parse(",".join(projected.texts)), names) == meant
    except NgsiError:
        same = False
    if same:
        return list(projected.texts)
    anew = unbind_projection(meant, names)
    return [render_projection(Projection((one,), anew.omits)) for one in anew.names]


def _endpoint(endpoint: Endpoint) -> dict[str, Json]:
    found: dict[str, Json] = {"uri": endpoint.uri, "accept": endpoint.accept}
    if endpoint.timeout is not None:
        found["timeout"] = endpoint.timeout
    if endpoint.cooldown is not None:
        found["cooldown"] = endpoint.cooldown
    for name, pairs in (("receiverInfo", endpoint.receiver_info), ("notifierInfo", endpoint.notifier_info)):
        if pairs:
            found[name] = [{"key": key, "value": value} for key, value in pairs]
    return found
