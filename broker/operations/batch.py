"""Batch operations: many entities in one transaction, each for itself (clauses 5.5.11, 5.6.7 to 5.6.10, 5.6.20).

Members are raw JSON; each is decoded here, so that a bad one is reported beside its good neighbours. All go to the
store in one call and in the order of the array: the same entity twice is written twice (clause 5.5.11.0).

    batch_upsert(broker, call, [{"id": "urn:x:1", "type": "T"}, 7]).result()
    -> BatchResult(["urn:x:1"], ["urn:x:1"], [BatchFailure("urn:misono:member:1", BadRequestData("…"))])
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from broker.decode.entity import decode_entity, decode_fragment
from broker.errors import AlreadyExists, BadRequestData, NgsiError
from broker.ldcontext.active import ActiveContext
from broker.model import change
from broker.model.entity import Document, Entity
from broker.model.values import Instant, Json
from broker.operations.broker import Broker, Call
from broker.operations.futures import done, then
from broker.operations.guard import guarded
from broker.operations.identifiers import require_uri
from broker.operations.provide import Changed, Target, Written, creation, deletion, outcome_of, writing
from broker.ports import Command, Decision, Keep, Put

NamesOf: TypeAlias = Callable[[Json], ActiveContext]
"""The @context that one member of the array is read in. Raises NgsiError, which then is that member's error."""


@dataclass(frozen=True, slots=True)
class BatchFailure:
    """One member in error; an id is made up for a member that has none: `urn:misono:member:3`."""

    entity_id: str
    refusal: NgsiError


