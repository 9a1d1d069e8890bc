"""From a request to its answer: the checks of clause 6.3 in their order, the handler, the headers every answer has.

Both doors call `perform`, then for a Deferred answer `complete` once its future is done. The order of the checks: who
asks (401), length (411, 413), media type of the body (415), parameters (400), Accept (406), tenant (400), may they do
this at all (403), body (400), @context (504), and only then the handler.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from functools import lru_cache
from typing import cast

from broker.decode.text import parse_json
from broker.errors import (
    BadRequestData,
    InternalError,
    InvalidRequest,
    LengthRequired,
    NgsiError,
    PayloadTooLarge,
    ReadOnly,
)
from broker.http.exchange import Exchange, House, principal_of, resolve
from broker.http.extents import note_extent
from broker.http.links import context_of
from broker.http.media import JSON, LD_JSON, NO_PREFERENCE, check_content, choose, preferences
from broker.http.messages import Answer, Deferred, Request, Response
from broker.http.model_warnings import with_warnings
from broker.http.operation import Operation
from broker.http.parameters import read_parameters
from broker.http.respond import problem
from broker.model.values import Json
from broker.operations.broker import Call
from broker.operations.futures import both
from broker.operations.snapshots import place_in
from broker.ports import OverBudget, Principal
from broker.ports.disclosing import By, numbered
from broker.ports.places import home_of
from broker.ports.validator import ASKING, Asking
from broker.telemetry import Timing

log = logging.getLogger("misono.http")

_TENANT_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:")
TENANT_LENGTH_MAX = 128
_REPEATED = (("ngsild-tenant", "NGSILD-Tenant"), ("ngsild-snapshot", "NGSILD-Snapshot"))
_numbers = itertools.count(1)


def perform(house: House, operation: Operation, request: Request) -> Answer:
    """The answer of one operation: finished, or on its way to the disk.

    Raises OverBudget only, where an inline read needs a thread.
    """

    def work() -> Answer:
        if house.read_only and operation.changes:
            raise ReadOnly
        exchange = read_exchange(house, operation, request)
        asking = Asking(exchange.call.restriction)
        before = ASKING.set(asking)
        try:
            answer = _audited(house, operation, exchange)
        finally:
            ASKING.reset(before)
        if isinstance(answer, Response):
            return _finish(exchange.timing, request, with_warnings(answer, asking.warnings))
        if exchange.timing:
            exchange.timing.mark("run")
        return Deferred(answer.pending, _finishing(exchange.timing, request, answer.render, asking))

    return _guarded(work, request)


def _audited(house: House, operation: Operation, exchange: Exchange) -> Answer:
    """The answer; where it tells of persons it goes out once that is written down."""
    telling, call = house.telling, exchange.call
    if telling is None or call.restriction.view is None:
        return _answer(house, operation, exchange)
    with telling.look_on(call.restriction) as found:
        answer = _answer(house, operation, exchange)
        if found.looked_at() and isinstance(answer, Response):
            note_extent(found, operation.name, exchange, answer)
    pending = telling.record(found, By(call.principal, home_of(call.tenant), operation.name))
    if pending is None:
        return answer
    written = pending

    def told(response: Response) -> Response:
        headers = numbered(response.headers, map(str, written.result()))
        return Response(response.status, headers, response.body)

    if isinstance(answer, Deferred):
        render = answer.render
        return Deferred(both(pending, answer.pending), lambda result: told(render(result)))
    return Deferred(pending, lambda _: told(answer))


def _answer(house: House, operation: Operation, exchange: Exchange) -> Answer:
    far = house.far
    # what is done to a snapshot is always local (clause 5.5.13)
    if far is None or not far.active(exchange.call.tenant) or "ngsild-snapshot" in exchange.request.headers:
        return operation.handler(exchange)
    return far.perform(operation.name, operation.handler, exchange)


def complete(deferred: Deferred, request: Request) -> Response:
    """The response of a write whose future is done; waits for it where it is not."""
    return cast("Response", _guarded(lambda: deferred.render(deferred.pending.result()), request))


def refuse(error: NgsiError, request: Request) -> Response:
    """The response to a request that no operation got."""
    return _finish(None, request, problem(error))


def _guarded(work: Callable[[], Answer], request: Request) -> Answer:
    try:
        return work()
    except NgsiError as error:
        return refuse(error, request)
    except OverBudget:
        raise
    except Exception:  # the outermost loop: no request may end as a broken connection
        number = f"{next(_numbers)}"
        log.exception("request %s failed: %s %s", number, request.method, request.raw_path[:200])
        failure = InternalError(f"the broker failed; its log has the reason under request {number}")
        return refuse(failure, request)


def read_exchange(house: House, operation: Operation, request: Request) -> Exchange:
    """The request, checked. Raises every refusal of clause 6.3."""
    headers = request.headers
    principal, access = principal_of(house, request), house.broker.access
    prefer = headers.get("prefer")
    wanted = preferences(prefer) if prefer else NO_PREFERENCE
    timing = Timing() if wanted.timing else None
    content_type = "" if operation.body == "none" else _check_body_headers(house, operation, request)
    parameters = read_parameters(operation.accepts, request.query_string)
    accept = headers.get("accept")
    media_type = choose(accept, operation.writes) if accept and operation.writes else JSON
    tenant = headers.get("ngsild-tenant", "")
    if tenant:
        check_tenant(tenant)
    access.admit(principal, tenant, operation.name)
    body, source = _read_body(operation, request, content_type)
    if timing:
        timing.mark("read")
    names = house.core if source is None else resolve(house, source, tenant)
    if timing:
        timing.mark("context")
    snapshot = headers.get("ngsild-snapshot")
    place = tenant if snapshot is None else _place_of(house, operation, (tenant, principal), snapshot)
    call = Call(place, names, principal, access.restrict(principal, tenant, operation.name))
    return Exchange(house, request, request.path, parameters, media_type, wanted, call, body, timing)


def _place_of(house: House, operation: Operation, asking: tuple[str, Principal], snapshot: str) -> str:
    """Where an operation on a snapshot works. Raises as `place_in`, and BadRequestData for what is not done to one."""
    if not operation.on_snapshots:
        raise BadRequestData(
            "this operation is not one on the data of a snapshot", pointer="NGSILD-Snapshot", clause="5.5.15",
            remedy="leave the header out",
        )  # fmt: skip
    tenant, principal = asking
    return place_in(house.broker, tenant, snapshot, principal)


def _check_body_headers(house: House, operation: Operation, request: Request) -> str:
    length = request.headers.get("content-length")
    if length is None or not length.isdigit():
        raise LengthRequired("a body needs its Content-Length", pointer="Content-Length", clause="6.3.4")
    if max(int(length), len(request.body)) > house.limits.body_bytes_max:
        raise PayloadTooLarge(
            f"the body has {length} bytes", pointer="Content-Length", clause="6.3.2",
            remedy=f"at most {house.limits.body_bytes_max} bytes; larger batches in several requests",
        )  # fmt: skip
    return check_content(request.headers.get("content-type", ""), operation.reads)


@lru_cache(maxsize=4096)
def check_tenant(tenant: str) -> None:
    """Raises BadRequestData for a name that no tenant can have (clause 6.3.14)."""
    if len(tenant) > TENANT_LENGTH_MAX or not _TENANT_CHARACTERS.issuperset(tenant) or set(tenant) <= {"."}:
        raise BadRequestData(
            "the name of the tenant is not valid", pointer="NGSILD-Tenant", clause="6.3.14",
            remedy=f"up to {TENANT_LENGTH_MAX} letters, digits and _ - . :",
        )  # fmt: skip


def _read_body(operation: Operation, request: Request, content_type: str) -> tuple[Json, Json]:
    """The parsed body and the source of the request's @context, None for the default one (clause 6.3.5)."""
    link = request.headers.get("link")
    linked = context_of(link) if link else None
    if operation.body == "none":
        return None, linked
    body = parse_json(request.body)
    _check_kind(operation, body)
    if operation.context_is_body:
        return body, None
    if content_type == LD_JSON:
        return body, _context_in_body(body, linked)
    if isinstance(body, dict) and "@context" in body:  # a batch refuses its members one by one
        raise BadRequestData(
            "an application/json body holds @context", pointer="/@context", clause="6.3.5",
            remedy="Content-Type: application/ld+json, or the @context in a Link header",
        )  # fmt: skip
    return body, linked


