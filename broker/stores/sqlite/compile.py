"""AST -> SQL over index rows: a superset of the answer, and whether it is the answer (clause 4.9).

A *filter* is a predicate on a candidate `c.entity` whose leaves are `c.leaves`; a *driver* is a statement that gives
candidates from an index, for a filter that has one. Values and paths are always bound, never spliced into the text.

    Compare(Path("https://…/speed"), Op.GT, 20)
      filter   EXISTS (SELECT 1 FROM json_each(c.leaves, '$."7"') AS v WHERE v.type IN (…) AND v.value > 20)
      driver   SELECT entity FROM leaf WHERE path = 7 AND value > 20 AND value < ''
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

import orjson

from broker.model.distance import reach
from broker.model.geometry import Bounds, reference
from broker.model.values import Instant, to_instant
from broker.query.ast import (
    Absent,
    And,
    Between,
    Compare,
    DateTimeValue,
    Exists,
    Geo,
    HasAttribute,
    HasType,
    IdIn,
    IdPattern,
    InScope,
    Linked,
    Node,
    OneOf,
    Op,
    Or,
    Path,
    Pattern,
    Relation,
    SubjectIn,
    Value,
)
from broker.query.leaves import MEMBER, SUB, indexable, path_key
from broker.stores.sqlite.index import OBSERVED_AT, UNORDERED, normal_scope
from broker.stores.sqlite.spans import ANY, TEXTS, Span, between, equal, ordered

SUBJECTS_MAX: Final = 256
"""Persons that a statement is asked for; of more, each row is looked at as it is read."""
_IS_OF: Final = """EXISTS (SELECT 1 FROM entity AS e WHERE e.number = c.entity
    AND (ifnull(e.subject, 0) = 0 OR e.subject IN (SELECT value FROM json_each(?))))"""
_OF_SUBJECTS: Final = """SELECT number AS entity FROM entity WHERE subject IS NULL
    UNION ALL SELECT number FROM entity WHERE subject = 0
    UNION ALL SELECT number FROM entity WHERE subject IN (SELECT value FROM json_each(?))"""
_COLUMNS: Final = {"createdAt": "created_at", "modifiedAt": "modified_at", "expiresAt": "expires_at"}


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and its parameters, in order."""

    text: str
    parameters: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """A predicate, whether it decides alone, and the statements that give candidates (any one of them will do)."""

    where: Sql
    exact: bool
    drivers: tuple[Sql, ...] = ()


