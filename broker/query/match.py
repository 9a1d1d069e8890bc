"""The AST's meaning, over one entity: the oracle every store must agree with (clauses 4.9, 4.10, 4.17, 4.19).

A node compiles to a function once; nodes are kept by identity, because `Compare(p, EQ, 1)` and
`Compare(p, EQ, True)` are equal to Python and not to the standard (whoever caches nodes: the same trap).

* A term holds where it holds for the target of *some* instance, of whatever datasetId; see `query.targets`.
* `!=` and its list and range need a target, and hold where the whole of it fails `==` (clause 4.9, Unequal);
  a target of another type, an object or an array without such an element is unequal.
* `< <= > >=`, ranges and patterns never look into arrays, and never match a Relationship or ListRelationship.
* `!~=` needs a text; with several (languages), none may match.
* A quoted text against observedAt, createdAt, modifiedAt or expiresAt is read as a DateTime where it is one.
* `q=createdAt>…` and `modifiedAt`, `expiresAt`, `id` are elements of the entity itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, assert_never, cast

from broker.model.distance import distance_m
from broker.model.distance import reach as reach_m
from broker.model.entity import Entity, Instance, as_list
from broker.model.geometry import Geometry, Reference, apart, bounds, reference
from broker.model.values import to_instant
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
from broker.query.leaves import linked_uris
from broker.query.patterns import compile_pattern
from broker.query.scalars import Test, between, equal_to, ordered_to
from broker.query.scopes import in_scope
from broker.query.targets import TEMPORAL_MEMBERS, reach, reach_instances

Follow: TypeAlias = Callable[[str], Entity | None]
"""Gives the entity of an id, as far as it may be seen; None where there is none."""
Matches: TypeAlias = Callable[[Entity, Follow], bool]

COMPILED_MAX: Final = 512
_compiled: dict[int, tuple[Node, Matches]] = {}


def matches(node: Node, entity: Entity, linked: Follow) -> bool:
    """Tell whether an entity satisfies a bound node; `linked` finds the entities its Relationships point to."""
    return compile_match(node)(entity, linked)


def compile_match(node: Node) -> Matches:
    """The node as a function of the entity; for many entities, ask for it once."""
    held = _compiled.get(id(node))
    if held is None:
        if len(_compiled) >= COMPILED_MAX:
            _compiled.clear()
        held = _compiled[id(node)] = (node, _compile(node))  # keeping the node keeps its identity taken
    return held[1]


def _compile(node: Node) -> Matches:
    match node:
        case And(terms) | Or(terms):
            return _combined([_compile(term) for term in terms], every=isinstance(node, And))
        case Linked(path, types, inner):
            return _linked(path, frozenset(types), _compile(inner))
        case Absent(path):
            targets = reach(path)
            return lambda entity, _: not targets(entity)
        case Exists() | Compare() | OneOf() | Between() | Pattern():
            return _on_target(node)
        case _:
            return _on_entity(node)


def _combined(terms: list[Matches], *, every: bool) -> Matches:
    def combined(entity: Entity, linked: Follow) -> bool:
        for term in terms:  # not all() or any(): a generator costs more than most terms
            if term(entity, linked) is not every:
                return not every
        return every

    return terms[0] if len(terms) == 1 else combined


def _on_target(node: Exists | Compare | OneOf | Between | Pattern) -> Matches:
    targets = reach(node.path)
    match node:
        case Exists():
            return lambda entity, _: bool(targets(entity))
        case Compare(path, Op.EQ | Op.NE as op, value):
            return _some(node.path, equal_to(_typed(path, value)), ordered=False, negated=op is Op.NE)
        case Compare(path, op, value):
            return _some(node.path, ordered_to(op, _typed(path, value)), ordered=True, negated=False)
        case OneOf(path, values, negated):
            tests = [equal_to(_typed(path, value)) for value in values]
            return _some(path, lambda target: any(test(target) for test in tests), ordered=False, negated=negated)
        case Between(path, low, high, negated):
            test = between(_typed(path, low), _typed(path, high))
            return _some(path, test, ordered=True, negated=negated)
        case Pattern(path, regex, negated):
            return _pattern(path, regex, negated=negated)
        case _:
            assert_never(node)


def _some(path: Path, test: Test, *, ordered: bool, negated: bool) -> Matches:
    """Some target has an element that passes the test; negated: some target has none."""
    targets = reach(path)

    def some(entity: Entity, _: Follow) -> bool:
        for elements, is_ordered in targets(entity):
            found = False
            if is_ordered or not ordered:
                for element in elements:
                    if test(element):
                        found = True
                        break
            if found is not negated:
                return True
        return False

    return some


def _pattern(path: Path, regex: str, *, negated: bool) -> Matches:
    targets, search = reach(path), compile_pattern(regex).search

    def pattern(entity: Entity, _: Follow) -> bool:
        for elements, is_ordered in targets(entity):
            texts = [element for element in elements if type(element) is str] if is_ordered else ()
            if texts and any(search(text) is not None for text in texts) is not negated:
                return True
        return False

    return pattern


def _typed(path: Path, value: Value) -> Value:
    """A quoted text as the DateTime it is, where the target is an instant of the system or of the observation."""
    last = path.subs[-1] if path.subs else path.name
    if type(value) is str and last in TEMPORAL_MEMBERS:
        instant = to_instant(value)
        return value if instant is None else DateTimeValue(instant)
    return value


def _linked(path: Path, types: frozenset[str], inner: Matches) -> Matches:
    find = reach_instances(path)

    def test(entity: Entity, linked: Follow) -> bool:
        for instance in find(entity):
            for uri in linked_objects(instance):
                found = linked(uri)
                if found is not None and (not types or not types.isdisjoint(found.types)) and inner(found, linked):
                    return True
        return False

    return test


def linked_objects(instance: Instance) -> list[str]:
    """The URIs a Relationship or ListRelationship instance points to; none for other kinds."""
    if instance["type"] == "Relationship":
        return as_list(instance.get("object"))
    found = linked_uris(instance.get("objectList")) if instance["type"] == "ListRelationship" else []
    return [uri for uri in found if isinstance(uri, str)]


def _on_entity(node: Geo | HasType | InScope | IdIn | IdPattern | HasAttribute | SubjectIn) -> Matches:
    match node:
        case Geo():
            return _geo(node)
        case HasType() | InScope() | IdIn() | IdPattern():
            return _on_head(node)
        case HasAttribute(name, dataset_ids):
            return _has_attribute(name, frozenset(dataset_ids))
        case SubjectIn():
            # Labels are columns of the store: it is the restriction's view that hides things from this oracle.
            return lambda _entity, _linked: True
        case _:
            assert_never(node)


def _on_head(node: HasType | InScope | IdIn | IdPattern) -> Matches:
    match node:
        case HasType(iri):
            return lambda entity, _: iri in entity.types
        case InScope(pattern):
            return lambda entity, _: any(in_scope(scope, pattern) for scope in entity.scopes)
        case IdIn(ids):
            wanted = frozenset(ids)
            return lambda entity, _: entity.document["id"] in wanted
        case IdPattern(regex):
            search = compile_pattern(regex).search
            return lambda entity, _: search(entity.id) is not None
        case _:
            assert_never(node)


def _has_attribute(name: str, dataset_ids: frozenset[str]) -> Matches:
    def has(entity: Entity, _: Follow) -> bool:
        held = entity.instances(name)
        if not dataset_ids:
            return bool(held)
        return any(instance.get("datasetId", "@none") in dataset_ids for instance in held)

    return has


def _geo(node: Geo) -> Matches:
    find, stands = reach_instances(node.path), _relation(node, reference(node.geometry))

    def geo(entity: Entity, _: Follow) -> bool:
        return any(
            instance["type"] == "GeoProperty" and stands(cast(Geometry, instance["value"])) for instance in find(entity)
        )

    return geo


def _relation(node: Geo, to: Reference) -> Callable[[Geometry], bool]:
    if node.relation is not Relation.NEAR:
        return lambda target: to.relates(node.relation.value, target)
    most, least = node.max_distance_m, node.min_distance_m
    around = None if most is None else reach_m(to.bounds, most)

    def near(target: Geometry) -> bool:
        if around is not None and apart(bounds(target), around):
            return False
        metres = distance_m(target, to)
        # The buffer is closed: what lies on its edge is within, and not disjoint (clause 4.10).
        return (most is None or metres <= most) and (least is None or metres > least)

    return near
