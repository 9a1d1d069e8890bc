"""A context source registration as this broker holds it: every name expanded (clauses 5.2.8 to 5.2.11, 5.2.34).

It is kept as a held document of kind `registration` whose body is `to_body()`, so that matching works from bodies
alone and knows no @context. What is forwarded where is decided by these members only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from broker.model.values import Instant, Json

Mode: TypeAlias = Literal["inclusive", "exclusive", "redirect", "auxiliary"]

REGISTRATION = "registration"
"""The kind of held documents that registrations are."""

PROXIED = frozenset({"exclusive", "redirect"})
"""The modes whose data is never held here (clause 4.3.6.3)."""

_CONSUMPTION = (
    "retrieveEntity", "queryEntity", "queryBatch", "retrieveEntityTypes", "retrieveEntityTypeDetails",
    "retrieveEntityTypeInfo", "retrieveAttrTypes", "retrieveAttrTypeDetails", "retrieveAttrTypeInfo",
)  # fmt: skip
_SUBSCRIPTIONS = (
    "createSubscription", "updateSubscription", "retrieveSubscription", "querySubscription", "deleteSubscription",
)  # fmt: skip
_MAPS = ("retrieveEntityMap", "updateEntityMap", "deleteEntityMap", "createEntityMapQueryEntity")
_IDENTITY = ("retrieveContextSourceIdentity",)

OPERATION_GROUPS: Mapping[str, tuple[str, ...]] = {
    "federationOps": (*_CONSUMPTION, *_SUBSCRIPTIONS, *_MAPS, *_IDENTITY),
    "associationOps": (*_CONSUMPTION, *_SUBSCRIPTIONS, *_IDENTITY),
    "updateOps": ("updateEntity", "updateAttrs", "replaceEntity", "replaceAttrs"),
    "retrieveOps": ("retrieveEntity", "queryEntity"),
    "redirectionOps": (
        "createEntity", "updateEntity", "appendAttrs", "updateAttrs", "deleteAttrs", "deleteEntity", "mergeEntity",
        "replaceEntity", "replaceAttrs", "retrieveEntity", "queryEntity", "purgeEntity", "retrieveEntityTypes",
        "retrieveEntityTypeDetails", "retrieveEntityTypeInfo", "retrieveAttrTypes", "retrieveAttrTypeDetails",
        "retrieveAttrTypeInfo", *_MAPS, *_IDENTITY,
    ),
}  # fmt: skip
"""Table 4.20-2."""

OPERATIONS = frozenset({
    *_CONSUMPTION, *_SUBSCRIPTIONS, *_MAPS, *_IDENTITY, *OPERATION_GROUPS["redirectionOps"],
    "createBatch", "upsertBatch", "updateBatch", "deleteBatch", "mergeBatch", "upsertTemporal", "appendAttrsTemporal",
    "deleteAttrsTemporal", "updateAttrInstanceTemporal", "deleteAttrInstanceTemporal", "deleteTemporal",
    "retrieveTemporal", "queryTemporal", "createEntityMapQueryTemporal",
})  # fmt: skip
"""Table 4.20-1."""


@dataclass(frozen=True, slots=True)
class EntityInfo:
    """Entities a source may have (clause 5.2.8): of these types (IRIs), with this id or else an id of the pattern.

    No types where an id stands alone, which this broker accepts.
    """

    types: tuple[str, ...] = ()
    id: str | None = None
    id_pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Information:
    """What a source may know of them (clause 5.2.10): no entities is any, no names is all attributes (IRIs)."""

    entities: tuple[EntityInfo, ...] = ()
    property_names: tuple[str, ...] = ()
    relationship_names: tuple[str, ...] = ()

    @property
    def attributes(self) -> frozenset[str]:
        """Both kinds of names together."""
        return frozenset((*self.property_names, *self.relationship_names))


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` to `end`, None being open (clause 5.2.11)."""

    start: Instant
    end: Instant | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration (clause 5.2.9); None, or nothing in a tuple, where a member was not given.

    `timeout_ms`, `cooldown_ms`, `cache_duration` (text) and `management_local` are its `management`. `info` is
    contextSourceInfo as it came, in its order. `contract` are this hub's own terms: licence, purpose, recipient,
    re-use. `credentials` is how this hub proves who it is there; never in an answer. `pass_tenant` passes the tenant
    of the request on in place of `tenant`. `others` are members that are kept and shown only, expanded.
    """

    id: str
    endpoint: str
    information: tuple[Information, ...]
    mode: Mode = "inclusive"
    operations: tuple[str, ...] = ()
    tenant: str | None = None
    alias: str | None = None
    info: tuple[tuple[str, str], ...] = ()
    dataset_ids: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    expires_at: Instant | None = None
    location: Json = None
    observation_space: Json = None
    operation_space: Json = None
    observation_interval: Interval | None = None
    management_interval: Interval | None = None
    refresh_rate: str | None = None
    name: str | None = None
    description: str | None = None
    timeout_ms: float | None = None
    cooldown_ms: float | None = None
    cache_duration: str | None = None
    management_local: bool | None = None
    contract: Json = None
    credentials: Json = None
    pass_tenant: bool = False
    others: Json = None
    principal: str = "anonymous"

    @property
    def supported(self) -> frozenset[str]:
        """The operations of Table 4.20-1 that the source serves, groups resolved; the default is federationOps.

        That group holds no operation on histories: a source that gives an interval and no operations can be asked for
        them all the same (clause 5.2.9).
        """
        found: set[str] = set()
        default = ("federationOps", "retrieveTemporal", "queryTemporal") if self.temporal else ("federationOps",)
        for name in self.operations or default:
            found.update(OPERATION_GROUPS.get(name, (name,)))
        return frozenset(found)

    @property
    def proxied(self) -> bool:
        """Whether what it registers is never held here (clause 4.3.6.3)."""
        return self.mode in PROXIED

    @property
    def temporal(self) -> bool:
        """Whether it is about evolutions (clause 5.2.9: an interval says so), and not about current state."""
        return self.observation_interval is not None or self.management_interval is not None

    def info_value(self, key: str) -> str | None:
        """A value of contextSourceInfo, its key compared without case."""
        return next((value for name, value in self.info if name.lower() == key.lower()), None)

    def to_body(self) -> dict[str, Json]:
        """The body of the held document; what has its default is left out."""
        body: dict[str, Json] = {}
        for attribute, name in _PLAIN.items():
            value = getattr(self, attribute)
            if value is not None and value != () and value is not False:
                body[name] = list(value) if isinstance(value, tuple) else value
        body["information"] = [_information_body(one) for one in self.information]
        body["contextSourceInfo"] = [list(pair) for pair in self.info]
        for name, interval in _intervals(self):
            if interval is not None:
                body[name] = [interval.start, interval.end]
        return body

    @classmethod
    def from_body(cls, body: Mapping[str, Json]) -> Registration:
        """The registration of a held document's body."""
        plain: dict[str, Any] = {}
        value: Any
        for attribute, name in _PLAIN.items():
            value = body.get(name)
            if value is not None:
                plain[attribute] = tuple(value) if attribute in _TUPLES else value
        return cls(
            information=tuple(_information_of(one) for one in cast("Sequence[Mapping[str, Any]]", body["information"])),
            info=tuple((key, value) for key, value in cast("list[tuple[str, str]]", body.get("contextSourceInfo", []))),
            observation_interval=_interval_of(body.get("observationInterval")),
            management_interval=_interval_of(body.get("managementInterval")),
            **plain,
        )


