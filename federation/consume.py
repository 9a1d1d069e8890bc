"""Retrieving and querying entities over all sources that may have them (clauses 5.7.1.4, 5.7.2.4).

What sources know is laid over what is here, and the ordinary handler shows it: projections, languages, formats and
pages are the same for an entity wherever it is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from broker.decode.query import Query, decode_query
from broker.encode.linking import Join
from broker.errors import BadRequestData, NgsiError
from broker.http.exchange import Exchange
from broker.http.media import GEO_JSON
from broker.http.messages import Answer, Response
from broker.http.query import window_of
from broker.http.respond import problem
from broker.http.seeking import ANY_TYPE, attributes_of, query_of, seek, view_of
from broker.http.targets import types_of
from broker.model.entity import Entity
from broker.operations.identifiers import require_uri
from broker.ports import INLINE, EntityStore, OverBudget
from broker.query.projection import Projection
from broker.query.sources import Specification
from federation.found import QUERIES, Heard, chosen, loop_of, naming_of, sources_of
from federation.gather import Gathering
from federation.hub import FarHandler, Hub, Local
from federation.linked import Links
from federation.maps import listed_sources, pinned, query_in_map, wants_map
from federation.messages import Warned
from federation.overlay import Overlay, over
from federation.plan import Asking, retrieval
from federation.wanted import names_in, wanted_of
from federation.warned import with_warnings


def retrieve_entity(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /entities/{entityId} (clause 5.7.1.4)."""
    entity_id, call = exchange.path["entityId"], exchange.call
    if not hub.registry.may_match(call.tenant, entity_id):
        return local(exchange)
    bare = Specification((entity_id,))
    if not sources_of(hub, exchange, (bare,)):
        return local(exchange)
    if INLINE.get():
        raise OverBudget
    loop = loop_of(hub, exchange)
    if loop is not None:
        return shown_here(exchange, local, loop)
    require_uri(entity_id)
    query = query_of(exchange.parameters)
    attributes = frozenset(attributes_of(query, call.names))
    view = view_of(query, call.names)
    needed = _needed(exchange, attributes, view.projection)
    types = types_of(exchange)
    exact = Specification((entity_id,), None, types, needed or frozenset(), frozenset(query.dataset_ids))
    listed = listed_sources(exchange, entity_id)
    matches = sources_of(hub, exchange, (exact,))
    heard = Heard(exchange, [one for one in matches if listed is None or one.registration.id in listed])
    here = call.restriction.show(_here(exchange, entity_id))
    if here is not None:
        heard.here[entity_id] = here
    asked = [
        (match, forward)
        for match in heard.matches
        for forward in retrieval(match, entity_id, needed, naming_of(exchange, match))
    ]
    answers = hub.sources.ask(exchange, [forward for _, forward in asked])
    for (match, _), answered in zip(asked, answers, strict=True):
        for body in heard.take(match, answered):
            heard.read(match, body)
    exchange = pinned(exchange, entity_id, heard.sources(entity_id))
    found = _with_linked(hub, heard, {entity_id: heard.merged(entity_id)}, view.join)
    return shown(exchange, local, Overlay(exchange.house.broker.entities, found), heard.warnings)


def shown(exchange: Exchange, local: Local, store: EntityStore, warnings: Iterable[Warned]) -> Answer:
    """What the ordinary handler answers over this store, with warnings.

    Entities of several sources have no ETag: their version here says nothing of what is held elsewhere.
    """
    try:
        answer = local(over(exchange, store))
    except NgsiError as error:
        answer = problem(error)
    assert isinstance(answer, Response)
    kept = tuple(header for header in answer.headers if header[0] != "ETag")
    return with_warnings(Response(answer.status, kept, answer.body), warnings)


def shown_here(exchange: Exchange, local: Local, loop: Warned) -> Answer:
    """What the ordinary handler answers to a request that has come back, which is not sent on once more."""
    return shown(exchange, local, exchange.house.broker.entities, [loop])


def _with_linked(
    hub: Hub, heard: Heard, entities: Mapping[str, Entity | None], join: Join | None
) -> Mapping[str, Entity | None]:
    """The entities, and those they link to as far as an answer joins them."""
    if join is None:
        return entities
    links = Links(hub, heard.exchange, dict(entities), heard.warnings, heard.silent)
    links.follow([one for one in entities.values() if one is not None], join.level)
    return links.known


def _here(exchange: Exchange, entity_id: str) -> Entity | None:
    return exchange.house.broker.entities.get(exchange.call.tenant, entity_id)


def _needed(exchange: Exchange, attributes: frozenset[str], projection: Projection | None) -> frozenset[str] | None:
    """The attributes that an answer is made of; None for all."""
    needed = attributes
    if not needed and projection is not None and not projection.omits:
        needed = frozenset(name for name in projection.by_name if ":" in name)
    if not needed:
        return None
    if exchange.media_type == GEO_JSON:
        place = exchange.parameters.text("geometryProperty") or "location"
        needed |= {exchange.call.names.expand(place, "geometryProperty")}
    return needed


def query_entities(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """GET /entities (clause 5.7.2.4)."""
    return _answer(hub, exchange, local, query_of(exchange.parameters))


def query_entities_by_post(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /entityOperations/query (clause 5.7.2.4)."""
    return _answer(hub, exchange, local, decode_query(exchange.body))


def _answer(hub: Hub, exchange: Exchange, local: Local, query: Query) -> Answer:
    if wants_map(exchange, query):
        return query_in_map(hub, exchange, local, query)
    return _query(hub, exchange, local, query)


def _query(hub: Hub, exchange: Exchange, local: Local, query: Query) -> Answer:
    if any(one.type == ANY_TYPE for one in query.entities):
        return local(exchange)  # about this broker's own entities
    names, parameters = exchange.call.names, exchange.parameters
    split = parameters.flag("splitEntities") or bool(query.split_entities)
    attributes = attributes_of(query, names)
    wanted = wanted_of(query, names, attributes, split=split)
    matches = chosen(sources_of(hub, exchange, wanted.selectors, QUERIES), query, names)
    if not matches:
        return local(exchange)
    if INLINE.get():
        raise OverBudget
    sought = seek(query, names, local=parameters.flag("local") if "local" in parameters else None)
    if sought.selection.order is not None:
        raise BadRequestData(
            "entities of several sources are not ordered", pointer="orderBy", clause="5.7.2.4",
            remedy="local=true, or leave orderBy out",
        )  # fmt: skip
    loop = loop_of(hub, exchange)
    if loop is not None:
        return shown_here(exchange, local, loop)
    heard = Heard(exchange, matches, patterned=any(one.id_pattern for one in wanted.selectors))
    needed = None if split else _needed(exchange, wanted.attributes, None)
    if needed is not None:
        needed |= {name for node in wanted.filters for name in names_in(node)}
    window = window_of(exchange)
    dated = split or window.count or _is_about_times(exchange, query)
    gathering = Gathering(hub, heard, Asking(wanted, needed, split, dated), sought.selection.where)
    page = gathering.page(window)
    found = _with_linked(hub, heard, {one.id: one for one in page.entities}, sought.view.join)
    return shown(exchange, local, Overlay(exchange.house.broker.entities, found, page), heard.warnings)


def _is_about_times(exchange: Exchange, query: Query) -> bool:
    """Whether an answer needs the times at which things were made and changed."""
    return "sysAttrs" in exchange.parameters.words("options") or "edAt" in (query.q or "")


HANDLERS: Mapping[str, FarHandler] = {
    "retrieve_entity": retrieve_entity,
    "query_entities": query_entities,
    "query_entities_by_post": query_entities_by_post,
}