def _check_kind(operation: Operation, body: Json) -> None:
    kind = {"object": dict, "array": list, "any": object}[operation.body]
    if not isinstance(body, kind):
        raise InvalidRequest(
            f"the body is no JSON {operation.body}", clause=operation.http_clause,
            remedy="{…}" if operation.body == "object" else "[…]",
        )  # fmt: skip


def _context_in_body(body: Json, linked: str | None) -> Json:
    if linked is not None:
        raise BadRequestData(
            "an application/ld+json body comes with a Link to an @context", pointer="Link", clause="6.3.5",
            remedy="leave the Link out, or send Content-Type: application/json",
        )  # fmt: skip
    if not isinstance(body, dict):
        return None  # a batch: each element brings its own
    source = body.pop("@context", None)
    if source is None:
        raise BadRequestData(
            "an application/ld+json body has no @context", pointer="/@context", clause="6.3.5",
            remedy='"@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"',
        )  # fmt: skip
    return source


def _finishing(
    timing: Timing | None, request: Request, render: Callable[[object], Response], asking: Asking
) -> Callable[[object], Response]:
    def finish(result: object) -> Response:
        if timing:
            timing.mark("commit")
        return _finish(timing, request, with_warnings(render(result), asking.warnings))

    return finish


def _finish(timing: Timing | None, request: Request, response: Response) -> Response:
    """The response with the headers that repeat what the request said."""
    headers = request.headers
    extra: tuple[tuple[str, str], ...] = ()
    for name, spelled in _REPEATED:
        if name in headers:
            extra += ((spelled, headers[name]),)
    if timing:
        timing.mark("write")
        extra += (("Server-Timing", timing.header()),)
    return Response(response.status, response.headers + extra, response.body) if extra else response
