"""`/federation/sources`: how each context source does, for operators."""

from __future__ import annotations

from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.http.operation import Operation
from broker.http.parameters import Accepted
from broker.http.respond import Headers, plain
from broker.model.registration import REGISTRATION, Registration
from broker.model.source_health import SourceHealth
from broker.model.values import Json, to_text

FEDERATION = "/federation"
_PATH = f"{FEDERATION}/sources"


def list_sources(exchange: Exchange) -> Answer:
    """GET /federation/sources: a page of the tenant's, oldest registration first; a Link to the next one."""
    house, parameters, call = exchange.house, exchange.parameters, exchange.call
    limit = min(
        parameters.number("limit", house.limits.page_default) or house.limits.page_default, house.limits.page_max
    )
    offset = parameters.number("offset", 0)
    held = house.broker.held.all_held(call.tenant, REGISTRATION)
    known = {} if house.far is None else house.far.healths(call.tenant)
    page = [Registration.from_body(one.body) for one in held[offset : offset + limit]]
    headers: Headers = ()
    if len(held) > offset + limit:
        link = f'<{_PATH}?offset={offset + limit}&limit={limit}>;rel="next";type="application/json"'
        headers = (("Link", link),)
    return plain([_shown(one, known.get(one.id, SourceHealth())) for one in page], headers=headers)


def _shown(registration: Registration, health: SourceHealth) -> Json:
    body: dict[str, Json] = {
        "registrationId": registration.id,
        "endpoint": registration.endpoint,
        "mode": registration.mode,
        "status": {None: "unknown", True: "ok", False: "failed"}[health.well],
        "timesSent": health.sent,
        "timesFailed": health.failed,
    }
    texts = {
        "registrationName": registration.name,
        "contextSourceAlias": registration.alias,
        "tenant": registration.tenant,
        "lastSuccess": None if health.last_success is None else to_text(health.last_success),
        "lastFailure": None if health.last_failure is None else to_text(health.last_failure),
        "lastError": health.last_error or None,
    }
    body |= {name: text for name, text in texts.items() if text is not None}
    if health.sent:
        body["latencyMs"] = round(health.latency_ms, 3)
    return body


WATCHED_SOURCES = (
    Operation(
        "list_sources", "5.10.2", "6.8.3.2", "GET", "/sources", list_sources, ((200, "Json"), (400, "ProblemDetails")),
        Accepted(frozenset({"limit", "offset"})), writes=("application/json",), root=FEDERATION,
    ),
)  # fmt: skip
"""Outside the standard: an operator's, so it has a prefix of its own in the access table."""
