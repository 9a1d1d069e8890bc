"""`/entityOperations/…` but for the query (clauses 6.14 to 6.17, 6.31)."""

from __future__ import annotations

from broker.encode.outcome import encode_batch_result
from broker.errors import BadRequestData, InvalidRequest
from broker.http.exchange import Exchange, resolve
from broker.http.media import LD_JSON
from broker.http.messages import Answer, Deferred, Response
from broker.http.respond import NO_CONTENT, multi_status, plain
from broker.ldcontext.active import ActiveContext
from broker.model.values import Json
from broker.operations import batch
from broker.operations.batch import BatchResult, NamesOf


def batch_entity_creation(exchange: Exchange) -> Answer:
    """POST /entityOperations/create: 201 with the ids, 207 (clause 6.14.3.1)."""
    pending = batch.batch_create(exchange.house.broker, exchange.call, exchange.body, names_of(exchange))
    return Deferred(pending, _created)


def batch_entity_upsert(exchange: Exchange) -> Answer:
    """POST /entityOperations/upsert: 201 with the ids of the new ones, 204, 207 (clause 6.15.3.1)."""
    options = exchange.parameters.words("options")
    if {"replace", "update"} <= set(options):
        raise InvalidRequest(
            "replace and update exclude each other", pointer="options", clause="6.15.3.1", remedy="options=update"
        )
    pending = batch.batch_upsert(
        exchange.house.broker, exchange.call, exchange.body, "update" if "update" in options else "replace",
        names_of(exchange),
    )  # fmt: skip
    return Deferred(pending, _upserted)


def batch_entity_update(exchange: Exchange) -> Answer:
    """POST /entityOperations/update: 204, 207 (clause 6.16.3.1)."""
    overwrite = "noOverwrite" not in exchange.parameters.words("options")
    pending = batch.batch_update(
        exchange.house.broker, exchange.call, exchange.body, overwrite=overwrite, names_of=names_of(exchange)
    )
    return Deferred(pending, done)


def batch_entity_merge(exchange: Exchange) -> Answer:
    """POST /entityOperations/merge: 204, 207 (clause 6.31.3.1)."""
    return Deferred(batch.batch_merge(exchange.house.broker, exchange.call, exchange.body, names_of(exchange)), done)


def batch_entity_delete(exchange: Exchange) -> Answer:
    """POST /entityOperations/delete: 204, 207 (clause 6.17.3.1)."""
    return Deferred(batch.batch_delete(exchange.house.broker, exchange.call, exchange.body), done)


def names_of(exchange: Exchange) -> NamesOf:
    """How each member is read: application/ld+json members bring their own @context, others none (clause 6.3.5)."""
    house, call = exchange.house, exchange.call
    own = exchange.request.headers.get("content-type", "").lower().startswith(LD_JSON)

    def of(member: Json) -> ActiveContext:
        source = member.get("@context") if isinstance(member, dict) else None
        if own and source is not None:
            return resolve(house, source, call.tenant)
        if own or source is not None:
            raise _misplaced(own=own)
        return call.names

    return of


def _misplaced(*, own: bool) -> BadRequestData:
    return BadRequestData(
        f"a member of an application/{'ld+json batch has no' if own else 'json batch has an'} @context",
        pointer="/@context", clause="6.3.5",
        remedy="application/ld+json with an @context in each member, or application/json with a Link header",
    )  # fmt: skip


def _created(result: BatchResult) -> Response:
    return _partly(result) if result.errors else plain(list(result.success), 201)


def _upserted(result: BatchResult) -> Response:
    if result.errors:
        return _partly(result)
    return plain(list(result.created), 201) if result.created else NO_CONTENT


def done(result: BatchResult) -> Response:
    """204, or 207 where there are errors."""
    return _partly(result) if result.errors else NO_CONTENT


def _partly(result: BatchResult) -> Response:
    """207 with a BatchOperationResult (clause 5.2.16)."""
    errors = [(one.entity_id, one.refusal) for one in result.errors]
    return multi_status(encode_batch_result(result.success, errors))
