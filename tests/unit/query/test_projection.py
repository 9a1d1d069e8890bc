"""pick and omit (clause 4.21)."""

from __future__ import annotations

import pytest

from broker.errors import BadRequestData, NgsiError, TooComplexQuery
from broker.model.entity import Document
from broker.query.projection import Projection, bind_projection, parse_omit, parse_pick, project
from tests.unit.query.naming import NAMES, P

DOCUMENT: Document = {
    "id": "urn:e:1",
    "type": P + "T",
    "scope": "/a",
    P + "a": {"type": "Property", "value": 1},
    P + "rel": {"type": "Relationship", "object": "urn:e:2"},
}


def test_pick_gives_what_it_names_and_nothing_else() -> None:
    picked = bind_projection(parse_pick("id,rel{a,id}|createdAt"), NAMES)
    assert list(project(DOCUMENT, picked)) == ["id", P + "rel"]
    assert (picked.depth, picked.gives("createdAt"), picked.gives("modifiedAt")) == (1, True, False)
    inner = picked.linked(P + "rel")
    assert inner is not None
    assert list(project(DOCUMENT, inner)) == ["id", P + "a"]
    assert inner.linked(P + "rel") is None


def test_omit_leaves_out_names_and_keeps_what_has_braces() -> None:
    omitted = bind_projection(parse_omit("type,scope,rel{a}"), NAMES)
    assert list(project(DOCUMENT, omitted)) == ["id", P + "a", P + "rel"]
    assert (omitted.gives("type"), omitted.gives(P + "rel"), omitted.gives("createdAt")) == (False, True, True)
    inner = omitted.linked(P + "rel")
    assert inner is not None
    assert P + "a" not in project(DOCUMENT, inner)


def test_a_name_given_twice_counts_with_its_braces() -> None:
    picked = parse_pick("rel,rel{a}")
    assert picked.linked("rel") == Projection((("a", None),))
    assert picked.gives("rel")


def test_depth_counts_levels() -> None:
    assert parse_pick("a").depth == 0
    assert parse_pick("a{b{c},d}").depth == 2


@pytest.mark.parametrize(
    ("text", "column"), [("", 0), ("a,", 2), ("a{", 2), ("a{b", 3), ("a}", 1), ("a b", 0), ("{a}", 0), ("a{b}c", 4)]
)
def test_refused_with_the_column(text: str, column: int) -> None:
    for name, parse in (("pick", parse_pick), ("omit", parse_omit)):
        with pytest.raises(BadRequestData, match=f"{name}, column {column}:"):
            parse(text)


def test_limits() -> None:
    for text in ("a" * 4097, "a{" * 17 + "a" + "}" * 17):
        with pytest.raises(TooComplexQuery):
            parse_pick(text)


def test_a_name_the_context_refuses_is_refused() -> None:
    with pytest.raises(NgsiError):
        bind_projection(parse_pick("@id"), NAMES)
