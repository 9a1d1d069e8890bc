"""A subscription as this broker holds it: every name expanded, every query read (clauses 5.2.12 to 5.2.15).

It is kept as a held document of kind `subscription` whose body is `to_body()`, so that whoever matches or delivers
works from bodies alone and knows no @context. A query stands there twice: as the text that came, for answers, and as
the bound tree it means, as JSON (`query.stored` makes the node again).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from broker.model.values import Instant, Json

TRIGGERS = (
    "entityCreated",
    "entityUpdated",
    "entityDeleted",
    "attributeCreated",
    "attributeUpdated",
    "attributeDeleted",
)
DEFAULT_TRIGGERS = ("attributeCreated", "attributeUpdated")
ENTITY_UPDATED = ("attributeCreated", "attributeUpdated", "attributeDeleted")
"""What the trigger `entityUpdated` stands for (clause 5.2.12)."""


@dataclass(frozen=True, slots=True)
class Selector:
    """One group of entities (clause 5.2.33): of a type, and with one of the ids or else an id of the pattern.

    `type` is the text that came, `types` the bound type selection (query.stored), None for `*`.
    """

    type: str
    types: Json = None
    ids: tuple[str, ...] = ()
    id_pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """A text of the query language and the bound node it means (query.stored)."""

    text: str
    node: Json


@dataclass(frozen=True, slots=True)
class GeoFilter:
    """A GeoQuery (clause 5.2.13): its members as they came, and the bound node they mean (query.stored)."""

    given: Mapping[str, Json]
    node: Json


@dataclass(frozen=True, slots=True)
class Projected:
    """`pick` or `omit` (clause 4.21): the texts that came, and the bound projection (query.stored)."""

    texts: tuple[str, ...]
    projection: Json


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where notifications go and how (clause 5.2.15); `timeout` and `cooldown` in ms, None where not given."""

    uri: str
    accept: str = "application/json"
    timeout: int | float | None = None
    cooldown: int | float | None = None
    receiver_info: tuple[tuple[str, str], ...] = ()
    notifier_info: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NotificationParams:
    """What a notification holds (clause 5.2.14.1). `attributes` are IRIs; of the three projections one is given."""

    endpoint: Endpoint
    format: Literal["normalized", "concise", "simplified", "keyValues"] = "normalized"
    attributes: tuple[str, ...] = ()
    pick: Projected | None = None
    omit: Projected | None = None
    join: Literal["flat", "inline", "@none"] = "@none"
    join_level: int = 1
    show_changes: bool = False
    sys_attrs: bool = False


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription (clause 5.2.12); None, or nothing in a tuple, where a member was not given.

    `watched`, `expand_values` and `json_keys` are attribute IRIs. `throttling` and `time_interval` in seconds.
    `principal` and `purposes` are who subscribed: what they may see is asked again at each notification.
    `temporal` is a temporalQ as it came; only subscriptions to registrations have one. `via` is the header Via that
    the subscription came with: brokers that wait for its notifications already.
    """

    id: str
    notification: NotificationParams
    entities: tuple[Selector, ...] = ()
    watched: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    q: Filter | None = None
    geo: GeoFilter | None = None
    scope_q: str | None = None
    csf: str | None = None
    temporal: Mapping[str, Json] | None = None
    dataset_ids: tuple[str, ...] = ()
    lang: str | None = None
    expand_values: tuple[str, ...] = ()
    json_keys: tuple[str, ...] = ()
    expires_at: Instant | None = None
    active: bool = True
    jsonld_context: str = ""
    local_only: bool | None = None
    split_entities: bool | None = None
    conformance: str | None = None
    throttling: int | float | None = None
    time_interval: int | float | None = None
    name: str | None = None
    description: str | None = None
    principal: str = "anonymous"
    purposes: tuple[str, ...] = field(default=())
    via: str = ""

    @property
    def fires_on(self) -> frozenset[str]:
        """Its triggers or the default ones, `entityUpdated` as the three it stands for."""
        found = set(self.triggers or DEFAULT_TRIGGERS)
        if "entityUpdated" in found:
            found.remove("entityUpdated")
            found.update(ENTITY_UPDATED)
        return frozenset(found)

    def status(self, now: Instant) -> Literal["active", "paused", "expired"]:
        """Whether it notifies (clause 5.8.6): only an active one does."""
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "active" if self.active else "paused"

    def to_body(self) -> dict[str, Json]:
        """The body of the held document; what has its default is left out."""
        body = _members(self, _PLAIN)
        body["notification"] = _notification_body(self.notification)
        body["entities"] = [_members(one, _SELECTOR) for one in self.entities]
        if self.q is not None:
            body["q"] = {"text": self.q.text, "node": self.q.node}
        if self.geo is not None:
            body["geoQ"] = {"given": dict(self.geo.given), "node": self.geo.node}
        return body

    @classmethod
    def from_body(cls, body: Mapping[str, Json]) -> Subscription:
        """The subscription of a held document's body."""
        q, geo = cast("dict[str, Json] | None", body.get("q")), cast("dict[str, Json] | None", body.get("geoQ"))
        selectors = cast("Sequence[Mapping[str, Json]]", body.get("entities", ()))
        return cls(
            notification=_notification_of(cast("Mapping[str, Json]", body["notification"])),
            entities=tuple(Selector(**_arguments(one, _SELECTOR)) for one in selectors),
            q=None if q is None else Filter(cast(str, q["text"]), q["node"]),
            geo=None if geo is None else GeoFilter(cast("dict[str, Json]", geo["given"]), geo["node"]),
            **_arguments(body, _PLAIN),
        )


