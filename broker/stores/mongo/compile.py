"""AST -> a filter for MongoDB: a superset of the answer, and whether it is the answer (clause 4.9).

The AST has no negation but in its leaves, so that it is in negation normal form as it comes. What is negated there
(`!=`, `!attr`, `!~=`) is never pushed down as such: the filter asks for the attribute at most, and `match` decides.

    And((HasType("https://…/Car"), Compare(Path("https://…/speed"), Op.GT, 20)))
    {"$and": [{"k": "thttps://…/Car"}, {"$or": [{"k": {"$elemMatch": {"$gt": "v<speed>nk2", "$lt": "v<speed>o"}}},
                                                {"k": "u<speed>"}]}]}

Only `$eq $in $gt $gte $lt $lte $exists $and $or` are used, and `$elemMatch` around a range over keys; a server that
gets ranges wrong (`Able`) is asked for the attribute alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from broker.model.distance import reach
from broker.model.geometry import Bounds, reference
from broker.query.ast import (
    Absent,
    And,
    Between,
    Compare,
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
)
from broker.query.leaves import MEMBER, SUB, indexable, path_key
from broker.stores.mongo import keys
from broker.stores.mongo.cells import searched_keys
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import key
from broker.stores.mongo.spans import ANY, Span, between, equal, instant_in, literal_prefix, next_text, ordered, texts

SUBJECTS_MAX: Final = 256
"""Persons that a server is asked for; of more, the view decides alone."""
_COLUMNS: Final = {"createdAt": "c", "modifiedAt": "m", "expiresAt": "x"}
_OPERATORS: Final = {Op.GE: "$gte", Op.GT: "$gt", Op.LE: "$lte", Op.LT: "$lt"}


@dataclass(frozen=True, slots=True)
class Able:
    """What this server does right: ranges over keys; those over texts of all characters too; groups with bounds."""

    ranges: bool = True
    texts: bool = True
    groups: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on stored documents (None: nothing meets it), and whether it decides alone."""

    where: Bson | None
    exact: bool


TRUE: Final = Filter({}, exact=True)
UNKNOWN: Final = Filter({}, exact=False)
NOTHING: Final = Filter(None, exact=True)


def compile_node(node: Node, tenant: str, able: Able) -> Filter:
    """The filter of a bound node, for the documents of a tenant."""
    match node:
        case And(terms):
            return _all([compile_node(term, tenant, able) for term in terms])
        case Or(terms):
            return _any([compile_node(term, tenant, able) for term in terms])
        case Exists() | Compare() | OneOf() | Between() | Pattern() | HasAttribute() | Linked() | Geo():
            return _on_attribute(node, able)
        case HasType() | InScope() | IdPattern() | IdIn() | SubjectIn():
            return _on_head(node, tenant)
        case Absent():
            return UNKNOWN  # what is hidden is absent too: no key decides
        case _:
            assert_never(node)


def leads(where: Bson) -> bool:
    """Whether a filter asks for a key, which an index answers; else all of a tenant is gone through."""
    return any("k" in part for part in conjuncts(where))


def named(where: Bson) -> list[str] | None:
    """The only documents that can meet a filter, by `_id`; None where it names none."""
    given = [frozenset[str](part["_id"]["$in"]) for part in conjuncts(where) if "_id" in part]
    return sorted(frozenset.intersection(*given)) if given else None


def conjuncts(where: Bson) -> Iterator[Bson]:
    """The conditions that all have to be met."""
    yield from where.get("$and", (where,))


def _all(filters: Sequence[Filter]) -> Filter:
    parts: list[Bson] = []
    for one in filters:
        if one.where is None:
            return NOTHING
        if one.where:
            parts += conjuncts(one.where)
    exact = all(one.exact for one in filters)
    if not parts:
        return Filter({}, exact)
    return Filter(parts[0] if len(parts) == 1 else {"$and": parts}, exact)


def _any(filters: Sequence[Filter]) -> Filter:
    possible = [(one.where, one.exact) for one in filters if one.where is not None]
    if not possible:
        return NOTHING
    whole = [exact for where, exact in possible if not where]
    if whole:
        return Filter({}, exact=any(whole))
    parts, of_key = list[Bson](), list[str]()
    for where, _ in possible:
        for part in where.get("$or", (where,)):
            asked = _keys_in(part)
            if asked is None:
                parts.append(part)
            else:
                of_key += asked
    if of_key:
        parts.append(_of_keys(of_key))
    return Filter(parts[0] if len(parts) == 1 else {"$or": parts}, all(exact for _, exact in possible))


def _of_keys(wanted: Sequence[str]) -> Bson:
    """What has one of these keys."""
    several = sorted(set(wanted))
    return {"k": several[0] if len(several) == 1 else {"$in": several}}


def _keys_in(where: Bson) -> list[str] | None:
    """The keys of which one is asked for; None where the filter asks for something else."""
    asked = where.get("k")
    if asked is None or len(where) > 1:
        return None
    if isinstance(asked, str):
        return [asked]
    found: list[str] | None = asked.get("$in")
    return found


