"""Names of a query to IRIs: terms go, what an entity document holds stays (clause 5.5.7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Protocol, assert_never

from broker.ldcontext.active import ActiveContext
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
    Or,
    Path,
    Pattern,
    SubjectIn,
    UriValue,
    Value,
)
from broker.query.targets import ENTITY_ELEMENTS, TEMPORAL_MEMBERS

RESERVED_SUBS: Final = TEMPORAL_MEMBERS | {"unitCode", "datasetId", "instanceId", "objectType", "valueType"}
"""Members of an instance that may end a path, unexpanded."""


class Names(Protocol):
    """What names and values of a query are replaced by."""

    def expand(self, term: str, pointer: str = "") -> str:
        """The name that stands for a name of an attribute or type."""

    def expand_value(self, text: str) -> str:
        """The text that stands for a value."""


class Compacting:
    """Names the other way round: from IRIs to the terms of a @context."""

    def __init__(self, names: ActiveContext) -> None:
        self._names = names

    def expand(self, term: str, pointer: str = "") -> str:  # noqa: ARG002  compacting refuses nothing
        """The term for an IRI."""
        return self._names.compact(term)

    def expand_value(self, text: str) -> str:
        """The term for a value."""
        return self._names.compact_value(text)


def unbind(node: Node, names: ActiveContext, expanded: frozenset[str] = frozenset()) -> Node:
    """A bound node in the terms of a @context, to be rendered: what `bind` makes of it is the node again.

    `expanded` are IRIs of the attributes whose values were expanded, and are compacted here.
    """
    return bind(_marked(node, expanded), Compacting(names))


def _marked(node: Node, expanded: frozenset[str]) -> Node:
    """The node with the values of these attributes marked as they were before they were bound."""
    match node:
        case And(terms) | Or(terms):
            return type(node)(tuple(_marked(term, expanded) for term in terms))
        case Linked(_, _, inner):
            return replace(node, node=_marked(inner, expanded))
        case Compare(path, _, UriValue(uri)) if (path.name, *path.subs)[-1] in expanded:
            return replace(node, value=UriValue(uri, expand=True))
        case OneOf(path, values) if (path.name, *path.subs)[-1] in expanded:
            marked = (UriValue(one.uri, expand=True) if isinstance(one, UriValue) else one for one in values)
            return replace(node, values=tuple(marked))
        case _:
            return node


def bind(node: Node, names: Names) -> Node:
    """The node with every attribute and type name, and every value marked for it, replaced by its IRI.

    Raises BadRequestData for a name the @context cannot expand.
    """
    match node:
        case And(terms) | Or(terms):
            return type(node)(tuple(bind(term, names) for term in terms))
        case Exists() | Absent() | Compare() | OneOf() | Between() | Pattern() | Geo():
            return _bind_term(node, names)
        case Linked(path, types, inner):
            iris = tuple(names.expand(term, "q") for term in types)
            return Linked(bind_path(path, names, "q"), iris, bind(inner, names))
        case HasType(term):
            return HasType(names.expand(term, "type"))
        case HasAttribute(term, dataset_ids):
            return HasAttribute(names.expand(term, "attrs"), dataset_ids)
        case InScope() | IdIn() | IdPattern() | SubjectIn():
            return node
        case _:
            assert_never(node)


def bind_path(path: Path, names: Names, parameter: str) -> Path:
    """The path with IRIs; `createdAt` and `id` of the entity, and a reserved member at the end, stay as they are."""
    if path.name in ENTITY_ELEMENTS and not path.subs:
        return path
    last = len(path.subs) - 1
    subs = tuple(
        sub if at == last and sub in RESERVED_SUBS else names.expand(sub, parameter) for at, sub in enumerate(path.subs)
    )
    return Path(names.expand(path.name, parameter), subs, path.members)


def _bind_term(node: Exists | Absent | Compare | OneOf | Between | Pattern | Geo, names: Names) -> Node:
    path = bind_path(node.path, names, "geoproperty" if isinstance(node, Geo) else "q")
    match node:
        case Compare(_, op, value):
            return Compare(path, op, _bind_value(value, names))
        case OneOf(_, values, negated):
            return OneOf(path, tuple(_bind_value(value, names) for value in values), negated)
        case _:
            return replace(node, path=path)


def _bind_value(value: Value, names: Names) -> Value:
    return UriValue(names.expand_value(value.uri)) if isinstance(value, UriValue) and value.expand else value
