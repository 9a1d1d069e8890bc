"""Batch operations here and at sources (clauses 5.6.7 to 5.6.10, 5.6.20)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from broker.decode.entity import decode_entity, decode_fragment
from broker.errors import NgsiError, ResourceNotFound
from broker.http.batch import names_of
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Deferred, Response
from broker.http.respond import NO_CONTENT, multi_status, plain
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Document, Entity
from broker.model.registration import Registration
from broker.model.values import Json
from broker.operations.batch import BatchResult
from broker.operations.identifiers import require_uri
from broker.ports import INLINE, OverBudget
from federation.hub import FarHandler, Hub, Local
from federation.merge_provide import batch_body
from federation.messages import Forward, Match
from federation.naming import names_for
from federation.persons import together
from federation.plan_batch import (
    CREATED,
    Batch,
    Failed,
    Kind,
    Parcel,
    Tally,
    batches_of,
    count_batch,
    errors_in_order,
    first_single,
    in_order,
)
from federation.plan_fragment import named_document
from federation.plan_provide import Share, Split, guesses, split, supports
from federation.provided import (
    About,
    find,
    raw_attributes,
    raw_types,
    require_visible,
    rest_body,
    types_here,
    unasked,
    with_head,
)
from federation.singles import Step, ask_singles

INLINE_MEMBERS_MAX = 50
"""Members of a batch whose types are looked up on the event loop."""
_UNNAMED = "urn:misono:member:"


@dataclass(frozen=True, slots=True)
class Member:
    """A member that sources are concerned with: what it is read as, in its names, and how it is divided.

    `guessed` are the registrations whose sources may not know it, as nobody says of which type it is.
    """

    number: int
    document: Document
    names: ActiveContext
    divided: Split
    guessed: frozenset[str] = frozenset()

    @property
    def proxied(self) -> bool:
        """Whether a source alone holds some of it."""
        return any(share.registration.proxied for share in self.divided.shares)


def batch_create(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /entityOperations/create (clause 5.6.7)."""
    return _carry(hub, exchange, local, "create")


