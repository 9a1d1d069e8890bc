"""Queries bound to the core @context alone: every term of ours goes to its default vocabulary."""

from __future__ import annotations

from broker.ldcontext.active import DEFAULT_VOCABULARY
from broker.ldcontext.core import core_context
from broker.query.ast import Node
from broker.query.bind import bind

NAMES = core_context()
P = DEFAULT_VOCABULARY


def bound(node: Node) -> Node:
    """The node with the IRIs of the core @context."""
    return bind(node, NAMES)
