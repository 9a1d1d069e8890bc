"""A bound query that was kept is the query that was meant."""

from __future__ import annotations

import json

from hypothesis import given

from broker.query.ast import Node
from broker.query.projection import parse_omit, parse_pick
from broker.query.stored import node_from_json, node_to_json, projection_from_json, projection_to_json
from tests.strategies.queries import nodes


@given(nodes())
def test_a_node_comes_back_from_json(node: Node) -> None:
    again = node_from_json(json.loads(json.dumps(node_to_json(node))))
    assert again == node
    assert repr(again) == repr(node), "1 and True, 1 and 1.0 stay apart"


def test_projections_come_back_from_json() -> None:
    for projection in (parse_pick("id,a{b,c{d}}"), parse_omit("a,b{c}")):
        assert projection_from_json(json.loads(json.dumps(projection_to_json(projection)))) == projection
