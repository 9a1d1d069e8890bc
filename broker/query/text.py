"""AST -> the texts of the parameters, to send a query on to another broker (clauses 4.9, 4.10, 4.17, 4.19, 4.21).

What `parse_q`, `parse_types`, `parse_scope_q`, `parse_ids` and `parse_id_pattern` read is what `render` writes:
parse(render(node)) == node. Names are rendered as they stand: compact IRIs to terms before.
"""

from __future__ import annotations

import json
import re
from typing import Final, assert_never

from broker.model.values import to_text
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
    Or,
    Path,
    Pattern,
    SubjectIn,
    TimeValue,
    UriValue,
    Value,
)
from broker.query.projection import Projection

_BARE: Final = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*:[^;|,(){}\[\]"<>\s]+|[^\W\d_]\w*')
_WORDS: Final = frozenset({"true", "false"})


def render(node: Node) -> str:
    """`Or((And((a, b)), c))` gives `a;b|c`, and for types and scopes `(a;b)|c`.

    Raises TypeError for a Geo, which is four parameters (`geo_parameters`), and for SubjectIn, which never leaves.
    """
    return _render(node, inside=None)


def geo_parameters(node: Geo) -> dict[str, str]:
    """`{"georel": "near;maxDistance==2000.0", "geometry": "Point", "coordinates": "[8, 40]", "geoproperty": "a"}`."""
    shape = json.loads(node.geometry)
    georel = node.relation.value
    if node.max_distance_m is not None:
        georel += f";maxDistance=={node.max_distance_m!r}"
    if node.min_distance_m is not None:
        georel += f";minDistance=={node.min_distance_m!r}"
    return {
        "georel": georel,
        "geometry": shape["type"],
        "coordinates": json.dumps(shape["coordinates"]),
        "geoproperty": render_path(node.path),
    }


def render_projection(projection: Projection) -> str:
    """`id,locatedAt{id,name}`."""
    return ",".join(
        name if inner is None else f"{name}{{{render_projection(inner)}}}" for name, inner in projection.names
    )


def render_path(path: Path) -> str:
    """`Path("a", ("b",), ("c", "d"))` gives `a.b[c.d]`."""
    members = f"[{'.'.join(path.members)}]" if path.members else ""
    return ".".join((path.name, *path.subs)) + members


def _render(node: Node, inside: type[And | Or] | None) -> str:
    match node:
        case And(terms):
            text = ";".join(_render(term, And) for term in terms)
            return f"({text})" if inside is And or _is_selector(node) else text
        case Or(terms):
            text = "|".join(_render(term, Or) for term in terms)
            return text if inside is None else f"({text})"
        case Absent(path):
            return "!" + render_path(path)
        case Linked(path, types, inner):
            way, test = _linked(path, types, inner)
            return way + test
        case Exists() | Compare() | OneOf() | Between() | Pattern():
            return render_path(node.path) + _test(node)
        case _:
            return _element(node)


def _is_selector(node: Node) -> bool:
    """Whether the node is of a type selection or a scopeQ, where AND stands in parentheses."""
    while isinstance(node, And | Or) and node.terms:
        node = node.terms[0]
    return isinstance(node, HasType | InScope)


def _linked(path: Path, types: tuple[str, ...], inner: Node) -> tuple[str, str]:
    """The way `rel{T:a}` and the test after it, `==1`, as the clause has it; `rel{a;b}` where there is more to test."""
    hint = ",".join(types) + ":" if types else ""
    match inner:
        case Linked(below, below_types, innermost):
            way, test = _linked(below, below_types, innermost)
        case Exists() | Compare() | OneOf() | Between() | Pattern():
            way, test = render_path(inner.path), _test(inner)
        case _:
            way, test = _render(inner, None), ""
    return f"{render_path(path)}{{{hint}{way}}}", test


def _test(node: Exists | Compare | OneOf | Between | Pattern) -> str:
    match node:
        case Exists():
            return ""
        case Compare(_, op, value):
            return op.value + _value(value)
        case OneOf(_, values, negated):
            return _equality(negated=negated) + ",".join(map(_value, values))
        case Between(_, low, high, negated):
            return f"{_equality(negated=negated)}{_value(low)}..{_value(high)}"
        case Pattern(_, regex, negated):
            return ("!~=" if negated else "~=") + json.dumps(regex, ensure_ascii=False)
        case _:
            assert_never(node)


def _equality(*, negated: bool) -> str:
    return "!=" if negated else "=="


def _value(value: Value) -> str:
    match value:
        case DateTimeValue(instant):
            return to_text(instant)
        case DateValue(text) | TimeValue(_, text):
            return text
        case UriValue(uri) if _BARE.fullmatch(uri) and uri not in _WORDS:
            return uri
        case UriValue(uri):
            return json.dumps(uri, ensure_ascii=False)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _element(node: Geo | HasType | InScope | IdIn | IdPattern | HasAttribute | SubjectIn) -> str:
    match node:
        case HasType(text) | InScope(text) | IdPattern(text) | HasAttribute(text):
            return text
        case IdIn(ids):
            return ",".join(ids)
        case Geo() | SubjectIn():
            raise TypeError(node)
        case _:
            assert_never(node)
