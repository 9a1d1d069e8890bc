"""What every selection language parses to and every store compiles from (clauses 4.9, 4.10, 4.17, 4.19).

Nodes are frozen, hashable and a closed union: each consumer ends its `match` in `assert_never`, so a node that
one store forgot is a type error, not a wrong answer. A cache keyed by a node must not mix up `Compare(p, EQ, 1)` and
`Compare(p, EQ, True)`, which Python calls equal. Parsers build them with terms; `query.bind` replaces every
name by its IRI; from there on names are IRIs.

Meaning is existential throughout but for `Absent`: a term holds where *some* instance of the attribute (any
datasetId), some instance of each sub-attribute on the way, and for LanguageProperty some language fulfils it. Hence
hiding data can only make an entity stop matching, and the answer over full data is a superset of the answer over a
view. Stores take every entity as a candidate for `Absent`, so that this holds for it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from broker.model.values import Instant


class Op(Enum):
    """Comparison operators; the value is the spelling in `q`."""

    EQ, NE, GE, GT, LE, LT = "==", "!=", ">=", ">", "<=", "<"


class Relation(Enum):
    """Geospatial relations (clause 4.10)."""

    NEAR = "near"
    WITHIN = "within"
    CONTAINS = "contains"
    INTERSECTS = "intersects"
    EQUALS = "equals"
    DISJOINT = "disjoint"
    OVERLAPS = "overlaps"


@dataclass(frozen=True, slots=True)
class DateTimeValue:
    """An unquoted DateTime in `q`, compared in time with text targets that are DateTimes."""

    instant: Instant


@dataclass(frozen=True, slots=True)
class DateValue:
    """An unquoted Date, `2026-01-01`."""

    text: str


@dataclass(frozen=True, slots=True)
class TimeValue:
    """An unquoted Time, `09:00:00Z`, in microseconds of the day."""

    microseconds: int
    text: str


@dataclass(frozen=True, slots=True)
class UriValue:
    """An unquoted URI or term: equal to URIs (Relationship, Vocab) and to text that is the same.

    `expand` stands only between parser and `query.bind`: the value of an attribute listed in expandValues.
    """

    uri: str
    expand: bool = False


Value: TypeAlias = bool | int | float | str | DateTimeValue | DateValue | TimeValue | UriValue
"""`str` is a quoted string. A bool is never equal to a number."""


@dataclass(frozen=True, slots=True)
class Path:
    """`name.sub1.sub2[member.member]`: an attribute, its sub-attributes, then members inside the value.

    A sub-attribute may be a reserved instance member (`observedAt`, `unitCode`, `datasetId`, `createdAt`, …),
    which then ends `subs` unexpanded. `members` is `("*",)` for `attr[*]`, any language.
    """

    name: str
    subs: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exists:
    """The target element is there, whatever its value."""

    path: Path


@dataclass(frozen=True, slots=True)
class Absent:
    """The target element is not there (`!attr`)."""

    path: Path


@dataclass(frozen=True, slots=True)
class Compare:
    """Some target stands in `op` to `value`. EQ also: is an array that holds it. NE: some target is not EQ."""

    path: Path
    op: Op
    value: Value


@dataclass(frozen=True, slots=True)
class OneOf:
    """`attr==a,b` (or, negated, `attr!=a,b`: some target equals none of them)."""

    path: Path
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """`attr==low..high`, both included (negated: some target is outside or of another type)."""

    path: Path
    low: Value
    high: Value
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """`attr~=regex` (negated: `!~=`); other targets than text never match, negated or not."""

    path: Path
    regex: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Linked:
    """`rel{Type:node}`: some entity `path` points to, of one of `types` (any where empty), meets `node`."""

    path: Path
    types: tuple[str, ...]
    node: Node


@dataclass(frozen=True, slots=True)
class Geo:
    """The GeoProperty `path` stands in `relation` to the geometry (GeoJSON text, as `json.dumps` gives it).

    NEAR has one of the distances, in metres on the sphere.
    """

    path: Path
    relation: Relation
    geometry: str
    max_distance_m: float | None = None
    min_distance_m: float | None = None


@dataclass(frozen=True, slots=True)
class HasType:
    """One of the entity's types is `iri`."""

    iri: str


@dataclass(frozen=True, slots=True)
class InScope:
    """Some scope of the entity matches: `/a/b` exact, `+` one level, `#` at the end this level and all below."""

    pattern: str


@dataclass(frozen=True, slots=True)
class IdIn:
    """The entity's id is one of these."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdPattern:
    """The entity's id matches the regular expression somewhere (anchors are the pattern's own)."""

    regex: str


@dataclass(frozen=True, slots=True)
class HasAttribute:
    """The entity has an attribute of this name (from `attrs`, `pick` as filters); with a datasetId, that instance."""

    name: str
    dataset_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectIn:
    """Access: the item (the entity, or the attribute `name`) concerns no person, or one who granted it.

    `subjects` are interned numbers of the engine's subject table; items without subject pass.
    """

    name: str | None
    subjects: frozenset[int]


@dataclass(frozen=True, slots=True)
class And:
    """All terms; none is true."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any term; none is false."""

    terms: tuple[Node, ...]


Node: TypeAlias = (
    And | Or | Exists | Absent | Compare | OneOf | Between | Pattern | Linked | Geo | HasType | InScope | IdIn
    | IdPattern | HasAttribute | SubjectIn
)  # fmt: skip

EVERYTHING = And(())
"""Selects all entities."""


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One key of `orderBy` (clause 4.23); `distance_from` (GeoJSON text) makes it a distance, metres."""

    path: Path
    descending: bool = False
    distance_from: str | None = None


@dataclass(frozen=True, slots=True)
class Ordering:
    """The keys in their order, and the collation (`und` is ICU's root)."""

    terms: tuple[OrderTerm, ...]
    collation: str = "und"


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the answer: `limit` entities from `offset`, counted where `count`."""

    limit: int
    offset: int = 0
    count: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """A whole query, bound to IRIs: what to select and in which order (creation order where none is given)."""

    where: Node
    order: Ordering | None = None
