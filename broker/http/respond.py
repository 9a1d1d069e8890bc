"""What goes out: payloads with their @context, problem bodies, preconditions (clauses 5.5.3, 6.3.2, 6.3.3, 6.3.6)."""

from __future__ import annotations

from typing import cast

from broker.encode.outcome import encode_problem
from broker.encode.text import dump
from broker.encode.versions import OWN_VERSION, read_version
from broker.errors import (
    LengthRequired,
    MethodNotAllowed,
    NgsiError,
    ServiceUnavailable,
    Unauthorized,
    UnsupportedMediaType,
)
from broker.http.exchange import Exchange
from broker.http.links import context_link, location
from broker.http.media import GEO_JSON, JSON, LD_JSON
from broker.http.messages import Response
from broker.ldcontext.served import served_context, served_url
from broker.model.values import Json

Headers = tuple[tuple[str, str], ...]

_CONTENT_JSON = ("Content-Type", JSON)
NO_CONTENT = Response(204)


def problem(error: NgsiError) -> Response:
    """The problem body of a refusal (RFC 7807, as application/json: clause 6.3.3).

    `{"type": "https://uri.etsi.org/ngsi-ld/errors/BadRequestData", "title": …, "detail": …, "status": 400,
    "pointer": "/temperature/value", "clause": "4.5.2", "remedy": "…"}`. 411 and 415 go out bare (clause 6.3.4).
    """
    if isinstance(error, LengthRequired | UnsupportedMediaType):
        return Response(error.status)
    headers: Headers = (_CONTENT_JSON,)
    if isinstance(error, MethodNotAllowed):
        headers += (("Allow", error.allowed),)
    if isinstance(error, Unauthorized):
        headers += (("WWW-Authenticate", error.challenge),)
    if isinstance(error, ServiceUnavailable):
        headers += (("Retry-After", str(error.retry_after_s)),)
    return Response(error.status, headers, dump(encode_problem(error)))


def content(exchange: Exchange, body: Json, headers: Headers = (), status: int = 200) -> Response:
    """A payload in the negotiated media type, with its @context where 6.3.6 wants it."""
    if exchange.timing:
        exchange.timing.mark("run")
    media_type = exchange.media_type
    if media_type == JSON or (media_type == GEO_JSON and not exchange.preferences.context_in_body):
        headers = (("Content-Type", media_type), context_header(exchange), *headers)
    else:
        headers = (("Content-Type", media_type), *headers)
        body = with_context(body, served_context(exchange.call.names.source), each=media_type == LD_JSON)
    wanted = exchange.preferences.version
    if wanted is not None:
        applied = min(read_version(wanted), OWN_VERSION)
        headers += (("Preference-Applied", f"ngsi-ld={applied[0]}.{applied[1]}"),)
    return Response(status, headers, dump(body))


def context_header(exchange: Exchange) -> tuple[str, str]:
    """The Link header that names the answer's @context."""
    call = exchange.call
    source = call.names.source
    url = (source if isinstance(source, str) else served_url(source)) or exchange.house.names.link(source, call.tenant)
    return ("Link", context_link(url))


def with_context(body: Json, source: Json, *, each: bool) -> Json:
    """The payload with `@context` in it, in every element of a list."""
    if isinstance(body, list) and each:
        return [{**cast("dict[str, Json]", element), "@context": source} for element in body]
    return {**cast("dict[str, Json]", body), "@context": source}


def multi_status(body: Json, headers: Headers = ()) -> Response:
    """A partial success: always application/json, names fully qualified (clause 6.3.6)."""
    return Response(207, (_CONTENT_JSON, *headers), dump(body))


def plain(body: Json, status: int = 200, headers: Headers = ()) -> Response:
    """A JSON document without any @context."""
    return Response(status, (_CONTENT_JSON, *headers), dump(body))


def created(collection: str, element_id: str, headers: Headers = ()) -> Response:
    """201 with the path of what was made (clause 6.4.3.1)."""
    return Response(201, (("Location", location(collection, element_id)), *headers))