def _on_head(node: HasType | InScope | IdPattern | IdIn | SubjectIn, tenant: str) -> Filter:
    match node:
        case IdIn(ids):
            return Filter({"_id": {"$in": [key(tenant, one) for one in sorted(set(ids))]}}, exact=True)
        case SubjectIn(name, subjects):
            return _of_subjects(subjects) if name is None and len(subjects) <= SUBJECTS_MAX else TRUE
        case HasType(iri):
            return Filter(_of_keys([keys.type_key(iri)]), exact=True)
        case InScope(pattern):
            return _in_scope(pattern.strip("/"))
        case IdPattern(regex):
            start = literal_prefix(regex)
            return Filter({"i": {"$gte": start, "$lt": next_text(start)}}, exact=False) if start else UNKNOWN
        case _:
            assert_never(node)


def _of_subjects(subjects: frozenset[int]) -> Filter:
    """Entities of nobody, of several, or of one of these: what they may see of them the restriction's view decides."""
    return Filter({"$or": [{"s": {"$exists": False}}, {"s": {"$in": [0, *sorted(subjects)]}}]}, exact=True)


def _in_scope(wanted: str) -> Filter:
    levels = wanted.split("/")
    if "+" in levels:
        above = "/".join(levels[: levels.index("+")])
        return Filter(_of_keys([keys.scope_key(above, below=True)]), exact=False)
    if levels[-1] == "#":
        return Filter(_of_keys([keys.scope_key("/".join(levels[:-1]), below=True)]), exact=True)
    return Filter(_of_keys([keys.scope_key(wanted)]), exact=True)


_AttributeNode = Exists | Compare | OneOf | Between | Pattern | HasAttribute | Linked | Geo


def _on_attribute(node: _AttributeNode, able: Able) -> Filter:
    path = Path(node.name) if isinstance(node, HasAttribute) else node.path
    if path.name in _COLUMNS and not path.subs and not path.members:
        return _on_column(node, _COLUMNS[path.name])
    if ":" not in path.name:
        return UNKNOWN
    there = Filter(_of_keys([keys.attribute_key(path.name)]), exact=False)
    if isinstance(node, Geo):
        return _all([there, _geo(node)])
    if isinstance(node, Compare | OneOf | Between | Pattern) and _has_keys(path):
        spans = _spans(node)
        if spans is not None:
            return _in_spans(path, spans, able) or there
    return there


def _has_keys(path: Path) -> bool:
    """Whether every value that the path leads to has a key."""
    return indexable(path) and not any(mark in member for member in path.members for mark in (SUB, MEMBER))


def _spans(node: Compare | OneOf | Between | Pattern) -> list[Span] | None:
    """Values of which there must be one; None where no value is asked for, or any will do."""
    instants = path_key(node.path).endswith(keys.OBSERVED_AT)
    found: list[Span | None]
    match node:
        case Compare(_, Op.NE, _) | OneOf(negated=True) | Between(negated=True):
            return None
        case Compare(_, Op.EQ, value):
            found = [equal(value, instants=instants)]
        case Compare(_, op, value):
            found = [ordered(op, value, instants=instants)]
        case OneOf(_, values):
            found = [equal(value, instants=instants) for value in values]
        case Between(_, low, high):
            found = [between(low, high, instants=instants)]
        case Pattern(_, regex, negated):
            found = [ANY if instants else texts("" if negated else literal_prefix(regex))]
        case _:
            assert_never(node)
    spans = [span for span in found if span is not None]
    return None if any(span.everything for span in spans) else spans


def _in_spans(path: Path, spans: Sequence[Span], able: Able) -> Filter | None:
    """Documents with a value of the path in one of the spans; None where this server cannot be asked."""
    head = keys.value_head(path_key(path))
    uncovered = Filter(_of_keys([keys.uncovered_key(path.name)]), exact=False)
    parts = [uncovered]
    for span in spans:
        if span.is_one:
            parts.append(Filter(_of_keys([head + span.low]), exact=False))
        elif not able.ranges or (span.all_texts and not able.texts):
            return None
        else:
            bounds = {span.from_: head + span.low, span.to: head + span.high}
            parts.append(Filter({"k": {"$elemMatch": bounds}}, exact=False))
    return _any(parts)


def _geo(node: Geo) -> Filter:
    """Boxes that can stand in the relation; `match` decides on their geometries."""
    box = None if node.path.subs else _searched(node)
    if box is None:
        return UNKNOWN
    west, south, east, north = box
    around = {"b.w": {"$lte": east}, "b.e": {"$gte": west}, "b.s": {"$lte": north}, "b.n": {"$gte": south}}
    return _all([Filter(_of_keys(searched_keys(box)), exact=False), Filter(around, exact=False)])


def _searched(node: Geo) -> Bounds | None:
    """The box that a geometry in the relation must meet; None where it may be anywhere."""
    to = reference(node.geometry)
    if node.relation is Relation.NEAR:
        return None if node.max_distance_m is None else reach(to.bounds, node.max_distance_m)
    return None if node.relation is Relation.DISJOINT else to.bounds


def _on_column(node: _AttributeNode, column: str) -> Filter:
    """A term on the entity's own createdAt, modifiedAt or expiresAt."""
    at = instant_in(node.value) if isinstance(node, Compare) and node.op is not Op.NE else None
    if at is None or not isinstance(node, Compare):
        return UNKNOWN
    return Filter({column: at if node.op is Op.EQ else {_OPERATORS[node.op]: at}}, exact=True)
