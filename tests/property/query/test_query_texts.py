"""Laws of the parsers: what is rendered is read back, any text is read or refused (clauses 4.9, 4.17, 4.19, 4.21)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.errors import NgsiError
from broker.query.ast import And, Geo, HasType, IdPattern, InScope, Node, Or
from broker.query.geo import parse_geo
from broker.query.ids import parse_id_pattern, parse_ids
from broker.query.ordering import parse_order_by
from broker.query.projection import Projection, parse_omit, parse_pick
from broker.query.q import parse_q
from broker.query.scopes import parse_scope_q
from broker.query.text import geo_parameters, render, render_projection
from broker.query.types import parse_types
from tests.strategies import entities as known
from tests.strategies.queries import geos, q_nodes


def _short(part: Any) -> Any:
    """A node with terms for the vocabulary's IRIs."""
    if isinstance(part, str):
        return part.removeprefix(known.VOCABULARY)
    if isinstance(part, tuple):
        return tuple(_short(item) for item in part)
    if is_dataclass(part) and not isinstance(part, type):
        return type(part)(**{field.name: _short(getattr(part, field.name)) for field in fields(part)})
    return part


@given(q_nodes())
def test_q_is_read_back_as_it_was_rendered(node: Node) -> None:
    node = _short(node)
    text = render(node)
    assert repr(parse_q(text)) == repr(node), text  # by repr: 1, 1.0 and True are equal to Python


@given(geos())
def test_a_geo_query_is_read_back(node: Geo) -> None:
    node = _short(node)
    assert parse_geo(**geo_parameters(node)) == node


_names = st.sampled_from(["Car", "温度", "ex:Car", "https://example.org/Car#x", "urn:x:Car"])
_scopes = st.sampled_from(["/a", "/a/+/b", "/+/#", "/a/#"])


def _selections(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Node]:
    both = leaves | st.lists(leaves, min_size=2, max_size=3).map(lambda terms: And(tuple(terms)))
    return both | st.lists(both, min_size=2, max_size=3).map(lambda terms: Or(tuple(terms)))


@given(_selections(_names.map(HasType)), _selections(_scopes.map(InScope)))
def test_type_selection_and_scope_q_are_read_back(types: Node, scopes: Node) -> None:
    assert parse_types(render(types)) == types
    assert parse_types(render(types).replace("|", ",")) == types
    assert parse_scope_q(render(scopes)) == scopes


_projected = st.recursive(
    st.lists(st.tuples(_names, st.none()), min_size=1, max_size=3).map(lambda names: Projection(tuple(names))),
    lambda inner: st.lists(st.tuples(_names, st.none() | inner), min_size=1, max_size=3).map(
        lambda names: Projection(tuple(names))
    ),
    max_leaves=4,
)


@given(_projected)
def test_a_projection_is_read_back(projection: Projection) -> None:
    assert parse_pick(render_projection(projection)) == projection


_PARSERS: list[Callable[[str], object]] = [
    parse_q, parse_types, parse_scope_q, parse_ids, parse_id_pattern, parse_pick, parse_omit, parse_order_by,
    lambda text: parse_geo(text, "Point", "[1,2]", None), lambda text: parse_geo("within", "Point", text, None),
    lambda text: parse_order_by("a;dist-asc", text, "LineString"),
]  # fmt: skip
_scraps = st.lists(
    st.sampled_from([*'ab1.,;|(){}[]=!<>~ "\\/#+-:*é大\x00', "==", "..", "2026-01-01", "urn:", "http://", "\ud800"]),
    max_size=14,
).map("".join)


@given(_scraps | st.text(max_size=20), st.sampled_from(_PARSERS))
def test_any_text_is_read_or_refused_with_its_reason(text: str, parse: Callable[[str], object]) -> None:
    refused: list[NgsiError] = []
    try:
        parse(text)
    except NgsiError as refusal:
        refused.append(refusal)
    assert all(refusal.pointer and refusal.clause and refusal.remedy for refusal in refused)


@given(st.sampled_from(["[0-9]+", "^urn:", "a|b"]))
def test_an_id_pattern_stays_as_it_is(regex: str) -> None:
    assert parse_id_pattern(render(IdPattern(regex))) == IdPattern(regex)
