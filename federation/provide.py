"""Writing entities here and at sources (clauses 5.6.1 to 5.6.6, 5.6.17 to 5.6.19).

Each handler says what the write is about, how it is read, and how a source is asked for its share of it; `_carry`
does the rest. Proxied attributes are never stored here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from broker.decode.attribute import decode_attribute
from broker.decode.entity import decode_entity, decode_fragment
from broker.errors import NgsiError, ResourceNotFound
from broker.http.attributes import read_replacement
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Response
from broker.http.respond import created, multi_status
from broker.http.targets import attribute_name, types_of
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Document
from broker.model.values import NGSI_LD_NULL, Json
from broker.operations.identifiers import require_uri
from federation.hub import FarHandler, Hub, Local
from federation.merge_provide import Part, Verdict, batch_result, judge, update_result, without_misses
from federation.messages import Forward, Match
from federation.plan_fragment import named_attribute, named_document
from federation.plan_provide import Share, Split, guesses, split
from federation.provided import (
    About,
    ask,
    begin_here,
    find,
    passed_on,
    raw_attributes,
    raw_types,
    require_here,
    require_visible,
    rest_body,
    types_here,
    with_head,
)

_SIMPLIFIED = frozenset({"simplified", "keyValues"})


@dataclass(frozen=True, slots=True)
class Write:
    """One write: its operation of Table 4.20-1, and how it is forwarded.

    `read` gives the decoded document, `body` a share's body in the names of a source (None where it has none),
    `tail` what stands after the entity in the path.
    """

    operation: str
    method: str
    read: Callable[[], Document]
    body: Callable[[Share, ActiveContext], Json]
    tail: Callable[[ActiveContext], str]
    parameters: tuple[str, ...] = ("type",)
    answers: Literal["entity", "attributes"] = "entity"
    identity: bool = False


def create_entity(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /entities (clause 5.6.1)."""
    body = exchange.body
    entity_id = body.get("id", body.get("@id")) if isinstance(body, dict) else None
    if not isinstance(entity_id, str):
        return local(exchange)
    write = Write(
        "createEntity", "POST", lambda: decode_entity(exchange.body, exchange.call.names), _document, _no_tail, (),
        identity=True,
    )  # fmt: skip
    return _carry(hub, exchange, local, (entity_id, write))


