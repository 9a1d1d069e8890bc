"""Erasing single instances that say of themselves that they are about a person, of entities that stay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from broker.errors import NgsiError, ResourceNotFound
from broker.model.entity import ENTITY_MEMBERS, Document, Entity, Instance, instances, member
from broker.model.subjects import is_part_of, parts_of
from broker.model.values import Instant
from broker.operations.broker import Broker
from broker.operations.snapshots import places_of
from broker.ports import SYSTEM, UNRESTRICTED, Command, Decision, Keep, Principal, Put
from broker.ports.evolution import DropAttribute, EvolutionCommand, EvolutionStep
from broker.ports.places import snapshot_of
from broker.query.temporal import TemporalQuery

_BY: Final = Principal("erasure", roles=frozenset({SYSTEM}))


def erase_parts(broker: Broker, tenant: str, subject: str) -> dict[str, tuple[str, ...]]:
    """Erase them from the tenant and its snapshots: entities that they were erased from, by snapshot id.

    The change log forgets these entities as a whole. Durable on return.
    """
    erased: dict[str, tuple[str, ...]] = {}
    for place in (tenant, *places_of(broker, tenant)):
        found = tuple(one for one, whose in broker.history.about(place, subject).items() if not whose)
        erase_parts_of(broker, place, subject, found)
        if found:
            erased[snapshot_of(place) or ""] = found
    return erased


def erase_parts_of(broker: Broker, place: str, subject: str, found: Sequence[str]) -> None:
    """Erase them from these entities of one place."""
    for entity_id in found:
        _erase_from(broker, place, entity_id, subject)
    if found:
        broker.history.erase_traces(place, *found).result()


def _erase_from(broker: Broker, place: str, entity_id: str, subject: str) -> None:
    command = Command(entity_id, partial(_without, subject), by=_BY)
    _checked(broker.entities.apply(place, [command]).result())
    page = broker.history.evolution(place, entity_id, TemporalQuery(last_n=1), UNRESTRICTED)
    names = [name for one in page.evolutions for name in one.attributes if name not in ENTITY_MEMBERS]
    commands = [EvolutionCommand(entity_id, partial(_drop, name, subject), by=_BY) for name in names]
    _checked(broker.history.apply_evolution(place, commands).result())


def _without(subject: str, current: Entity | None, _now: Instant) -> Decision:
    if current is None or next(parts_of(current.document, subject), None) is None:
        return Keep()
    document: Document = {}
    for name, value in current.document.items():
        if name in ENTITY_MEMBERS:
            document[name] = value
        elif left := [one for one in instances(value) if not is_part_of(one, subject)]:
            document[name] = member(left)
    return Put(Entity(document, current.created_at, current.modified_at, current.expires_at, current.version))


def _drop(name: str, subject: str, _known: object, _now: Instant) -> tuple[Sequence[EvolutionStep], object]:
    def is_theirs(instance: Instance) -> bool:
        return is_part_of(instance, subject)

    return [DropAttribute(name, everything=True, only=is_theirs)], None


def _checked(results: Iterable[object]) -> None:
    """Raises what refused one of them, but for that there was nothing."""
    for result in results:
        if isinstance(result, NgsiError) and not isinstance(result, ResourceNotFound):
            raise result