def batch_upsert(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /entityOperations/upsert (clause 5.6.8)."""
    return _carry(hub, exchange, local, "upsert")


def batch_update(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /entityOperations/update (clause 5.6.9)."""
    return _carry(hub, exchange, local, "update")


def batch_merge(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /entityOperations/merge (clause 5.6.20)."""
    return _carry(hub, exchange, local, "merge")


def batch_delete(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /entityOperations/delete (clause 5.6.10)."""
    return _carry(hub, exchange, local, "delete")


def _batch(exchange: Exchange, kind: Kind) -> Batch:
    options = exchange.parameters.words("options")
    overwrite = "appendAttrs" if "noOverwrite" in options else "updateEntity"
    return batches_of(overwrite, "updateEntity" if "update" in options else "replaceEntity")[kind]


def _carry(hub: Hub, exchange: Exchange, local: Local, kind: Kind) -> Answer:
    batch, body = _batch(exchange, kind), exchange.body
    if not isinstance(body, list) or None in body:
        return local(exchange)
    found = _found(hub, exchange, batch, body)
    if not found:
        return local(exchange)
    tally = Tally()
    members = {number: one for number in found if (one := _read(exchange, batch, (number, found[number]), tally))}
    refused = {one.number for one in tally.errors}
    kept = [number for number in range(len(body)) if number not in refused and _is_here(members.get(number))]
    here = local(replace(exchange, body=[_here(exchange, body[at], members.get(at)) for at in kept])) if kept else None
    _ask(hub, exchange, batch, members, tally)
    if here is not None:
        _count_here(cast("Deferred", here).pending.result(), (batch, body, kept, members), tally)
    tally.errors = [one for one in tally.errors if not _is_miss(one, members.get(one.number), tally)]
    return _answer(batch, tally)


def _found(hub: Hub, exchange: Exchange, batch: Batch, body: list[Json]) -> dict[int, list[Match]]:
    """The registrations that members are about, by the number of the member; only members that have any."""
    held: Mapping[str, Entity] = {}
    if not _is_whole(batch):
        if INLINE.get() and len(body) > INLINE_MEMBERS_MAX:
            raise OverBudget
        ids = [entity_id for one in body if (entity_id := _id_of(one)) is not None]
        held = exchange.house.broker.entities.get_many(exchange.call.tenant, ids)
    return {at: matches for at, one in enumerate(body) if (matches := _matches(hub, exchange, batch, (one, held)))}


def _id_of(member: Json) -> str | None:
    entity_id = member.get("id", member.get("@id")) if isinstance(member, dict) else member
    return entity_id if isinstance(entity_id, str) else None


def _is_miss(failed: Failed, member: Member | None, tally: Tally) -> bool:
    """Whether a source was asked at a guess and does not know the entity, which another one did."""
    if member is None or failed.registration is None or failed.number not in tally.success:
        return False
    return failed.registration.id in member.guessed and isinstance(failed.refusal, ResourceNotFound)


def _matches(hub: Hub, exchange: Exchange, batch: Batch, what: tuple[Json, Mapping[str, Entity]]) -> list[Match]:
    member, held = what
    entity_id = _id_of(member)
    if entity_id is None or isinstance(member, str) != (batch.kind == "delete"):
        return []
    seen = exchange.call.restriction.show(held.get(entity_id))
    known = [] if seen is None else seen.types
    if isinstance(member, str):
        return find(hub, exchange, About(batch.operations, entity_id, tuple(known), fixed=True))
    try:
        inner = _named(exchange, names_of(exchange)(member))
        types, attributes = (*raw_types(inner, member), *known), raw_attributes(inner, member)
    except NgsiError:
        return []  # refused where the member is read
    return find(hub, exchange, About(batch.operations, entity_id, types, attributes, fixed=True))


def _is_whole(batch: Batch) -> bool:
    return batch.kind in ("create", "upsert")


def _named(exchange: Exchange, names: ActiveContext) -> Exchange:
    return exchange if names is exchange.call.names else replace(exchange, call=replace(exchange.call, names=names))


def _read(exchange: Exchange, batch: Batch, one: tuple[int, list[Match]], tally: Tally) -> Member | None:
    """A member and its shares; None for one that is refused when it is read here, or has no share after all."""
    number, matches = one
    try:
        member = _divided(exchange, batch, number, matches)
    except NgsiError:
        return None
    if not member.divided.shares:
        return None
    entity_id, document = str(member.document["id"]), member.document
    try:
        types = types_here(exchange, entity_id, document)
        require_visible(exchange, entity_id, member.divided.shares, types)
        member = replace(member, divided=with_head(exchange, entity_id, document, member.divided))
    except NgsiError as refusal:
        tally.errors.append(Failed(number, entity_id, refusal))
        return None
    return member if types else replace(member, guessed=guesses(matches))


def _divided(exchange: Exchange, batch: Batch, number: int, matches: Sequence[Match]) -> Member:
    raw = cast("list[Json]", exchange.body)[number]
    if batch.kind == "delete":
        require_uri(str(raw), pointer="")
        document: Document = {"id": raw}
        shares = tuple(Share(match.registration, document) for match in matches)
        return Member(number, document, exchange.call.names, Split(shares, document))
    names = names_of(exchange)(raw)
    document = _decoded(exchange, batch, raw, names)
    return Member(number, document, names, split(document, matches, identity=True))


def _decoded(exchange: Exchange, batch: Batch, raw: Json, names: ActiveContext) -> Document:
    if _is_whole(batch):
        return decode_entity(raw, names)
    if batch.kind == "merge":
        return decode_fragment(raw, names, nulls=True, merge=True)
    return decode_fragment(raw, names, nulls="noOverwrite" not in exchange.parameters.words("options"))


def _is_here(member: Member | None) -> bool:
    return member is None or member.divided.rest is not None


def _here(exchange: Exchange, raw: Json, member: Member | None) -> Json:
    """The member as it came, reduced to what is left for this broker."""
    if member is None or not isinstance(raw, dict):
        return raw
    inner = replace(_named(exchange, member.names), body=raw)
    return rest_body(inner, member.document, member.divided)


def _ask(hub: Hub, exchange: Exchange, batch: Batch, members: Mapping[int, Member], tally: Tally) -> None:
    """Ask each source for its part: as a batch where it serves that, else entity by entity."""
    whole, steps = list[Parcel](), list[Step]()
    for parcel in _parcels(exchange, members):
        registration = parcel.registration
        left = unasked(hub, exchange, registration, *batch.operations)
        if left is not None:
            if registration.proxied:
                tally.fail(parcel, parcel.shares, left.refusal)
        elif supports(registration, batch.operation):
            whole.append(parcel)
        else:
            single = first_single(batch, registration)
            steps += [(parcel, number, single) for number in parcel.shares]
    if whole:
        answers = hub.sources.ask(exchange, [_batch_forward(exchange, batch, parcel) for parcel in whole])
        for parcel, answered in zip(whole, answers, strict=True):
            count_batch(tally, batch, parcel, answered)
    again = ask_singles(hub, exchange, batch, steps, tally)
    if again:
        ask_singles(hub, exchange, batch, again, tally)


def _parcels(exchange: Exchange, members: Mapping[int, Member]) -> list[Parcel]:
    """The shares of all members by the source they go to; in the members' own names where these are the same."""
    found: dict[str, dict[int, Share]] = {}
    registrations: dict[str, Registration] = {}
    for member in members.values():
        for share in member.divided.shares:
            registrations[share.registration.id] = share.registration
            found.setdefault(share.registration.id, {})[member.number] = share
    parcels = []
    for registration_id, shares in found.items():
        spoken = {id(members[number].names): members[number].names for number in shares}
        inner = _named(exchange, next(iter(spoken.values()))) if len(spoken) == 1 else exchange
        names, source = names_for(inner, registrations[registration_id])
        parcels.append(Parcel(registrations[registration_id], shares, names, source))
    return parcels


def _batch_forward(exchange: Exchange, batch: Batch, parcel: Parcel) -> Forward:
    options = exchange.parameters.words("options") if batch.kind in ("upsert", "update") else ()
    parameters = (("options", ",".join(options)),) if options else ()
    body: Json
    if batch.kind == "delete":
        body = [parcel.entity_id(number) for number in parcel.shares]
    else:
        body = [named_document(share.document, parcel.names) for share in parcel.shares.values()]
    path = f"/entityOperations/{batch.kind}"
    head = together(share.head for share in parcel.shares.values())
    return Forward(parcel.registration, batch.operation, "POST", path, parameters, body, parcel.source, head=head)


def _count_here(
    result: BatchResult, what: tuple[Batch, list[Json], list[int], Mapping[int, Member]], tally: Tally
) -> None:
    """Count what this broker did of the members `kept`, whose numbers it has given anew."""
    batch, body, kept, members = what
    numbers: dict[str, list[int]] = {}
    for at, number in enumerate(kept):
        raw = body[number]
        name = raw.get("id", raw.get("@id")) if isinstance(raw, dict) else raw
        numbers.setdefault(name if isinstance(name, str) and name else f"{_UNNAMED}{at}", []).append(number)
    for entity_id in result.success:
        tally.succeed(numbers[entity_id][0], entity_id, created=entity_id in result.created)
    for failure in result.errors:
        number = _renumbered(failure.refusal, kept, numbers.get(failure.entity_id, [0])[0])
        member = members.get(number)
        missing = isinstance(failure.refusal, ResourceNotFound)
        if batch.kind == "delete" and missing and member is not None and member.proxied:
            continue  # it is held elsewhere
        shown = f"{_UNNAMED}{number}" if failure.entity_id.startswith(_UNNAMED) else failure.entity_id
        tally.errors.append(Failed(number, shown, failure.refusal))


def _renumbered(refusal: NgsiError, kept: Sequence[int], fallback: int) -> int:
    """The number of the member that a refusal points at in the whole array; its pointer is put right."""
    at, _, rest = refusal.pointer.removeprefix("/").partition("/")
    if not (refusal.pointer.startswith("/") and at.isdigit() and int(at) < len(kept)):
        return fallback
    number = kept[int(at)]
    refusal.pointer = f"/{number}/{rest}" if rest else f"/{number}"
    return number


def _answer(batch: Batch, tally: Tally) -> Response:
    if tally.errors:
        return multi_status(batch_body(in_order(tally.success), errors_in_order(tally.errors)))
    if batch.kind == "create":
        return plain(cast("Json", in_order(tally.success)), CREATED)
    if tally.created and batch.kind == "upsert":
        return plain(cast("Json", in_order(tally.created)), CREATED)
    return NO_CONTENT


HANDLERS: Mapping[str, FarHandler] = {
    "batch_entity_creation": batch_create,
    "batch_entity_upsert": batch_upsert,
    "batch_entity_update": batch_update,
    "batch_entity_merge": batch_merge,
    "batch_entity_delete": batch_delete,
}
"""Operation name of the table -> its distributed handler."""