@dataclass(slots=True)
class BatchResult:
    """The ids that succeeded, those among them that were created, and the failures, in the order of the array."""

    success: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    errors: list[BatchFailure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Member:
    """One member of the array: its command, or why there is none."""

    index: int
    entity_id: str
    command: Command | None = None
    refusal: NgsiError | None = None


def batch_create(broker: Broker, call: Call, members: Json, names_of: NamesOf | None = None) -> Future[BatchResult]:
    """Batch Entity Creation (clause 5.6.7): 201 with `success`, or 207 where there are errors. Makes the tenant."""

    def command(member: Json, names: ActiveContext) -> Command:
        return creation(call, decode_entity(member, names))

    return _run(broker, call, _read(members, command, names_of or _of(call)))


def batch_upsert(
    broker: Broker,
    call: Call,
    members: Json,
    mode: Literal["replace", "update"] = "replace",
    names_of: NamesOf | None = None,
) -> Future[BatchResult]:
    """Batch Entity Creation or Update (clause 5.6.8): 201 with `created`, 204 where nothing was created, or 207.

    `replace` gives existing entities the new content and nothing else, `update` does as Update Attributes.
    """
    existing = change.replace if mode == "replace" else change.update

    def command(member: Json, names: ActiveContext) -> Command:
        return _upsertion(call, decode_entity(member, names), existing)

    return _run(broker, call, _read(members, command, names_of or _of(call)))


def batch_update(
    broker: Broker, call: Call, members: Json, *, overwrite: bool = True, names_of: NamesOf | None = None
) -> Future[BatchResult]:
    """Batch Entity Update (clause 5.6.9): 204, or 207. As Append Attributes; `overwrite` False leaves what exists.

    An entity of which something was left alone stands among the errors, and in `success` if something was not.
    """

    def command(member: Json, names: ActiveContext) -> Command:
        fragment = decode_fragment(member, names, nulls=overwrite)

        def appended(entity: Entity, now: Instant) -> Changed:
            return change.append(entity, fragment, now, overwrite=overwrite)

        return writing(call, Target(_id_of(fragment)), appended, fragment)

    return _run(broker, call, _read(members, command, names_of or _of(call)))


def batch_merge(broker: Broker, call: Call, members: Json, names_of: NamesOf | None = None) -> Future[BatchResult]:
    """Batch Entity Merge (clause 5.6.20): 204, or 207."""

    def command(member: Json, names: ActiveContext) -> Command:
        fragment = decode_fragment(member, names, nulls=True, merge=True)

        def merged(entity: Entity, now: Instant) -> Changed:
            return change.merge(entity, fragment, now)

        return writing(call, Target(_id_of(fragment)), merged, fragment)

    return _run(broker, call, _read(members, command, names_of or _of(call)))


def batch_delete(broker: Broker, call: Call, members: Json) -> Future[BatchResult]:
    """Batch Entity Delete (clause 5.6.10): `["urn:x:1", "urn:x:2"]`; 204, or 207."""

    def command(member: Json, _: ActiveContext) -> Command:
        if not isinstance(member, str):
            raise _not_of_kind("entity id", "5.6.10", '["urn:ngsi-ld:House:1"]')
        require_uri(member, pointer="")
        return deletion(call, Target(member))

    return _run(broker, call, _read(members, command, _of(call)))


def _of(call: Call) -> NamesOf:
    return lambda _: call.names


def _upsertion(call: Call, document: Document, existing: Callable[[Entity, Document, Instant], Changed]) -> Command:
    entity_id = cast("str", document["id"])

    def decide(current: Entity | None, now: Instant) -> Decision:
        if current is None:
            return Put(change.create(document, now), Written(entity_id, 1, created=True))
        after, _ = existing(current, document, now)
        written = Written(entity_id, after.version)
        return Keep(written) if after is current else Put(after, written)

    return Command(entity_id, guarded(call.restriction, decide), creates=True, expected=document, by=call.principal)


def _id_of(fragment: Document) -> str:
    if "id" not in fragment:
        raise BadRequestData(
            "A member of a batch names its entity.",
            pointer="/id",
            clause="5.2.4",
            remedy='Add "id": "urn:ngsi-ld:House:1".',
        )
    return cast("str", fragment["id"])


def _read(members: Json, command: Callable[[Json, ActiveContext], Command], names_of: NamesOf) -> list[_Member]:
    """Each member decoded to its command, or to its refusal.

    Raises BadRequestData where this is no array, an empty one, or one that holds a null (clause 5.6.7.4).
    """
    if not isinstance(members, list) or not members or None in members:
        raise _not_of_kind("array of members, at least one and none of them null", "5.5.4", "[{…}, {…}]")
    read = []
    for index, member in enumerate(members):
        entity_id = _name(member, index)
        try:
            read.append(_Member(index, entity_id, command(member, names_of(member))))
        except NgsiError as refusal:
            refusal.pointer = f"/{index}{refusal.pointer}"
            read.append(_Member(index, entity_id, refusal=refusal))
    return read


def _name(member: Json, index: int) -> str:
    name = member.get("id", member.get("@id")) if isinstance(member, dict) else member
    return name if isinstance(name, str) and name else f"urn:misono:member:{index}"


def _run(broker: Broker, call: Call, members: list[_Member]) -> Future[BatchResult]:
    commands = [member.command for member in members if member.command is not None]
    if not commands:
        return done(_collected(call, members, []))
    return then(broker.entities.apply(call.tenant, commands), lambda outcomes: _collected(call, members, outcomes))


def _collected(call: Call, members: list[_Member], outcomes: list[object]) -> BatchResult:
    result = BatchResult()
    pending = iter(outcomes)
    for member in members:
        if member.refusal is not None:
            result.errors.append(BatchFailure(member.entity_id, member.refusal))
            continue
        try:
            _collect(result, outcome_of(next(pending), call), member, call)
        except NgsiError as refusal:
            refusal.pointer = f"/{member.index}" + (refusal.pointer if refusal.pointer.startswith("/") else "")
            result.errors.append(BatchFailure(member.entity_id, refusal))
    return result


def _collect(result: BatchResult, written: Written, member: _Member, call: Call) -> None:
    left = written.result.not_updated
    if left:
        names = [call.names.compact(one.name) for one in left]
        refusal = AlreadyExists(
            f"Not updated: {', '.join(names)}. {left[0].reason}",
            pointer=f"/{member.index}/{names[0]}",
            clause="5.6.3",
            remedy="Leave options=noOverwrite away to overwrite what exists.",
        )
        result.errors.append(BatchFailure(written.id, refusal))
    if not left or written.result.updated:
        result.success.append(written.id)
        if written.created:
            result.created.append(written.id)


def _not_of_kind(kind: str, clause: str, example: str) -> BadRequestData:
    return BadRequestData(f"This must be an {kind}.", clause=clause, remedy=f"Send {example}.")
