"""What is known of an entity's history as a whole: from the entity, its life, and what history was told by itself.

    known   _id key(tenant, entity)   v version, for those who write it at once
            n   the last change of the entity that it takes into account
            h   JSON: types, scopes, created_at, modified_at, deleted_at, dropped, names, gained
            y   its types, as far as they are there
    o   its number, where history knew the entity before there was one: these come last
            p   the plan of a command under way (`history_plan.py`), q since when, w whose
            e   true: there for the plan only

Most entities have no such document: an entity that was only ever created, changed and deleted has its leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jiter

from broker.encode.text import dump
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.entities import SHOWN, to_entity
from broker.stores.mongo.ground import Ground, key
from broker.stores.mongo.history_leaves import LIFE, Entry, Leaf, Life, of_entities, read
from broker.stores.past import SCOPE, Past
from broker.stores.recall import Story, union

_SHOWN: Final = SHOWN | dict.fromkeys(("i", "n"), 1)


@dataclass(slots=True)
class Head:
    """An entity that has, or had, a history, without its instances.

    `seen` is the last change of the entity that this takes into account, `version` that of its document in `known` (0:
    it has none). `order` is where it comes among those that history knew first; None for all others. `born` is the
    number of the entity's first creation. `names` and `gained` are attributes and types that it had at some time, as
    far as no leaf of its life says so. `plan` is that of a command under way.
    """

    iri: str
    created_at: Instant
    modified_at: Instant
    types: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    deleted_at: Instant | None = None
    dropped: bool = False
    names: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    entity: Entity | None = None
    order: int | None = None
    born: int | None = None
    seen: int = 0
    version: int = 0
    plan: Bson | None = None
    lives: list[tuple[int, Life]] = field(default_factory=list)

    def story(self, pasts: dict[str, list[Past]] | None = None) -> Story:
        """It as queries see it."""
        types, scopes, modified_at = self.types, self.scopes, self.modified_at
        if self.entity is not None:
            types, scopes = union(self.entity.types, types), union(self.entity.scopes, scopes)
            modified_at = max(modified_at, self.entity.modified_at)
        return Story(self.iri, types, scopes, self.created_at, modified_at, self.deleted_at, pasts or {})

    def attributes(self) -> tuple[str, ...]:
        """Every name that it may have instances of."""
        of_life = (name for _, life in self.lives for name in life.names)
        current = () if self.entity is None else (name for name, _ in self.entity.attributes())
        return union(union(self.names, of_life), (*current, SCOPE))

    def document(self, tenant: str) -> Bson:
        """As `known` has it, but for `v` and the plan."""
        told = {name: getattr(self, name) for name in _TOLD}
        made: Bson = {"_id": key(tenant, self.iri), "t": tenant, "i": self.iri, "n": self.seen, "h": dump(told)}
        if types := union(self.types, self.gained):
            made["hy"] = list(types)
        return made if self.order is None else {**made, "o": self.order}


_TOLD: Final = ("types", "scopes", "created_at", "modified_at", "deleted_at", "dropped", "names", "gained")


def heads(ground: Ground, tenant: str, iris: Sequence[str]) -> dict[str, Head]:
    """What is known of these entities, in three reads; those of which nothing is known are not among them."""
    ids = [key(tenant, iri) for iri in iris]
    entities = {one["i"]: one for one in ground.entities.find({"_id": _among(ids)}, _SHOWN) if not one.get("g")}
    kept = {one["i"]: one for one in ground.known.find({"_id": _among(ids)})}
    lives: dict[str, list[Leaf]] = {}
    for one in ground.trail.find({**of_entities(tenant, iris), "a": LIFE}):
        leaf = read(one)
        lives.setdefault(leaf.iri, []).append(leaf)
    found: dict[str, Head] = {}
    for iri in dict.fromkeys(iris):
        head = _head(iri, kept.get(iri), entities.get(iri), sorted(lives.get(iri, ()), key=_number))
        if head is not None:
            found[iri] = head
    return found


def entries_of(leaf: Leaf, name: str | None = None) -> Iterable[Entry]:
    """The instances of a leaf, or those of one attribute."""
    return leaf.entries if name is None else (entry for entry in leaf.entries if entry[0] == name)


def _among(some: Sequence[str]) -> Any:  # noqa: ANN401 - a value of a filter
    return some[0] if len(some) == 1 else {"$in": list(some)}


def _head(iri: str, kept: Bson | None, held: Bson | None, lives: list[Leaf]) -> Head | None:
    entity = None if held is None else to_entity(held)
    told = [(leaf.number, leaf.life) for leaf in lives if leaf.life is not None]
    head = kept_head(kept) if kept is not None else None
    if head is None:
        if not told and entity is None:
            return None
        first = told[0][1] if told else None
        created_at = first.born if first is not None and first.born is not None else None
        if created_at is None:
            created_at = entity.created_at if entity is not None else told[0][1].at
        head = Head(iri, created_at, created_at)
    head.entity, head.lives = entity, told
    head.born = next((number for number, life in told if life.born is not None), None)
    _live(head, 0 if held is None else held["n"])
    return head


def kept_head(document: Bson) -> Head:
    """What a document of `known` says, whatever became of the entity since."""
    told = jiter.from_json(document["h"])
    head = Head(document["i"], told["created_at"], told["modified_at"])
    head.types, head.scopes, head.names = tuple(told["types"]), tuple(told["scopes"]), tuple(told["names"])
    head.deleted_at, head.dropped, head.gained = told["deleted_at"], told["dropped"], tuple(told["gained"])
    head.order, head.seen, head.version = document.get("o"), document["n"], document["v"]
    head.plan = document if "p" in document else None
    return head


def _live(head: Head, last: int) -> None:
    """Take into account what became of the entity after what `known` has seen."""
    before = head.seen
    for number, life in head.lives:
        if number <= before:
            continue
        head.seen, head.dropped = max(head.seen, number), False
        head.modified_at = max(head.modified_at, life.at)
        head.deleted_at = None
        if life.ended is not None:
            head.types, head.scopes = union(life.ended[0], head.types), union(life.ended[1], head.scopes)
            head.deleted_at = life.at
    if last > before:
        head.seen, head.dropped, head.deleted_at = max(head.seen, last), False, None


def _number(leaf: Leaf) -> int:
    return leaf.number