TRUE: Final = Filter(Sql("1"), exact=True)
UNKNOWN: Final = Filter(Sql("1"), exact=False)
FALSE: Final = Filter(Sql("0"), exact=True, drivers=(Sql("SELECT 1 AS entity WHERE 0"),))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the file knows: numbers of names, and attributes that are not indexed in full in some entity."""

    number: Callable[[str], int | None]
    is_uncovered: Callable[[int], bool]


def compile_node(node: Node, catalogue: Catalogue) -> Filter:
    """The filter of a bound node."""
    match node:
        case And(terms):
            return _all([compile_node(term, catalogue) for term in terms])
        case Or(terms):
            return _any([compile_node(term, catalogue) for term in terms])
        case Exists() | Compare() | OneOf() | Between() | Pattern() | HasAttribute() | Linked() | Geo():
            return _on_attribute(node, catalogue)
        case HasType() | InScope() | IdIn() | IdPattern() | SubjectIn():
            return _on_head(node, catalogue)
        case Absent():
            return UNKNOWN  # what is hidden is absent too: no row decides
        case _:
            assert_never(node)


def _on_head(node: HasType | InScope | IdIn | IdPattern | SubjectIn, catalogue: Catalogue) -> Filter:
    match node:
        case HasType(iri):
            return _has_type(catalogue.number(iri))
        case InScope(pattern):
            return _in_scope(pattern)
        case IdIn(ids):
            return _id_in(ids)
        case IdPattern(regex):
            where = "matches_pattern(?, (SELECT iri FROM entity WHERE number = c.entity))"
            return Filter(Sql(where, (regex,)), exact=True)
        case SubjectIn(name, subjects):
            return _of_subjects(subjects) if name is None and len(subjects) <= SUBJECTS_MAX else TRUE


def _all(filters: Sequence[Filter]) -> Filter:
    filters = [one for one in filters if one is not TRUE]
    if len(filters) < 2:  # noqa: PLR2004 - nothing to join
        return filters[0] if filters else TRUE
    where = _joined(" AND ", [one.where for one in filters])
    drivers = tuple(driver for one in filters for driver in one.drivers)
    return Filter(where, all(one.exact for one in filters), drivers)


def _any(filters: Sequence[Filter]) -> Filter:
    if not filters:
        return FALSE
    where = _joined(" OR ", [one.where for one in filters])
    drivers: tuple[Sql, ...] = ()
    if all(one.drivers for one in filters):
        drivers = (_union([one.drivers[0] for one in filters]),)
    return Filter(where, all(one.exact for one in filters), drivers)


def _joined(glue: str, parts: Sequence[Sql]) -> Sql:
    text = "(" + glue.join(part.text for part in parts) + ")"
    return Sql(text, tuple(value for part in parts for value in part.parameters))


def _union(parts: Sequence[Sql]) -> Sql:
    return Sql(" UNION ALL ".join(part.text for part in parts), tuple(v for part in parts for v in part.parameters))


_AttributeNode = Exists | Compare | OneOf | Between | Pattern | HasAttribute | Linked | Geo


def _on_attribute(node: _AttributeNode, catalogue: Catalogue) -> Filter:
    path = Path(node.name) if isinstance(node, HasAttribute) else node.path
    if isinstance(node, Linked | Geo):
        path = Path(path.name, path.subs)  # they look at instances, whatever is inside the value
    if path.name in _COLUMNS and not path.subs and not path.members:
        return _on_column(node, _COLUMNS[path.name])
    found = _nearest(path)
    if found is None:
        return UNKNOWN
    if found == path:
        compiled = _on_leaves(node, path, catalogue)
    else:
        compiled = replace(_leaves(found, [ANY], catalogue), exact=False)
    attribute = catalogue.number(path.name)
    if attribute is not None and catalogue.is_uncovered(attribute):
        return _or_uncovered(compiled, attribute)
    return compiled


def _nearest(path: Path) -> Path | None:
    """The path itself, or the next indexed one above it: where that has no leaf, nothing below has."""
    if any(mark in member for member in path.members for mark in (SUB, MEMBER)):
        return Path(path.name)
    if indexable(path):
        return path
    for above in (Path(path.name, path.subs), Path(path.name, path.subs[:-1]), Path(path.name)):
        if indexable(above):
            return above
    return None


def _or_uncovered(compiled: Filter, attribute: int) -> Filter:
    uncovered = "EXISTS (SELECT 1 FROM uncovered AS u WHERE u.path = ? AND u.entity = c.entity)"
    where = _joined(" OR ", [compiled.where, Sql(uncovered, (attribute,))])
    extra = Sql("SELECT entity FROM uncovered WHERE path = ?", (attribute,))
    return Filter(where, exact=False, drivers=tuple(_union([driver, extra]) for driver in compiled.drivers))


def _on_leaves(node: _AttributeNode, path: Path, catalogue: Catalogue) -> Filter:
    match node:
        case Geo():
            return _geo(node, path, catalogue)
        case Pattern(_, regex, negated):
            return _pattern(path, regex, catalogue, negated=negated)
        case Compare() | OneOf() | Between():
            compiled = _compared(node, path, catalogue)
            exact = path.members != ("*",)  # all languages share the attribute's own path
        case Exists() | HasAttribute() | Linked():
            compiled = _leaves(path, [ANY], catalogue)
            is_name = isinstance(node, HasAttribute) and not node.dataset_ids
            exact = is_name or (isinstance(node, Exists) and path.members != ("*",))
        case _:
            assert_never(node)
    return compiled if exact else replace(compiled, exact=False)


def _compared(node: Compare | OneOf | Between, path: Path, catalogue: Catalogue) -> Filter:
    instant = path_key(path).endswith(OBSERVED_AT)
    match node:
        case Compare(_, Op.EQ | Op.NE as op, value):
            spans, negated, in_order = [equal(value, instant=instant)], op is Op.NE, False
        case Compare(_, op, value):
            spans, negated, in_order = [ordered(op, value, instant=instant)], False, True
        case OneOf(_, values, negated):
            spans, in_order = [equal(value, instant=instant) for value in values], False
        case Between(_, low, high, negated):
            spans, in_order = [between(low, high, instant=instant)], True
        case _:
            assert_never(node)
    if negated:
        return _unequal(path, spans, catalogue)
    return _leaves(path, spans, catalogue, ordered_only=in_order)


def _leaves(path: Path, spans: Sequence[Span | None], catalogue: Catalogue, *, ordered_only: bool = False) -> Filter:
    """Entities with a leaf on the path in one of the spans."""
    key = path_key(path)
    keys = [key] if ordered_only else [key, key + UNORDERED]
    numbers = [number for one in keys if (number := catalogue.number(one)) is not None]
    possible = [span for span in spans if span is not None]
    if not numbers or not possible:
        return FALSE
    filters = [_leaf(number, span) for number in numbers for span in possible]
    return filters[0] if len(filters) == 1 else _any(filters)


def _leaf(number: int, span: Span) -> Filter:
    probe, probe_values = span.in_probe()
    index, index_values = span.in_leaf()
    where = f"EXISTS (SELECT 1 FROM json_each(c.leaves, ?) AS v WHERE {probe})"  # noqa: S608 - built of constants
    driver = f"SELECT entity FROM leaf WHERE path = ? AND {index}"  # noqa: S608
    return Filter(Sql(where, (f'$."{number}"', *probe_values)), span.exact, (Sql(driver, (number, *index_values)),))


def _unequal(path: Path, spans: Sequence[Span | None], catalogue: Catalogue) -> Filter:
    """Entities with some target outside all spans: exact where every leaf is a target of its own."""
    key = path_key(path)
    exists = replace(_leaves(path, [ANY], catalogue), exact=False)
    possible = [span for span in spans if span is not None]
    number = catalogue.number(key)
    alone = not path.members and catalogue.number(key + UNORDERED) is None
    if number is None or not alone or not all(span.exact for span in possible):
        return exists
    parts, values = [], []
    for span in possible:
        text, bound = span.in_probe()
        parts.append(f"({text})")
        values += bound
    none = f"NOT ({' OR '.join(parts)})" if parts else "1"
    where = f"EXISTS (SELECT 1 FROM json_each(c.leaves, ?) AS v WHERE {none})"  # noqa: S608 - built of constants
    return Filter(Sql(where, (f'$."{number}"', *values)), exact=True, drivers=exists.drivers)


def _pattern(path: Path, regex: str, catalogue: Catalogue, *, negated: bool) -> Filter:
    instant = path_key(path).endswith(OBSERVED_AT)
    texts = Span("any", exact=False) if instant else TEXTS
    compiled = replace(_leaves(path, [texts], catalogue, ordered_only=True), exact=False)
    number = catalogue.number(path_key(path))
    if negated or instant or number is None:
        return compiled
    where = "EXISTS (SELECT 1 FROM json_each(c.leaves, ?) AS v WHERE v.type = 'text' AND may_match(?, v.value))"
    driver = "SELECT entity FROM leaf WHERE path = ? AND value >= '' AND value < x'' AND may_match(?, value)"
    return Filter(Sql(where, (f'$."{number}"', regex)), exact=False, drivers=(Sql(driver, (number, regex)),))


def _geo(node: Geo, path: Path, catalogue: Catalogue) -> Filter:
    """Boxes that can stand in the relation; `match` decides on their geometries."""
    number, box = catalogue.number(path_key(path)), _searched(node)
    if number is None or box is None:
        return replace(_leaves(path, [ANY], catalogue), exact=False)
    west, south, east, north = box
    # Boxes of other paths come too: `match` drops them for less than it costs to read a box's path.
    driver = "SELECT id >> 20 AS entity FROM bounds WHERE west <= ? AND east >= ? AND south <= ? AND north >= ?"
    return Filter(TRUE.where, exact=False, drivers=(Sql(driver, (east, west, north, south)),))


def _searched(node: Geo) -> Bounds | None:
    """The box that a geometry in the relation must meet; None where it may be anywhere."""
    to = reference(node.geometry)
    if node.relation is Relation.NEAR:
        return None if node.max_distance_m is None else reach(to.bounds, node.max_distance_m)
    return None if node.relation is Relation.DISJOINT else to.bounds


def _on_column(node: _AttributeNode, column: str) -> Filter:
    """A term on the entity's own createdAt, modifiedAt or expiresAt."""
    if not isinstance(node, Compare) or node.op is Op.NE:
        return UNKNOWN
    at = _instant(node.value)
    if at is None:
        return UNKNOWN
    operator = "=" if node.op is Op.EQ else node.op.value
    return Filter(Sql(f"(SELECT {column} FROM entity WHERE number = c.entity) {operator} ?", (at,)), exact=True)  # noqa: S608


