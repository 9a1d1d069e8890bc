"""Nodes and projections as JSON, to keep a query that is already bound (a subscription's, a snapshot's).

    Compare(Path("https://x.org/a"), Op.GT, 20)  <->  ["Compare", ["Path", "https://x.org/a", [], []], [">"], 20]

A text of `q` would not do: an IRI ends a path there, so that bound sub-attributes cannot be written.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Final, TypeAlias, cast, get_args

from broker.model.values import Json
from broker.query import ast
from broker.query.ast import Node, Op, Relation
from broker.query.projection import Projection

_CLASSES: Final = {
    one.__name__: one
    for one in (*get_args(Node), ast.Path, ast.DateTimeValue, ast.DateValue, ast.TimeValue, ast.UriValue)
    if one is not ast.SubjectIn
}
_ENUMS: Final = {one.__name__: one for one in (Op, Relation)}
_LISTED: Final = "tuple"
_Part: TypeAlias = object


def node_to_json(node: Node) -> Json:
    """A bound node as JSON. Raises TypeError for SubjectIn, which is made for each request and never kept."""
    return _write(node)


def node_from_json(stored: Json) -> Node:
    """The node that `node_to_json` wrote."""
    return cast(Node, _read(stored))


def projection_to_json(projection: Projection) -> Json:
    """`id,rel{name}` as `{"names": [["id", null], ["https://…/rel", {"names": …}]], "omits": false}`."""
    names = [[name, None if inner is None else projection_to_json(inner)] for name, inner in projection.names]
    return {"names": cast(Json, names), "omits": projection.omits}


def projection_from_json(stored: Json) -> Projection:
    """The projection that `projection_to_json` wrote."""
    held = cast("dict[str, Json]", stored)
    names = cast("list[tuple[str, Json]]", held["names"])
    return Projection(
        tuple((name, None if inner is None else projection_from_json(inner)) for name, inner in names),
        omits=bool(held["omits"]),
    )


def _write(part: _Part) -> Json:
    if part is None or isinstance(part, bool | int | float | str):
        return part
    if isinstance(part, tuple):
        return [_LISTED, *map(_write, part)]
    if isinstance(part, Op | Relation):
        return [type(part).__name__, part.value]
    if type(part).__name__ not in _CLASSES:
        raise TypeError(part)
    return [type(part).__name__, *(_write(getattr(part, one.name)) for one in fields(part))]  # type: ignore[arg-type]


def _read(stored: Json) -> _Part:
    if not isinstance(stored, list):
        return stored
    name, *parts = cast("list[str]", stored)
    if name in _ENUMS:
        return _ENUMS[name](parts[0])
    read = tuple(map(_read, parts))
    return read if name == _LISTED else _CLASSES[name](*read)