_PLAIN = {
    "id": "id", "endpoint": "endpoint", "mode": "mode", "operations": "operations", "tenant": "tenant",
    "alias": "contextSourceAlias", "dataset_ids": "datasetId", "scopes": "scope", "expires_at": "expiresAt",
    "location": "location", "observation_space": "observationSpace", "operation_space": "operationSpace",
    "refresh_rate": "refreshRate", "name": "registrationName", "description": "description", "timeout_ms": "timeout",
    "cooldown_ms": "cooldown", "cache_duration": "cacheDuration", "management_local": "localOnly",
    "contract": "contract", "credentials": "credentials", "pass_tenant": "passTenant", "others": "others",
    "principal": "principal",
}  # fmt: skip
_TUPLES = frozenset({"operations", "dataset_ids", "scopes"})


def _intervals(registration: Registration) -> tuple[tuple[str, Interval | None], ...]:
    return (
        ("observationInterval", registration.observation_interval),
        ("managementInterval", registration.management_interval),
    )


def _interval_of(body: Json) -> Interval | None:
    if not isinstance(body, list):
        return None
    return Interval(cast(int, body[0]), cast("int | None", body[1]))


def _information_body(one: Information) -> dict[str, Json]:
    body: dict[str, Json] = {}
    if one.entities:
        body["entities"] = [
            {"types": list(info.types), "id": info.id, "idPattern": info.id_pattern} for info in one.entities
        ]
    if one.property_names:
        body["propertyNames"] = list(one.property_names)
    if one.relationship_names:
        body["relationshipNames"] = list(one.relationship_names)
    return body


def _information_of(body: Mapping[str, Any]) -> Information:
    return Information(
        tuple(EntityInfo(tuple(one["types"]), one["id"], one["idPattern"]) for one in body.get("entities", ())),
        tuple(body.get("propertyNames", ())),
        tuple(body.get("relationshipNames", ())),
    )
