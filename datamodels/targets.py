"""Of which types the entities are that a write leads to: looked up before the write, as its principal sees them.

    commands ─> documents as they will be ─> targets that a model says something of ─> id -> types

At most TARGETS_MAX a call are looked up. What is not there is not known: an entity may be led to before it comes, or
live in another broker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from broker.errors import NgsiError, NonexistentTenant
from broker.model.entity import Entity
from broker.ports import Command, EntityStore, Put, Restriction
from datamodels.holding import Held
from datamodels.policies import Mode

TARGETS_MAX: Final = 1000
Known: TypeAlias = dict[str, frozenset[str]]
Models: TypeAlias = Callable[[Entity], Iterable[tuple[Held, Mode]]]


def known_targets(
    store: EntityStore, tenant: str, commands: Sequence[Command], models: Models, restriction: Restriction
) -> Known:
    """`{"urn:ngsi-ld:Building:1": {"https://…/Building"}}`; those that come with the same call are known too."""
    coming = [Entity(one.expected, 0, 0) for one in commands if one.expected is not None]
    changed = [one for one in commands if one.expected is None]
    try:
        coming += _foreseen(store, tenant, changed, models)
        wanted = list(dict.fromkeys(_targets(coming, models)))[:TARGETS_MAX]
        found = store.get_many(tenant, wanted) if wanted else {}
    except NonexistentTenant:
        wanted, found = [*_targets(coming, models)], {}
    shown = {one: restriction.show(entity) for one, entity in found.items()}
    known = {one: frozenset(entity.types) for one, entity in shown.items() if entity is not None}
    if wanted:
        led_to = set(wanted)
        known |= {entity.id: frozenset(entity.types) for entity in coming if entity.id in led_to}
    return known


def _targets(coming: Iterable[Entity], models: Models) -> Iterator[str]:
    for entity in coming:
        for held, _ in models(entity):
            if held.links:
                yield from (target for _, target, _ in held.targets(entity.document))


def _foreseen(store: EntityStore, tenant: str, commands: Sequence[Command], models: Models) -> Iterator[Entity]:
    """What changes will make of entities as they are now; the writer decides on them as they are then."""
    if not commands:
        return
    current = store.get_many(tenant, [one.id for one in commands])
    for command in commands:
        entity = current.get(command.id)
        if entity is None or not any(held.links for held, _ in models(entity)):
            continue
        try:
            decision = command.decide(entity, entity.modified_at)
        except NgsiError:
            continue  # the writer will say so
        if isinstance(decision, Put):
            yield decision.entity
