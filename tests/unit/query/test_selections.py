"""type, scopeQ, id, idPattern, the geo-query and patterns (clauses 4.10, 4.17, 4.19, 5.7.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from broker.errors import BadRequestData, NgsiError, TooComplexQuery
from broker.model.entity import Entity
from broker.query.ast import EVERYTHING, And, Geo, HasType, IdIn, IdPattern, InScope, Node, Or, Path, Relation
from broker.query.geo import parse_geo
from broker.query.ids import parse_id_pattern, parse_ids
from broker.query.match import matches
from broker.query.patterns import compile_pattern
from broker.query.q import parse_q
from broker.query.scopes import in_scope, parse_scope_q
from broker.query.types import parse_types
from tests.unit.query.naming import NAMES, P, bound


def _nobody(_: str) -> None:
    return None


def _types(*names: str) -> tuple[Node, ...]:
    return tuple(HasType(name) for name in names)


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("*", EVERYTHING),
        ("Building", HasType("Building")),
        ("Building|House", Or(_types("Building", "House"))),
        ("Building,House", Or(_types("Building", "House"))),
        ("(Home;Vehicle)", And(_types("Home", "Vehicle"))),
        ("(Home;Vehicle),Motorhome", Or((And(_types("Home", "Vehicle")), HasType("Motorhome")))),
        ("(Home)", HasType("Home")),
        ("(Home|Vehicle)", Or(_types("Home", "Vehicle"))),
        ("((Home|Vehicle);Motorhome)", And((Or(_types("Home", "Vehicle")), HasType("Motorhome")))),
        ("https://example.org/T#x,ex:U,urn:x:V", Or(_types("https://example.org/T#x", "ex:U", "urn:x:V"))),
        ("建物", HasType("建物")),
    ],
)
def test_types(text: str, node: Node) -> None:
    assert parse_types(text) == node


@pytest.mark.parametrize(
    ("parse", "text", "column"),
    [
        (parse_types, "", 0), (parse_types, "A;B", 1), (parse_types, "A,", 2), (parse_types, "(A;B", 4),
        (parse_types, "(A|B", 4), (parse_types, "A B", 0), (parse_types, "A,*", 2), (parse_types, "((A)", 4),
        (parse_types, "A)", 1), (parse_scope_q, "/a;", 3), (parse_scope_q, "/a//b", 0), (parse_scope_q, "/a/b#", 0),
        (parse_scope_q, "/#/a", 0), (parse_scope_q, "#", 0), (parse_scope_q, "/a,/1", 3), (parse_scope_q, "", 0),
    ],
)  # fmt: skip
def test_refused_with_the_column(parse: Callable[[str], Node], text: str, column: int) -> None:
    with pytest.raises(BadRequestData, match=f"column {column}:"):
        parse(text)


def test_scope_q() -> None:
    districts = And((InScope("/Madrid/Districts"), InScope("/CompanyA")))
    assert parse_scope_q("(/Madrid/Districts;/CompanyA),CompanyB/#") == Or((districts, InScope("/CompanyB/#")))
    assert parse_scope_q("/Madrid/Districts;/CompanyA,CompanyB/#") == Or((districts, InScope("/CompanyB/#")))
    assert parse_scope_q("/#") == InScope("/#")


@pytest.mark.parametrize(
    ("scope", "pattern", "holds"),
    [
        ("/a/b", "/a/b", True), ("/a/b", "/a", False), ("/a", "/a/b", False), ("/a/b", "/a/+", True),
        ("/a/b/c", "/a/+", False), ("/a/b/c", "/a/+/c", True), ("/a/b/c", "/+/+/#", True), ("/a", "/a/#", True),
        ("/a/b/c", "/a/#", True), ("/ab", "/a/#", False), ("/a", "/#", True), ("a/b", "/a/b", True),
        ("/a", "/A", False), ("/a", "/+/+/#", False),
    ],
)  # fmt: skip
def test_scopes_match(scope: str, pattern: str, holds: bool) -> None:
    assert in_scope(scope, pattern) is holds


def test_an_entity_without_scope_is_in_none() -> None:
    entity = Entity({"id": "urn:e:1", "type": P + "T"}, 0, 0)
    assert not matches(parse_scope_q("/#"), entity, _nobody)


def test_ids() -> None:
    assert parse_ids("urn:a:1,urn:a:2,urn:a:1") == IdIn(("urn:a:1", "urn:a:2"))
    assert parse_id_pattern("^urn:a:.*") == IdPattern("^urn:a:.*")
    for text in ("", "a", "urn:a b", "urn:a:1,", "urn:<x>"):
        with pytest.raises(BadRequestData):
            parse_ids(text)
    with pytest.raises(TooComplexQuery):
        parse_ids(",".join(f"urn:a:{number}" for number in range(1001)))


@pytest.mark.parametrize("regex", ["(", "(?=a)", r"(a)\1", "(a{1000}){1000}", "a{2000}", "\ud800"])
def test_patterns_that_are_refused(regex: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadRequestData):
        parse_id_pattern(regex)
    assert capfd.readouterr() == ("", "")


def test_patterns_are_linear_compiled_once_and_bounded() -> None:
    before = compile_pattern.cache_info().misses
    catastrophe = parse_id_pattern("^(a+)+$")
    entities = [Entity({"id": "urn:" + "a" * 5000 + "!", "type": P + "T"}, 0, number) for number in range(20)]
    assert not any(matches(catastrophe, entity, _nobody) for entity in entities)
    assert compile_pattern.cache_info().misses == before + 1
    with pytest.raises(TooComplexQuery):
        parse_id_pattern("a" * 1025)
    with pytest.raises(TooComplexQuery) as caught:
        parse_q('a~="' + "b" * 1025 + '"')
    assert caught.value.remedy


@pytest.mark.parametrize("coordinates", ["[8,40]", [8, 40]])
def test_geo(coordinates: Any) -> None:
    geometry = '{"type": "Point", "coordinates": [8, 40]}'
    near = parse_geo("near;maxDistance==2000", "Point", coordinates, None)
    assert near == Geo(Path("location"), Relation.NEAR, geometry, max_distance_m=2000)
    far = parse_geo("near;minDistance==1.5e3", "Point", coordinates, "observationSpace")
    assert far == Geo(Path("observationSpace"), Relation.NEAR, geometry, min_distance_m=1500)
    assert parse_geo("within", "Point", coordinates, "a.b") == Geo(Path("a", ("b",)), Relation.WITHIN, geometry)


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates", "geoproperty", "pointer"),
    [
        ("near", "Point", "[8,40]", None, "georel"),
        ("near;maxDistance==0", "Point", "[8,40]", None, "georel"),
        ("near;maxDistance==-1", "Point", "[8,40]", None, "georel"),
        ("near;maxDistance==inf", "Point", "[8,40]", None, "georel"),
        ("near;maxDistance==1e400", "Point", "[8,40]", None, "georel"),
        ("near;maxDistance==5;minDistance==1", "Point", "[8,40]", None, "georel"),
        ("near;maxDistance=5", "Point", "[8,40]", None, "georel"),
        ("touches", "Point", "[8,40]", None, "georel"),
        ("", "Point", "[8,40]", None, "georel"),
        ("within", "GeometryCollection", "[8,40]", None, "geometry"),
        ("within", "", "[8,40]", None, "geometry"),
        ("within", "Point", "8,40", None, "coordinates"),
        ("within", "Point", "[8,NaN]", None, "coordinates"),
        ("within", "Point", "[8,140]", None, "coordinates"),
        ("within", "Point", "[[8,40]]", None, "coordinates"),
        ("within", "Point", "[" * 5000, None, "coordinates"),
        ("within", "Point", "[8,40]", "a b", "geoproperty"),
    ],
)
def test_geo_refused(georel: str, geometry: str, coordinates: str, geoproperty: str | None, pointer: str) -> None:
    with pytest.raises(BadRequestData) as caught:
        parse_geo(georel, geometry, coordinates, geoproperty)
    assert caught.value.pointer == pointer
    assert caught.value.remedy


def test_names_are_bound_where_they_are_names() -> None:
    assert bound(parse_types("(A;B)")) == And((HasType(P + "A"), HasType(P + "B")))
    path = bound(parse_q("a.b.observedAt[c]")).path  # type: ignore[union-attr]
    assert path == Path(P + "a", (P + "b", "observedAt"), ("c",))
    assert bound(parse_geo("within", "Point", "[1,2]", None)).path.name == NAMES.expand("location")  # type: ignore[union-attr]
    assert bound(parse_ids("urn:a:1")) == IdIn(("urn:a:1",))
    with pytest.raises(NgsiError):
        bound(parse_q("type==1"))


def test_near_measures_from_so_many_positions() -> None:
    line: Any = [[number / 100, 0] for number in range(1001)]
    parse_geo("intersects", "LineString", line, None)
    with pytest.raises(TooComplexQuery):
        parse_geo("near;maxDistance==1", "LineString", line, None)
