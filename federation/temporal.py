"""Histories from here and from sources, as one (clauses 5.7.3, 5.7.4, 4.5.5).

A source is asked for instances as they are, with their times, even where aggregates of them are wanted: lastN, averages
and pages are of the merged series. What it gives is taken for nothing more than a claim: instances outside of the
time that was asked for, entities of other types and other ids are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from broker.decode.query import Query
from broker.decode.temporal_query import decode_temporal_query
from broker.errors import NgsiError, ResourceNotFound
from broker.http.exchange import Exchange, resolve
from broker.http.messages import Answer
from broker.http.query import window_of
from broker.http.recalling import recall_get, texts_of
from broker.http.respond import Headers
from broker.http.seeking import attributes_of, query_of, view_of
from broker.http.temporal import Understood, answered, encoded, paging, understood
from broker.ldcontext.active import ActiveContext
from broker.model.evolution import Evolution
from broker.model.registration import Registration
from broker.model.values import Json
from broker.operations.evolve import no_evolution
from broker.operations.identifiers import require_uri
from broker.ports import INLINE, OverBudget
from broker.ports.evolution import EvolutionPage
from broker.query.ast import EVERYTHING, And, HasType, Node, Or, Window
from broker.query.sources import Specification
from broker.query.temporal import TemporalQuery
from broker.query.times import TemporalTexts
from broker.stores.recall import Told, page_of, span_of, tell
from federation.hub import FarHandler, Hub, Local
from federation.merge_temporal import Merged, Version, decode_evolution, identity_of, merge_evolutions
from federation.messages import Answered, Forward, Match, Warned
from federation.naming import names_for
from federation.plan_temporal import Asking, Naming, in_time, retrieval, specification, temporal_query
from federation.via import is_loop, via_of

INSTANCES_MAX: Final = 100_000
"""Instances of an attribute that one source's share of a merged series may have."""
ENTITIES_MAX: Final = 10_000
"""Histories of one source that are looked at where all are needed: to count, and where entities are split."""
STEP: Final = 1_000
"""Histories asked of a source at once."""
ANYWHERE: Final = 2**31 - 1
NOT_FOUND: Final = 404


