"""Random bound queries over the vocabulary of `entities`: every node, operator, value kind and relation.

    nodes()        a Node; with linked=False none that follows a Relationship
    orderings()    an Ordering
    selections()   a Selection of both

A path is drawn first and then values that its targets can have, three times of four, so that queries bite.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from broker.query.ast import (
    Absent,
    And,
    Between,
    Compare,
    DateTimeValue,
    DateValue,
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
    Ordering,
    OrderTerm,
    Path,
    Pattern,
    Relation,
    Selection,
    TimeValue,
    UriValue,
    Value,
)
from tests.strategies import entities as known

_HALF_PAST_NINE = (9 * 60 + 30) * 60_000_000
_numbers: st.SearchStrategy[Value] = known.numbers
_texts: st.SearchStrategy[Value] = known.texts
_moments: st.SearchStrategy[Value] = st.sampled_from(
    [
        *(DateTimeValue(instant) for instant in known.INSTANTS),
        DateTimeValue(known.INSTANTS[0] + 500_000),
        DateValue("2026-01-01"),
        DateValue("2026-01-02"),
        TimeValue(_HALF_PAST_NINE, "09:30:00Z"),
        TimeValue(_HALF_PAST_NINE + 500_000, "09:30:00.5Z"),
    ]
)
_instants: st.SearchStrategy[Value] = st.sampled_from(
    [*(DateTimeValue(instant) for instant in known.INSTANTS), "2026-01-01T09:30:00Z"]
)
_links: st.SearchStrategy[Value] = st.sampled_from([*(UriValue(uri) for uri in known.IDS[:5]), *known.IDS[:5]])
_words: st.SearchStrategy[Value] = st.sampled_from([*(UriValue(word) for word in known.WORDS), *known.WORDS, "red"])
_scalars: st.SearchStrategy[Value] = st.one_of(_numbers, _texts, st.booleans(), _moments)
_any: st.SearchStrategy[Value] = st.one_of(_scalars, _links, _words)
_LIKELY: dict[str, st.SearchStrategy[Value]] = {
    known.SPEED: _numbers,
    known.ACCURACY: _numbers,
    known.NAME: _texts,
    known.SEEN: _moments,
    known.ADDRESS: _scalars,
    known.TAGS: _scalars,
    known.LINK: _links,
    known.SOURCE: _links,
    known.LINKS: _links,
    known.LABEL: _texts,
    known.NOTE: _texts,
    known.KIND: _words,
    known.PLACE: st.sampled_from(["Point", "Polygon", "LineString"]),
    known.AREA: st.sampled_from(["Point", "Polygon", "LineString"]),
}
_INSTANT_MEMBERS = ["observedAt", "createdAt", "modifiedAt"]
_SUBS = [known.ACCURACY, known.SOURCE, known.NOTE]
_ways = st.sampled_from([*[()] * 9, *((sub,) for sub in _SUBS), (_SUBS[0], _SUBS[1]), (_SUBS[1], _SUBS[0])])
_REGEXES = ["a", "^a", "b$", "^.$", "[A-Z]", "é|大", "^$", "2026-01-01", "^https://example.org/(red|blue)$", "urn"]
_languages = st.sampled_from([("*",), *((language,) for language in known.LANGUAGES)])
_inside = st.lists(st.sampled_from(known.MEMBERS), min_size=1, max_size=2).map(tuple)


def _members(name: str) -> st.SearchStrategy[tuple[str, ...]]:
    if name in (known.LABEL, known.NOTE):
        return st.one_of(st.just(()), _languages)
    if name == known.ADDRESS:
        return known.mostly(_inside, st.just(()))
    if name in (known.PLACE, known.AREA):
        return st.sampled_from([("type",), ("type",), (), ("coordinates",)])
    return known.mostly(st.just(()), _inside)


@st.composite
def paths(draw: st.DrawFn) -> Path:
    """Attributes, sub-attributes, reserved members, value members, languages, and the entity's own instants."""
    if draw(st.integers(0, 15)) == 0:
        return Path(draw(st.sampled_from(["createdAt", "modifiedAt", "expiresAt"])))
    names = (draw(st.sampled_from(known.ATTRIBUTES)), *draw(_ways))
    if draw(st.integers(0, 5)) == 0:
        return Path(names[0], (*names[1:], draw(st.sampled_from([*_INSTANT_MEMBERS, "unitCode", "datasetId"]))))
    return Path(names[0], names[1:], draw(_members(names[-1])))


def values_at(path: Path) -> st.SearchStrategy[Value]:
    """Values that stand there often, now and then any other."""
    last = (path.name, *path.subs)[-1]
    if last in (*_INSTANT_MEMBERS, "expiresAt"):
        return known.mostly(_instants, _scalars)
    if last in ("unitCode", "datasetId"):
        return st.sampled_from(["CEL", "KMH", "", *known.DATASETS])
    return known.mostly(_LIKELY[last], _any)


_KINDS: list[tuple[Any, st.SearchStrategy[Value]]] = [
    (int | float, _numbers),
    (str, _texts),
    (DateTimeValue, st.sampled_from([DateTimeValue(instant) for instant in known.INSTANTS])),
    (DateValue, st.sampled_from([DateValue("2026-01-01"), DateValue("2026-01-02")])),
    (TimeValue, st.just(TimeValue(_HALF_PAST_NINE, "09:30:00Z"))),
]


