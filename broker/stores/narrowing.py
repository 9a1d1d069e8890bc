"""What a condition says of the entities that can meet it at all, shared by the engines."""

from __future__ import annotations

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
    Linked,
    Node,
    OneOf,
    Or,
    Pattern,
)


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


def ids_in(where: Node) -> frozenset[str] | None:
    """The only ids that can meet the condition; None where it names none."""
    named = [frozenset(term.ids) for term in _terms(where) if isinstance(term, IdIn)]
    return frozenset.intersection(*named) if named else None


def types_in(where: Node) -> frozenset[str] | None:
    """Types of which an entity must have one; None where the condition names none."""
    for term in _terms(where):
        some = term.terms if isinstance(term, Or) else (term,)
        if some and all(isinstance(one, HasType) for one in some):
            return frozenset(one.iri for one in some if isinstance(one, HasType))
    return None


def _terms(where: Node) -> tuple[Node, ...]:
    if isinstance(where, And):
        return tuple(inner for term in where.terms for inner in _terms(term))
    return (where,)
