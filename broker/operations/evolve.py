"""Providing history: temporal evolutions and their instances (clauses 5.6.11 to 5.6.16).

Every function gives a Future: it is done when the write is durable, and no thread waits for it. It fails with the
NgsiError that the write was refused with. Histories come decoded (`broker.decode.temporal`).

    upsert_evolution(broker, call, History("urn:ngsi-ld:House:1", ("https://…/House",), {…})).result()
    -> Evolved("urn:ngsi-ld:House:1", created=True)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from broker.decode.temporal import History
from broker.errors import AlreadyExists, BadRequestData, NgsiError, ResourceNotFound
from broker.model.entity import Instance
from broker.model.evolution import Evolution
from broker.model.names import is_uri
from broker.model.values import Instant
from broker.operations import provide
from broker.operations.broker import Broker, Call
from broker.operations.futures import otherwise, then
from broker.operations.identifiers import require_uri
from broker.operations.provide import AttributeTarget, Target, Written, with_short_pointer
from broker.operations.veil import Veil
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    Begin,
    DropAll,
    DropAttribute,
    DropInstance,
    EndAttribute,
    EvolutionCommand,
    EvolutionStep,
    ReplaceInstance,
)


@dataclass(frozen=True, slots=True)
class Evolved:
    """What became of a write of history: whose it is, and whether there was none of it before."""

    id: str
    created: bool = False


def upsert_evolution(broker: Broker, call: Call, history: History) -> Future[Evolved]:
    """Create or Update Temporal Evolution of an Entity (clause 5.6.11): 201 or 204. Makes the tenant."""
    veil = Veil(call.restriction)

    def decide(known: Evolution | None, _: Instant) -> tuple[Sequence[EvolutionStep], Evolved]:
        if known is not None and veil.hides(known):
            raise AlreadyExists("The entity exists already.", clause="5.6.11", remedy="Choose another id.")
        if known is None and not history.types:
            raise BadRequestData(
                "The entity has no 'type'.",
                pointer="/type",
                clause="5.2.20",
                remedy="a member 'type' beside the others",
            )
        veil.require_shown(known or _beginning(history), history.attributes)
        if known is None:
            return (Begin(history.types, history.scopes), *_instances(history)), Evolved(history.id, created=True)
        return _additions(known, history), Evolved(history.id)

    return _one(broker, call, EvolutionCommand(history.id, decide, creates=True, by=call.principal))


def add_attributes(broker: Broker, call: Call, entity_id: str, history: History) -> Future[Evolved]:
    """Add Attributes to Temporal Evolution of an Entity (clause 5.6.12): 204."""
    if not history.attributes and not history.types:
        raise BadRequestData(
            "The fragment adds nothing.", clause="5.6.12", remedy='Give an attribute: {"speed": [{"value": 9, …}]}.'
        )
    veil = Veil(call.restriction)

    def steps(known: Evolution) -> Sequence[EvolutionStep]:
        veil.require_shown(replace(known, types=(*known.types, *history.types)), history.attributes)
        return _additions(known, history)

    return _changing(broker, call, entity_id, steps)


def delete_attribute(broker: Broker, call: Call, entity_id: str, target: AttributeTarget) -> Future[Evolved]:
    """Delete Attribute from Temporal Evolution of an Entity (clause 5.6.13): 204."""
    veil = Veil(call.restriction)

    def steps(known: Evolution) -> Sequence[EvolutionStep]:
        only = veil.only(known, target.name)
        return (DropAttribute(target.name, target.dataset_id, target.delete_all, only),)

    return _changing(broker, call, entity_id, steps, _no_attribute(target))


def delete_current_attribute(broker: Broker, call: Call, target: Target, attribute: AttributeTarget) -> Future[Written]:
    """Delete Attribute (clause 5.6.5): 204; of an entity that exists in history only, this ends the attribute there."""

    def end(refusal: NgsiError) -> Future[Written]:
        if not isinstance(refusal, ResourceNotFound) or refusal.pointer != "entityId" or target != Target(target.id):
            raise refusal
        ended = then(end_attribute(broker, call, target.id, attribute), lambda _: Written(target.id, 0))
        return otherwise(ended, lambda _: _failed(refusal))

    return otherwise(provide.delete_attribute(broker, call, target, attribute), end)


def _failed(refusal: NgsiError) -> Future[Written]:
    raise refusal


def end_attribute(broker: Broker, call: Call, entity_id: str, target: AttributeTarget) -> Future[Evolved]:
    """Delete an attribute of an entity that exists in history only (clauses 4.5.7, 5.6.5): 204.

    Its history stays, and says when it was deleted.
    """
    veil = Veil(call.restriction)

    def steps(known: Evolution) -> Sequence[EvolutionStep]:
        only = veil.only(known, target.name)
        return (EndAttribute(target.name, target.dataset_id, target.delete_all, only),)

    return _changing(broker, call, entity_id, steps, _no_attribute(target))


@dataclass(frozen=True, slots=True)
class InstanceTarget:
    """One instance of an attribute: `name` is its IRI, or `scope`."""

    name: str
    instance_id: str


def modify_instance(
    broker: Broker, call: Call, entity_id: str, target: InstanceTarget, instance: Instance
) -> Future[Evolved]:
    """Modify Attribute Instance in Temporal Evolution of an Entity (clause 5.6.14): 204; its id and createdAt stay."""
    _require_instance_id(target)
    veil = Veil(call.restriction)

    def steps(known: Evolution) -> Sequence[EvolutionStep]:
        guard = veil.replacing(known, target.name, instance)
        return (ReplaceInstance(target.name, target.instance_id, instance, guard),)

    return _changing(broker, call, entity_id, steps, _no_instance(target))


def delete_instance(broker: Broker, call: Call, entity_id: str, target: InstanceTarget) -> Future[Evolved]:
    """Delete Attribute Instance from Temporal Evolution of an Entity (clause 5.6.15): 204."""
    _require_instance_id(target)
    veil = Veil(call.restriction)

    def steps(known: Evolution) -> Sequence[EvolutionStep]:
        return (DropInstance(target.name, target.instance_id, veil.dropping(known, target.name)),)

    return _changing(broker, call, entity_id, steps, _no_instance(target))


def delete_evolution(broker: Broker, call: Call, entity_id: str) -> Future[Evolved]:
    """Delete Temporal Evolution of an Entity (clause 5.6.16): 204, hidden parts included."""
    return _changing(broker, call, entity_id, lambda _: (DropAll(),))


def _beginning(history: History) -> Evolution:
    """The head of a history that is not there yet."""
    return Evolution(history.id, history.types, 0, 0)


def _additions(known: Evolution, history: History) -> tuple[EvolutionStep, ...]:
    """The steps that add a history to what there is, types that are new with it."""
    types = tuple(one for one in history.types if one not in known.types)
    added = _instances(history)
    return (AddTypes(types, history.scopes), *added) if types or history.scopes else added


def _instances(history: History) -> tuple[EvolutionStep, ...]:
    return tuple(AddInstances(name, found) for name, found in history.attributes.items())


def _changing(
    broker: Broker,
    call: Call,
    entity_id: str,
    steps: Callable[[Evolution], Sequence[EvolutionStep]],
    missing: ResourceNotFound | None = None,
) -> Future[Evolved]:
    """Run the steps on a history that is there. Fails with ResourceNotFound where there is none to be seen.

    `missing` is how it fails where a step does not find what it means: whether that is hidden or not there at all.
    """
    veil = Veil(call.restriction)

    def decide(known: Evolution | None, _: Instant) -> tuple[Sequence[EvolutionStep], Evolved]:
        if known is None or veil.hides(known):
            require_uri(entity_id)
            raise no_evolution(entity_id)
        return steps(known), Evolved(entity_id)

    return _one(broker, call, EvolutionCommand(entity_id, decide, by=call.principal), missing)


def _one(
    broker: Broker, call: Call, command: EvolutionCommand, missing: ResourceNotFound | None = None
) -> Future[Evolved]:
    def unwrap(results: list[object]) -> Evolved:
        result = results[0]
        if isinstance(result, ResourceNotFound) and missing is not None and result.pointer != "entityId":
            result = missing
        if isinstance(result, NgsiError):
            raise with_short_pointer(result, call)
        assert isinstance(result, Evolved)
        return result

    return then(broker.history.apply_evolution(call.tenant, [command]), unwrap)


def _no_attribute(target: AttributeTarget) -> ResourceNotFound:
    of_dataset = "" if target.dataset_id is None else f" of the dataset {target.dataset_id}"
    return ResourceNotFound(
        f"The history has no {target.name}{of_dataset}.",
        pointer="attrId",
        clause="5.6.13.4",
        remedy="Retrieve the history for what there is; deleteAll=true means all datasets.",
    )


def _no_instance(target: InstanceTarget) -> ResourceNotFound:
    return ResourceNotFound(
        f"The history has no instance {target.instance_id} of {target.name}.",
        pointer="instanceId",
        clause="5.6.14.4",
        remedy="Retrieve the history for the instances there are.",
    )


def no_evolution(entity_id: str) -> ResourceNotFound:
    """The refusal where nothing is known of an entity's history, or nothing of what was asked for."""
    return ResourceNotFound(
        f"There is no history of {entity_id}, or nothing in it of what was asked for.",
        pointer="entityId",
        clause="5.7.3.4",
        remedy="Ask for more attributes or another time, or query /temporal/entities for what there is.",
    )


def _require_instance_id(target: InstanceTarget) -> None:
    if not is_uri(target.instance_id):
        raise BadRequestData(
            f"The instance id {target.instance_id[:80]!r} is no URI.",
            pointer="instanceId",
            clause="5.6.14.4",
            remedy="Give the instanceId as the temporal representation shows it.",
        )
