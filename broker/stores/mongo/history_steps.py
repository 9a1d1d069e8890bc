"""Writes of history itself: the steps of one command, worked out on what was read (clauses 5.6.11 to 5.6.16).

Nothing is written here: what comes out is the head as it is then, and the documents of leaves to put and to take away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import assert_never

from broker.model.values import Instant
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    Begin,
    DropAll,
    DropAttribute,
    DropInstance,
    EndAttribute,
    EvolutionStep,
    ReplaceInstance,
)
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import Ground
from broker.stores.mongo.history_beside import gone
from broker.stores.mongo.history_heads import Head
from broker.stores.mongo.history_leaves import (
    ORDINAL_BITS,
    Leaf,
    leaves,
    of_entities,
    of_number,
    parse_id,
    read,
    rewritten,
)
from broker.stores.past import SCOPE, Past, copied, corrected, ended, given, scope_past, times
from broker.stores.recall import union
from broker.stores.refusals import no_attribute, no_instance


@dataclass(slots=True)
class Held:
    """An instance: of a leaf that was read, or a new one."""

    name: str
    past: Past
    leaf: Leaf | None = None
    gone: bool = False


class Work:
    """The instances of one entity that a command or retention looks at, and what is to become of them.

    `fresh` says that there are none yet.
    """

    def __init__(self, ground: Ground, tenant: str, head: Head, *, fresh: bool = False) -> None:
        self._ground, self._tenant, self._head, self._fresh = ground, tenant, head, fresh
        self._leaves: dict[str, Leaf] = {}
        self._folded: set[str] = set()
        self._held: list[Held] = []
        self._read: set[str] = set()
        self._first: int | None = None
        self._given = 0

    def number(self) -> int:
        """One for a new instance; they rise."""
        if self._first is None:
            self._first = self._ground.stamps.next()
        self._given += 1
        return (self._first << ORDINAL_BITS) + self._given

    def of(self, name: str) -> list[Held]:
        """All instances of an attribute."""
        if name not in self._read:
            self._fetch({"a": name})
            self._read.add(name)
        return self._of(name)

    def at(self, name: str, instants: Iterable[Instant]) -> list[Held]:
        """The instances of an attribute of these times, and maybe others of it."""
        if name not in self._read:
            self._fetch({"a": name, "w": {"$in": sorted(set(instants))}})
        return self._of(name)

    def numbered(self, name: str, number: int) -> list[Held]:
        """The instance of an attribute with this number."""
        self._fetch(of_number(self._tenant, self._head.iri, number))
        return [held for held in self._of(name) if held.past.number == number]

    def everything(self) -> list[Held]:
        """All instances of the entity."""
        self._fetch({})
        return self._held

    def older(self, before: Instant) -> list[Held]:
        """All instances whose time is before that, and maybe others."""
        self._fetch({"w": {"$lt": before}})
        return [held for held in self._held if not held.gone]

    def put(self, name: str, past: Past) -> Held:
        """A new instance."""
        self._held.append(Held(name, past))
        return self._held[-1]

    def replace(self, held: Held, past: Past) -> None:
        """Another content, at the same place in the order of equals."""
        held.gone = True
        self.put(held.name, past)

    def fold(self, before: Instant) -> bool:
        """Take what old leaves say of the entity's life into its head, where they say nothing else; whether any did."""
        full = {held.leaf.id for held in self._held if held.leaf is not None and not held.gone}
        for leaf in self._leaves.values():
            life = leaf.life
            if life is None or leaf.id in full or leaf.number == self._head.born:
                continue
            if life.at < before and leaf.number <= self._head.seen and not life.evaporated:
                self._head.names = union(self._head.names, life.names)
                self._head.gained = union(self._head.gained, life.types)
                self._folded.add(leaf.id)
                leaf.life = None
        return bool(self._folded)

    def written(self) -> tuple[list[Bson], list[str]]:
        """`(documents to put, ids of documents to delete)`."""
        put, drop = list[Bson](), list[str]()
        touched = {held.leaf.id for held in self._held if held.gone and held.leaf is not None} | self._folded
        for leaf_id in sorted(touched):
            leaf = self._leaves[leaf_id]
            kept = [(held.name, held.past) for held in self._held if held.leaf is leaf and not held.gone]
            document = rewritten(leaf, kept)
            if document is None:
                drop.append(leaf_id)
            else:
                put.append(document)
        fresh = [(held.name, held.past) for held in self._held if held.leaf is None and not held.gone]
        if fresh:
            mark = "" if self._is_first(fresh) else f".{self._ground.stamps.next()}"
            put += leaves(self._tenant, self._head.iri, fresh, mark=mark)
        return put, drop

    def has_left(self) -> bool:
        """Whether any instance of the entity is left, so far as all were read."""
        return any(not held.gone for held in self._held)

    def _is_first(self, fresh: list[tuple[str, Past]]) -> bool:
        """Whether all got their numbers here: no other leaf has such an id."""
        return all(past.number >> ORDINAL_BITS == self._first for _, past in fresh)

    def _of(self, name: str) -> list[Held]:
        return [held for held in self._held if held.name == name and not held.gone]

    def _fetch(self, which: Bson) -> None:
        if self._fresh:
            return
        where = of_entities(self._tenant, [self._head.iri]) | which
        for document in self._ground.trail.find(where):
            if document["_id"] in self._leaves:
                continue
            leaf = self._leaves[document["_id"]] = read(document)
            for name, past in leaf.entries:
                went = gone(past, name, self._head.lives)
                self._held.append(Held(name, past, leaf, gone=went))


