"""Two small cities with the same past: one holds everything and hides, the other never had what is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from broker.access.policies import AllowAll
from broker.model.entity import Document, Entity
from broker.model.subjects import DATA_CLASS
from broker.model.values import to_text
from broker.ports import Principal
from broker.ports.outbox import EntityChange
from tests.contract.residents.small_city import SmallCity, small_city
from tests.fakes.few_consents import ALIAS, FRIEND, HEART_RATE, HOME, PARK, WEIGHT, clinic, person, reading, resident

NAMES = ("hana", "ken", "mei", "yuto")
ATTRIBUTES = {"heartRate": HEART_RATE, "weight": WEIGHT, "home": HOME, "friend": FRIEND, "alias": ALIAS}
CLASSES = ("none", "anonymised", "pseudonymised", "special-care")
STEPS = 14


@dataclass
class World:
    """The one that hides (`whole`), the one without (`cut`), who looks, and what happened, as each has it."""

    whole: SmallCity
    cut: SmallCity
    principal: Principal
    random: Random
    ids: list[str] = field(default_factory=list)
    changes: list[tuple[EntityChange, EntityChange | None]] = field(default_factory=list)


@contextmanager
def world(engine: str, directory: Path, seed: int) -> Iterator[World]:
    """A random one: residents, consents, somebody who looks, and some writes."""
    random = Random(seed)
    with ExitStack() as closing:
        whole = closing.enter_context(small_city(engine, directory / f"whole{seed}"))
        cut = closing.enter_context(small_city(engine, directory / f"cut{seed}"))
        cut.broker = replace(cut.broker, access=AllowAll())
        principal = random.choice([clinic(), clinic(), clinic(), resident("hana")])
        for name in NAMES:
            wanted = [iri for iri in ATTRIBUTES.values() if random.random() < 0.45]
            if wanted and random.random() < 0.8:
                whole.city.give(name, *wanted)
        made = World(whole, cut, principal, random)
        _happen(made)
        yield made


def _happen(world: World) -> None:
    random, held = world.random, dict[str, Document]()
    shapes = {
        f"urn:ngsi-ld:Reading:{name}:1": (name, random.sample(sorted(ATTRIBUTES), random.randint(1, 4)))
        for name in NAMES
    }
    world.ids = [*shapes, "urn:ngsi-ld:Park:1"]
    tags = {one: {attribute: _tag(random) for attribute in names} for one, (_, names) in shapes.items()}
    for number in range(STEPS):
        entity_id = random.choice(world.ids)
        if entity_id in held and random.random() < 0.15:
            _write(world, entity_id, held.pop(entity_id), None)
            continue
        if entity_id in shapes:
            name, names = shapes[entity_id]
            values = {one: _value(world, one, number, tags[entity_id][one]) for one in names}
            document = reading(name, 1, **values)
        else:
            document = {"id": entity_id, "type": PARK, ALIAS: {"type": "Property", "value": f"park {number}"}}
        before = held.get(entity_id)
        kept = {one: before[one] for one in document if before and one in before and random.random() < 0.4}
        if before == (after := {**document, **kept}):
            continue
        held[entity_id] = after
        _write(world, entity_id, before, held[entity_id])


def _tag(random: Random) -> dict[str, Any]:
    """What an instance says of itself, the same each time: nothing, mostly."""
    if random.random() < 0.75:
        return {}
    if random.random() < 0.5:
        return {DATA_CLASS: {"type": "Property", "value": random.choice(CLASSES)}}
    subject = person(random.choice(NAMES))
    return {"https://misono.example/def/dataSubject": {"type": "Property", "value": subject}}


def _value(world: World, attribute: str, number: int, tag: dict[str, Any]) -> dict[str, Any]:
    random = world.random
    if attribute == "friend":
        return {"type": "Relationship", "object": f"urn:ngsi-ld:Reading:{random.choice(NAMES)}:1", **tag}
    instance: dict[str, Any] = {"type": "Property", "value": random.randint(0, 5), **tag}
    if random.random() < 0.7:
        instance["observedAt"] = to_text(world.whole.clock.now() + number)
    return instance


def _write(world: World, entity_id: str, before: Document | None, after: Document | None) -> None:
    """The same in both, as far as it can be seen in the one without."""
    view = world.whole.call(world.principal).restriction.view
    assert view is not None
    now = world.whole.clock.now() + 1_000_000
    old, new = (None if one is None else Entity(one, now, now) for one in (before, after))
    seen_old, seen_new = (None if one is None else view(one) for one in (old, new))
    if after is None:
        world.whole.remove(entity_id)
    else:
        world.whole.put(after)
    change = None
    if seen_new is not None:
        if seen_old is None or seen_old.document != seen_new.document:
            change = EntityChange(1, now, seen_old, seen_new)
            world.cut.put(seen_new.document)
    elif seen_old is not None:
        change = EntityChange(1, now, seen_old, None)
        world.cut.remove(entity_id)
    world.cut.clock.set(world.whole.clock.now())
    world.changes.append((EntityChange(1, now, old, new), change))