_PLAIN = {
    "id": "id", "watched": "watchedAttributes", "triggers": "notificationTrigger", "scope_q": "scopeQ", "csf": "csf",
    "dataset_ids": "datasetId", "lang": "lang", "expand_values": "expandValues", "json_keys": "jsonKeys",
    "expires_at": "expiresAt", "active": "isActive", "jsonld_context": "jsonldContext", "local_only": "localOnly",
    "split_entities": "splitEntities", "conformance": "ngsildConformance", "throttling": "throttling",
    "time_interval": "timeInterval", "name": "subscriptionName", "description": "description",
    "principal": "principal", "purposes": "purposes", "temporal": "temporalQ", "via": "via",
}  # fmt: skip
_SELECTOR = {"type": "type", "types": "types", "ids": "id", "id_pattern": "idPattern"}
_NOTIFICATION = {
    "format": "format", "attributes": "attributes", "join": "join", "join_level": "joinLevel",
    "show_changes": "showChanges", "sys_attrs": "sysAttrs",
}  # fmt: skip
_ENDPOINT = {"uri": "uri", "accept": "accept", "timeout": "timeout", "cooldown": "cooldown"}


def _members(held: object, names: Mapping[str, str]) -> dict[str, Json]:
    """Fields as JSON members, tuples as lists; those that are None or empty are left out."""
    found: dict[str, Json] = {}
    for attribute, name in names.items():
        value = getattr(held, attribute)
        if value is not None and value != ():
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


def _arguments(body: Mapping[str, Json], names: Mapping[str, str]) -> dict[str, Any]:
    """JSON members as fields, lists as tuples but for those that are a stored node."""
    return {
        attribute: tuple(value) if isinstance(value, list) and attribute != "types" else value
        for attribute, name in names.items()
        if (value := body.get(name)) is not None
    }


def _notification_body(params: NotificationParams) -> dict[str, Json]:
    body = _members(params, _NOTIFICATION)
    for name, projected in (("pick", params.pick), ("omit", params.omit)):
        if projected is not None:
            body[name] = {"texts": list(projected.texts), "projection": projected.projection}
    endpoint = _members(params.endpoint, _ENDPOINT)
    endpoint["receiverInfo"] = [list(pair) for pair in params.endpoint.receiver_info]
    endpoint["notifierInfo"] = [list(pair) for pair in params.endpoint.notifier_info]
    body["endpoint"] = endpoint
    return body


def _notification_of(body: Mapping[str, Json]) -> NotificationParams:
    endpoint = cast("Mapping[str, Json]", body["endpoint"])
    return NotificationParams(
        endpoint=Endpoint(
            receiver_info=_pairs(endpoint.get("receiverInfo")),
            notifier_info=_pairs(endpoint.get("notifierInfo")),
            **_arguments(endpoint, _ENDPOINT),
        ),
        pick=_projected(body.get("pick")),
        omit=_projected(body.get("omit")),
        **_arguments(body, _NOTIFICATION),
    )


def _projected(body: Json) -> Projected | None:
    if not isinstance(body, dict):
        return None
    return Projected(tuple(cast("list[str]", body["texts"])), body["projection"])


def _pairs(body: Json) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in cast("list[tuple[str, str]]", body or []))
