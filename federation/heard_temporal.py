"""Whom a temporal request concerns, and what of the answers is history (clauses 5.7.3.4, 5.7.4.4, 6.3.17)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from broker.decode.query import Query
from broker.errors import NgsiError
from broker.http.exchange import Exchange, resolve
from broker.http.respond import Headers
from broker.http.seeking import attributes_of, view_of
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Entity, Instance
from broker.model.evolution import Evolution
from broker.model.registration import Registration
from broker.model.values import Instant, Json, to_instant
from broker.ports.evolution import EvolutionPage
from broker.query.ast import And, HasType, Node, Or
from broker.query.sources import Specification
from broker.query.temporal import TemporalQuery
from broker.query.times import TemporalTexts
from broker.stores.recall import span_of
from broker.stores.recall import split as split_scopes
from federation.found import chosen
from federation.hub import Hub
from federation.merge_temporal import Version, decode_evolution, identity_of
from federation.messages import Answered, Match, Warned
from federation.naming import names_for
from federation.plan import Naming, given
from federation.plan_temporal import in_time, specification
from federation.via import is_loop, via_of
from federation.warned import agent_of, looped, warning_of

INSTANCES_MAX: Final = 100_000
"""Instances of an attribute that are read here for one aggregate."""
_PARTIAL: Final = 206
_RANGE: Final = re.compile(r"date-time (\S+Z)-(\S+Z)/(?:\*|\d+)")


@dataclass(frozen=True, slots=True)
class Found:
    """The registrations that match a request, and what is wrong with asking."""

    matches: tuple[Match, ...]
    warnings: tuple[Warned, ...] = ()

    @property
    def nobody(self) -> bool:
        """Whether there is nothing to ask and nothing to say."""
        return not self.matches and not self.warnings


@dataclass(frozen=True, slots=True)
class Heard:
    """What sources gave, and what is to be said about those that gave nothing.

    `listed` is how many entities each source gave, by its registration; `known_to` where an answer that was cut in
    time ended, by source (clause 6.3.10).
    """

    versions: tuple[Version, ...] = ()
    warnings: tuple[Warned, ...] = ()
    listed: tuple[tuple[str, int], ...] = ()
    known_to: tuple[tuple[str, Instant], ...] = ()

    def ends(self, *, backwards: bool) -> Instant | None:
        """Where what is known of all ends; None where no answer was cut."""
        edges = [edge for _, edge in self.known_to]
        if not edges:
            return None
        return max(edges) if backwards else min(edges)

    def and_also(self, other: Heard) -> Heard:
        """Both."""
        return Heard(
            self.versions + other.versions, self.warnings + other.warnings, self.listed + other.listed,
            self.known_to + other.known_to,
        )  # fmt: skip


def matching(
    hub: Hub, exchange: Exchange, operation: str, wanted: Specification, asked: tuple[Query, TemporalQuery]
) -> Found:
    """Whom to ask: those that match, have that time, and are let through by the context source filter."""
    query, times = asked
    request, tenant, span = exchange.request, exchange.call.tenant, span_of(times)
    found = hub.registry.matching(tenant, operation, wanted, via_of(request))
    if not found:
        return Found(())
    matches = [one for one in found if in_time(one.registration, times, span)]
    matches = chosen(matches, query, exchange.call.names)
    if matches and is_loop(request, hub.alias, tenant):
        return Found((), (looped(hub.alias),))
    return Found(tuple(matches))


@lru_cache(maxsize=1024)
def specification_of(names: ActiveContext, query: Query, where: Node) -> Specification:
    """What the request names, for matching; `where` is its condition."""
    projection = None if query.attrs else view_of(query, names).projection
    return specification(query, _types_in(where), projection, attributes_of(query, names))


def kept_of(where: Node) -> Node:
    """What of a condition, that sources have applied to whole entities, is checked of what they gave.

    Its part about scopes tells which instances are given, too (clause 4.18).
    """
    scoped = split_scopes(where)[1]
    return identity_of(where) if scoped is None else And((identity_of(where), scoped))


def part_of(query: TemporalQuery) -> TemporalQuery:
    """What of a query this broker's part of a series is asked: its instances, with their times."""
    limit = query.instances_max if query.aggregation is None else INSTANCES_MAX
    return replace(query, aggregation=None, sys_attrs=True, instances_max=limit)


def heard_here(page: EvolutionPage, query: TemporalQuery) -> Heard:
    """What this broker has."""
    versions = tuple(Version(one) for one in page.evolutions)
    if page.cut is None:
        return Heard(versions)
    if query.aggregation is not None:
        return Heard(
            versions, (Warned(299, "-", f"only {INSTANCES_MAX} instances of an attribute are aggregated here"),)
        )
    return Heard(versions, known_to=(("", page.cut[1] if query.last_n is None else page.cut[0]),))


