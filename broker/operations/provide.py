"""Providing context: single entities and their attributes (clauses 5.6.1 to 5.6.6, 5.6.17 to 5.6.19, 5.6.21).

Every function gives a Future: it is done when the write is durable, and no thread waits for it. It fails with the
NgsiError that the write was refused with. Documents and fragments come decoded (`broker.decode.entity`).

    target = Target("urn:ngsi-ld:House:1", types=None, precondition=NO_PRECONDITION)
    update_attributes(broker, call, target, {"https://…/speed": {"type": "Property", "value": 9}}).result()
    -> Written("urn:ngsi-ld:House:1", version=2, result=UpdateResult(["https://…/speed"], []), created=False)
"""

from __future__ import annotations

from collections.abc import Callable, Container
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from broker.errors import AlreadyExists, BadRequestData, Conflict, NgsiError, ResourceNotFound
from broker.model import change
from broker.model.change import MergeOptions, UpdateResult
from broker.model.entity import Document, Entity, Instance
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant, Json
from broker.operations.broker import Broker, Call
from broker.operations.futures import then
from broker.operations.guard import guarded
from broker.operations.identifiers import require_uri
from broker.operations.preconditions import NO_PRECONDITION, Precondition
from broker.ports import Command, Decision, Keep, Put, Remove
from broker.ports.blind import seen_by
from broker.query.ast import Node
from broker.query.match import matches

Changed: TypeAlias = tuple[Entity, UpdateResult]
_UNKNOWN: Final = -1
"""A version that nobody knows."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which entity is written: its id as it stands in the path, and what must hold of it.

    `types` is a bound type selection (clause 4.17): an entity outside of it is not found.
    """

    id: str
    types: Node | None = None
    precondition: Precondition = NO_PRECONDITION


@dataclass(slots=True)
class Written:
    """What became of a write: the entity's version (its ETag; 0 once deleted) and what was updated, by IRI."""

    id: str
    version: int
    result: UpdateResult = field(default_factory=UpdateResult)
    created: bool = False


def create_entity(
    broker: Broker, call: Call, document: Document, precondition: Precondition = NO_PRECONDITION
) -> Future[Written]:
    """Create Entity (clause 5.6.1): 201. Makes the tenant.

    Fails with AlreadyExists, and with PreconditionFailed where the precondition does not hold.
    """
    return _one(broker, call, creation(call, document, precondition))


def creation(call: Call, document: Document, precondition: Precondition = NO_PRECONDITION) -> Command:
    """The command of `create_entity`."""
    entity_id = str(document["id"])

    def decide(current: Entity | None, now: Instant) -> Decision:
        require(call, precondition, current)
        if current is not None:
            raise AlreadyExists(
                f"The entity {entity_id} exists already.",
                pointer="/id",
                clause="5.6.1",
                remedy="Choose another id, or PUT, PATCH or upsert the entity.",
            )
        made = change.create(document, now)
        return Put(made, Written(entity_id, version_of(call, made), created=True))

    return Command(entity_id, guarded(call.restriction, decide), creates=True, expected=document, by=call.principal)


def replace_entity(broker: Broker, call: Call, target: Target, document: Document) -> Future[Written]:
    """Replace Entity (clause 5.6.18): 204. An `id` in the document must be the target's."""
    return _one(broker, call, replacement(call, target, document))


def replacement(call: Call, target: Target, document: Document) -> Command:
    """The command of `replace_entity`."""
    if document.get("id", target.id) != target.id:
        raise BadRequestData(
            "The id of the body is another one than that of the path.",
            pointer="/id",
            clause="5.6.18",
            remedy=f'Give "id": "{target.id}", or leave it away.',
        )
    whole: Document = {"id": target.id, **document}
    return writing(call, target, lambda entity, now: change.replace(entity, whole, now))


def update_attributes(broker: Broker, call: Call, target: Target, fragment: Document) -> Future[Written]:
    """Update Attributes (clause 5.6.2): 204, or 207 where `result.complete` is False."""
    return _one(broker, call, writing(call, target, lambda entity, now: change.update(entity, fragment, now), fragment))


def append_attributes(
    broker: Broker, call: Call, target: Target, fragment: Document, *, overwrite: bool = True
) -> Future[Written]:
    """Append Attributes (clause 5.6.3): 204, or 207; `overwrite` is False for `options=noOverwrite`."""

    def appended(entity: Entity, now: Instant) -> Changed:
        return change.append(entity, fragment, now, overwrite=overwrite)

    return _one(broker, call, writing(call, target, appended, fragment))


def partial_attribute_update(
    broker: Broker, call: Call, target: Target, name: str, fragment: Instance
) -> Future[Written]:
    """Partial Attribute Update (clause 5.6.4): 204. `name` is the attribute's IRI, `fragment` the decoded instance.

    Fails with BadRequestData for `scope`, id and type, for an empty fragment, and where the kind would change.
    """
    _require_attribute(name, "5.6.4")
    if not fragment.keys() - {"type", "datasetId"}:
        raise BadRequestData(
            "The fragment changes nothing.", clause="5.6.4", remedy='Give a member to change: {"value": 21.5}.'
        )

    def patched(entity: Entity, now: Instant) -> Changed:
        return change.partial_update(entity, name, fragment, now), UpdateResult([name])

    return _one(broker, call, writing(call, target, patched, (name,)))


def replace_attribute(broker: Broker, call: Call, target: Target, name: str, value: Json) -> Future[Written]:
    """Replace Attribute (clause 5.6.19): 204. `value` is the decoded instance, or a list of them."""
    _require_attribute(name, "5.6.19")

    def replaced(entity: Entity, now: Instant) -> Changed:
        return change.replace_attribute(entity, name, value, now), UpdateResult([name])

    return _one(broker, call, writing(call, target, replaced, (name,)))


