"""The body of a query by POST: a Query, its parts checked in shape and kept as parameter texts (clause 5.2.23).

    {"type": "Query", "entities": [{"type": "House", "idPattern": ".*"}], "q": "temperature>20",
     "geoQ": {"georel": "near;maxDistance==100", "geometry": "Point", "coordinates": [139.7, 35.7]}}

What the texts mean is the business of `broker.query`, as it is for the parameters of a GET.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from broker.decode.reading import below, no_null, refusal, shown
from broker.errors import BadRequestData
from broker.model.names import is_uri
from broker.model.values import Json

SELECTORS_MAX = 100  # each is a branch of one OR
TEXTS_MAX = 1000  # names or ids in one list
JOINS = frozenset({"flat", "inline", "@none"})

_CLAUSE = "5.2.23"


@dataclass(frozen=True, slots=True)
class EntitySelector:
    """One group of entities (clause 5.2.33): a type selection of 4.17, and ids, or else a pattern of ids."""

    type: str
    ids: tuple[str, ...] = ()
    id_pattern: str | None = None


@dataclass(frozen=True, slots=True)
class GeoQuery:
    """The texts of the parameters georel, geometry, coordinates and geoproperty (clause 5.2.13)."""

    georel: str
    geometry: str
    coordinates: str
    geoproperty: str | None = None


@dataclass(frozen=True, slots=True)
class Ordering:
    """The texts of the parameters orderBy, orderFrom, orderGeometry and collation (clause 5.2.43)."""

    order_by: str
    order_from: str | None = None
    order_geometry: str | None = None
    collation: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A validated Query. Lists are lists of texts as they were sent; None or () where a member is absent."""

    entities: tuple[EntitySelector, ...] = ()
    q: str | None = None
    geo: GeoQuery | None = None
    scope_q: str | None = None
    csf: str | None = None
    lang: str | None = None
    attrs: tuple[str, ...] = ()
    pick: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    dataset_ids: tuple[str, ...] = ()
    contained_by: tuple[str, ...] = ()
    expand_values: str | None = None
    json_keys: str | None = None
    join: str | None = None
    join_level: int | None = None
    ordering: Ordering | None = None
    entity_map: bool | None = None
    entity_map_lifetime: str | None = None
    split_entities: bool | None = None


def decode_query(body: Json) -> Query:
    """The Query in a body, `@context` left out.

    Raises BadRequestData for a member of the wrong shape, for one that belongs to temporal queries, and for an
    unknown one (clauses 5.2.23, 5.7.2).
    """
    if not isinstance(body, dict):
        raise refusal(f"A Query is a JSON object, not {shown(body)}.", "", _CLAUSE, '{"type": "Query", …}')
    if body.get("type") != "Query":
        raise refusal("The body is no Query.", "/type", _CLAUSE, 'a member "type" with the value "Query"')
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name in ("type", "@context"):
            continue
        if name not in _READERS:
            raise _unknown(name)
        if value is None:
            raise no_null("/" + name)
        member, read = _READERS[name]
        found[member] = read(value, "/" + name)
    return Query(**found)


def _unknown(name: str) -> BadRequestData:
    if name in ("temporalQ", "aggrParams"):
        remedy = "POST /temporal/entityOperations/query for a temporal query"
    else:
        remedy = "one of " + ", ".join(_READERS)
    return refusal(f"A Query has no member {shown(name)}.", below("", name), _CLAUSE, remedy)


