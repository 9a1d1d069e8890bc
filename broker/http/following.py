r"""Who follows the change stream: what they asked for, from where, and their changes as events.

open_following(house, request) -> Following(call, Wanted(…), 41)
Following.events([Recent(…)]) -> b'id: 42\ndata: {…}\n\n'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from broker.encode.entity import Representation, encode_document
from broker.encode.text import dump
from broker.errors import BadRequestData, InvalidRequest, NotAcceptable, Unauthorized
from broker.http.exchange import House, principal_of, resolve
from broker.http.feed import Recent
from broker.http.links import context_link, context_of
from broker.http.messages import Request
from broker.http.parameters import Accepted, Parameters, read_parameters, split_query
from broker.http.perform import check_tenant
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.served import served_url
from broker.model.values import Json, to_text
from broker.operations.broker import Call
from broker.operations.follow import (
    EXPIRES_AT,
    OPERATION,
    Image,
    Seen,
    Wanted,
    see,
    see_restricted,
    start_after,
)
from broker.ports import Restriction
from broker.ports.disclosing import By
from broker.query.ast import EVERYTHING, And, Node
from broker.query.bind import bind
from broker.query.ids import parse_id_pattern, parse_ids
from broker.query.scopes import parse_scope_q
from broker.query.types import parse_types

_FILTERS = Accepted(frozenset({"type", "attrs", "scopeQ", "id", "idPattern"}))
_TAKEN = ("text/event-stream", "text/*", "*/*")
_SEQUENCE_MAX = 2**63 - 1
_NORMALIZED = Representation()


@dataclass(frozen=True, slots=True)
class Following:
    """One follower: who asks in which tenant and @context, what is wanted, and the position they start after."""

    house: House
    call: Call
    wanted: Wanted
    start: int

    def restriction(self) -> Restriction:
        """What they may see, as of now. Raises where they may not, or no longer, follow at all."""
        access, call = self.house.broker.access, self.call
        until = call.principal.until
        if until is not None and self.house.broker.clock.now() >= until:
            raise Unauthorized("the token has expired", remedy="Follow again with a new one, and Last-Event-ID.")
        access.admit(call.principal, call.tenant, OPERATION)
        return access.restrict(call.principal, call.tenant, OPERATION)

    def events(self, batch: Sequence[Recent]) -> bytes:
        """The events of these changes, for who may see everything; texts are made once a @context."""
        by_sequence = {recent.change.sequence: recent for recent in batch}
        seen = see([recent.change for recent in batch], self.wanted)
        return b"".join([_kept_text(by_sequence[one.sequence], one, self.call.names) for one in seen])

    def restricted_events(self, batch: Sequence[Recent], restriction: Restriction) -> bytes:
        """The events of these changes under a restriction; reads entities. The audit has what they tell of persons."""
        telling, call = self.house.telling, replace(self.call, restriction=restriction)
        changes = [recent.change for recent in batch]
        if telling is None:
            return _texts(see_restricted(self.house.broker, call, changes, self.wanted), call)
        with telling.look_on(restriction) as found:
            seen = see_restricted(self.house.broker, call, changes, self.wanted)
        for one in seen:
            found.left_members(one.id, one.types, {**(one.before or {}), **(one.after or {})}, one.at)
        pending = telling.record(found, By(call.principal, call.tenant, OPERATION))
        if pending is not None:
            pending.result()
        return _texts(seen, call)

    def context_link(self) -> str:
        """The Link header that tells the @context of the events."""
        source = self.call.names.source
        return context_link(served_url(source) or self.house.names.link(source, self.call.tenant))


def open_following(house: House, request: Request) -> Following:
    """What a request asks for. Raises every refusal of it; may fetch a @context."""
    headers, principal = request.headers, principal_of(house, request)
    _check_accept(headers.get("accept"))
    tenant = headers.get("ngsild-tenant", "")
    if tenant:
        check_tenant(tenant)
    parameters, after = _read_query(request.query_string)
    link = headers.get("link")
    source = context_of(link) if link else None
    names = house.core if source is None else resolve(house, source, tenant)
    wanted = Wanted(_where(parameters, names), _attributes(parameters.text("attrs"), names))
    position = _position(headers.get("last-event-id") or after)
    following = Following(house, Call(tenant, names, principal), wanted, 0)
    following.restriction()
    return replace(following, start=start_after(house.broker.changes, tenant, position))


def _texts(seen: Sequence[Seen], call: Call) -> bytes:
    return b"".join([event_text(one, call.names) for one in seen])


def event_text(seen: Seen, names: ActiveContext) -> bytes:
    r"""One event: `id: 42\ndata: {…}\n\n`."""
    terms = names.terms
    types: list[Json] = [terms[iri] for iri in seen.types]
    told: dict[str, Json] = {
        "id": seen.id,
        "type": types[0] if len(types) == 1 else types,
        "change": seen.kind,
        **({"version": seen.version} if seen.version else {}),
        "at": to_text(seen.at),
    }
    for name, image in (("before", seen.before), ("after", seen.after)):
        if image is not None:
            told[name] = _encode(image, names)
    return b"id: %d\ndata: %b\n\n" % (seen.sequence, dump(told))


def _kept_text(recent: Recent, seen: Seen, names: ActiveContext) -> bytes:
    kept = recent.texts.get(id(names))
    if kept is None:
        kept = recent.texts[id(names)] = (names, event_text(seen, names))
    return kept[1]


def _encode(image: Image, names: ActiveContext) -> dict[str, Json]:
    members = {name: value for name, value in image.items() if name not in ("id", EXPIRES_AT)}
    shown = encode_document(members, _NORMALIZED, names)
    if EXPIRES_AT in image:
        shown[EXPIRES_AT] = image[EXPIRES_AT]
    return shown


def _check_accept(accept: str | None) -> None:
    if accept and not any(part.split(";")[0].strip().lower() in _TAKEN for part in accept.split(",")):
        raise NotAcceptable(
            "the stream is text/event-stream", pointer="Accept", clause="6.3.4", remedy="Accept: text/event-stream"
        )


def _read_query(query_string: str) -> tuple[Parameters, str]:
    """The filters, and `after`."""
    given = [text for name, text in split_query(query_string) if name == "after"]
    if len(given) > 1:
        raise InvalidRequest("the parameter after is given twice", pointer="after", remedy="give it once")
    rest = [part for part in query_string.split("&") if part.partition("=")[0] != "after"]
    return read_parameters(_FILTERS, "&".join(rest)), given[0] if given else ""


def _position(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) > _SEQUENCE_MAX:
        raise BadRequestData(
            f"'{text[:50]}' is no position",
            pointer="Last-Event-ID",
            remedy="the id of an event, such as 42; 0: all kept",
        )
    return int(text)


def _where(parameters: Parameters, names: ActiveContext) -> Node:
    readers = (("type", parse_types), ("scopeQ", parse_scope_q), ("id", parse_ids), ("idPattern", parse_id_pattern))
    texts = [(parameters.text(name), read) for name, read in readers]
    nodes = [bind(read(text), names) for text, read in texts if text is not None]
    nodes = [node for node in nodes if node != EVERYTHING]
    return And(tuple(nodes)) if nodes else EVERYTHING


def _attributes(text: str | None, names: ActiveContext) -> frozenset[str]:
    terms = [] if text is None else text.split(",")
    return frozenset(names.expand(term.strip(), "attrs") for term in terms)
