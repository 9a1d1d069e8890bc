"""`orderBy`: text -> Ordering, and entities in that order (clause 4.23).

    any  = term *( "," term )
    term = path [ ";" ( "asc" / "desc" / "dist-asc" / "dist-desc" ) ]

Values of different types stand in the order of clause 4.23.2: numbers, texts, objects, arrays, booleans, times,
dates, DateTimes, null, and last the entities without the attribute. Of several instances, languages or links the
first counts. Texts follow an ICU collation. Equal entities keep their order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

from broker.errors import BadRequestData, TooComplexQuery
from broker.ldcontext.active import ActiveContext
from broker.model.distance import distance_m
from broker.model.entity import Entity
from broker.model.geometry import GEOMETRY_TYPES, Geometry, check_geometry, reference
from broker.model.values import Json, to_instant
from broker.query.ast import Ordering, OrderTerm, Path
from broker.query.bind import bind_path
from broker.query.nesting import read_json
from broker.query.scalars import to_date, to_time
from broker.query.targets import reach, reach_instances

Key: TypeAlias = tuple[int, Any]
"""Rank of the type by clause 4.23.2, and what is compared within it."""

TERMS_MAX: Final = 16
ROOT_COLLATION: Final = "und"
_TERM: Final = re.compile(
    r"(?P<names>[^\W\d_][^\s\[\];,]*)(?:\[(?P<members>[^\]\[\x00-\x1f]+)\])?(?:;(?P<direction>asc|desc|dist-asc|dist-desc))?"
)
_SPLIT: Final = re.compile(r",(?![^\[]*\])")
_TAG: Final = re.compile(r"[A-Za-z0-9-]{1,64}")  # ICU reads a text up to its first NUL
_DISTANCES: Final = ("dist-asc", "dist-desc")
_NUMBER, _TEXT, _OBJECT, _ARRAY, _BOOLEAN, _TIME, _DATE, _DATETIME, _NULL, _MISSING = range(10)
_PLACE: Final = -1


def parse_order_by(
    order_by: str, order_from: str | None = None, order_geometry: str | None = None, collation: str | None = None
) -> Ordering:
    """Parse `name,location;dist-asc` with `[8,40]`, None (for Point) and `ja`.

    Raises BadRequestData: for a term that is none, a distance without orderFrom, a geometry that is none, a collation
    ICU does not have (clause 5.7.2.4).
    """
    parts = _SPLIT.split(order_by)
    if len(parts) > TERMS_MAX:
        raise TooComplexQuery(
            f"orderBy has {len(parts)} keys.", pointer="orderBy", clause="5.5.2", remedy=f"At most {TERMS_MAX}."
        )
    origin = _origin(order_from, order_geometry)
    tag = collation or ROOT_COLLATION
    collator(tag)
    return Ordering(tuple(_term(part, origin) for part in parts), tag)


def bind_order(ordering: Ordering, names: ActiveContext) -> Ordering:
    """The ordering with attribute names as IRIs; `id`, `type`, createdAt and modifiedAt of the entity stay."""
    return replace(
        ordering,
        terms=tuple(
            term if term.path.name == "type" else replace(term, path=bind_path(term.path, names, "orderBy"))
            for term in ordering.terms
        ),
    )


def sort(entities: Sequence[Entity], ordering: Ordering) -> list[Entity]:
    """The entities in their order; those that no key tells apart stay as they came."""
    found = list(entities)
    for term in reversed(ordering.terms):
        key = order_key(term, ordering.collation)
        found = _sorted(found, key, descending=term.descending)
    return found


def order_key(term: OrderTerm, collation: str = ROOT_COLLATION) -> Callable[[Entity], Key]:
    """The function that gives an entity's place by one term; keys of all entities can be compared with each other."""
    plain = _value_key(term.path, collation)
    if term.distance_from is None:
        return plain
    origin, find = reference(term.distance_from), reach_instances(term.path)

    def key(entity: Entity) -> Key:
        metres = [
            distance_m(cast(Geometry, instance["value"]), origin)
            for instance in find(entity)
            if instance["type"] == "GeoProperty"
        ]
        # GeoProperties stand before everything else (clause 4.23.2).
        return (_PLACE, min(metres)) if metres else plain(entity)

    return key


