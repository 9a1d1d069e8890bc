"""Doing a write here and at the sources that have registered what it is about (clauses 4.3.6, 5.6, 6.3.17).

find      the registrations a write is about: next to nothing where there are none, which is what most writes cost
carry     the part of this broker on its way, the sources asked, and what all came to
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from broker.errors import AlreadyExists, NgsiError, PreconditionFailed
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Deferred, Response
from broker.http.parameters import split_query
from broker.http.preconditions import precondition
from broker.http.targets import types_of
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Document, Entity, as_list
from broker.model.registration import Registration
from broker.model.terms import unstated_terms
from broker.model.values import Json
from broker.operations.guard import touches_what_is_hidden
from broker.operations.preconditions import NO_PRECONDITION
from broker.operations.provide import Written
from broker.ports import INLINE, UNRESTRICTED, OverBudget
from broker.query.ast import Node
from broker.query.sources import Specification
from broker.query.temporal import TemporalQuery
from broker.query.text import render
from federation.hub import Hub, Local
from federation.merge_provide import Left, Part, looped, part_of, unserved
from federation.messages import Forward, Head, Match
from federation.naming import names_for
from federation.persons import is_marked
from federation.plan_fragment import named_attribute
from federation.plan_provide import IDENTITY, Share, Split, any_type, provided, supports
from federation.via import is_loop, via_of

Maker = Callable[[Share, ActiveContext], Forward]
"""Makes the request to one source, in its names; the context is put in afterwards."""


@dataclass(frozen=True, slots=True)
class About:
    """What a write is about, as far as registrations go by it; names are IRIs.

    `fixed`: the types are those of the entity whatever is held here, as for one that is created. `history`: it is
    about an evolution, and not about what an entity is like now.
    """

    operations: tuple[str, ...]
    entity_id: str
    types: tuple[str, ...] = ()
    attributes: frozenset[str] = frozenset()
    selection: Node | None = None
    fixed: bool = False
    history: bool = False


def find(hub: Hub, exchange: Exchange, about: About) -> list[Match]:
    """The registrations that the write is about, whether they serve it or not where they are proxied.

    Where the request does not tell the types of the entity, those that it has here do. Raises OverBudget on the event
    loop where there are any.
    """
    tenant = exchange.call.tenant
    types = about.selection
    if types is None:
        known = about.types if about.fixed else (*about.types, *_held_types(exchange, about.entity_id))
        types = any_type(known)
    wanted = Specification((about.entity_id,), types=types, attributes=about.attributes)
    found = provided(hub.registry.matching(tenant, None, wanted), *about.operations, history=about.history)
    if found and INLINE.get():
        raise OverBudget
    return found


def _held_types(exchange: Exchange, entity_id: str) -> list[str]:
    held = exchange.call.restriction.show(exchange.house.broker.entities.get(exchange.call.tenant, entity_id))
    return [] if held is None else held.types


def raw_types(exchange: Exchange, body: Json) -> tuple[str, ...]:
    """The type IRIs in a body as it came; none where it has none. Raises BadRequestData for what is no name."""
    given = body.get("type", body.get("@type")) if isinstance(body, dict) else None
    listed = given if isinstance(given, list) else [given]
    return tuple(exchange.call.names.expand(one, "/type") for one in listed if isinstance(one, str))


def raw_attributes(exchange: Exchange, body: Json) -> frozenset[str]:
    """The IRIs of the attributes in a body as it came. Raises BadRequestData for what is no name."""
    if not isinstance(body, dict):
        return frozenset()
    return frozenset(exchange.call.names.expand(name) for name in body if not is_identity(name))


def is_identity(name: str) -> bool:
    """Whether a member of a body is no attribute."""
    return name in IDENTITY or name.startswith("@") or name in ("createdAt", "modifiedAt", "deletedAt")


def require_visible(exchange: Exchange, entity_id: str, shares: Sequence[Share], types: Sequence[str]) -> None:
    """Raise Conflict where a share holds what is hidden from the caller: nobody writes elsewhere what they may not.

    What the source has of it is not looked at, so that the answer is the same whether it is there or not.
    """
    view = exchange.call.restriction.view
    if view is None:
        return
    for share in shares:
        written = {name: share.document[name] for name in share.attributes}
        attributes = {name: _SOMETHING if isinstance(value, str) else value for name, value in written.items()}
        entity = Entity({"type": list(types), **share.document, **attributes, "id": entity_id}, 0, 0)
        if view(entity) is not entity:
            raise touches_what_is_hidden()


def types_here(exchange: Exchange, entity_id: str, document: Document) -> list[str]:
    """The types an entity has here, as the caller sees it; those it is written with where there is none."""
    return _held_types(exchange, entity_id) or as_list(document.get("type"))


def with_head(
    exchange: Exchange, entity_id: str, document: Document, divided: Split, *, history: bool = False
) -> Split:
    """The shares, with what is known of the entity where a source has no terms; what is hidden is looked at too.

    `history` says that where there is no entity now, its past tells what it was.
    To be called before anything is written: what is deleted here tells afterwards no more whom it was about.
    """
    if all(not unstated_terms(share.registration) for share in divided.shares):
        return divided
    call, broker = exchange.call, exchange.house.broker
    held = broker.entities.get(call.tenant, entity_id)
    types, marked = frozenset(as_list(document.get("type"))), False
    if held is not None:
        types, marked = types.union(held.types), is_marked(held.document)
    elif history:
        for one in broker.history.evolution(call.tenant, entity_id, _NEWEST, UNRESTRICTED).evolutions:
            parts = one.attributes.items()
            types, marked = types.union(one.types), marked or any(is_marked({name: [*held]}) for name, held in parts)
    head = Head(types, marked)
    return replace(divided, shares=tuple(replace(share, head=head) for share in divided.shares))


_NEWEST: Final = TemporalQuery(last_n=1, instances_max=1)
_SOMETHING: Json = {"type": "Property", "value": 0}
"""In the place of an attribute that is deleted."""


def ask(hub: Hub, exchange: Exchange, shares: Sequence[Share], operation: str, make: Maker) -> list[Part]:
    """What the sources did of their shares; one that does not serve the operation, or is a loop, is not asked."""
    parts: dict[int, Part] = {}
    asked: list[tuple[int, Share, ActiveContext, Forward]] = []
    for at, share in enumerate(shares):
        refusal = unasked(hub, exchange, share.registration, operation)
        if refusal is None:
            names, source = names_for(exchange, share.registration)
            asked.append((at, share, names, replace(make(share, names), context=source, head=share.head)))
        elif share.registration.proxied:
            parts[at] = Part(share.registration, left=left_of(share, refusal), done=False)
    if asked:
        answers = hub.sources.ask(exchange, [forward for *_, forward in asked])
        for (at, share, names, _), answered in zip(asked, answers, strict=True):
            parts[at] = part_of(answered, share, names)
    return [parts[at] for at in sorted(parts)]


def unasked(hub: Hub, exchange: Exchange, registration: Registration, *operations: str) -> Left | None:
    """Why a source is not asked at all: the request has been there or here, or it does not do such a thing."""
    request, tenant = exchange.request, exchange.call.tenant
    if is_loop(request, hub.alias, tenant) or (registration.alias or "") in via_of(request):
        return Left(looped(registration))
    if not supports(registration, *operations):
        return Left(unserved(registration, operations[-1]), unserved=True)
    return None


def left_of(share: Share, left: Left) -> tuple[Left, ...]:
    """All of a share left undone, for one reason."""
    return tuple(replace(left, attribute=name) for name in share.attributes) or (left,)


@dataclass(slots=True)
class Here:
    """The part of this broker: on its way, then with what came of it."""

    answer: Answer
    attributes: Sequence[str]

    def finish(self) -> tuple[Part, Response | None]:
        """What was done here, and the response it would be alone; waits for the disk."""
        answer = self.answer
        if isinstance(answer, Response):
            return Part(None, tuple(self.attributes)), answer
        try:
            result = answer.pending.result()
        except NgsiError as refusal:
            left = tuple(Left(refusal, name) for name in self.attributes) or (Left(refusal),)
            return Part(None, left=left, done=False), None
        return _done_here(result, self.attributes), answer.render(result)


def _done_here(written: object, attributes: Sequence[str]) -> Part:
    if not isinstance(written, Written):  # a history takes all or nothing
        return Part(None, tuple(attributes))
    left = tuple(Left(AlreadyExists(one.reason, clause="5.6.3"), one.name) for one in written.result.not_updated)
    return Part(None, tuple(written.result.updated), left)


def begin_here(exchange: Exchange, local: Local, body: Json, attributes: Sequence[str]) -> Here:
    """Begin this broker's part, with the body reduced to it.

    If-Match is about what is held here: where it does not hold, no source is asked either. Raises what the request is
    refused for as a whole.
    """
    here = Here(local(replace(exchange, body=body)), attributes)
    if precondition(exchange) is not NO_PRECONDITION and isinstance(here.answer, Deferred):
        error = here.answer.pending.exception()
        if isinstance(error, PreconditionFailed):
            raise error
    return here


def require_here(exchange: Exchange, entity_id: str) -> None:
    """Check If-Match and If-None-Match where nothing is written here. Raises PreconditionFailed."""
    condition = precondition(exchange)
    if condition is not NO_PRECONDITION:
        held = exchange.house.broker.entities.get(exchange.call.tenant, entity_id)
        condition.require(exchange.call.restriction.show(held))


def rest_body(exchange: Exchange, document: Document, split: Split) -> Json:
    """The body as it came, reduced to what is left for this broker."""
    body, rest = exchange.body, split.rest
    if rest is None or rest is document or not isinstance(body, dict):
        return body
    names = exchange.call.names
    reduced: dict[str, Json] = {}
    for name, value in body.items():
        key = name if is_identity(name) else names.expand(name)
        if key in rest:
            reduced[name] = value if rest[key] is document.get(key) else named_attribute(rest[key], names)
        elif name.startswith("@"):
            reduced[name] = value
    return reduced


def passed_on(exchange: Exchange, names: ActiveContext, *wanted: str) -> tuple[tuple[str, str], ...]:
    """Those parameters of the request that its forwards have too, in the names of the source."""
    given: Mapping[str, str] = dict(split_query(exchange.request.query_string))
    found = {name: given[name] for name in wanted if given.get(name)}
    if "type" in found and names is not exchange.call.names:
        found["type"] = render(cast("Node", types_of(exchange)))
    return tuple(found.items())
