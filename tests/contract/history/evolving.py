"""Short ways to write histories, and to read what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broker.model.entity import Entity
from broker.model.evolution import Evolution
from broker.model.values import to_text
from broker.ports import UNRESTRICTED, Put, Remove
from broker.ports.evolution import (
    AddInstances,
    Begin,
    EvolutionCommand,
    EvolutionPage,
    EvolutionStep,
)
from broker.query.ast import EVERYTHING, Node, Window
from broker.query.temporal import TemporalQuery
from tests.contract.engines import NS, Store, command, entity
from tests.fakes.clock import START

ALL = TemporalQuery()
MINUTE = 60_000_000
A = "urn:e:a"


def at(minutes: int) -> str:
    return to_text(START + minutes * MINUTE)[:19] + "Z"


def seen(value: Any, minutes: int, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": at(minutes), **more}


def made(which: str, **attributes: Any) -> Entity:
    """As `entity`, with an attribute `name` too."""
    name = attributes.pop("name")
    held = entity(which, **attributes)
    held.document[f"{NS}name"] = name if isinstance(name, dict) else {"type": "Property", "value": name}
    return held


def evolve(store: Store, entity_id: str, *steps: EvolutionStep, tenant: str = "") -> object:
    made = EvolutionCommand(entity_id, lambda known, _now: (steps, known is not None), creates=True)
    return store.history.apply_evolution(tenant, [made]).result()[0]


def begin(store: Store, which: str, /, types: Sequence[str] = (f"{NS}Car",), **attributes: Sequence[Any]) -> str:
    entity_id = f"urn:e:{which}"
    adding = [AddInstances(n if n == "scope" else NS + n, held) for n, held in attributes.items()]
    assert evolve(store, entity_id, Begin(tuple(types)), *adding) is False
    return entity_id


def told(store: Store, entity_id: str, query: TemporalQuery = ALL) -> Evolution:
    page = store.history.evolution("", entity_id, query, UNRESTRICTED)
    assert len(page.evolutions) == 1
    return page.evolutions[0]


def nothing(store: Store, entity_id: str, query: TemporalQuery = ALL) -> bool:
    return store.history.evolution("", entity_id, query, UNRESTRICTED) == EvolutionPage([])


def values(evolution: Evolution, name: str = "speed") -> list[Any]:
    held = evolution.attributes.get(name if name == "scope" else NS + name, ())
    return [instance.get("value", instance.get("object")) for instance in held]


def ids(store: Store, where: Node = EVERYTHING, query: TemporalQuery = ALL) -> list[str]:
    page = store.history.evolutions("", where, query, Window(10), UNRESTRICTED)
    return [one.id[len("urn:e:") :] for one in page.evolutions]


def change(store: Store, entity_id: str, **attributes: Any) -> None:
    """Replace attributes of a current entity, as an update would; None deletes."""

    def decide(current: Entity | None, now: int) -> Put:
        assert current is not None
        document = dict(current.document)
        for name, value in attributes.items():
            key = name if name == "scope" else NS + name
            if value is None:
                document.pop(key)
            elif name == "scope":
                document[key] = value
            else:
                held = value if isinstance(value, dict) else {"type": "Property", "value": value}
                document[key] = {**held, "modifiedAt": to_text(now)}
        return Put(Entity(document, 0, 0))

    store.apply("", [command(entity_id, decide)]).result()


def remove(store: Store, entity_id: str) -> None:
    store.apply("", [command(entity_id, lambda _current, _now: Remove())]).result()
