"""Writing histories here and at sources (clauses 5.6.11 to 5.6.16)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from broker.decode.temporal import decode_history, decode_replacement
from broker.errors import NgsiError, ResourceNotFound
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Response
from broker.http.respond import NO_CONTENT, created, multi_status
from broker.http.targets import attribute_name
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Document
from broker.model.values import NGSI_LD_NULL, Json
from broker.operations.identifiers import require_uri
from broker.query.temporal import TemporalQuery
from federation.hub import FarHandler, Hub, Local
from federation.merge_provide import Part, batch_result, judge, update_result
from federation.messages import Forward, Match
from federation.plan_fragment import named_attribute, named_document
from federation.plan_provide import Share, Split, split
from federation.provided import (
    About,
    ask,
    begin_here,
    find,
    passed_on,
    raw_attributes,
    raw_types,
    require_visible,
    rest_body,
    with_head,
)

_EVOLUTIONS: Final = "/temporal/entities"
_HEAD: Final = TemporalQuery(last_n=1, instances_max=1)


@dataclass(frozen=True, slots=True)
class Change:
    """One write of a history: its operation of Table 4.20-1, and how it is forwarded.

    `tail` is what stands after the collection in the path, `body` a share's body in the names of a source (None where
    it has none). `named` are the attributes (IRIs) it is about where it has no body that tells. `makes`: it may make
    the history; `all_of_it`: it is about the whole history; `one`: about an instance, which one source has.
    """

    operation: str
    method: str
    entity_id: str
    document: Callable[[], Document]
    body: Callable[[Share, ActiveContext], Json]
    tail: Callable[[ActiveContext], str]
    named: frozenset[str] | None = None
    parameters: tuple[str, ...] = ()
    makes: bool = False
    all_of_it: bool = False
    one: bool = False


def upsert_evolution(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /temporal/entities (clause 5.6.11)."""
    body = exchange.body
    entity_id = body.get("id", body.get("@id")) if isinstance(body, dict) else None
    if not isinstance(entity_id, str):
        return local(exchange)

    def read() -> Document:
        return _document(exchange, entity_id)

    change = Change("upsertTemporal", "POST", entity_id, read, _whole, lambda _: "", makes=True)
    return _carry(hub, exchange, local, change)