def replace_entity(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """PUT /entities/{entityId} (clause 5.6.18)."""

    def read() -> Document:
        body = exchange.body
        if isinstance(body, dict) and "id" not in body:
            body = {"id": exchange.path["entityId"], **body}
        return decode_entity(body, exchange.call.names)

    write = Write("replaceEntity", "PUT", read, _document, _no_tail, identity=True)
    return _carry(hub, exchange, local, (exchange.path["entityId"], write))


def merge_entity(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """PATCH /entities/{entityId} (clause 5.6.17)."""
    parameters = exchange.parameters
    simplified = bool(_SIMPLIFIED & {parameters.text("format"), *parameters.words("options")})

    def read() -> Document:
        return decode_fragment(exchange.body, exchange.call.names, nulls=True, simplified=simplified, merge=True)

    def body(share: Share, names: ActiveContext) -> Json:
        return named_document(_without_id(share.document), names, simplified=simplified)

    passed = ("type", "observedAt", "lang", "format", "options")
    return _carry(
        hub, exchange, local, (exchange.path["entityId"], Write("mergeEntity", "PATCH", read, body, _no_tail, passed))
    )


def delete_entity(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """DELETE /entities/{entityId} (clause 5.6.6)."""
    entity_id = exchange.path["entityId"]
    write = Write("deleteEntity", "DELETE", lambda: {"id": entity_id}, _no_body, _no_tail)
    return _carry(hub, exchange, local, (entity_id, write))


def append_attributes(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST …/attrs (clause 5.6.3)."""
    return _carry(hub, exchange, local, (exchange.path["entityId"], _fragment(exchange, "appendAttrs", nulls=False)))


def update_attributes(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """PATCH …/attrs (clause 5.6.2)."""
    return _carry(hub, exchange, local, (exchange.path["entityId"], _fragment(exchange, "updateEntity", nulls=True)))


def _fragment(exchange: Exchange, operation: str, *, nulls: bool) -> Write:
    def read() -> Document:
        return _without_id(decode_fragment(exchange.body, exchange.call.names, nulls=nulls))

    method, passed = ("PATCH", ("type",)) if nulls else ("POST", ("type", "options"))
    return Write(operation, method, read, _document, lambda _: "/attrs", passed, "attributes")


def partial_attribute_update(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """PATCH …/attrs/{attrId} (clause 5.6.4)."""
    return _attribute(hub, exchange, local, ("updateAttrs", "PATCH"))


def replace_attribute(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """PUT …/attrs/{attrId} (clause 5.6.19)."""
    return _attribute(hub, exchange, local, ("replaceAttrs", "PUT"))


def delete_attribute(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """DELETE …/attrs/{attrId} (clause 5.6.5)."""
    return _attribute(hub, exchange, local, ("deleteAttrs", "DELETE"))


def _attribute(hub: Hub, exchange: Exchange, local: Local, operation: tuple[str, str]) -> Answer:
    name, method = attribute_name(exchange), operation[1]
    if ":" not in name and method != "DELETE":
        return local(exchange)  # refused there

    def read() -> Document:
        if method == "DELETE":
            return {name: _deleted(exchange)}
        if method == "PUT":
            return {name: read_replacement(exchange, name)}
        return {name: decode_attribute(exchange.body, exchange.call.names, name=name, nulls=True, partial=True)}

    def body(share: Share, names: ActiveContext) -> Json:
        return None if method == "DELETE" else named_attribute(share.document[name], names)

    def tail(names: ActiveContext) -> str:
        return f"/attrs/{quote(names.terms[name] if ':' in name else name, safe='')}"

    passed = ("type", "datasetId", "deleteAll") if method == "DELETE" else ("type",)
    write = Write(operation[0], method, read, body, tail, passed, "attributes")
    return _carry(hub, exchange, local, (exchange.path["entityId"], write), frozenset((name,)))


def _deleted(exchange: Exchange) -> Json:
    """Which instances are meant: all of them as the null, or one that has its datasetId alone."""
    if exchange.parameters.flag("deleteAll"):
        return NGSI_LD_NULL
    datasets = exchange.parameters.words("datasetId")
    return {"datasetId": datasets[0]} if datasets and datasets[0] != "@none" else {}


def _carry(
    hub: Hub, exchange: Exchange, local: Local, what: tuple[str, Write], named: frozenset[str] | None = None
) -> Answer:
    entity_id, write = what
    matches = _matches(hub, exchange, what, named)
    if not matches:
        return local(exchange)
    require_uri(entity_id)
    document = write.read()
    divided = _divided(write, document, matches)
    if not divided.shares:
        return local(exchange)
    types = types_here(exchange, entity_id, document)
    require_visible(exchange, entity_id, divided.shares, types)
    divided = with_head(exchange, entity_id, document, divided)
    known = types or types_of(exchange) is not None
    return _carried(
        hub, exchange, local, (entity_id, write, document, divided), frozenset() if known else guesses(matches)
    )


def _matches(hub: Hub, exchange: Exchange, what: tuple[str, Write], named: frozenset[str] | None) -> list[Match]:
    entity_id, write = what
    whole = write.answers == "entity" and named is None
    try:
        types = () if named is not None else raw_types(exchange, exchange.body)
        attributes = named if named is not None else raw_attributes(exchange, exchange.body)
    except NgsiError:
        return []  # refused where the body is read
    about = About((write.operation,), entity_id, types, attributes, types_of(exchange), fixed=whole and write.identity)
    return find(hub, exchange, about)


def _divided(write: Write, document: Document, matches: list[Match]) -> Split:
    if write.operation == "deleteEntity":
        return Split(tuple(Share(one.registration, document) for one in matches), document)
    return split(document, matches, identity=write.identity)


def _carried(
    hub: Hub, exchange: Exchange, local: Local, what: tuple[str, Write, Document, Split], guessed: frozenset[str]
) -> Answer:
    entity_id, write, document, divided = what
    here = None
    if divided.rest is None:
        require_here(exchange, entity_id)
    else:
        attributes = [name for name in divided.rest if ":" in name] if write.answers == "attributes" else []
        here = begin_here(exchange, local, rest_body(exchange, document, divided), attributes)
    parts = without_misses(
        ask(hub, exchange, divided.shares, write.operation, _maker(exchange, entity_id, write)), guessed
    )
    response = None
    if here is not None:
        part, response = here.finish()
        if not _forgiven(write, part, parts):
            parts.append(part)
    return _answer(entity_id, write, judge(parts), response)


def _maker(exchange: Exchange, entity_id: str, write: Write) -> Callable[[Share, ActiveContext], Forward]:
    def make(share: Share, names: ActiveContext) -> Forward:
        path = "/entities"
        if write.operation != "createEntity":
            path += f"/{quote(entity_id, safe='')}{write.tail(names)}"
        parameters = passed_on(exchange, names, *write.parameters)
        return Forward(share.registration, write.operation, write.method, path, parameters, write.body(share, names))

    return make


def _forgiven(write: Write, here: Part, elsewhere: list[Part]) -> bool:
    """Whether it is as it should be that there was nothing here: what is deleted is held by a proxied source."""
    return (
        write.operation == "deleteEntity"
        and not here.done
        and isinstance(here.left[0].refusal, ResourceNotFound)
        and any(part.registration is not None and part.registration.proxied for part in elsewhere)
    )


def _answer(entity_id: str, write: Write, verdict: Verdict, here: Response | None) -> Response:
    if verdict.refusal is not None:
        raise verdict.refusal
    made = created("entities", entity_id) if write.operation == "createEntity" else Response(204)
    if not verdict.mixed:
        return here or made
    if write.answers == "attributes":
        return multi_status(update_result(verdict))
    return multi_status(batch_result(entity_id, verdict), made.headers)


def _without_id(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "id"}


def _document(share: Share, names: ActiveContext) -> Json:
    return named_document(share.document, names)


def _no_body(_: Share, __: ActiveContext) -> Json:
    return None


def _no_tail(_: ActiveContext) -> str:
    return ""


HANDLERS: Mapping[str, FarHandler] = {
    "create_entity": create_entity,
    "replace_entity": replace_entity,
    "merge_entity": merge_entity,
    "delete_entity": delete_entity,
    "append_attributes": append_attributes,
    "update_attributes": update_attributes,
    "partial_attribute_update": partial_attribute_update,
    "replace_attribute": replace_attribute,
    "delete_attribute": delete_attribute,
}
"""Operation name of the table -> its distributed handler."""
