"""Geometries, their relations and their distances (clauses 4.7.1, 4.10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.errors import BadRequestData
from broker.model.distance import distance_m, haversine_m, reach
from broker.model.geometry import Reference, apart, bounds, check_geometry, reference

SQUARE: Any = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]}
HOLED: Any = {
    "type": "Polygon",
    "coordinates": [*SQUARE["coordinates"], [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]],
}
BOW: Any = {"type": "Polygon", "coordinates": [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]]}


def _point(longitude: float, latitude: float) -> Any:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def _line(*positions: list[float]) -> Any:
    return {"type": "LineString", "coordinates": list(positions)}


@pytest.mark.parametrize(
    "geometry",
    [
        _point(180, -90), _point(1, 2) | {"bbox": [1, 2, 1, 2]}, {"type": "Point", "coordinates": [1, 2, 3000]},
        {"type": "MultiPoint", "coordinates": [[1, 2]]}, _line([0, 0], [1, 1]), SQUARE, HOLED, BOW,
        {"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]]]},
        {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"]]},
    ],
)  # fmt: skip
def test_is_a_geometry(geometry: Any) -> None:
    assert check_geometry(geometry) is geometry


@pytest.mark.parametrize(
    "geometry",
    [
        None, "Point", [], {}, {"type": "Point"}, {"type": ["Point"], "coordinates": [1, 2]},
        {"type": "GeometryCollection", "geometries": []}, {"type": "Circle", "coordinates": [1, 2]},
        _point(180.1, 0), _point(0, 90.1), _point(float("nan"), 0), _point(0, float("inf")),
        {"type": "Point", "coordinates": [1]}, {"type": "Point", "coordinates": [1, 2, 3, 4]},
        {"type": "Point", "coordinates": [True, 2]}, {"type": "Point", "coordinates": ["1", 2]},
        {"type": "Point", "coordinates": [[1, 2]]}, {"type": "MultiPoint", "coordinates": []},
        _line([0, 0]), {"type": "LineString", "coordinates": [0, 0]}, {"type": "LineString", "coordinates": {"a": 1}},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]], []]},
    ],
)  # fmt: skip
def test_is_no_geometry(geometry: Any) -> None:
    with pytest.raises(BadRequestData) as caught:
        check_geometry(geometry, "/location/value")
    assert caught.value.pointer.startswith("/location/value")
    assert caught.value.clause == "4.7.1"


def test_bounds() -> None:
    assert bounds(_point(1, 2)) == (1, 2, 1, 2)
    assert bounds(_line([5, -1], [3, 7])) == (3, -1, 5, 7)
    assert apart((0, 0, 1, 1), (1.1, 0, 2, 1))
    assert not apart((0, 0, 1, 1), (1, 1, 2, 2))


@pytest.mark.parametrize(
    ("relation", "target", "to", "holds"),
    [
        ("within", _point(2, 2), HOLED, True),
        ("within", _point(5, 5), HOLED, False),
        ("within", _point(0, 0), SQUARE, False),
        ("within", HOLED, SQUARE, True),
        ("contains", SQUARE, _point(1, 1), True),
        ("contains", HOLED, SQUARE, False),
        ("intersects", _point(0, 0), SQUARE, True),
        ("intersects", _line([-1, 5], [11, 5]), SQUARE, True),
        ("intersects", _point(20, 0), SQUARE, False),
        ("disjoint", _point(5, 5), HOLED, True),
        ("disjoint", _point(20, 0), SQUARE, True),
        ("disjoint", _point(0, 0), SQUARE, False),
        ("overlaps", {"type": "Polygon", "coordinates": [[[5, 5], [15, 5], [15, 15], [5, 5]]]}, SQUARE, True),
        ("overlaps", _line([-1, 5], [11, 5]), SQUARE, False),
        ("overlaps", HOLED, SQUARE, False),
        ("equals", _line([0, 0], [1, 1], [2, 2]), _line([2, 2], [0, 0]), True),
        ("equals", _point(1, 1), {"type": "Point", "coordinates": [1, 1, 99]}, True),
        ("equals", _point(1, 1), _point(1, 1.0000001), False),
        ("intersects", _point(1, 5), BOW, True),
        ("intersects", _point(5, 1), BOW, False),
        ("within", _point(1, 5), BOW, True),
        ("contains", BOW, _point(9, 5), True),
    ],
)
def test_relations(relation: str, target: Any, to: Any, holds: bool) -> None:
    assert Reference(to).relates(relation, target) is holds
    assert reference(json.dumps(to)).relates(relation, target) is holds


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        (_point(0, 0), _point(1, 0), 111_195),
        (_point(179.5, 0), _point(-179.5, 0), 111_195),
        (_point(0, 90), _point(123, 90), 0),
        (_point(0, 0), _point(180, 0), 20_015_115),
        (_point(10, 60.009), _line([0, 60], [10, 60]), 1_001),
        (_point(5, 61), _line([0, 60], [10, 60]), 111_195),
        (_point(0, 85), _line([1, 85], [0, 85.6]), 9_646),
        (_point(179.9, 0), _line([-179.9, -1], [-179.9, 1]), 22_239),
        (_point(5, 5), SQUARE, 0),
        (_point(5, 5), HOLED, 111_195),
        (_point(11, 5), SQUARE, 110_772),
        (_line([11, -5], [11, 15]), SQUARE, 109_506),
        (_line([-1, 5], [11, 5]), SQUARE, 0),
        ({"type": "MultiPoint", "coordinates": [[50, 50], [1, 0]]}, _point(0, 0), 111_195),
    ],
)
def test_distance_is_between_the_nearest_points(one: Any, other: Any, metres: float) -> None:
    assert distance_m(one, Reference(other)) == pytest.approx(metres, rel=0.01, abs=1)
    assert distance_m(other, Reference(one)) == pytest.approx(metres, rel=0.01, abs=1)


@pytest.mark.parametrize("place", [(0.0, 0.0), (139.7, 35.7), (10.0, 89.0), (179.9, -60.0)])
@pytest.mark.parametrize("metres", [1.0, 5_000.0, 1_000_000.0, 19_000_000.0])
def test_what_is_in_distance_is_in_reach(place: tuple[float, float], metres: float) -> None:
    west, south, east, north = reach((*place, *place), metres)
    for longitude in range(-180, 181, 5):
        for latitude in range(-90, 91, 5):
            if haversine_m(place, (longitude, latitude)) <= metres:
                assert west <= longitude <= east
                assert south <= latitude <= north
