"""Histories from here and from sources, as one (clauses 5.7.3, 5.7.4, 5.14.5, 4.5.5).

A source is asked for instances as they are, with their times, even where aggregates of them are wanted: lastN, averages
and pages are of the merged series. What it gives is taken for nothing more than a claim: instances outside of the
time that was asked for, entities of other types and other ids are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from broker.decode.query import Query
from broker.decode.temporal_query import decode_temporal_query
from broker.errors import NgsiError, ResourceNotFound
from broker.http.exchange import Exchange
from broker.http.mapping import map_of_one
from broker.http.messages import Answer, Response
from broker.http.parameters import Parameters
from broker.http.query import window_of
from broker.http.recalling import Recalled, recall_get, texts_of
from broker.http.respond import problem
from broker.http.seeking import ANY_TYPE, attributes_of, query_of
from broker.http.temporal import answered, encoded, understood
from broker.ldcontext.active import ActiveContext
from broker.operations.entity_maps import LOCAL
from broker.operations.evolve import no_evolution
from broker.operations.identifiers import require_uri
from broker.ports import INLINE, OverBudget
from broker.query.ast import EVERYTHING
from broker.query.sources import Specification
from broker.query.times import TemporalTexts
from broker.stores.recall import page_of, tell
from federation.gather_temporal import Asked, Gathering, followed
from federation.heard_temporal import (
    Found,
    Heard,
    heard_here,
    heard_of,
    matching,
    naming_of,
    part_of,
    specification_of,
    texts_for,
)
from federation.hub import FarHandler, Hub, Local
from federation.maps import listed_sources, pinned, wants_map
from federation.maps_temporal import answer_in_map, create_map
from federation.merge_temporal import merge_evolutions
from federation.plan_temporal import Asking, retrieval
from federation.wanted import wanted_of
from federation.warned import with_warnings


def retrieve_evolution(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /temporal/entities/{entityId} over all sources that may have it (clause 5.7.3.4)."""
    entity_id, names = exchange.path["entityId"], exchange.call.names
    query, recalled, bare = _understood(exchange.parameters, names, exchange.house.limits.instances_max)
    wanted = replace(bare, ids=(entity_id,))
    found = matching(hub, exchange, "retrieveTemporal", wanted, (query, recalled.query))
    if found.nobody:
        return local(exchange)
    if INLINE.get():
        raise OverBudget
    require_uri(entity_id)
    listed = listed_sources(exchange, entity_id)
    matches = tuple(one for one in found.matches if listed is None or one.registration.id in listed)
    elsewhere = _heard(hub, exchange, Found(matches), (query, recalled, wanted))
    heard = replace(elsewhere, versions=tuple(one for one in elsewhere.versions if one.evolution.id == entity_id))
    try:
        answer = _shown(exchange, entity_id, heard, recalled) if heard.versions else local(exchange)
    except NgsiError as refusal:
        answer = problem(refusal)
    assert isinstance(answer, Response)
    return with_warnings(answer, (*found.warnings, *heard.warnings))


def _shown(exchange: Exchange, entity_id: str, elsewhere: Heard, recalled: Recalled) -> Response:
    """One history of all that gave some. Raises ResourceNotFound where there is nothing of it."""
    query, call, history = recalled.query, exchange.call, exchange.house.broker.history
    here = history.evolution(call.tenant, entity_id, part_of(query), call.restriction)
    heard = heard_here(here, query).and_also(elsewhere)
    merged = merge_evolutions(heard.versions, query, exchange.house.broker.clock.now())
    told = [tell(story, query, EVERYTHING, call.restriction) for story in merged.stories.values()]
    known_to = heard.ends(backwards=query.last_n is not None)
    page = page_of([one for one in told if one is not None], query, merged.name_of, known_to)
    if not page.evolutions:
        raise no_evolution(entity_id)
    bodies = encoded(exchange, page, recalled)
    if not bodies:
        raise ResourceNotFound(
            "nothing is left of the entity", pointer="omit", clause="5.7.3.4", remedy="leave some members in"
        )
    mapped = pinned(exchange, entity_id, [one.source or LOCAL for one in heard.versions], temporal=True)
    return answered(exchange, bodies[0], (page, query), map_of_one(mapped, entity_id, temporal=True))


