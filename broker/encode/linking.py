"""Linked entities in an answer: `join`, `joinLevel`, `containedBy` (clause 4.5.23).

    flat      [{"id": "a", "rel": {"object": "b"}}, {"id": "b"}]           linked entities behind the linking ones
    inline    {"id": "a", "rel": {"object": "b", "entity": {"id": "b"}}}   each at its Relationship

An entity that is not there for who reads, or that stands in `containedBy`, is not linked. Inline, an
entity is never put inside of itself; flat, each comes once. Inline documents carry createdAt, modifiedAt and
expiresAt as members, which the encoder shows where they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from broker.encode.entity import stamped
from broker.errors import BadRequestData, TooManyResults
from broker.model.entity import ENTITY_MEMBERS, Document, Entity, Instance, instances, member, part_of
from broker.model.values import Json
from broker.query.match import linked_objects
from broker.query.projection import Projection, project

JOIN_LEVEL_MAX = 10
JOINED_MAX = 5_000  # linked entities in one answer


@dataclass(frozen=True, slots=True)
class Join:
    """How linked entities come, how deep, and which the caller has already."""

    mode: Literal["flat", "inline"]
    level: int = 1
    contained_by: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not 1 <= self.level <= JOIN_LEVEL_MAX:
            raise BadRequestData(
                f"joinLevel is {self.level}.",
                pointer="joinLevel",
                clause="4.5.23.1",
                remedy=f"Give a joinLevel from 1 to {JOIN_LEVEL_MAX}.",
            )


@dataclass(slots=True)
class Linker:
    """One answer's linked entities: every one read once, and counted against the limit.

    `follow` gives the entity of an id as far as the reader may see it.
    """

    follow: Callable[[str], Entity | None]
    join: Join
    _seen: dict[str, Entity | None] = field(default_factory=dict)

    def flat(self, entities: list[Entity], projection: Projection | None) -> list[Entity]:
        """The entities as projected, then what they link to, level by level, each once."""
        given = {entity.id for entity in entities} | self.join.contained_by
        answer = [_projected(entity, projection) for entity in entities]
        level = [(entity, projection) for entity in answer]
        for _ in range(self.join.level):
            following: list[tuple[Entity, Projection | None]] = []
            for entity, shape in level:
                for name, target in _links(entity.document):
                    if target in given:
                        continue
                    given.add(target)
                    linked = self._get(target)
                    if linked is not None:
                        inner = _inner(shape, name)
                        following.append((_projected(linked, inner), inner))
            answer.extend(entity for entity, _ in following)
            level = following
        return answer

    def inline(self, entity: Entity, projection: Projection | None) -> Entity:
        """The entity as projected, with linked entities inside of its Relationships."""
        path = self.join.contained_by | {entity.id}
        document = self._inlined(_project(entity.document, projection), projection, path, self.join.level)
        return _with(entity, document)

    def _inlined(self, document: Document, shape: Projection | None, path: frozenset[str], levels: int) -> Document:
        if not levels:
            return document
        changed: Document = {}
        for name, value in document.items():
            if name in ENTITY_MEMBERS:
                continue
            inner = _inner(shape, name)
            after = [self._filled(one, inner, path, levels) for one in instances(value)]
            if any(new is not old for new, old in zip(after, instances(value), strict=True)):
                changed[name] = member(after)
        return part_of({**document, **changed}, document) if changed else document

    def _filled(self, instance: Instance, shape: Projection | None, path: frozenset[str], levels: int) -> Instance:
        targets = linked_objects(instance)
        found: list[Json] = []
        for target in targets:
            linked = None if target in path else self._get(target)
            if linked is not None:
                document = self._inlined(_project(linked.document, shape), shape, path | {target}, levels - 1)
                found.append(stamped(_with(linked, document)))
        if not found:
            return instance
        if instance["type"] == "ListRelationship":
            return {**instance, "entityList": found}
        return {**instance, "entity": found[0] if isinstance(instance["object"], str) else found}

    def _get(self, entity_id: str) -> Entity | None:
        if entity_id not in self._seen:
            if len(self._seen) >= JOINED_MAX:
                raise TooManyResults(
                    f"The answer would hold more than {JOINED_MAX} linked entities.",
                    pointer="join",
                    clause="4.5.23.1",
                    remedy="Ask for a smaller joinLevel or limit, or pick fewer Relationships.",
                )
            self._seen[entity_id] = self.follow(entity_id)
        return self._seen[entity_id]


def _links(document: Document) -> Iterator[tuple[str, str]]:
    """Each Relationship's name with each entity id it points to."""
    for name, value in document.items():
        if name not in ENTITY_MEMBERS:
            for instance in instances(value):
                for target in linked_objects(instance):
                    yield name, target


def _inner(projection: Projection | None, name: str) -> Projection | None:
    return None if projection is None else projection.linked(name)


def _project(document: Document, projection: Projection | None) -> Document:
    return document if projection is None else project(document, projection)


def _projected(entity: Entity, projection: Projection | None) -> Entity:
    return entity if projection is None else _with(entity, project(entity.document, projection))


def _with(entity: Entity, document: Document) -> Entity:
    return Entity(document, entity.created_at, entity.modified_at, entity.expires_at, entity.version)