def _sorted(entities: list[Entity], key: Callable[[Entity], Key], *, descending: bool) -> list[Entity]:
    """By the key; descending turns values round, and leaves places first and null and missing last."""
    keyed = [(key(entity), entity) for entity in entities]
    places = [pair for pair in keyed if pair[0][0] == _PLACE]
    values = [pair for pair in keyed if _PLACE < pair[0][0] < _NULL]
    last = [pair for pair in keyed if pair[0][0] >= _NULL]
    for group in (places, values):
        group.sort(key=_first, reverse=descending)
    last.sort(key=_first)
    return [entity for _, entity in (*places, *values, *last)]


def _first(pair: tuple[Key, Entity]) -> Key:
    return pair[0]


def _value_key(path: Path, collation: str) -> Callable[[Entity], Key]:
    sort_key = collator(collation)
    if path.name == "type" and not path.subs and not path.members:
        return lambda entity: (_TEXT, sort_key(entity.types[0]))
    targets = reach(path)

    def key(entity: Entity) -> Key:
        for elements, ordered in targets(entity):
            if not ordered and isinstance(elements, list):
                return ranked(elements, sort_key)
            return ranked(elements[0], sort_key) if elements else (_ARRAY, "[]")
        return (_MISSING, 0)

    return key


def ranked(value: Json, sort_key: Callable[[str], bytes]) -> Key:
    """A JSON value's place among all: `20.5` gives `(0, 20.5)`, `"a"` `(1, <collation key>)`."""
    match value:
        case None:
            return (_NULL, 0)
        case bool():
            return (_BOOLEAN, value)
        case int() | float():
            return (_NUMBER, value)
        case str():
            return _ranked_text(value, sort_key)
        case list() | dict():
            return (_ARRAY if isinstance(value, list) else _OBJECT, json.dumps(value, sort_keys=True))


def _ranked_text(text: str, sort_key: Callable[[str], bytes]) -> Key:
    instant = to_instant(text)
    if instant is not None:
        return (_DATETIME, instant)
    if to_date(text) is not None:
        return (_DATE, text)
    time = to_time(text)
    return (_TEXT, sort_key(text)) if time is None else (_TIME, time)


@lru_cache(64)
def collator(tag: str) -> Callable[[str], bytes]:
    """The function from a text to its sort key in an ICU collation: `und`, `ja`, `de-u-co-phonebk`.

    Raises BadRequestData for a tag that names no language (IETF RFC 6067; clause 5.7.2.4).
    """
    import icu  # noqa: PLC0415 - 30 MiB that a hub without ordered queries does not spend

    try:
        locale = icu.Locale.forLanguageTag(tag if _TAG.fullmatch(tag) else "!")
    except icu.ICUError as error:
        raise BadRequestData(
            f"{tag[:40]!r} is no collation.",
            pointer="collation",
            clause="4.23.3",
            remedy="A language tag such as und, ja or de-u-co-phonebk.",
        ) from error
    found = icu.Collator.createInstance(locale)
    return cast("Callable[[str], bytes]", found.getSortKey)


def _origin(order_from: str | None, order_geometry: str | None) -> str | None:
    kind = order_geometry or "Point"
    if kind not in GEOMETRY_TYPES:
        raise BadRequestData(
            f"{kind[:40]!r} is no geometry type.",
            pointer="orderGeometry",
            clause="4.23.3",
            remedy="Point, MultiPoint, LineString, MultiLineString, Polygon or MultiPolygon.",
        )
    if order_from is None:
        return None
    held = read_json(order_from, "orderFrom", "4.23.3")
    return json.dumps(check_geometry({"type": kind, "coordinates": held}, "orderFrom", "4.23.3"))


def _term(text: str, origin: str | None) -> OrderTerm:
    found = _TERM.fullmatch(text.strip())
    if found is None:
        raise BadRequestData(
            f"{text[:80]!r} is no key of orderBy.",
            pointer="orderBy",
            clause="4.23.3",
            remedy="name,age;desc or location;dist-asc with orderFrom=[8,40]; names need an attribute's form.",
        )
    direction = found["direction"] or "asc"
    if direction in _DISTANCES and origin is None:
        raise BadRequestData(
            f"{direction} needs a place to measure from.",
            pointer="orderFrom",
            clause="5.7.2.4",
            remedy="orderFrom=[8,40], with orderGeometry for other geometries than a Point.",
        )
    names = [found["names"]] if ":" in found["names"] else found["names"].split(".")
    members = tuple(found["members"].split(".")) if found["members"] else ()
    path = Path(names[0], tuple(names[1:]), members)
    return OrderTerm(path, direction.endswith("desc"), origin if direction in _DISTANCES else None)
