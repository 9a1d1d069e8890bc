"""Distances on the sphere between GeoJSON geometries, by the haversine formula (clauses 4.10, 4.23.1).

Edges are straight in longitude and latitude, as GeoJSON has them (RFC 7946 section 3.1.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import asin, cos, degrees, hypot, radians, sin, sqrt
from typing import Final, cast

from broker.model.geometry import Bounds, Geometry, Position, Reference, apart, bounds, positions
from broker.model.values import Json

EARTH_RADIUS_M: Final = 6_371_008.8
_HALF_TURN: Final = 180.0
_POLE: Final = 90.0


def haversine_m(one: Position, other: Position) -> float:
    """Metres between two positions: `haversine_m((0, 0), (1, 0))` is about 111,195."""
    latitude, other_latitude = radians(one[1]), radians(other[1])
    rise = sin((other_latitude - latitude) / 2)
    turn = sin(radians(other[0] - one[0]) / 2)
    chord = rise * rise + cos(latitude) * cos(other_latitude) * turn * turn
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord)))


def distance_m(target: Geometry, reference: Reference) -> float:
    """Metres between the nearest points of the two; 0 where they meet."""
    if target["type"] == reference.geometry["type"] == "Point":
        box = reference.bounds
        return haversine_m(cast(Position, tuple(cast("list[float]", target["coordinates"])[:2])), (box[0], box[1]))
    if not apart(bounds(target), reference.bounds) and reference.relates("intersects", target):
        return 0.0
    return min(_least(target, reference.geometry), _least(reference.geometry, target))


def reach(box: Bounds, distance: float) -> Bounds:
    """A box that holds everything within `distance` metres of `box`: across the date line or a pole, the whole turn."""
    margin = degrees(distance / EARTH_RADIUS_M) * 1.000001 + 1e-9
    south, north = max(-_POLE, box[1] - margin), min(_POLE, box[3] + margin)
    if south == -_POLE or north == _POLE:
        return (-_HALF_TURN, south, _HALF_TURN, north)
    narrowest = cos(radians(max(abs(south), abs(north))))
    aside = sin(radians(min(margin, _POLE))) / narrowest
    if aside >= 1:
        return (-_HALF_TURN, south, _HALF_TURN, north)
    wide = degrees(asin(aside)) * 1.000001 + 1e-9
    if box[0] - wide < -_HALF_TURN or box[2] + wide > _HALF_TURN:
        return (-_HALF_TURN, south, _HALF_TURN, north)
    return (box[0] - wide, south, box[2] + wide, north)


def _least(vertices: Geometry, edges: Geometry) -> float:
    """The least distance from a vertex of one geometry to an edge (or a position) of the other."""
    found = list(_edges(edges))
    return min(_to_edge(vertex, edge) for vertex in positions(vertices["coordinates"]) for edge in found)


def _edges(geometry: Geometry) -> Iterator[tuple[Position, Position]]:
    if geometry["type"] in ("Point", "MultiPoint"):
        for position in positions(geometry["coordinates"]):
            yield (position, position)
    else:
        yield from _chains(cast("list[Json]", geometry["coordinates"]))


def _chains(coordinates: list[Json]) -> Iterator[tuple[Position, Position]]:
    first = cast("list[Json]", coordinates[0])
    if isinstance(first[0], list):
        for part in coordinates:
            yield from _chains(cast("list[Json]", part))
    else:
        held = list(positions(coordinates))
        yield from pairwise(held)


def _to_edge(vertex: Position, edge: tuple[Position, Position]) -> float:
    """Metres from a position to an edge: its foot, found on a map true at the position, on the sphere."""
    start, end = edge
    if start == end:
        return haversine_m(vertex, start)
    scale = cos(radians(vertex[1]))
    east = (start[0] - vertex[0] + _HALF_TURN) % 360 - _HALF_TURN
    x, y = east * scale, start[1] - vertex[1]
    dx, dy = (end[0] - start[0]) * scale, end[1] - start[1]
    length = hypot(dx, dy)
    share = 0.0 if length == 0 else max(0.0, min(1.0, -(x * dx / length + y * dy / length) / length))
    foot = (start[0] + share * (end[0] - start[0]), start[1] + share * dy)
    return min(haversine_m(vertex, foot), haversine_m(vertex, start), haversine_m(vertex, end))
