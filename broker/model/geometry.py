"""GeoJSON geometries: what is one, where it lies, how two of them stand to each other (clauses 4.7.1, 4.10).

Longitude comes before latitude, in degrees; distances are metres on the sphere. Shapely, which is large, is loaded
at the first relation that needs it: validation, bounds and distances between points do without.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

from broker.errors import BadRequestData
from broker.model.values import Json

Geometry: TypeAlias = dict[str, Json]
Bounds: TypeAlias = tuple[float, float, float, float]
"""West, south, east, north."""
Position: TypeAlias = tuple[float, float]

_DEPTH: Final = {
    "Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3,
}  # fmt: skip
GEOMETRY_TYPES: Final = frozenset(_DEPTH)
_RING: Final = frozenset({"Polygon", "MultiPolygon"})
_LINE: Final = frozenset({"LineString", "MultiLineString"})
_POSITION_LENGTHS: Final = frozenset({2, 3})
_RING_MIN: Final = 4
_LINE_MIN: Final = 2


def check_geometry(value: Json, pointer: str = "", clause: str = "4.7.1") -> Geometry:
    """The value, which is a GeoJSON geometry: `{"type": "Point", "coordinates": [139.76, 35.68]}`.

    Rings that cross themselves are geometries too. Raises BadRequestData for another type (GeometryCollection
    included), positions off the globe, lines and rings that are too short, and rings that are not closed.
    """
    if not isinstance(value, dict):
        raise _no_geometry("is no object", pointer, clause)
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in _DEPTH:
        raise _no_geometry(f"has the type {kind!r}, which is none of {', '.join(_DEPTH)}", pointer, clause)
    fault = _fault(value.get("coordinates"), _DEPTH[kind], kind)
    if fault is not None:
        raise _no_geometry(fault, f"{pointer}/coordinates" if pointer.startswith("/") else pointer, clause)
    return value


def _no_geometry(fault: str, pointer: str, clause: str) -> BadRequestData:
    return BadRequestData(
        f"The geometry {fault}.",
        pointer=pointer,
        clause=clause,
        remedy='A GeoJSON geometry is {"type": "Point", "coordinates": [longitude, latitude]}, in degrees.',
    )


def _fault(coordinates: Json, depth: int, kind: str) -> str | None:
    """What is wrong with coordinates nested `depth` deep; None where nothing is."""
    if depth == 0:
        return _position_fault(coordinates)
    if not isinstance(coordinates, list) or not coordinates:
        return f"of type {kind} needs coordinates in {depth} level(s) of non-empty arrays"
    for part in coordinates:
        fault = _fault(part, depth - 1, kind)
        if fault is not None:
            return fault
    if depth == 1 and kind in _LINE and len(coordinates) < _LINE_MIN:
        return "has a line of one position"
    if depth == 1 and kind in _RING:
        return _ring_fault(coordinates)
    return None


def _position_fault(position: Json) -> str | None:
    if not isinstance(position, list) or len(position) not in _POSITION_LENGTHS:
        return "has a position that is no array of two or three numbers"
    if any(type(number) not in (int, float) for number in position):
        return "has a position that is no array of two or three numbers"
    longitude, latitude = cast("list[float]", position[:2])
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):  # noqa: PLR2004 - degrees
        return f"has the position [{longitude}, {latitude}], which is off the globe (longitude comes first)"
    return None


def _ring_fault(ring: list[Json]) -> str | None:
    if len(ring) < _RING_MIN:
        return f"has a ring of {len(ring)} positions; four is the least, the last being the first again"
    if ring[0] != ring[-1]:
        return "has a ring that is not closed: its last position is not its first"
    return None


def bounds(geometry: Geometry) -> Bounds:
    """The smallest box around a valid geometry; a point's is the point twice."""
    if geometry["type"] == "Point":
        longitude, latitude = cast("list[float]", geometry["coordinates"])[:2]
        return (longitude, latitude, longitude, latitude)
    longitudes, latitudes = zip(*positions(geometry["coordinates"]), strict=True)
    return (min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def positions(coordinates: Json) -> Iterator[Position]:
    """Every position in coordinates nested however deep."""
    held = cast("list[Json]", coordinates)
    if isinstance(held[0], list):
        for part in held:
            yield from positions(part)
    else:
        yield cast(Position, (held[0], held[1]))


def apart(one: Bounds, other: Bounds) -> bool:
    """Whether two boxes have no point in common."""
    return one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]


@lru_cache(256)
def reference(text: str) -> Reference:
    """The geometry of a query, from its GeoJSON text, ready to be compared with many."""
    return Reference(cast(Geometry, json.loads(text)))


class Reference:
    """One geometry that many targets are compared with."""

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self.bounds = bounds(geometry)
        self._shape: Any = None

    def relates(self, relation: str, target: Geometry) -> bool:
        """Whether `target` is within, contains, intersects, overlaps, equals or is disjoint from this geometry.

        `relation` is one of these words (clause 4.10, by OGC 06-103r4).
        """
        if apart(bounds(target), self.bounds):
            return relation == "disjoint"
        if self._shape is None:
            self._shape = shape(self.geometry)
            _shapely().prepare(self._shape)
        # Prepared geometries are quick from their own side, so the question is turned round.
        found = shape(target)
        mine = self._shape
        match relation:
            case "within":
                return bool(mine.contains(found))
            case "contains":
                return bool(mine.within(found))
            case "equals":
                return bool(mine.equals(found))
            case _:
                return bool(getattr(mine, relation)(found))


def shape(geometry: Geometry) -> Any:  # noqa: ANN401 - shapely ships no types
    """The Shapely geometry; one that crosses itself is made valid, so that it can be compared."""
    shapely = _shapely()
    flat = {"type": geometry["type"], "coordinates": _flat(geometry["coordinates"])}
    found = shapely.geometry.shape(flat)
    return found if found.is_valid else shapely.make_valid(found)


def _flat(coordinates: Json) -> list[Any]:
    """Without altitudes: relations are on the ground, and a line may not mix positions of two and three."""
    held = cast("list[Json]", coordinates)
    return [_flat(part) for part in held] if isinstance(held[0], list) else held[:2]


def _shapely() -> Any:  # noqa: ANN401 - shapely ships no types
    import shapely  # noqa: PLC0415 - 40 MiB and 0.2 s that a hub without geo-queries does not spend
    import shapely.geometry  # noqa: PLC0415

    return shapely
