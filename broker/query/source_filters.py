"""What a request says of context sources themselves, beside what they have: place, time, scope, `csf` (clause 5.10.2).

`csf` is a query in the language of 4.9 over the members of a registration as if they were Properties: its own
(`csf=owner=="city hall"`) and those of 5.2.9 (`csf=endpoint=="http://…"`), but for what may be secret. Names of 5.2.9
are those of the core @context, names of this hub's own those of its default vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, cast

from broker.ldcontext.core import core_context
from broker.model.entity import Document, Entity
from broker.model.registration import Interval, Registration
from broker.model.values import Json, to_text
from broker.query.ast import (
    Absent,
    And,
    Between,
    Compare,
    Exists,
    Geo,
    HasAttribute,
    Linked,
    Node,
    OneOf,
    Or,
    Pattern,
    Relation,
)
from broker.query.match import matches
from broker.query.sources import Specification, matched
from broker.query.targets import ENTITY_ELEMENTS
from broker.query.temporal import TemporalQuery

_TEXTS: Final = {
    "endpoint": "endpoint", "mode": "mode", "tenant": "tenant", "alias": "contextSourceAlias", "name":
    "registrationName", "description": "description", "refresh_rate": "refreshRate", "operations": "operations",
    "dataset_ids": "datasetId", "contract": "contract",
}  # fmt: skip
_PLACES: Final = {
    "location": "location", "observation_space": "observationSpace", "operation_space": "operationSpace",
}  # fmt: skip
_REACHING: Final = {
    Relation.WITHIN: Relation.INTERSECTS,
    Relation.EQUALS: Relation.CONTAINS,
    Relation.OVERLAPS: Relation.INTERSECTS,
}
"""What must hold of an area for some place in it to be able to stand in the relation."""


@dataclass(frozen=True, slots=True)
class SourceQuery:
    """Registrations that are looked for; `wanted` are entities and attributes, one enough and none being any.

    Without `times` it is about current state, with them about evolutions.
    """

    wanted: tuple[Specification, ...] = ()
    geo: Geo | None = None
    scope: Node | None = None
    csf: Node | None = None
    times: TemporalQuery | None = None


def fits(registration: Registration, query: SourceQuery) -> bool:
    """Whether the registration is one of those that are looked for (clause 5.10.2.4)."""
    if query.times is None:
        if registration.temporal:
            return False
    elif not fits_times(registration, query.times):
        return False
    if query.wanted and not any(matched(registration, one) for one in query.wanted):
        return False
    return fits_filters(registration, query)


def fits_filters(registration: Registration, query: SourceQuery) -> bool:
    """Whether its place, its scopes and its own properties are those that are looked for."""
    if query.geo is not None and not fits_geo(registration, query.geo):
        return False
    if query.scope is not None and not fits_scope(registration, query.scope):
        return False
    return query.csf is None or fits_csf(registration, query.csf)


def fits_csf(registration: Registration, csf: Node) -> bool:
    """Whether a bound context source filter holds for the registration."""
    return matches(csf, as_entity(registration), _nothing)


def fits_scope(registration: Registration, scope: Node) -> bool:
    """Whether a scope query holds for the scopes of the registration; one without scopes has none."""
    return matches(scope, as_entity(registration), _nothing)


def fits_times(registration: Registration, times: TemporalQuery) -> bool:
    """Whether the source has anything of the time that is asked for, by the interval of its timeproperty."""
    observed = times.timeproperty == "observedAt"
    interval = registration.observation_interval if observed else registration.management_interval
    if interval is None:
        return False
    match times.timerel:
        case "before":
            return interval.start <= times.at
        case "after":
            return interval.end is None or interval.end >= times.at
        case "between":
            return interval.start <= times.end and (interval.end is None or interval.end >= times.at)
        case _:
            return True


def fits_geo(registration: Registration, geo: Geo) -> bool:
    """Whether the source's place stands in the relation, or some place inside of it could (clause 5.10.2.4)."""
    entity = as_entity(registration)
    held = cast("dict[str, Json] | None", entity.document.get(geo.path.name))
    if held is None or held["type"] != "GeoProperty":
        return False
    if matches(geo, entity, _nothing):
        return True
    if cast("dict[str, Json]", held["value"])["type"] == "Point":
        return False  # there are no places inside of a point
    if geo.relation is Relation.DISJOINT:
        return not matches(replace(geo, relation=Relation.WITHIN), entity, _nothing)
    if geo.relation is Relation.NEAR:
        return geo.min_distance_m is not None
    reaching = _REACHING.get(geo.relation)
    return reaching is not None and matches(replace(geo, relation=reaching), entity, _nothing)


def as_entity(registration: Registration) -> Entity:
    """The registration's public members as Properties, its places as GeoProperties, for the query languages."""
    expand = core_context().expand
    document: Document = {"id": registration.id, "type": expand("ContextSourceRegistration")}
    if registration.scopes:
        document["scope"] = list(registration.scopes)
    for field, name in _TEXTS.items():
        value = getattr(registration, field)
        if value is not None and value != ():
            document[expand(name)] = _property(list(value) if isinstance(value, tuple) else value)
    for field, name in _PLACES.items():
        place = getattr(registration, field)
        if place is not None:
            document[expand(name)] = {"type": "GeoProperty", "value": place}
    for name, interval in _intervals(registration):
        document[expand(name)] = _property(interval)
    if isinstance(registration.others, dict):
        document |= {iri: _own(value) for iri, value in registration.others.items()}
    return Entity(document, 0, 0, registration.expires_at)


def attributes_named(node: Node | None) -> Iterator[str]:
    """The attributes (IRIs) a bound condition looks at; elements of the entity itself are none."""
    match node:
        case And(terms) | Or(terms):
            for term in terms:
                yield from attributes_named(term)
        case Exists(path) | Absent(path) | Compare(path) | OneOf(path) | Between(path) | Pattern(path):
            if path.subs or path.name not in ENTITY_ELEMENTS:
                yield path.name
        case Linked(path) | Geo(path):
            yield path.name
        case HasAttribute(name):
            yield name
        case _:
            return


def _nothing(_: str) -> None:
    return None


def _property(value: Json) -> Json:
    return {"type": "Property", "value": value}


def _own(value: Json) -> Json:
    """A property of the source as it was given: a plain value, or an NGSI-LD attribute."""
    if isinstance(value, dict):
        if value.get("type") == "Relationship" and "object" in value:
            return {"type": "Relationship", "object": value["object"]}
        if value.get("type") in ("Property", "GeoProperty") and "value" in value:
            return _property(value["value"])
    return _property(value)


def _intervals(registration: Registration) -> Iterator[tuple[str, Json]]:
    given: tuple[tuple[str, Interval | None], ...] = (
        ("observationInterval", registration.observation_interval),
        ("managementInterval", registration.management_interval),
    )
    for name, one in given:
        if one is not None:
            end: dict[str, Json] = {} if one.end is None else {"endAt": to_text(one.end)}
            yield name, {"startAt": to_text(one.start), **end}
