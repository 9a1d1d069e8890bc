"""What a condition asks about, and of whom: as far as that shows without looking at values (pure)."""

from __future__ import annotations

from collections.abc import Sequence

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
    Linked,
    Node,
    OneOf,
    Or,
    Pattern,
)
from broker.query.patterns import compile_pattern


def attributes_in(node: Node) -> frozenset[str]:
    """The attributes whose instances a condition looks at."""
    match node:
        case And(terms) | Or(terms):
            return frozenset[str]().union(*(attributes_in(term) for term in terms))
        case HasAttribute(name):
            return frozenset({name})
        case Exists(path) | Absent(path) | Compare(path) | OneOf(path) | Between(path) | Pattern(path) | Geo(path):
            return frozenset({path.name})
        case Linked(path):
            return frozenset({path.name})
        case _:
            return frozenset()


def may_meet(node: Node, entity_id: str, types: Sequence[str]) -> bool:
    """Whether an entity with this id and these types (none: they are not known) may meet a condition."""
    match node:
        case And(terms):
            return all(may_meet(term, entity_id, types) for term in terms)
        case Or(terms):
            return any(may_meet(term, entity_id, types) for term in terms)
        case HasType(iri):
            return not types or iri in types
        case IdIn(ids):
            return entity_id in ids
        case IdPattern(regex):
            return compile_pattern(regex).search(entity_id) is not None
        case _:
            return True
