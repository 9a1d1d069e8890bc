"""Random subscriptions and changes over the vocabulary of `entities`, so that some of them meet.

subscriptions()   a Subscription with any selectors, conditions, triggers, watched attributes and datasets
changes()         an EntityChange: an entity made, altered in a few members, or deleted
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from broker.model.entity import Entity
from broker.model.subscription import (
    TRIGGERS,
    Endpoint,
    Filter,
    GeoFilter,
    NotificationParams,
    Selector,
    Subscription,
)
from broker.ports.outbox import EntityChange
from broker.query.ast import And, HasType, Node, Or
from broker.query.stored import node_to_json
from tests.strategies import entities as known
from tests.strategies.queries import geos, q_nodes

PARAMS = NotificationParams(Endpoint("https://example.org/notify"))
PATTERNS = ["^urn:e:[0-3]$", "[4-7]$", "e:1", "urn:e:.*", "x", "^urn:e:(5|6)$", "(?i)E:2", "", "\\Qe:3"]
AT = known.INSTANTS[1]

_types = st.sampled_from(known.TYPES)
_type_nodes: st.SearchStrategy[Node] = st.recursive(
    _types.map(HasType),
    lambda inner: st.lists(inner, min_size=2, max_size=3).map(tuple).flatmap(
        lambda terms: st.sampled_from([And(terms), Or(terms), Or(terms)])
    ),
    max_leaves=3,
)  # fmt: skip
_maybe_types = st.one_of(_type_nodes, _type_nodes, _type_nodes, st.none())
_scope_queries = st.sampled_from(["/a", "/a/#", "/a/+|/d", "/a;/d", "/#"])


@st.composite
def _selectors(draw: st.DrawFn) -> Selector:
    types = draw(_maybe_types)
    way = draw(st.integers(0, 4))
    ids = tuple(draw(st.lists(st.sampled_from(known.IDS), min_size=1, max_size=3))) if way == 0 else ()
    pattern = draw(st.sampled_from(PATTERNS)) if way in (1, 2) else None
    return Selector("given", None if types is None else node_to_json(types), ids, pattern)


def _some(of: list[str], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(of), max_size=most, unique=True).map(tuple)


def _rarely(unusual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.none(), st.none(), unusual)


@st.composite
def subscriptions(draw: st.DrawFn, name: str = "urn:s:1") -> Subscription:
    """Three of four without a condition of each sort, so that enough of them match."""
    q, geo = draw(_rarely(q_nodes())), draw(_rarely(_rarely(geos())))
    return Subscription(
        name,
        PARAMS,
        entities=tuple(draw(st.lists(_selectors(), max_size=3))),
        watched=draw(_some(known.ATTRIBUTES, 4)),
        triggers=draw(_some(list(TRIGGERS), 4)),
        q=None if q is None else Filter("given", node_to_json(q)),
        geo=None if geo is None else GeoFilter({}, node_to_json(geo)),
        scope_q=draw(_rarely(_rarely(_scope_queries))),
        dataset_ids=draw(st.one_of(st.just(()), st.just(()), _some(["@none", *known.DATASETS], 2))),
        expires_at=draw(_rarely(st.sampled_from([AT, AT + 1]))),
        active=draw(st.sampled_from([True] * 7 + [False])),
        time_interval=draw(_rarely(_rarely(st.just(1)))),
    )


@st.composite
def changes(draw: st.DrawFn, before: Entity) -> EntityChange:
    """Of five, three alter up to three members, one makes and one deletes the entity."""
    kind = draw(st.integers(0, 4))
    if kind > 2:
        return EntityChange(1, AT, None, before) if kind == 3 else EntityChange(1, AT, before, None)
    document = dict(before.document)
    for name in draw(st.lists(st.sampled_from(known.ATTRIBUTES), min_size=1, max_size=3, unique=True)):
        document.pop(name, None)
        if draw(st.integers(0, 3)):
            document[name] = draw(st.sampled_from(known.POOLS[name]))
    if not draw(st.integers(0, 3)):
        document["type"] = draw(_types)
    after = Entity(document, before.created_at, AT, before.expires_at, before.version + 1)
    return EntityChange(1, AT, before, after)