def texts_for(times: TemporalTexts | None, query: TemporalQuery) -> TemporalTexts:
    """The time of a request as it is passed on: aggregates are made here."""
    return replace(times or TemporalTexts(), methods=None, period=None, last_n=query.last_n)


def naming_of(exchange: Exchange, registration: Registration) -> Naming:
    """The names a source is asked in."""
    return Naming(*names_for(exchange, registration))


def heard_of(exchange: Exchange, answers: Iterable[tuple[Match, Answered]], query: TemporalQuery) -> Heard:
    """The histories in the answers; an answer that is none, and each history that cannot be read, is warned of."""
    heard = Heard()
    for match, one in answers:
        trouble = warning_of(one)
        if trouble is not None:
            heard = heard.and_also(Heard(warnings=(trouble,)))
        if one.succeeded:
            heard = heard.and_also(_read(exchange, match, one, query))
    return heard


def _read(exchange: Exchange, match: Match, answered: Answered, query: TemporalQuery) -> Heard:
    source = match.registration.id
    bodies = answered.body if isinstance(answered.body, list) else [answered.body]
    edge = cut_of(answered, query)
    known_to = () if edge is None else ((source, edge),)
    return replace(read_bodies(exchange, match, bodies), listed=((source, len(bodies)),), known_to=known_to)


def read_bodies(exchange: Exchange, match: Match, bodies: Sequence[Json]) -> Heard:
    """The histories in bodies of one source, as far as they were registered."""
    versions: list[Version] = []
    warnings: list[Warned] = []
    for body in bodies:
        try:
            evolution = decode_evolution(body, _names_of(exchange, match.registration, body))
        except NgsiError as refusal:
            warnings.append(Warned(111, agent_of(match.registration), str(refusal)))
        else:
            versions += _version(match, evolution)
    return Heard(tuple(versions), tuple(warnings[:1]))


def cut_of(answered: Answered, query: TemporalQuery) -> Instant | None:
    """Where an answer that is cut in time ends; None for one that is whole (clause 6.3.10).

    One that does not say where it is cut is taken for whole.
    """
    if answered.status != _PARTIAL:
        return None
    found = _RANGE.fullmatch(answered.headers.get("content-range", ""))
    if found is None:
        return None
    ends = [one for one in map(to_instant, found.groups()) if one is not None]
    if not ends:
        return None
    return max(ends) if query.last_n is None else min(ends)


def _version(match: Match, evolution: Evolution) -> list[Version]:
    """A history as far as it was registered; nothing of one that the registration is not about."""
    registration = match.registration
    types: list[Json] = [*evolution.types]
    offered = given(match, Entity({"id": evolution.id, "type": types}, 0, 0))
    if offered is None:
        return []
    kept = {name: held for name, held in evolution.attributes.items() if not offered or name in offered}
    if registration.dataset_ids:
        kept = {name: _of_datasets(held, registration.dataset_ids) for name, held in kept.items()}
    owned: frozenset[str] | None = frozenset()
    if registration.proxied:
        owned = offered or None
    known = replace(evolution, attributes={name: held for name, held in kept.items() if held})
    return [Version(known, registration.id, owned, registration.mode == "auxiliary")]


def _of_datasets(instances: Sequence[Instance], dataset_ids: Sequence[str]) -> list[Instance]:
    return [one for one in instances if one.get("datasetId", "@none") in dataset_ids]


def _names_of(exchange: Exchange, registration: Registration, body: Json) -> ActiveContext:
    """The names of an answer: by the @context in it, else by that of the forwarded request."""
    source = body.get("@context") if isinstance(body, dict) else None
    if source is not None:
        return resolve(exchange.house, source, exchange.call.tenant)
    return names_for(exchange, registration)[0]


def headers_of(warnings: Iterable[Warned]) -> Headers:
    """A header for each warning, none of them twice."""
    return tuple(dict.fromkeys(one.header() for one in warnings))


def _types_in(where: Node) -> Node | None:
    """The part of a condition that is about types."""
    identity = identity_of(where)
    if isinstance(identity, And):
        typed = tuple(term for term in identity.terms if _names_types(term))
        return And(typed) if typed else None
    return identity if _names_types(identity) else None


def _names_types(node: Node) -> bool:
    if isinstance(node, And | Or):
        return any(_names_types(term) for term in node.terms)
    return isinstance(node, HasType)