@st.composite
def _compares(draw: st.DrawFn) -> Node:
    path = draw(paths())
    op, value = draw(st.sampled_from(Op)), draw(values_at(path))
    if op not in (Op.EQ, Op.NE) and isinstance(value, bool | UriValue):
        value = draw(_numbers)
    return Compare(path, op, value)


@st.composite
def _lists(draw: st.DrawFn) -> Node:
    path = draw(paths())
    return OneOf(path, tuple(draw(st.lists(values_at(path), min_size=2, max_size=3))), draw(st.booleans()))


@st.composite
def _ranges(draw: st.DrawFn) -> Node:
    path = draw(paths())
    low = draw(values_at(path))
    low = "a" if isinstance(low, bool | UriValue) else low
    high = draw(next(pool for kind, pool in _KINDS if isinstance(low, kind)))
    return Between(path, low, high, draw(st.booleans()))


_patterns = st.builds(Pattern, paths(), st.sampled_from(_REGEXES), st.booleans())
_geometry_texts = [json.dumps(geometry) for geometry in known.GEOMETRIES]
_METRES = [1.0, 500.0, 200_000.0, 500_000.0, 10_000_000.0]


def _geos_at(path: Path, geometry: str) -> list[Node]:
    found: list[Node] = [Geo(path, relation, geometry) for relation in Relation if relation is not Relation.NEAR]
    found += [Geo(path, Relation.NEAR, geometry, max_distance_m=metres) for metres in _METRES]
    found += [Geo(path, Relation.NEAR, geometry, min_distance_m=metres) for metres in _METRES]
    return found


def geos() -> st.SearchStrategy[Node]:
    """Every relation to every geometry, near with either distance."""
    ways = [Path(known.PLACE), Path(known.AREA)]
    return st.sampled_from([node for text in _geometry_texts for path in ways for node in _geos_at(path, text)])


_ids = st.sampled_from(known.IDS)
_heads: st.SearchStrategy[Node] = st.one_of(
    st.sampled_from(known.TYPES).map(HasType),
    st.sampled_from(["/a", "/a/b", "/a/+", "/a/#", "/+/b", "/+/+/#", "/#", "/d", "/a/b/#"]).map(InScope),
    st.lists(_ids, min_size=1, max_size=4).map(lambda ids: IdIn(tuple(ids))),
    st.sampled_from(["[0-3]$", "^urn:e:[246]$", "e:1", "x", ":"]).map(IdPattern),
    st.builds(
        HasAttribute,
        st.sampled_from(known.ATTRIBUTES),
        st.sampled_from([(), (known.DATASETS[0],), ("@none",), tuple(known.DATASETS)]),
    ),
)
_terms: st.SearchStrategy[Node] = st.one_of(
    paths().map(Exists), paths().map(Absent), _compares(), _compares(), _compares(), _lists(), _ranges(), _patterns
)


def q_nodes(*, linked: bool = True) -> st.SearchStrategy[Node]:
    """What `q` can say."""
    leaves = _terms | _linked() if linked else _terms
    return st.recursive(leaves, _combined, max_leaves=4)


def _linked() -> st.SearchStrategy[Node]:
    way = st.sampled_from([Path(known.LINK), Path(known.LINKS), Path(known.SPEED, (known.SOURCE,)), Path(known.NAME)])
    types = st.sampled_from([(), (), (known.TYPES[0],), tuple(known.TYPES[:2])])
    inner = st.recursive(_terms, _combined, max_leaves=2)
    return st.builds(Linked, way, types, inner | st.builds(Linked, way, types, inner))


def _combined(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    terms = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(And, terms) | st.builds(Or, terms)


def nodes(*, linked: bool = True) -> st.SearchStrategy[Node]:
    """What a store can be asked, but for SubjectIn."""
    leaves = st.one_of(*[q_nodes(linked=linked)] * 3, geos(), geos(), _heads)
    return st.one_of(leaves, leaves, _combined(leaves), st.just(And(())), st.just(Or(())))


def scarce() -> st.SearchStrategy[tuple[Node, ...]]:
    """One of each part that is seldom drawn: who draws a few hundred queries wants to have seen them all."""
    return st.tuples(_patterns, _lists(), paths().map(Absent), _linked(), _compares(), _compares())


def orderings() -> st.SearchStrategy[Ordering]:
    """One to three keys; distances on geometries."""
    plain = st.builds(OrderTerm, paths() | st.sampled_from([Path("id"), Path("createdAt")]), st.booleans())
    far = st.builds(
        OrderTerm,
        st.sampled_from([Path(known.PLACE), Path(known.AREA)]),
        st.booleans(),
        st.sampled_from(_geometry_texts),
    )
    terms: st.SearchStrategy[Any] = st.lists(st.one_of(plain, plain, plain, far), min_size=1, max_size=3).map(tuple)
    return st.builds(Ordering, terms, st.sampled_from(["und", "und", "ja", "und-u-ks-level1"]))


def selections() -> st.SearchStrategy[Selection]:
    """A condition and, every other time, an order."""
    return st.builds(Selection, nodes(), st.none() | orderings())
