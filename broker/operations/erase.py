"""Erasing a person's, or a thing's, data: everything that is known of an entity, for good.

Where deleting leaves history, the change log and what snapshots hold (clauses 5.6.6, 4.5.7), nothing is left here but a
certificate that says what went.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.errors import NgsiError, ResourceNotFound
from broker.model.evolution import Evolution
from broker.model.values import Instant, Json
from broker.operations import entity_maps
from broker.operations.broker import Broker, Call
from broker.operations.claim import forget_claimed
from broker.operations.erase_parts import erase_parts
from broker.operations.identifiers import require_uri
from broker.operations.snapshots import places_of
from broker.ports.erasures import Due
from broker.ports.evolution import EvolutionCommand, EvolutionStep
from broker.ports.places import home_of, snapshot_of
from broker.query.temporal import TemporalQuery

log = logging.getLogger("misono.erase")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was erased: rows by table, in the tenant (`""`) and in each snapshot by its id; and entity maps."""

    id: str
    entity_id: str
    at: Instant
    gone: Mapping[str, Mapping[str, Json]]
    entity_maps: int

    @property
    def tables(self) -> list[str]:
        """What went, without how much of it: that would tell of parts that the caller may not see."""
        found = {table for gone in self.gone.values() for table in gone}
        found.update(["entity_map"] if self.entity_maps else [], ["snapshot"] if any(self.gone) else [])
        return sorted(found)


def erase_entity(broker: Broker, call: Call, entity_id: str) -> Certificate:
    """Erase it from the tenant, its snapshots and entity maps; durable on return.

    Raises BadRequestData for what is no URI, ResourceNotFound where nothing is known of it, and as writes of history
    where the caller may not write such entities.
    """
    require_uri(entity_id, "/entityId")
    if call.restriction.view is not None and not _is_known(broker, call, entity_id):
        raise _unknown(entity_id)
    _require_own(broker, call, entity_id)
    broker.erasures.note(call.tenant, broker.clock.now(), entity_id)  # first: what is cut short is erased by a restore
    gone, maps = erase_all(broker, call.tenant, [entity_id])
    if not gone and not maps:
        raise _unknown(entity_id)
    certificate = Certificate(broker.new_id(), entity_id, broker.clock.now(), gone, maps)
    log.info("erasure %s of tenant %r: %s, %d entity maps", certificate.id, call.tenant, gone, maps)
    return certificate


def _require_own(broker: Broker, call: Call, entity_id: str) -> None:
    """Raise as a write of its history would by which nothing is written."""

    def decide(_known: Evolution | None, _now: Instant) -> tuple[Sequence[EvolutionStep], None]:
        return (), None

    command = EvolutionCommand(entity_id, decide, by=call.principal)
    outcome = broker.history.apply_evolution(call.tenant, [command]).result()[0]
    if isinstance(outcome, NgsiError):
        raise outcome


def erase_again(broker: Broker, due: Due) -> int:
    """Erase from restored data what had been erased since; how many entities were. Durable on return."""
    erased = 0
    for tenant in broker.tenants.names():
        home = home_of(tenant)
        known = {*broker.history.known_ids(tenant)}
        if home == tenant:
            known |= entity_maps.named_ids(broker, tenant)
        erased += _erase_each(broker, home, [one for one in sorted(known) if due.covers(home, one)])
        for subject in broker.history.subjects(tenant):
            if due.covers(home, subject):
                about = broker.history.about(tenant, subject)
                there = broker.entities.get_many(tenant, list(about))
                keep = due.keeps(home, subject)
                kept = {one for one, held in there.items() if not keep.isdisjoint(held.types)}
                alone = [one for one, whose in about.items() if whose == {subject} and one not in kept]
                erased += _erase_each(broker, home, alone)
                erase_parts(broker, home, subject)
    return erased


def _erase_each(broker: Broker, tenant: str, entity_ids: Sequence[str]) -> int:
    return sum(any(erase_all(broker, tenant, [one])) for one in entity_ids)


def erase_all(broker: Broker, tenant: str, entity_ids: Sequence[str]) -> tuple[dict[str, dict[str, Json]], int]:
    """Erase entities everywhere: what went, by snapshot id and table, and in how many entity maps they stood."""
    # First what is on its way in: it would bring back what is erased after it.
    gone: dict[str, dict[str, Json]] = {"": {}}
    beside: Counter[str] = Counter()
    for entity_id in entity_ids:
        for erase in broker.beside:
            beside.update(erase(tenant, entity_id))
    for place in (tenant, *places_of(broker, tenant)):
        went = broker.history.erase(place, *entity_ids).result()
        gone.setdefault(snapshot_of(place) or "", {}).update(went)
    beside["command_claim"] += sum(forget_claimed(broker, tenant, one) for one in entity_ids)
    gone[""].update({table: number for table, number in beside.items() if number})
    mapped = entity_maps.named_ids(broker, tenant).intersection(entity_ids)
    maps = sum(entity_maps.forget(broker, tenant, one) for one in mapped)
    return {place: went for place, went in gone.items() if went}, maps


def _is_known(broker: Broker, call: Call, entity_id: str) -> bool:
    if call.restriction.show(broker.entities.get(call.tenant, entity_id)) is not None:
        return True
    return bool(broker.history.evolution(call.tenant, entity_id, TemporalQuery(), call.restriction).evolutions)


def _unknown(entity_id: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"Nothing is known of {entity_id}.", pointer="/entityId", remedy="Look whether the id is right."
    )
