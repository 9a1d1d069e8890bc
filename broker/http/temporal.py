"""`/temporal/entities`, `/temporal/entities/{entityId}` and the temporal query by POST (clauses 6.18, 6.19, 6.24)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from broker.decode.members import decode_uri
from broker.decode.query import Query
from broker.decode.temporal import decode_history
from broker.decode.temporal_query import decode_temporal_query
from broker.encode.entity import short_text
from broker.encode.temporal import encode_evolution
from broker.encode.versions import OWN_VERSION, amended, read_version
from broker.errors import BadRequestData, ResourceNotFound
from broker.http.exchange import Exchange
from broker.http.links import page_links
from broker.http.mapping import map_of_one, mapped
from broker.http.messages import Answer, Deferred, Response
from broker.http.parameters import split_query
from broker.http.query import window_of
from broker.http.recalling import Asked, Recalled, by_id, form_of, recall_get, recall_of, texts_of
from broker.http.respond import NO_CONTENT, Headers, content, created
from broker.http.route import API_ROOT
from broker.http.seeking import query_of, seek
from broker.model.values import Json
from broker.operations import evolve, recall
from broker.operations.evolve import Evolved
from broker.operations.mapped import evolution_ids, evolutions_in_map
from broker.ports import INLINE, OverBudget
from broker.ports.disclosing import leaving_evolutions
from broker.ports.evolution import EvolutionPage
from broker.query.ast import Node, Window
from broker.query.temporal import TemporalQuery
from broker.query.times import TemporalTexts

INLINE_LAST_MAX = 100
"""Instances of an attribute read and written out on the event loop at once, about 1 ms; more take a thread."""
_HISTORIES = f"{API_ROOT}/temporal/entities"
_POSTED = f"{API_ROOT}/temporal/entityOperations/query"
_SERIES_SINCE = (1, 3)
"""The version that brought histories: what is older knows one instance of an attribute, and no history at all."""


def upsert_evolution(exchange: Exchange) -> Answer:
    """POST /temporal/entities: 201, 204 (clause 6.18.3.1)."""
    history = decode_history(exchange.body, exchange.call.names)
    decode_uri(history.id, "/id", "5.2.20")
    return Deferred(evolve.upsert_evolution(exchange.house.broker, exchange.call, history), _upserted)


def _upserted(result: Evolved) -> Response:
    return created("temporal/entities", result.id) if result.created else NO_CONTENT


def changed(_: Evolved) -> Response:
    """204 for a write that makes nothing new."""
    return NO_CONTENT


def delete_evolution(exchange: Exchange) -> Answer:
    """DELETE /temporal/entities/{entityId}: 204, 404 (clause 6.19.3.2)."""
    house, entity_id = exchange.house, exchange.path["entityId"]
    return Deferred(evolve.delete_evolution(house.broker, exchange.call, entity_id), changed)


def retrieve_evolution(exchange: Exchange) -> Answer:
    """GET /temporal/entities/{entityId}: 200, 206, 404 (clause 6.19.3.1)."""
    recalled = recall_get(exchange.parameters, exchange.call.names, exchange.house.limits.instances_max)
    query = recalled.query
    if INLINE.get() and (query.aggregation or not query.last_n or query.last_n > INLINE_LAST_MAX):
        raise OverBudget
    page = recall.retrieve_evolution(exchange.house.broker, exchange.call, exchange.path["entityId"], query)
    bodies = encoded(exchange, page, recalled)
    if not bodies:
        raise ResourceNotFound(
            "nothing is left of the entity", pointer="omit", clause="5.7.3.4", remedy="leave some members in"
        )
    headers = map_of_one(exchange, exchange.path["entityId"], temporal=True)
    return answered(exchange, bodies[0], (page, query), headers)


def query_evolutions(exchange: Exchange) -> Answer:
    """GET /temporal/entities: 200 with a page, 206 (clause 6.18.3.2)."""
    parameters = exchange.parameters
    return _page(exchange, query_of(parameters), texts_of(parameters))


def query_evolutions_by_post(exchange: Exchange) -> Answer:
    """POST /temporal/entityOperations/query: 200 with a page, 206 (clause 6.24.3.1)."""
    body = decode_temporal_query(exchange.body)
    return _page(exchange, body.query, body.times)


@dataclass(frozen=True, slots=True)
class Understood:
    """A temporal query understood: which entities, what of their histories, and how it is shown."""

    where: Node
    query: TemporalQuery
    recalled: Recalled


def understood(exchange: Exchange, query: Query, times: TemporalTexts | None) -> Understood:
    """The query of a request. Raises BadRequestData where it has no time, or no grammar knows it (clause 5.7.4.4)."""
    local = exchange.parameters.flag("local") if "local" in exchange.parameters else None
    sought = seek(query, exchange.call.names, local=local, attrs_select=False)
    if times is None or times.timerel is None:
        raise BadRequestData(
            "There is no temporal query.", pointer="timerel", clause="5.7.4.4",
            remedy="timerel=after&timeAt=2026-01-01T00:00:00Z",
        )  # fmt: skip
    recalled = _recalled(exchange, query, times)
    return Understood(sought.selection.where, replace(recalled.query, by_id=by_id(sought.selection.order)), recalled)


def _page(exchange: Exchange, query: Query, times: TemporalTexts | None) -> Answer:
    broker, call = exchange.house.broker, exchange.call
    found, window = understood(exchange, query, times), window_of(exchange)
    where, asked = found.where, found.query
    held = mapped(exchange, lambda: evolution_ids(broker, call, where, asked), query, temporal=True)
    if held is None:
        page = recall.query_evolutions(broker, call, where, asked, window)
    else:
        page = evolutions_in_map(broker, call, held.map, (where, asked), window)
    headers: Headers = () if page.total is None else (("NGSILD-Results-Count", str(page.total)),)
    if window.limit and (page.more or window.offset):
        headers += paging(exchange, window, more=page.more)
    bodies: list[Json] = [*encoded(exchange, page, found.recalled)]
    if held is None:
        return answered(exchange, bodies, (page, asked), headers)
    return held.answered(answered(exchange, bodies, (page, asked), headers + held.headers))


def _recalled(exchange: Exchange, query: Query, times: TemporalTexts) -> Recalled:
    asked = Asked(query, times, form_of(exchange.parameters), exchange.house.limits.instances_max)
    return recall_of(asked, exchange.call.names)


def encoded(exchange: Exchange, page: EvolutionPage, recalled: Recalled) -> list[dict[str, Json]]:
    """The evolutions of a page, but those of which a projection leaves nothing."""
    names, shape = exchange.call.names, recalled.representation
    shown = [(one, body) for one in page.evolutions if (body := encode_evolution(one, shape, names))]
    leaving_evolutions(one for one, _ in shown)
    return [body for _, body in shown]


def answered(exchange: Exchange, body: Json, found: tuple[EvolutionPage, TemporalQuery], headers: Headers) -> Response:
    """200, 206 where the page is cut in time, 203 where an earlier version of the standard needs other words."""
    page, query = found
    status = 200
    wanted = exchange.preferences.version
    if wanted is not None:
        version = max(min(read_version(wanted), OWN_VERSION), _SERIES_SINCE)
        kept = _amended(body, version)
        status, body = (200 if kept is body else 203), kept
    if page.cut is not None:
        status, headers = 206, (*headers, ("Content-Range", _content_range(page.cut, query)))
    return content(exchange, body, headers, status)


def _amended(body: Json, version: tuple[int, int]) -> Json:
    if isinstance(body, list):
        kept: list[Json] = [_amended(one, version) for one in body]
        return body if all(new is old for new, old in zip(kept, body, strict=True)) else kept
    return amended(cast("dict[str, Json]", body), version)


def _content_range(cut: tuple[int, int], query: TemporalQuery) -> str:
    """`date-time 2026-01-01T00:00:00Z-2026-01-01T01:00:00Z/*`: backwards with lastN, else forwards (clause 6.3.10)."""
    least, most = cut
    if query.last_n is None:
        start = query.at if query.timerel in ("after", "between") else least
        return f"date-time {short_text(start)}-{short_text(most)}/*"
    start = {"before": query.at, "between": query.end}.get(query.timerel or "", most)
    return f"date-time {short_text(start)}-{short_text(least)}/{query.last_n}"


def paging(exchange: Exchange, window: Window, *, more: bool) -> Headers:
    """The links to the pages around this one."""
    path = _POSTED if exchange.request.method == "POST" else _HISTORIES
    given = split_query(exchange.request.query_string)
    link = page_links(path, given, (window.offset, window.limit, more), exchange.media_type)
    return () if link is None else (("Link", link),)