@dataclass(frozen=True, slots=True)
class AttributeTarget:
    """Which instances of an attribute go: `name` is its IRI, or `scope`; `dataset_id` None is the default one."""

    name: str
    dataset_id: str | None = None
    delete_all: bool = False


def delete_attribute(broker: Broker, call: Call, target: Target, attribute: AttributeTarget) -> Future[Written]:
    """Delete Attribute (clause 5.6.5): 204."""

    def deleted(entity: Entity, now: Instant) -> Changed:
        after = change.delete_attribute(
            entity, attribute.name, now, dataset_id=attribute.dataset_id, delete_all=attribute.delete_all
        )
        return after, UpdateResult([attribute.name])

    return _one(broker, call, writing(call, target, deleted))


def merge_entity(
    broker: Broker, call: Call, target: Target, fragment: Document, options: MergeOptions = change.NO_OPTIONS
) -> Future[Written]:
    """Merge Entity (clause 5.6.17): 204. For simplified bodies give `MergeOptions(simplified=True, …)`."""

    def merged(entity: Entity, now: Instant) -> Changed:
        return change.merge(entity, fragment, now, options)

    return _one(broker, call, writing(call, target, merged, fragment))


def delete_entity(broker: Broker, call: Call, target: Target) -> Future[Written]:
    """Delete Entity (clause 5.6.6): 204, hidden parts included."""
    return _one(broker, call, deletion(call, target))


def deletion(call: Call, target: Target) -> Command:
    """The command of `delete_entity`."""

    def decide(current: Entity | None, _: Instant) -> Decision:
        found = _found(current, target)
        require(call, target.precondition, found)
        return Remove(Written(target.id, 0))

    return Command(target.id, guarded(call.restriction, decide), by=call.principal)


def writing(
    call: Call, target: Target, function: Callable[[Entity, Instant], Changed], sent: Container[str] = ()
) -> Command:
    """The command that writes what `function` makes of an existing entity; nothing where it makes nothing new.

    `sent` are the attributes (IRIs) of a fragment: who does not see whom the entity is about does not ask by writing.
    The names in the UpdateResult are IRIs, and go out so: they hold in any @context (clause 5.2.18).
    """

    def decide(current: Entity | None, now: Instant) -> Decision:
        found = _found(current, target)
        require(call, target.precondition, found)
        _require_unsaid(call, sent, found)
        after, result = function(found, now)
        written = Written(target.id, version_of(call, after), result)
        return Keep(written) if after is found else Put(after, written)

    return Command(target.id, guarded(call.restriction, decide), by=call.principal)


def version_of(call: Call, entity: Entity) -> int:
    """The version that an answer tells: of what they may see of the entity; 0 where it does not exist for them."""
    seen = seen_by(call.restriction, entity)
    return 0 if seen is None else seen.version


def require(call: Call, precondition: Precondition, found: Entity | None) -> None:
    """Raise PreconditionFailed where it does not hold of the entity in the version that the writer may know of."""
    if precondition is NO_PRECONDITION:
        return
    seen = None if found is None else seen_by(call.restriction, found)
    if found is not None and seen is not found:
        found = replace(found, version=_UNKNOWN if seen is None else seen.version)
    precondition.require(found)


def _require_unsaid(call: Call, sent: Container[str], found: Entity) -> None:
    """Raise Conflict, whoever is named, where somebody says whom an entity is about and does not see whom."""
    if DATA_SUBJECT in sent and DATA_SUBJECT in found.document:
        seen = seen_by(call.restriction, found)
        if seen is None or seen.document.get(DATA_SUBJECT) is not found.document[DATA_SUBJECT]:
            raise Conflict(
                "whom an entity is about never changes", pointer="/" + DATA_SUBJECT.replace("/", "~1"),
                remedy="make another entity for another person",
            )  # fmt: skip


def _one(broker: Broker, call: Call, command: Command) -> Future[Written]:
    def unwrap(results: list[object]) -> Written:
        return outcome_of(results[0], call)

    return then(broker.entities.apply(call.tenant, [command]), unwrap)


def outcome_of(outcome: object, call: Call) -> Written:
    """The outcome of a write. Raises it where it is a refusal, pointing at the caller's names."""
    if isinstance(outcome, NgsiError):
        raise with_short_pointer(outcome, call)
    assert isinstance(outcome, Written)
    return outcome


def with_short_pointer(refusal: NgsiError, call: Call) -> NgsiError:
    """The refusal with the caller's names in its pointer: `/https:~1~1…~1speed/value` becomes `/speed/value`."""
    if ":" in refusal.pointer:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in refusal.pointer.split("/")]
        short = [call.names.compact(part) if ":" in part else part for part in parts]
        refusal.pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in short)
    return refusal


def _found(current: Entity | None, target: Target) -> Entity:
    """The target entity. Raises ResourceNotFound, or BadRequestData where its id cannot be one."""
    if current is not None and (target.types is None or matches(target.types, current, _nothing_linked)):
        return current
    require_uri(target.id)
    raise ResourceNotFound(
        f"There is no entity {target.id}" + ("." if target.types is None else " of these types."),
        pointer="entityId",
        clause="5.5.2",
        remedy="Create it by POST to /entities, or query /entities for what there is.",
    )


def _require_attribute(name: str, clause: str) -> None:
    if ":" not in name:
        raise BadRequestData(
            f"{name!r} is no attribute that this operation changes.",
            pointer="attrId",
            clause=clause,
            remedy="Name an attribute; type and scope change by PATCH of the entity.",
        )


def _nothing_linked(_: str) -> Entity | None:
    return None
