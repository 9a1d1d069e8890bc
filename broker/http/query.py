"""Querying entities: `GET /entities`, `POST /entityOperations/query` (clauses 6.4.3.2, 6.23, 6.3.10, 6.3.13)."""

from __future__ import annotations

from broker.decode.query import Query, decode_query
from broker.errors import BadRequestData
from broker.http.exchange import Exchange
from broker.http.links import page_links
from broker.http.mapping import mapped
from broker.http.messages import Answer
from broker.http.parameters import split_query
from broker.http.respond import Headers
from broker.http.route import API_ROOT
from broker.http.seeking import query_of, seek
from broker.http.showing import geometry_property, show_many
from broker.operations import consume
from broker.operations.mapped import query_in_map
from broker.ports import INLINE, OverBudget
from broker.query.ast import Window

INLINE_PAGE_MAX = 100
"""Entities read and written out on the event loop at once, about 1 ms; longer pages, joins, sorting take a thread."""


def query_entities(exchange: Exchange) -> Answer:
    """GET /entities: 200 with a page (clause 6.4.3.2)."""
    return _page(exchange, query_of(exchange.parameters))


def query_entities_by_post(exchange: Exchange) -> Answer:
    """POST /entityOperations/query: 200 with a page (clause 6.23.3.1)."""
    return _page(exchange, decode_query(exchange.body))


def _page(exchange: Exchange, query: Query) -> Answer:
    parameters = exchange.parameters
    geometry_property(exchange, parameters.text("geometryProperty"))
    local = parameters.flag("local") if "local" in parameters else None
    sought = seek(query, exchange.call.names, local=local)
    window = window_of(exchange)
    if INLINE.get() and (window.limit > INLINE_PAGE_MAX or sought.view.join or sought.selection.order):
        raise OverBudget
    broker, call = exchange.house.broker, exchange.call
    held = mapped(exchange, lambda: broker.places.walk_ids(call.tenant, sought.selection, call.restriction), query)
    if held is None:
        page = consume.query_entities(broker, call, sought.selection, window, sought.view)
    else:
        page = query_in_map(broker, call, held.map, (sought.selection, window), sought.view)
    headers: Headers = () if page.total is None else (("NGSILD-Results-Count", str(page.total)),)
    if window.limit and (page.more or window.offset):
        headers += links_of(exchange, window, more=page.more)
    shown = [entity for entity in page.entities if entity.document]  # a projection may leave nothing of one
    if held is None:
        return show_many(exchange, shown, query.lang, headers)
    return held.answered(show_many(exchange, shown, query.lang, headers + held.headers))


def window_of(exchange: Exchange) -> Window:
    """The part of the answer that is asked for. Raises BadRequestData where it is too much (clause 5.5.9)."""
    parameters, limits = exchange.parameters, exchange.house.limits
    limit = parameters.number("limit", limits.page_default)
    if limit > limits.page_max:
        raise BadRequestData(
            f"limit is {limit}", pointer="limit", clause="5.5.9.2", remedy=f"at most {limits.page_max}, page by page"
        )
    return Window(limit, parameters.number("offset", 0), parameters.flag("count"))


def links_of(exchange: Exchange, window: Window, *, more: bool) -> Headers:
    """The links to the pages around this one."""
    path = API_ROOT + ("/entityOperations/query" if exchange.request.method == "POST" else "/entities")
    given = split_query(exchange.request.query_string)
    link = page_links(path, given, (window.offset, window.limit, more), exchange.media_type)
    return () if link is None else (("Link", link),)