def _instant(value: Value) -> Instant | None:
    if isinstance(value, DateTimeValue):
        return value.instant
    return to_instant(value) if isinstance(value, str) else None


def _has_type(number: int | None) -> Filter:
    if number is None:
        return FALSE
    where = "EXISTS (SELECT 1 FROM entity_type AS t WHERE t.type = ? AND t.entity = c.entity)"
    return Filter(Sql(where, (number,)), exact=True)


def _in_scope(pattern: str) -> Filter:
    wanted = normal_scope(pattern)
    if "+" in wanted.split("/"):
        literal = wanted.split("+", 1)[0].rstrip("/")
        below, exact = (_scope_below(literal), False)
    elif wanted == "#":
        below, exact = Sql("1"), True
    elif wanted.endswith("/#"):
        below, exact = _scope_below(wanted[:-2]), True
    else:
        below, exact = Sql("scope = ?", (wanted,)), True
    driver = Sql(f"SELECT entity FROM entity_scope WHERE {below.text}", below.parameters)  # noqa: S608
    return Filter(Sql(f"c.entity IN ({driver.text})", driver.parameters), exact, (driver,))


def _scope_below(literal: str) -> Sql:
    """Scopes that are `literal` or below it; `0` is the character after `/`."""
    if not literal:
        return Sql("1")
    return Sql("(scope = ? OR scope >= ? AND scope < ?)", (literal, literal + "/", literal + "0"))


def _of_subjects(subjects: frozenset[int]) -> Filter:
    """Entities of nobody, of several, or of one of these: what they may see of them the restriction's view decides."""
    given = (orjson.dumps(sorted(subjects)).decode(),)
    return Filter(Sql(_IS_OF, given), exact=True, drivers=(Sql(_OF_SUBJECTS, given),))


def _id_in(ids: tuple[str, ...]) -> Filter:
    given = "SELECT number AS entity FROM entity WHERE iri IN (SELECT value FROM json_each(?))"
    driver = Sql(given, (orjson.dumps(ids).decode(),))
    return Filter(Sql(f"c.entity IN ({driver.text})", driver.parameters), exact=True, drivers=(driver,))
