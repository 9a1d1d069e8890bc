"""orderBy: types in their order, collations, distances (clause 4.23)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.errors import BadRequestData, TooComplexQuery
from broker.model.entity import Entity
from broker.query.ast import OrderTerm, Path
from broker.query.ordering import bind_order, parse_order_by, sort
from tests.unit.query.naming import NAMES, P


def _entities(*values: Any) -> list[Entity]:
    """Entities `0`, `1`, … whose attribute `a` is this instance, or a Property of this value; … is none."""
    found = []
    for number, value in enumerate(values):
        instance = value if isinstance(value, dict) and "type" in value else {"type": "Property", "value": value}
        held = {} if value is ... else {P + "a": instance}
        found.append(Entity({"id": f"urn:e:{number}", "type": P + "T", **held}, number % 2, number))
    return found


def _order(entities: list[Entity], order_by: str, *more: str | None) -> str:
    ordering = bind_order(parse_order_by(order_by, *more), NAMES)
    return "".join(entity.id[-1] for entity in sort(entities, ordering))


def test_types_stand_in_the_order_of_the_clause() -> None:
    values = (
        ..., None, "2026-01-01T00:00:00Z", "2026-01-01", "09:00:00Z", True, [1], {"x": 1}, "a", 5,
    )  # fmt: skip
    entities = _entities(*values)
    assert _order(entities, "a") == "9876543210"
    assert _order(entities, "a;asc") == "9876543210"
    assert _order(entities, "a;desc") == "2345678910"


def test_numbers_are_exact_and_moments_are_in_time() -> None:
    assert _order(_entities(10**30 + 1, 1, 10**30, 0.5), "a") == "3120"
    assert _order(_entities("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59,9Z"), "a") == "210"


def test_texts_follow_the_collation() -> None:
    words = _entities("b", "á", "A", "Z")
    assert _order(words, "a") == "2103"
    assert _order(_entities("ö", "z"), "a", None, None, "sv") == "10"
    assert _order(_entities("ö", "z"), "a", None, None, "de") == "01"
    assert _order(_entities("b", "A", "a"), "a", None, None, "und-u-ks-level1") == "120"


def test_equal_entities_keep_their_order_and_further_keys_decide() -> None:
    entities = _entities(1, 1, 0, 1)
    assert _order(entities, "a") == "2013"
    assert _order(entities, "a,createdAt") == "2013"
    assert _order(entities, "createdAt;desc,a") == "1320"
    assert _order(entities, "a,id;desc") == "2310"
    assert _order(entities, "type,modifiedAt;desc") == "3210"


def test_paths_lead_to_members_and_sub_attributes() -> None:
    objects = _entities({"city": "Zurich"}, {"city": "Bern"}, {})
    assert _order(objects, "a[city]") == "102"
    assert _order(objects, "a[city];desc") == "012"
    observed = [{"type": "Property", "value": 1, "observedAt": f"2026-01-0{day}T00:00:00Z"} for day in (3, 1, 2)]
    assert _order(_entities(*observed), "a.observedAt") == "120"


def test_links_and_languages_go_by_their_first() -> None:
    links = [{"type": "Relationship", "object": uri} for uri in ("urn:b", "urn:a")]
    assert _order(_entities(*links), "a") == "10"
    labels = [{"type": "LanguageProperty", "languageMap": {"en": text}} for text in ("b", "a")]
    assert _order(_entities(*labels, ...), "a") == "102"


def test_distances() -> None:
    places = [
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, 40]}} for longitude in (20, 8, 9)
    ]
    entities = _entities(*places, 1, ...)
    assert _order(entities, "a;dist-asc", "[8,40]") == "12034"
    assert _order(entities, "a;dist-desc", "[8,40]") == "02134"
    assert _order(entities, "a;dist-asc", "[[20,41],[20,39]]", "LineString") == "02134"


def test_reads() -> None:
    ordering = parse_order_by("name,a.b[c,d];desc,location;dist-desc", "[1,2]", None, "ja")
    assert [term.path for term in ordering.terms] == [
        Path("name"), Path("a", ("b",), ("c,d",)), Path("location")
    ]  # fmt: skip
    assert ordering.terms[2] == OrderTerm(Path("location"), True, '{"type": "Point", "coordinates": [1, 2]}')
    assert ordering.collation == "ja"


@pytest.mark.parametrize(
    ("texts", "pointer"),
    [
        (("",), "orderBy"), (("a,",), "orderBy"), (("a;up",), "orderBy"), (("a b",), "orderBy"), (("1",), "orderBy"),
        (("a;dist-asc",), "orderFrom"), (("a;dist-asc", "[8"), "orderFrom"), (("a;dist-asc", "[8,400]"), "orderFrom"),
        (("a;dist-asc", "[8,4]", "Circle"), "orderGeometry"), (("a", None, None, "!!nope"), "collation"),
        (("a", None, None, "xx-yy-zz"), "collation"), (("a", None, None, "en\x00"), "collation"),
    ],
)  # fmt: skip
def test_refused(texts: tuple[str, ...], pointer: str) -> None:
    with pytest.raises(BadRequestData) as caught:
        parse_order_by(*texts)
    assert caught.value.pointer == pointer
    assert caught.value.remedy


def test_too_many_keys() -> None:
    with pytest.raises(TooComplexQuery):
        parse_order_by(",".join(["a"] * 17))