def retrieve_evolution(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /temporal/entities/{entityId} over all sources that may have it (clause 5.7.3.4)."""
    entity_id, query = exchange.path["entityId"], query_of(exchange.parameters)
    call, limits = exchange.call, exchange.house.limits
    recalled = recall_get(exchange.parameters, call.names, limits.instances_max)
    wanted = _specification(exchange, query, None, (entity_id,))
    found = _matches(hub, exchange, "retrieveTemporal", wanted, recalled.query)
    if not found.matches and not found.warnings:
        return local(exchange)
    if INLINE.get():
        raise OverBudget
    require_uri(entity_id)
    texts = _texts(texts_of(exchange.parameters), recalled.query)
    forwards = [
        retrieval(match, wanted, Asking(query, texts, _naming(exchange, match.registration))) for match in found.matches
    ]
    page = exchange.house.broker.history.evolution(call.tenant, entity_id, _part_of(recalled.query), call.restriction)
    versions = [Version(one) for one in page.evolutions]
    told = _heard(exchange, zip(found.matches, hub.sources.ask(exchange, forwards), strict=True))
    versions += [one for one in told.versions if one.evolution.id == entity_id]
    merged = merge_evolutions(versions, recalled.query, exchange.house.broker.clock.now())
    whole = _page(exchange, merged, (EVERYTHING, recalled.query), Window(1))
    if not whole.evolutions:
        raise no_evolution(entity_id)
    bodies = encoded(exchange, whole, recalled)
    if not bodies:
        raise ResourceNotFound(
            "nothing is left of the entity", pointer="omit", clause="5.7.3.4", remedy="leave some members in"
        )
    return answered(exchange, bodies[0], (whole, recalled.query), _headers(found.warnings + told.warnings))


def query_evolutions(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /temporal/entities over all sources that match (clause 5.7.4.4)."""
    return _query(hub, exchange, local, lambda: (query_of(exchange.parameters), texts_of(exchange.parameters)))


def query_evolutions_by_post(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /temporal/entityOperations/query over all sources that match (clause 5.7.4.4)."""

    def read() -> tuple[Query, TemporalTexts | None]:
        body = decode_temporal_query(exchange.body)
        return body.query, body.times

    return _query(hub, exchange, local, read)


def _query(
    hub: Hub, exchange: Exchange, local: Local, read: Callable[[], tuple[Query, TemporalTexts | None]]
) -> Answer:
    query, times = read()
    if any(one.type == "*" for one in query.entities):
        return local(exchange)
    asked = understood(exchange, query, times)
    wanted = _specification(exchange, query, _types(asked.where), None)
    found = _matches(hub, exchange, "queryTemporal", wanted, asked.query)
    if not found.matches and not found.warnings:
        return local(exchange)
    if INLINE.get():
        raise OverBudget
    split = exchange.parameters.flag("splitEntities") or bool(query.split_entities)
    gathering = Gathering(hub, exchange, query, _texts(times, asked.query), asked, wanted, split=split)
    return gathering.answer(found, window_of(exchange))


@dataclass(frozen=True, slots=True)
class Found:
    """The registrations that match a request, and what is wrong with asking."""

    matches: tuple[Match, ...]
    warnings: tuple[Warned, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """What sources gave, and what is to be said about those that gave nothing."""

    versions: tuple[Version, ...]
    warnings: tuple[Warned, ...]
    full: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Gathering:
    """One temporal query that is answered from several sources."""

    hub: Hub
    exchange: Exchange
    query: Query
    texts: TemporalTexts
    asked: Understood
    wanted: Specification
    split: bool

    def answer(self, found: Found, window: Window) -> Answer:
        """The page."""
        everything = self.split or window.count
        needed = ENTITIES_MAX if everything else window.offset + window.limit + 1
        heard = self._all(found.matches, needed)
        here = self._here(needed)
        merged = self._merged([*here, *heard.versions])
        condition = self.asked.where if self.split else identity_of(self.asked.where)
        told = self._told(merged, condition)
        shown = told[window.offset : window.offset + window.limit]
        late = [match for match in found.matches if match.registration.id in heard.full and not everything]
        if late and shown:
            rest = self._of(late, [one.story.id for one in shown])
            known = {(one.source, one.evolution.id) for one in heard.versions}
            more = [one for one in rest.versions if (one.source, one.evolution.id) not in known]
            merged = self._merged([*here, *heard.versions, *more])
            heard = Heard(heard.versions, heard.warnings + rest.warnings)
            again = {one.story.id: one for one in self._told(merged, condition)}
            shown = [again[one.story.id] for one in shown if one.story.id in again]
        page = page_of(shown, self.asked.query, merged.name_of)
        more_follow = len(told) > window.offset + window.limit
        total = len(told) if window.count else None
        return self._answer(replace(page, total=total, more=more_follow), window, found.warnings + heard.warnings)

    def _answer(self, page: EvolutionPage, window: Window, warnings: Sequence[Warned]) -> Answer:
        headers: Headers = () if page.total is None else (("NGSILD-Results-Count", str(page.total)),)
        if window.limit and (page.more or window.offset):
            headers += paging(self.exchange, window, more=page.more)
        bodies: list[Json] = [*encoded(self.exchange, page, self.asked.recalled)]
        return answered(self.exchange, bodies, (page, self.asked.query), headers + _headers(warnings))

    def _told(self, merged: Merged, condition: Node) -> list[Told]:
        query, restriction = self.asked.query, self.exchange.call.restriction
        stories = list(merged.stories.values())
        if query.by_id is not None:
            stories.sort(key=lambda story: story.id, reverse=query.by_id == "descending")
        return [one for story in stories if (one := tell(story, query, condition, restriction)) is not None]

    def _merged(self, versions: Iterable[Version]) -> Merged:
        return merge_evolutions(versions, self.asked.query, self.exchange.house.broker.clock.now())

    def _here(self, needed: int) -> list[Version]:
        """What this broker has: of whole entities what meets the query, of split ones all that may belong to one."""
        call, query = self.exchange.call, _part_of(self.asked.query)
        where = self.asked.where
        if self.split:
            where, query = identity_of(where), replace(query, names=frozenset(), dataset_ids=(), last_n=None)
        history = self.exchange.house.broker.history
        page = history.evolutions(call.tenant, where, query, Window(needed), call.restriction)
        return [Version(one) for one in page.evolutions]

    def _all(self, matches: Sequence[Match], needed: int) -> Heard:
        """The first `needed` of each source, asked for in steps; `full` are those that have, or may have, more."""
        heard, offset, open_matches = Heard((), ()), 0, list(matches)
        full: set[str] = set()
        while open_matches and offset < needed:
            step = min(STEP, needed - offset)
            told = self._ask(open_matches, lambda one, at=offset, size=step: replace(one, limit=size, offset=at))  # type: ignore[misc]
            heard = Heard(heard.versions + told.versions, heard.warnings + told.warnings)
            counted: dict[str, int] = {}
            for version in told.versions:
                counted[version.source] = counted.get(version.source, 0) + 1
            open_matches = [match for match in open_matches if counted.get(match.registration.id, 0) >= step]
            full = {match.registration.id for match in open_matches}
            offset += step
        return replace(heard, full=frozenset(full))

    def _of(self, matches: Sequence[Match], ids: Sequence[str]) -> Heard:
        return self._ask(matches, lambda one: one.narrowed_to(ids))

    def _ask(self, matches: Sequence[Match], narrow: Callable[[Asking], Asking]) -> Heard:
        forwards: list[Forward] = []
        for match in matches:
            naming = _naming(self.exchange, match.registration)
            texts = replace(self.texts, last_n=None) if self.split else self.texts
            asking = Asking(self.query, texts, naming, self.split, by_id=self.asked.query.by_id)
            wanted = replace(self.wanted, attributes=frozenset()) if self.split else self.wanted
            forwards.append(temporal_query(match, wanted, narrow(asking)))
        return _heard(self.exchange, zip(matches, self.hub.sources.ask(self.exchange, forwards), strict=True))


def _page(exchange: Exchange, merged: Merged, asked: tuple[Node, TemporalQuery], window: Window) -> EvolutionPage:
    where, query = asked
    told = [
        one
        for story in merged.stories.values()
        if (one := tell(story, query, where, exchange.call.restriction)) is not None
    ]
    return page_of(told[: window.limit], query, merged.name_of)


def _part_of(query: TemporalQuery) -> TemporalQuery:
    """What of a query a part of the series is asked: its instances, with their times."""
    return replace(query, aggregation=None, sys_attrs=True, instances_max=INSTANCES_MAX)


def _texts(times: TemporalTexts | None, query: TemporalQuery) -> TemporalTexts:
    texts = times or TemporalTexts()
    return replace(texts, methods=None, period=None, last_n=query.last_n)


def _specification(exchange: Exchange, query: Query, types: Node | None, ids: tuple[str, ...] | None) -> Specification:
    names = exchange.call.names
    projection = None if query.attrs else view_of(query, names).projection
    found = specification(query, types, projection, attributes_of(query, names))
    return found if ids is None else replace(found, ids=ids)


def _types(where: Node) -> Node | None:
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


def _matches(hub: Hub, exchange: Exchange, operation: str, wanted: Specification, query: TemporalQuery) -> Found:
    """Whom to ask."""
    request, tenant, span = exchange.request, exchange.call.tenant, span_of(query)
    found = [
        match
        for match in hub.registry.matching(tenant, operation, wanted, via_of(request))
        if in_time(match.registration, query, span)
    ]
    if found and is_loop(request, hub.alias, tenant):
        return Found((), (Warned(199, hub.alias, "the request has been here before"),))
    return Found(tuple(found))


def _naming(exchange: Exchange, registration: Registration) -> Naming:
    return Naming(*names_for(exchange, registration))


def _heard(exchange: Exchange, answers: Iterable[tuple[Match, Answered]]) -> Heard:
    """The histories in the answers; an answer that is none, and each history that cannot be read, is warned of."""
    versions: list[Version] = []
    warnings: list[Warned] = []
    for match, one in answers:
        trouble = warning_of(one)
        if trouble is not None:
            warnings.append(trouble)
        elif one.succeeded:
            bodies = one.body if isinstance(one.body, list) else [one.body]
            for body in bodies:
                try:
                    evolution = decode_evolution(body, _names_of(exchange, match.registration, body))
                except NgsiError as refusal:
                    warnings.append(Warned(111, _agent(match.registration), str(refusal)))
                else:
                    versions.append(_version(match, evolution))
    return Heard(tuple(versions), tuple(warnings))


def _version(match: Match, evolution: Evolution) -> Version:
    registration = match.registration
    owned: frozenset[str] | None = frozenset()
    if registration.proxied:
        whole = any(not part.attributes for part in match.information)
        owned = None if whole else frozenset().union(*(part.attributes for part in match.information))
    return Version(evolution, registration.id, owned, registration.mode == "auxiliary")


def _names_of(exchange: Exchange, registration: Registration, body: Json) -> ActiveContext:
    """The names of an answer: by the @context in it, else by that of the forwarded request."""
    source = body.get("@context") if isinstance(body, dict) else None
    if source is not None:
        return resolve(exchange.house, source, exchange.call.tenant)
    return names_for(exchange, registration)[0]


def warning_of(one: Answered) -> Warned | None:
    """What is to be said of an answer (clause 6.3.17); nothing of a good one, and of a 404."""
    agent = _agent(one.forward.registration)
    if one.trouble in ("invalid", "too large"):
        return Warned(111, agent, one.detail or one.trouble)
    if one.trouble in ("timeout", "unreachable", "cooldown", "loop"):
        return Warned(199, agent, one.trouble)
    if one.succeeded or one.status == NOT_FOUND:
        return None
    return Warned(299, agent, f"{one.trouble or 'answered with'} {one.status}".strip())


def _agent(registration: Registration) -> str:
    return registration.alias or registration.id


def _headers(warnings: Iterable[Warned]) -> Headers:
    return tuple(one.header() for one in dict.fromkeys(warnings))


HANDLERS: Final[Mapping[str, FarHandler]] = {
    "retrieve_temporal_evolution": retrieve_evolution,
    "query_temporal_evolutions": query_evolutions,
    "query_temporal_by_post": query_evolutions_by_post,
}