def add_attributes(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST …/attrs (clause 5.6.12)."""
    entity_id = exchange.path["entityId"]

    def read() -> Document:
        return _document(exchange, entity_id)

    def tail(_: ActiveContext) -> str:
        return f"{_under(entity_id)}/attrs"

    return _carry(hub, exchange, local, Change("appendAttrsTemporal", "POST", entity_id, read, _fragment, tail))


def delete_attribute(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """DELETE …/attrs/{attrId} (clause 5.6.13)."""
    entity_id, name = exchange.path["entityId"], attribute_name(exchange)

    def read() -> Document:
        if exchange.parameters.flag("deleteAll"):
            return {name: NGSI_LD_NULL}
        datasets = exchange.parameters.words("datasetId")
        return {name: {"datasetId": datasets[0]} if datasets and datasets[0] != "@none" else {}}

    def tail(names: ActiveContext) -> str:
        return f"{_under(entity_id)}/attrs/{_term(name, names)}"

    passed = ("datasetId", "deleteAll")
    change = Change("deleteAttrsTemporal", "DELETE", entity_id, read, _nothing, tail, frozenset((name,)), passed)
    return _carry(hub, exchange, local, change)


def modify_instance(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """PATCH …/attrs/{attrId}/{instanceId} (clause 5.6.14)."""
    if not exchange.path["attrId"]:
        return local(exchange)
    name = attribute_name(exchange)

    def read() -> Document:
        return {name: decode_replacement(exchange.body, exchange.call.names, name)}

    def body(share: Share, names: ActiveContext) -> Json:
        return named_attribute(share.document[name], names)

    return _instance(hub, exchange, local, ("updateAttrInstanceTemporal", "PATCH", name, read, body))


def delete_instance(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """DELETE …/attrs/{attrId}/{instanceId} (clause 5.6.15)."""
    name = attribute_name(exchange)

    def read() -> Document:
        return {name: NGSI_LD_NULL}

    return _instance(hub, exchange, local, ("deleteAttrInstanceTemporal", "DELETE", name, read, _nothing))


def _instance(
    hub: Hub,
    exchange: Exchange,
    local: Local,
    what: tuple[str, str, str, Callable[[], Document], Callable[[Share, ActiveContext], Json]],
) -> Answer:
    operation, method, name, read, body = what
    entity_id, instance_id = exchange.path["entityId"], exchange.path["instanceId"]

    def tail(names: ActiveContext) -> str:
        return f"{_under(entity_id)}/attrs/{_term(name, names)}/{quote(instance_id, safe='')}"

    change = Change(operation, method, entity_id, read, body, tail, frozenset((name,)), one=True)
    return _carry(hub, exchange, local, change)


def delete_evolution(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """DELETE /temporal/entities/{entityId} (clause 5.6.16)."""
    entity_id = exchange.path["entityId"]

    def read() -> Document:
        return {"id": entity_id}

    def tail(_: ActiveContext) -> str:
        return _under(entity_id)

    change = Change("deleteTemporal", "DELETE", entity_id, read, _nothing, tail, frozenset(), all_of_it=True)
    return _carry(hub, exchange, local, change)


def _carry(hub: Hub, exchange: Exchange, local: Local, change: Change) -> Answer:
    """The write here and at the sources it is about, each its share."""
    matches = _matches(hub, exchange, change)
    if not matches:
        return local(exchange)
    require_uri(change.entity_id)
    document = change.document()
    if change.all_of_it:
        divided = Split(tuple(Share(one.registration, document) for one in matches), document)
    else:
        divided = split(document, matches, identity=change.makes)
    if not divided.shares:
        return local(exchange)
    require_visible(exchange, change.entity_id, divided.shares, _types_here(exchange, change, document))
    divided = with_head(exchange, change.entity_id, document, divided, history=True)
    return _carried(hub, exchange, local, (change, document, divided))


def _carried(hub: Hub, exchange: Exchange, local: Local, what: tuple[Change, Document, Split]) -> Answer:
    change, document, divided = what
    here = None
    if divided.rest is not None:
        attributes = () if change.makes or change.all_of_it else tuple(name for name in divided.rest if ":" in name)
        here = begin_here(exchange, local, rest_body(exchange, document, divided), attributes)

    def make(share: Share, names: ActiveContext) -> Forward:
        parameters = passed_on(exchange, names, *change.parameters)
        path = _EVOLUTIONS + change.tail(names)
        return Forward(share.registration, change.operation, change.method, path, parameters, change.body(share, names))

    parts, response = ask(hub, exchange, divided.shares, change.operation, make), None
    if here is not None:
        part, response = here.finish()
        parts.append(part)
    return _answer(change, parts, response)


def _answer(change: Change, parts: list[Part], here: Response | None) -> Response:
    if change.one and any(part.done for part in parts):
        parts = [part for part in parts if part.done or not _not_found(part)]
    verdict = judge(parts)
    if verdict.refusal is not None:
        raise verdict.refusal
    if not verdict.mixed:
        return here or (created("temporal/entities", change.entity_id) if change.makes else NO_CONTENT)
    if change.makes or change.all_of_it:
        return multi_status(batch_result(change.entity_id, verdict))
    return multi_status(update_result(verdict))


def _not_found(part: Part) -> bool:
    return all(isinstance(left.refusal, ResourceNotFound) for left in part.left)


def _matches(hub: Hub, exchange: Exchange, change: Change) -> list[Match]:
    """The registrations that the write is about: those of current state are not about histories."""
    try:
        types = raw_types(exchange, exchange.body) if change.named is None else ()
        attributes = raw_attributes(exchange, exchange.body) if change.named is None else change.named
    except NgsiError:
        return []  # refused where the body is read
    about = About((change.operation,), change.entity_id, types, attributes, fixed=change.makes, history=True)
    found = find(hub, exchange, about)
    if found and not types:
        known = tuple(_types_of_history(exchange, change.entity_id))
        found = find(hub, exchange, replace(about, types=known, fixed=True)) if known else found
    return [one for one in found if one.registration.temporal or _tells_of_histories(one)]


def _tells_of_histories(match: Match) -> bool:
    """Whether a proxied registration that gives no interval is about histories: an operation of it says so."""
    return any(name in _TEMPORAL for name in match.registration.operations)


_TEMPORAL: Final = frozenset({
    "upsertTemporal", "appendAttrsTemporal", "deleteAttrsTemporal", "updateAttrInstanceTemporal",
    "deleteAttrInstanceTemporal", "deleteTemporal", "retrieveTemporal", "queryTemporal",
})  # fmt: skip


def _types_here(exchange: Exchange, change: Change, document: Document) -> list[str]:
    given = document.get("type")
    if given is not None:
        return [given] if isinstance(given, str) else [str(one) for one in given] if isinstance(given, list) else []
    return _types_of_history(exchange, change.entity_id)


def _types_of_history(exchange: Exchange, entity_id: str) -> list[str]:
    call = exchange.call
    page = exchange.house.broker.history.evolution(call.tenant, entity_id, _HEAD, call.restriction)
    return [name for one in page.evolutions for name in one.types]


def _document(exchange: Exchange, entity_id: str) -> Document:
    """The history that was sent as a document whose attributes are lists of instances."""
    history = decode_history(exchange.body, exchange.call.names)
    document: Document = {"id": entity_id}
    if history.types:
        document["type"] = history.types[0] if len(history.types) == 1 else list(history.types)
    for name, instances in history.attributes.items():
        document[name] = [*instances]
    return document


def _whole(share: Share, names: ActiveContext) -> Json:
    return named_document(share.document, names)


def _fragment(share: Share, names: ActiveContext) -> Json:
    return {name: value for name, value in named_document(share.document, names).items() if name != "id"}


def _nothing(_: Share, __: ActiveContext) -> Json:
    return None


def _under(entity_id: str) -> str:
    return f"/{quote(entity_id, safe='')}"


def _term(name: str, names: ActiveContext) -> str:
    return quote(names.terms[name] if ":" in name else name, safe="")


HANDLERS: Final[Mapping[str, FarHandler]] = {
    "upsert_temporal_evolution": upsert_evolution,
    "add_attribute_evolution": add_attributes,
    "delete_attribute_evolution": delete_attribute,
    "modify_attribute_instance": modify_instance,
    "delete_attribute_instance": delete_instance,
    "delete_temporal_evolution": delete_evolution,
}
