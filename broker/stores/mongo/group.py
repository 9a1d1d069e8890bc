"""Commands that are written together, decided on entities as they were read; each entity by itself.

MongoDB changes one document at a time: what two entities come to is not all or none. An entity's commands are decided
in their order, each on what those before it left, and come to one write of its document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from broker.errors import NgsiError
from broker.model.entity import Entity
from broker.model.expiry import live
from broker.model.values import Instant
from broker.ports import Command, Keep, Put, Remove
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.entities import to_entity
from broker.stores.mongo.ground import Happened


@dataclass(slots=True)
class Step:
    """One change of one entity: what it was and is; the entity as it last was where it is gone.

    `place` is that of its command.
    """

    place: int
    before: Entity | None
    after: Entity | None


@dataclass(slots=True, eq=False)
class Unit:
    """One entity and its commands, by their places in the group.

    `found` is its document as it was read, None where there was none (a deleted one counts as read).
    """

    id: str
    commands: list[tuple[int, Command]]
    found: Bson | None = None
    current: Entity | None = None
    created: int = 0
    answers: dict[int, object] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    changes: list[Happened] = field(default_factory=list)

    def decide(self, now: Instant) -> None:
        """What its commands come to, from what was read; whatever was decided before is forgotten."""
        self.answers, self.steps, self.changes, self.created = {}, [], [], 0
        found = self.found
        self.current = None if found is None or found.get("g") else to_entity(found)
        for place, command in self.commands:
            self.answers[place] = self._run(place, command, now)

    def fail(self, refusal: NgsiError) -> None:
        """All its commands are answered with this, and nothing is written."""
        self.answers = dict.fromkeys((place for place, _ in self.commands), refusal)
        self.steps, self.changes = [], []

    def _run(self, place: int, command: Command, now: Instant) -> object:
        stored = self.current
        seen = None if stored is None else live(stored, now)
        try:
            decision = command.decide(seen, now)
        except NgsiError as refusal:
            return refusal
        match decision:
            case Keep():
                pass
            case Put(entity):
                if seen is None:
                    self._remove(place)
                self._put(place, entity, now)
            case Remove():
                self._remove(place)
        return decision.result

    def _put(self, place: int, entity: Entity, now: Instant) -> None:
        stored = self.current
        at, version = (now, 1) if stored is None else (stored.created_at, stored.version + 1)
        self.current = Entity(entity.document, at, now, entity.expires_at, version)
        self.steps.append(Step(place, stored, self.current))

    def _remove(self, place: int) -> None:
        if self.current is not None:
            self.steps.append(Step(place, self.current, None))
            self.current = None


def units_of(commands: Sequence[Command]) -> list[Unit]:
    """The commands by entity, in the order of each entity's first."""
    found: dict[str, Unit] = {}
    for place, command in enumerate(commands):
        found.setdefault(command.id, Unit(command.id, [])).commands.append((place, command))
    return list(found.values())


def latest(units: Sequence[Unit]) -> Instant:
    """The last instant at which one of them was changed; 0 where none was there."""
    return max((unit.found["m"] for unit in units if unit.found is not None), default=0)


def lookup(units: Sequence[Unit], read: Callable[[str], Entity | None], now: Instant) -> Callable[[str], Entity | None]:
    """Entities that others link to: as the group leaves them, else as they are kept; each is read once."""
    ours: Mapping[str, Unit] = {unit.id: unit for unit in units}
    known: dict[str, Entity | None] = {}

    def linked(entity_id: str) -> Entity | None:
        unit = ours.get(entity_id)
        if unit is not None:
            return None if unit.current is None else live(unit.current, now)
        if entity_id not in known:
            known[entity_id] = read(entity_id)
        return known[entity_id]

    return linked