class Steps:
    """The steps of one command on the history of one entity; `head` is changed on the way."""

    def __init__(self, work: Work, head: Head, now: Instant) -> None:
        self._work, self._head, self._now = work, head, now
        self.dropped_all = False

    def take(self, steps: Iterable[EvolutionStep]) -> None:
        """Take them all. Raises ResourceNotFound, and what guards raise."""
        for step in steps:
            self._head.modified_at = self._now
            self._take(step)

    def _take(self, step: EvolutionStep) -> None:
        match step:
            case Begin(types, scopes) | AddTypes(types, scopes):
                self._begin(types, scopes)
                if isinstance(step, Begin) and step.created_at is not None:
                    self._head.created_at, self._head.deleted_at = step.created_at, step.deleted_at
            case AddInstances():
                self._add(step)
            case DropAttribute():
                self._drop(step)
            case EndAttribute():
                self._end(step)
            case ReplaceInstance() | DropInstance():
                self._replace(step)
            case DropAll():
                self._drop_all()
            case _:
                assert_never(step)

    def _begin(self, types: tuple[str, ...], scopes: tuple[str, ...]) -> None:
        head = self._head
        head.types, head.scopes = union(head.types, types), union(head.scopes, scopes)
        head.created_at, head.dropped = self._now if head.dropped else head.created_at, False

    def _add(self, step: AddInstances) -> None:
        """Instances, in place of those of the same dataset and time."""
        work, name = self._work, step.name
        self._head.names = union(self._head.names, (name,))
        if step.copied:
            there = {times(held.past) for held in work.of(name)}
            for instance in step.instances:
                past = copied(instance, work.number(), self._now)
                if times(past) not in there:
                    work.put(name, past)
            return
        pasts = [given(instance, work.number(), self._now) for instance in step.instances]
        observed = [past.observed_at for past in pasts if past.observed_at is not None]
        there_now: dict[object, list[Held]] = {}
        for held in work.at(name, observed) if observed else ():
            there_now.setdefault(_place(held.past), []).append(held)
        for past in pasts:
            if past.observed_at is None:
                work.put(name, past)
                continue
            for held in there_now.get(_place(past), ()):
                held.gone = True
            there_now[_place(past)] = [work.put(name, past)]

    def _drop(self, step: DropAttribute) -> None:
        only = step.only
        found = [held for held in self._work.of(step.name) if _concerned(step)(held.past)]
        found = [held for held in found if only is None or only(held.past.body)]
        if not found:
            raise no_attribute(step.name)
        for held in found:
            held.gone = True

    def _end(self, step: EndAttribute) -> None:
        held = self._work.of(step.name)
        if step.name == SCOPE and (self._head.scopes or held):
            self._head.scopes = ()
            self._work.put(SCOPE, scope_past(None, self._work.number(), self._now))
            return
        last: dict[str, Past] = {}
        for past in (one.past for one in held if _concerned(step)(one.past)):
            if past.dataset not in last or last[past.dataset].number < past.number:
                last[past.dataset] = past
        live = [past for past in last.values() if past.deleted_at is None and (not step.only or step.only(past.body))]
        if not live:
            raise no_attribute(step.name)
        for past in live:
            self._work.put(step.name, ended(past.body, self._work.number(), past.created_at, self._now))

    def _replace(self, step: ReplaceInstance | DropInstance) -> None:
        number = parse_id(step.instance_id)
        held = [] if number is None else self._work.numbered(step.name, number)
        if not held:
            there = self._work.of(step.name)
            raise no_instance(step.name, step.instance_id) if there else no_attribute(step.name)
        if isinstance(step, ReplaceInstance):
            self._work.replace(held[0], corrected(held[0].past, step, self._now))
        else:
            if step.guard is not None:
                step.guard(held[0].past.body)
            held[0].gone = True

    def _drop_all(self) -> None:
        for held in self._work.everything():
            held.gone = True
        head = self._head
        head.types, head.scopes, head.names, head.dropped = (), (), (), True
        self.dropped_all = True


def _concerned(step: DropAttribute | EndAttribute) -> Callable[[Past], bool]:
    return lambda past: step.everything or past.dataset == (step.dataset_id or "")


def _place(past: Past) -> tuple[str, Instant | None]:
    return past.dataset, past.observed_at