def _text(value: Json, pointer: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise refusal(f"A text is needed, not {shown(value)}.", pointer, _CLAUSE, "a text that is not empty")


def _texts(value: Json, pointer: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= TEXTS_MAX:
        raise refusal(f"A list of texts is needed, not {shown(value)}.", pointer, _CLAUSE, f"1 to {TEXTS_MAX} texts")
    return tuple(_text(one, below(pointer, at)) for at, one in enumerate(value))


def _listed(value: Json, pointer: str) -> str:
    """A comma separated list, which may come as an array too: `["a", "b"]` gives `a,b`."""
    return ",".join(_texts(value, pointer)) if isinstance(value, list) else _text(value, pointer)


def _flag(value: Json, pointer: str) -> bool:
    if isinstance(value, bool):
        return value
    raise refusal(f"A truth value is needed, not {shown(value)}.", pointer, _CLAUSE, "true or false")


def _join(value: Json, pointer: str) -> str:
    if isinstance(value, str) and value in JOINS:
        return value
    raise refusal(f"{shown(value)} is no way to join.", pointer, _CLAUSE, "flat, inline or @none")


def _level(value: Json, pointer: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise refusal(f"{shown(value)} is no joinLevel.", pointer, _CLAUSE, "a whole number from 1")


def _datasets(value: Json, pointer: str) -> tuple[str, ...]:
    found = _texts([value] if isinstance(value, str) else value, pointer)
    for at, one in enumerate(found):
        if one != "@none" and not is_uri(one):
            raise refusal(f"{shown(one)} is no URI.", below(pointer, at), _CLAUSE, "a URI, or '@none'")
    return found


def _ids(value: Json, pointer: str) -> tuple[str, ...]:
    found = _texts([value] if isinstance(value, str) else value, pointer)
    for at, one in enumerate(found):
        if not is_uri(one):
            raise refusal(f"{shown(one)} is no URI.", below(pointer, at), "5.2.33", "a URI: 'urn:ngsi-ld:House:1'")
    return found


def decode_selectors(value: Json, pointer: str) -> tuple[EntitySelector, ...]:
    """A list of EntitySelectors in shape, their texts not yet read. Raises BadRequestData (clause 5.2.33)."""
    if not isinstance(value, list) or not 0 < len(value) <= SELECTORS_MAX:
        raise refusal(
            f"A list of selectors is needed, not {shown(value)}.", pointer, _CLAUSE, f"1 to {SELECTORS_MAX} of them"
        )
    return tuple(_selector(one, below(pointer, at)) for at, one in enumerate(value))


def _selector(value: Json, pointer: str) -> EntitySelector:
    members = _members(value, pointer, ("type", "id", "idPattern"), "5.2.33")
    if "type" not in members:
        raise refusal("An EntitySelector has a type.", pointer, "5.2.33", "a type selection, or '*' for all types")
    pattern = members.get("idPattern")
    return EntitySelector(
        _listed(members["type"], pointer + "/type"),
        _ids(members["id"], pointer + "/id") if "id" in members else (),
        None if pattern is None or "id" in members else _text(pattern, pointer + "/idPattern"),
    )


def decode_geo(value: Json, pointer: str) -> GeoQuery:
    """A GeoQuery in shape, its texts not yet read. Raises BadRequestData (clause 5.2.13)."""
    members = _members(value, pointer, ("georel", "geometry", "coordinates", "geoproperty"), "5.2.13")
    for name in ("georel", "geometry", "coordinates"):
        if name not in members:
            raise refusal(f"A GeoQuery has '{name}'.", f"{pointer}/{name}", "5.2.13", f"a member '{name}'")
    geoproperty = members.get("geoproperty")
    return GeoQuery(
        _text(members["georel"], pointer + "/georel"),
        _text(members["geometry"], pointer + "/geometry"),
        _coordinates(members["coordinates"], pointer + "/coordinates"),
        None if geoproperty is None else _text(geoproperty, pointer + "/geoproperty"),
    )


def _ordering(value: Json, pointer: str) -> Ordering:
    members = _members(value, pointer, ("orderBy", "coordinates", "geometry", "collation"), "5.2.43")
    if "orderBy" not in members:
        raise refusal("An ordering has 'orderBy'.", pointer + "/orderBy", "5.2.43", '["temperature;desc"]')
    coordinates, geometry, collation = (members.get(name) for name in ("coordinates", "geometry", "collation"))
    return Ordering(
        _listed(members["orderBy"], pointer + "/orderBy"),
        None if coordinates is None else _position(coordinates, pointer + "/coordinates"),
        None if geometry is None else _text(geometry, pointer + "/geometry"),
        None if collation is None else _text(collation, pointer + "/collation"),
    )


def _position(value: Json, pointer: str) -> str:
    if not isinstance(value, list):
        raise refusal(f"Coordinates are an array, not {shown(value)}.", pointer, "5.2.43", "[139.7, 35.7]")
    return _coordinates(value, pointer)


def _coordinates(value: Json, pointer: str) -> str:
    """Coordinates as the parameter would hold them: `[8, 40]` and `"[8,40]"` give `[8,40]` (clause 4.7.1)."""
    if isinstance(value, list):
        return json.dumps(value, separators=(",", ":"))
    return _text(value, pointer)


def _members(value: Json, pointer: str, known: tuple[str, ...], clause: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise refusal(f"An object is needed, not {shown(value)}.", pointer, clause, "members " + ", ".join(known))
    for name, one in value.items():
        if name not in known:
            raise refusal(f"There is no member {shown(name)}.", below(pointer, name), clause, ", ".join(known))
        if one is None:
            raise no_null(below(pointer, name))
    return value


_READERS: dict[str, tuple[str, Callable[[Json, str], object]]] = {
    "entities": ("entities", decode_selectors),
    "q": ("q", _text),
    "geoQ": ("geo", decode_geo),
    "scopeQ": ("scope_q", _text),
    "csf": ("csf", _text),
    "lang": ("lang", _text),
    "attrs": ("attrs", _texts),
    "pick": ("pick", _texts),
    "omit": ("omit", _texts),
    "datasetId": ("dataset_ids", _datasets),
    "containedBy": ("contained_by", _ids),
    "expandValues": ("expand_values", _listed),
    "jsonKeys": ("json_keys", _listed),
    "join": ("join", _join),
    "joinLevel": ("join_level", _level),
    "ordering": ("ordering", _ordering),
    "entityMap": ("entity_map", _flag),
    "entityMapLifetime": ("entity_map_lifetime", _text),
    "splitEntities": ("split_entities", _flag),
}
