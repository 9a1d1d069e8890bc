"""What a condition says of the entities that can meet it at all, shared by the engines."""

from __future__ import annotations

from broker.query.ast import (
    EVERYTHING,
    And,
    Between,
    Compare,
    HasType,
    IdIn,
    Node,
    OneOf,
    Or,
    Pattern,
    SubjectIn,
)


def beneath(where: Node) -> Node:
    """What the whole of an entity meets where a view of it meets the condition.

    A view tells of the last change of what is left of it: the whole may have changed since, so that nothing is asked of
    the entity's own modifiedAt. Of anything else a view has no more than the whole.
    """
    match where:
        case And(terms):
            return And(tuple(map(beneath, terms)))
        case Or(terms):
            return Or(tuple(map(beneath, terms)))
        case Compare(path) | OneOf(path) | Between(path) | Pattern(path) if path.name == "modifiedAt":
            return EVERYTHING
        case _:
            return where


def subjects_in(where: Node) -> frozenset[int] | None:
    """The numbers of persons of whom an entity must be one's, unless it is of nobody; None: of anybody."""
    named = [term.subjects for term in _terms(where) if isinstance(term, SubjectIn) and term.name is None]
    return min(named, key=len, default=None)


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
