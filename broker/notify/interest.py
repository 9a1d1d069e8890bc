"""What a subscription is interested in, compiled from its body alone: the plain meaning (clauses 5.2.12, 5.8.6).

    interest = make_interest(Subscription.from_body(held.body))
    interest.wants(change, differences(change), linked)      this change must be notified
    interest.where                                           a node for EntityStore.select: periodic notifications

Conditions (q, geoQ, scopeQ) and selectors are met by the entity as it is after the change; one that was deleted, by the
entity as it last was. A `csf` says nothing about entities of this broker's own, which come from no Context Source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from broker.model.entity import Entity
from broker.model.subscription import Selector, Subscription
from broker.model.values import Instant
from broker.notify.triggers import Attention, Differences
from broker.ports import ANYONE
from broker.ports.outbox import EntityChange
from broker.query.ast import EVERYTHING, Absent, And, HasType, IdIn, IdPattern, Node, Or
from broker.query.match import Matches, compile_match
from broker.query.scopes import parse_scope_q
from broker.query.stored import node_from_json

TRIGGERS: Final = frozenset(
    {"entityCreated", "entityDeleted", "attributeCreated", "attributeUpdated", "attributeDeleted"}
)
"""All that a change can be."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which an entity can be selected: by one of these ids, or else by a type (None: any) and a pattern."""

    ids: tuple[str, ...] = ()
    types: frozenset[str] | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Interest:
    """A compiled subscription.

    `where` is its selectors and conditions in one node, `selects` the same as a function. Every entity it selects is
    selected by one of `ways`, which are for an index. `periodic` ones want no change.
    """

    id: str
    where: Node
    selects: Matches
    attention: Attention
    ways: tuple[Way, ...]
    active: bool = True
    expires_at: Instant | None = None
    periodic: bool = False
    may_select: Matches | None = None
    """What must hold of the whole entity, where its reader may not see all of it; None: `selects`."""

    def is_active(self, at: Instant) -> bool:
        """Whether its status is `active` at that instant (clause 5.8.6)."""
        return self.active and (self.expires_at is None or self.expires_at > at)

    def wants(self, change: EntityChange, found: Differences, linked: Callable[[str], Entity | None]) -> bool:
        """Whether the change must be notified; `found` is `differences(change)`."""
        return (
            not self.periodic
            and self.is_active(change.at)
            and self.attention.drawn_by(change, found)
            and self.selects(change.entity, linked)
        )

    def may_want(self, change: EntityChange, found: Differences, linked: Callable[[str], Entity | None]) -> bool:
        """Whether the change must be notified as far as its whole tells; `wants` decides on what its reader sees.

        For who does not see everything less may be there than there is: then a change to what is left may be another
        kind of change than that of the whole, and what must be absent is absent where it is hidden.
        """
        if self.may_select is None:
            return self.wants(change, found, linked)
        return (
            not self.periodic
            and self.is_active(change.at)
            and replace(self.attention, triggers=TRIGGERS).drawn_by(change, found)
            and self.may_select(change.entity, linked)
        )


def make_interest(subscription: Subscription) -> Interest:
    """The interest of a subscription. Raises NgsiError for a query that is not accepted."""
    where = _where(subscription)
    watched, datasets = frozenset(subscription.watched), frozenset(subscription.dataset_ids)
    return Interest(
        id=subscription.id,
        where=where,
        selects=compile_match(where),
        attention=Attention(subscription.fires_on, watched, datasets),
        ways=tuple(map(_way, subscription.entities)) or (Way(),),
        active=subscription.active,
        expires_at=subscription.expires_at,
        periodic=subscription.time_interval is not None,
        may_select=None if subscription.principal == ANYONE.kept() else compile_match(without_absence(where)),
    )


def without_absence(node: Node) -> Node:
    """The condition without what it says must not be there."""
    match node:
        case Absent():
            return EVERYTHING
        case And(terms):
            return And(tuple(map(without_absence, terms)))
        case Or(terms):
            return Or(tuple(map(without_absence, terms)))
        case _:
            return node


def _where(subscription: Subscription) -> Node:
    terms: list[Node] = []
    if subscription.entities:
        terms.append(_any_of([_selector(one) for one in subscription.entities]))
    if subscription.scope_q is not None:
        terms.append(parse_scope_q(subscription.scope_q))
    terms += [node_from_json(one.node) for one in (subscription.q, subscription.geo) if one is not None]
    return And(tuple(terms))


def _any_of(nodes: list[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))


def _selector(selector: Selector) -> Node:
    terms: list[Node] = [] if selector.types is None else [node_from_json(selector.types)]
    if selector.ids:
        terms.append(IdIn(selector.ids))
    elif selector.id_pattern is not None:
        terms.append(IdPattern(selector.id_pattern))
    return And(tuple(terms))


def _way(selector: Selector) -> Way:
    types = _types_of(EVERYTHING if selector.types is None else node_from_json(selector.types))
    return Way(selector.ids, types, None if selector.ids else selector.id_pattern)


def _types_of(node: Node) -> frozenset[str] | None:
    """Types of which every entity that meets a type selection has one; None where there is no such set."""
    match node:
        case HasType(iri):
            return frozenset({iri})
        case Or(terms):
            found = [_types_of(term) for term in terms]
            return None if None in found else frozenset().union(*(one for one in found if one is not None))
        case And(terms):
            return next((types for term in terms if (types := _types_of(term)) is not None), None)
        case _:
            return None
