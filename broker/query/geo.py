"""`georel`, `geometry`, `coordinates`, `geoproperty`: texts -> AST (clause 4.10)."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Final

from broker.errors import BadRequestData, TooComplexQuery
from broker.model.geometry import GEOMETRY_TYPES, Geometry, check_geometry, positions
from broker.model.values import Json
from broker.query.ast import Geo, Path, Relation
from broker.query.nesting import read_json

DEFAULT_GEOPROPERTY: Final = "location"
NEAR_POSITIONS_MAX: Final = 1000
_NEAR: Final = re.compile(r"near;(maxDistance|minDistance)==((?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)", re.ASCII)
_GEOPROPERTY: Final = re.compile(r"[^\W\d_]\w*(?::\S+)?(?:\.[^\W\d_]\w*)*")
_RELATIONS: Final = frozenset(relation.value for relation in Relation) - {"near"}


def parse_geo(georel: str, geometry: str, coordinates: Json, geoproperty: str | None) -> Geo:
    """Parse the four parameters: `near;maxDistance==2000`, `Point`, `[8,40]`, None (for `location`).

    `coordinates` are JSON text, or JSON where they come in a body. Raises BadRequestData, naming the parameter,
    and TooComplexQuery.
    """
    relation, most, least = _relation(georel)
    if geometry not in GEOMETRY_TYPES:
        raise BadRequestData(
            f"{geometry[:40]!r} is no geometry type.",
            pointer="geometry",
            clause="4.10",
            remedy="Point, MultiPoint, LineString, MultiLineString, Polygon or MultiPolygon.",
        )
    held = read_json(coordinates, "coordinates", "4.10") if isinstance(coordinates, str) else coordinates
    shape = check_geometry({"type": geometry, "coordinates": held}, "coordinates", "4.10")
    if relation is Relation.NEAR:
        _require_few(shape)
    return Geo(_path(geoproperty or DEFAULT_GEOPROPERTY), relation, json.dumps(shape), most, least)


def _require_few(shape: Geometry) -> None:
    """Refuse a distance to more positions than can be measured from for each entity."""
    count = sum(1 for _ in positions(shape["coordinates"]))
    if count > NEAR_POSITIONS_MAX:
        raise TooComplexQuery(
            f"near measures from {count} positions.",
            pointer="coordinates",
            clause="5.5.2",
            remedy=f"At most {NEAR_POSITIONS_MAX} positions; within and intersects take more.",
        )


def _relation(georel: str) -> tuple[Relation, float | None, float | None]:
    if georel in _RELATIONS:
        return Relation(georel), None, None
    near = _NEAR.fullmatch(georel)
    metres = float(near[2]) if near else 0.0
    if near is None or not isfinite(metres) or metres <= 0:
        raise BadRequestData(
            f"{georel[:80]!r} is no georel.",
            pointer="georel",
            clause="4.10",
            remedy="within, contains, intersects, equals, disjoint, overlaps, near;maxDistance==2000 (metres, above 0) "
            "or near;minDistance==2000.",
        )
    return (Relation.NEAR, metres, None) if near[1] == "maxDistance" else (Relation.NEAR, None, metres)


def _path(geoproperty: str) -> Path:
    if not _GEOPROPERTY.fullmatch(geoproperty):
        raise BadRequestData(
            f"{geoproperty[:80]!r} is no name of a GeoProperty.",
            pointer="geoproperty",
            clause="4.10",
            remedy="location, observationSpace, operationSpace or another attribute's name.",
        )
    if ":" in geoproperty:
        return Path(geoproperty)
    name, *subs = geoproperty.split(".")
    return Path(name, tuple(subs))