@lru_cache(maxsize=1024)
def _understood(
    parameters: Parameters, names: ActiveContext, instances_max: int
) -> tuple[Query, Recalled, Specification]:
    """What the parameters of a retrieval ask for, and of whom, whatever the entity; once for the same parameters."""
    query = query_of(parameters)
    return query, recall_get(parameters, names, instances_max), specification_of(names, query, EVERYTHING)


def _heard(hub: Hub, exchange: Exchange, found: Found, asked: tuple[Query, Recalled, Specification]) -> Heard:
    """What the sources have of one entity."""
    query, recalled, wanted = asked
    texts = texts_for(texts_of(exchange.parameters), recalled.query)

    def ask(whom: Asked) -> Heard:
        answers = hub.sources.ask(exchange, [retrieval(match, wanted, asking) for match, asking in whom])
        return heard_of(exchange, zip([match for match, _ in whom], answers, strict=True), recalled.query)

    whom = [(one, Asking(query, texts, naming_of(exchange, one.registration))) for one in found.matches]
    heard = ask(whom)
    return heard if recalled.query.aggregation is None else followed(whom, heard, ask)


def query_evolutions(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /temporal/entities over all sources that match (clause 5.7.4.4)."""
    gathered = _gathering(hub, exchange, query_of(exchange.parameters), texts_of(exchange.parameters))
    return local(exchange) if gathered is None else _page(*gathered, local)


def query_evolutions_by_post(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /temporal/entityOperations/query over all sources that match (clause 5.7.4.4)."""
    body = decode_temporal_query(exchange.body)
    gathered = _gathering(hub, exchange, body.query, body.times)
    return local(exchange) if gathered is None else _page(*gathered, local)


def _page(gathering: Gathering, found: Found, local: Local) -> Answer:
    if wants_map(gathering.exchange, gathering.query):
        return answer_in_map(gathering, found)
    return gathering.answer(found, window_of(gathering.exchange), local)


def create_temporal_entity_map(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /temporal/entityMaps over all sources that match (clause 5.14.5)."""
    gathered = _gathering(hub, exchange, query_of(exchange.parameters), texts_of(exchange.parameters))
    return local(exchange) if gathered is None else create_map(*gathered)


def create_temporal_entity_map_by_post(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /temporal/entityMaps over all sources that match (clause 5.14.5)."""
    body = decode_temporal_query(exchange.body)
    gathered = _gathering(hub, exchange, body.query, body.times)
    return local(exchange) if gathered is None else create_map(*gathered)


def _gathering(
    hub: Hub, exchange: Exchange, query: Query, times: TemporalTexts | None
) -> tuple[Gathering, Found] | None:
    """The request as one over several sources; None where none matches. Raises OverBudget on the event loop."""
    if any(one.type == ANY_TYPE for one in query.entities):
        return None
    asked = understood(exchange, query, times)
    wanted = specification_of(exchange.call.names, query, asked.where)
    found = matching(hub, exchange, "queryTemporal", wanted, (query, asked.query))
    if found.nobody:
        return None
    if INLINE.get():
        raise OverBudget
    names = exchange.call.names
    split = exchange.parameters.flag("splitEntities") or bool(query.split_entities)
    entities = wanted_of(query, names, attributes_of(query, names), split=split)
    texts = texts_for(times, asked.query)
    return Gathering(hub, exchange, query, texts, asked, wanted, split=split, entities=entities), found


HANDLERS: Final[Mapping[str, FarHandler]] = {
    "retrieve_temporal_evolution": retrieve_evolution,
    "query_temporal_evolutions": query_evolutions,
    "query_temporal_by_post": query_evolutions_by_post,
    "create_temporal_entity_map": create_temporal_entity_map,
    "create_temporal_entity_map_by_post": create_temporal_entity_map_by_post,
}
