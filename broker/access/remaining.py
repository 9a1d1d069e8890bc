"""What remains of an entity for one who asks: instance by instance, or by a plan where all like it are decided alike.

    looked.see(…), looked.keep(…)      what was decided about each instance
    looked.left(entity, basis)         the entity as it is seen, and the witness is told why
    plan.applies(document), plan.left(entity, types)      the same for the next entity with these members, of them

The law itself is in `deciding`: a plan is what was decided there once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias
from zlib import crc32

from broker.encode.text import dump
from broker.model.entity import ENTITY_MEMBERS, Document, Entity, Instance, instances, member
from broker.model.subjects import DATA_CLASS, DATA_SUBJECT
from broker.model.values import Instant, Json, to_instant
from broker.ports.audit import WITNESS, Basis

DISTANT: Final = 1 << 62
"""Far away: what holds until then holds as long as the consents are these."""
PLANNED_MAX: Final = 64
"""Of an entity with more attributes no plan is kept."""


class Why(NamedTuple):
    """What was decided about one instance: whether it is shown, the rule, and what that rests on."""

    shown: bool
    rule: str
    rests: tuple[tuple[str, str], ...] = ()


HANGS: Final = Why(shown=False, rule="hangs")
"""It is seen by who sees another attribute."""
NEAR: Final = Why(shown=True, rule="near")
"""Not personal itself, of somebody whose personal values they may see."""
ToBasis: TypeAlias = Callable[[str, Instance, Why], Basis]


class Plan(NamedTuple):
    """What is decided about plain entities with these members about the same persons, before `until`.

    A plain entity has one instance of each attribute, without a dataset, that says nothing of itself by which it is
    judged. `kept` are the members that stay, in their order; None where all of them do.
    """

    until: Instant
    attributes: tuple[str, ...]
    kept: tuple[str, ...] | None
    bases: tuple[Basis, ...]

    def applies(self, document: Document) -> bool:
        """Whether an entity that has these members is a plain one."""
        return _is_plain(document, self.attributes)

    def left(self, entity: Entity, types: Sequence[str]) -> Entity | None:
        """The entity as it is seen."""
        if self.bases and (witness := WITNESS.get()) is not None:
            witness.saw(entity.id, self.bases, types)
        if self.kept is None:
            return entity
        document = entity.document
        return _shown(entity, {name: document[name] for name in self.kept}) if self.kept else None


class Looked:
    """What was found of one entity; `until` it is found again of one like it, 0 where that depends on the instance."""

    __slots__ = ("document", "hanging", "some", "told", "until", "whole")

    def __init__(self) -> None:
        self.document: Document = {}
        self.whole, self.some, self.until = True, False, DISTANT
        self.hanging: list[tuple[str, Instance]] = []
        self.told: list[tuple[str, Instance, Why]] = []

    def see(self, name: str, instance: Instance, why: Why) -> None:
        """An instance stays, or hangs."""
        if why is HANGS:
            self.hanging.append((name, instance))
        elif name != DATA_SUBJECT and why is not NEAR:
            self.some = True
        if why.rests:
            self.told.append((name, instance, why))

    def keep(self, name: str, value: Json, kept: list[Instance]) -> None:
        """These instances of an attribute stay."""
        if kept:
            same = type(value) is dict and kept[0] is value
            self.document[name] = value if same else member(kept)

    def finish(self) -> None:
        """Every instance was seen: what hangs on nothing goes."""
        if not self.hanging or self.some:
            return
        self.whole = False
        for name, instance in self.hanging:
            dataset = instance.get("datasetId")
            kept = [one for one in instances(self.document.get(name)) if one.get("datasetId") != dataset]
            if kept:
                self.document[name] = member(kept)
            else:
                self.document.pop(name, None)

    def left(self, entity: Entity, basis: ToBasis) -> Entity | None:
        """The entity as it is seen."""
        if self.told and (witness := WITNESS.get()) is not None:
            witness.saw(entity.id, [basis(*one) for one in self.told], entity.types)
        if self.whole:
            return entity
        return None if ENTITY_MEMBERS.issuperset(self.document) else _shown(entity, self.document)

    def plan(self, document: Document, basis: ToBasis) -> Plan | None:
        """What to do with the next one like it; None where it is like no other."""
        attributes = _shared(tuple(name for name in document if name not in ENTITY_MEMBERS))
        if not self.until or len(attributes) > PLANNED_MAX or not _is_plain(document, attributes):
            return None
        kept = () if ENTITY_MEMBERS.issuperset(self.document) else tuple(self.document)
        bases = tuple(basis(*one) for one in self.told)
        return Plan(self.until, attributes, None if self.whole else _shared(kept), bases)


def _is_plain(document: Document, attributes: Iterable[str]) -> bool:
    for name in attributes:
        one = document[name]
        if type(one) is not dict or "datasetId" in one or DATA_CLASS in one or DATA_SUBJECT in one:
            return False
    return True


@lru_cache(maxsize=4_096)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for all plans with these names."""
    return names


def _shown(entity: Entity, document: Document) -> Entity:
    """The entity as if it had never had more: its last change is that of what is left, its version tells of that."""
    newest = entity.created_at
    for name, value in document.items():
        if type(value) is dict:
            if "modifiedAt" in value or "createdAt" in value:
                newest = max(newest, changed_at(value) or newest)
        elif type(value) is list and name not in ENTITY_MEMBERS:
            newest = max(newest, *(changed_at(one) or newest for one in instances(value)))
    return Entity(document, entity.created_at, newest, entity.expires_at, crc32(dump(document)))


def changed_at(instance: Instance) -> Instant | None:
    """When an instance was changed, or made, where it says so itself."""
    text = instance.get("modifiedAt") or instance.get("createdAt")
    return instant(text) if type(text) is str else None


instant = lru_cache(maxsize=8_192)(to_instant)
"""`to_instant`, remembered: an answer has many instants of few moments."""
