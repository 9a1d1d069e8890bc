"""`/csourceRegistrations` and `/csourceRegistrations/{registrationId}` (clauses 6.8, 6.9)."""

from __future__ import annotations

from collections.abc import Mapping

from broker.decode.registration import decode_registration
from broker.encode.registration import counted, encode_registration
from broker.http.exchange import Exchange
from broker.http.links import page_links
from broker.http.media import LD_JSON
from broker.http.messages import Answer, Deferred, Response
from broker.http.parameters import split_query
from broker.http.query import window_of
from broker.http.respond import Headers, content, created
from broker.http.route import API_ROOT
from broker.http.source_seeking import source_query
from broker.model.registration import Registration
from broker.model.source_health import SourceHealth
from broker.model.values import Json
from broker.operations import register, sources
from broker.operations.sources import Found

PATH = API_ROOT + "/csourceRegistrations"


def register_source(exchange: Exchange) -> Answer:
    """POST /csourceRegistrations: 201, 400, 409 (clause 6.8.3.1)."""
    received = decode_registration(exchange.body, exchange.call.names)
    pending = register.register_source(exchange.house.broker, exchange.call, received)

    def render(made: Registration) -> Response:
        _moved(exchange)
        return created("csourceRegistrations", made.id)

    return Deferred(pending, render)


def update_source(exchange: Exchange) -> Answer:
    """PATCH /csourceRegistrations/{registrationId}: 204, 400, 404, 409 (clause 6.9.3.2)."""
    received = decode_registration(exchange.body, exchange.call.names, fragment=True)
    registration_id = exchange.path["registrationId"]
    pending = register.update_source(exchange.house.broker, exchange.call, registration_id, received)
    return Deferred(pending, lambda _: _done(exchange))


def delete_source(exchange: Exchange) -> Answer:
    """DELETE /csourceRegistrations/{registrationId}: 204, 404 (clause 6.9.3.3)."""
    registration_id, far = exchange.path["registrationId"], exchange.house.far
    pending = register.delete_source(exchange.house.broker, exchange.call, registration_id)

    def render(_: object) -> Response:
        if far is not None:
            far.forget(exchange.call.tenant, registration_id)
        return _done(exchange)

    return Deferred(pending, render)


def retrieve_source(exchange: Exchange) -> Answer:
    """GET /csourceRegistrations/{registrationId}: 200, 404 (clause 6.9.3.1)."""
    found = sources.retrieve_source(exchange.house.broker, exchange.call, exchange.path["registrationId"])
    return content(exchange, _encoded(exchange, found, _healths(exchange)))


def query_sources(exchange: Exchange) -> Answer:
    """GET /csourceRegistrations: 200 with a page, oldest first (clause 6.8.3.2)."""
    window = window_of(exchange)
    page = sources.query_sources(exchange.house.broker, exchange.call, source_query(exchange), window)
    headers: Headers = () if page.total is None else (("NGSILD-Results-Count", str(page.total)),)
    if window.limit and (page.more or window.offset):
        given = split_query(exchange.request.query_string)
        link = page_links(PATH, given, (window.offset, window.limit, page.more), LD_JSON, paging_last=True)
        headers += () if link is None else (("Link", link),)
    healths = _healths(exchange)
    return content(exchange, [_encoded(exchange, found, healths) for found in page.found], headers)


def _healths(exchange: Exchange) -> Mapping[str, SourceHealth]:
    far = exchange.house.far
    return {} if far is None else far.healths(exchange.call.tenant)


def _encoded(exchange: Exchange, found: Found, healths: Mapping[str, SourceHealth]) -> Json:
    output = counted(healths.get(found.registration.id))
    if "sysAttrs" in exchange.parameters.words("options"):
        output |= found.system
    return encode_registration(found.registration, exchange.call.names, output)


def _done(exchange: Exchange) -> Response:
    _moved(exchange)
    return Response(204)


def _moved(exchange: Exchange) -> None:
    """What is forwarded is another thing from now on."""
    if exchange.house.far is not None:
        exchange.house.far.moved(exchange.call.tenant)
