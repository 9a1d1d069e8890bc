"""Writes of entities: a group of commands comes to at most one document an entity, and to what follows from them.

    read ─> decide ─> entities, each with its changes under way (1) ─> trail (2) ─> changes no longer under way (3)

(1) holds only for the documents as they were read; those that another process changed meanwhile are read and decided
again. What a crash leaves between (1) and (3) another process finishes (`repair`).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias

from pymongo import InsertOne, UpdateOne, timeout
from pymongo.errors import BulkWriteError, PyMongoError

from broker.errors import PayloadTooLarge, ServiceUnavailable
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Command, Labels
from broker.ports.outbox import EntityChange
from broker.stores.images import changed, touched
from broker.stores.mongo import pending
from broker.stores.mongo.connection import ANSWER_S, Bson
from broker.stores.mongo.entities import Index, Stamped, to_bson
from broker.stores.mongo.ground import Ground, Happened, key
from broker.stores.mongo.group import Step, Unit, latest, lookup, units_of
from broker.stores.mongo.lanes import Undecided
from broker.stores.mongo.moments import Moments
from broker.stores.mongo.trail import Trail

log = logging.getLogger("misono.store")

TRIES: Final = 9
"""A write and eight more, where others change the same entity at the same time."""
PAUSE_S: Final = 0.002  # between two tries, longer each time
DUPLICATE: Final = 11_000
WEIGHT_MAX: Final = 15 << 20
"""Bytes of texts in a document, of the 16 MiB that MongoDB takes."""


Linked: TypeAlias = Callable[[str], Entity | None]
Matched: TypeAlias = Callable[[str, EntityChange, Linked], tuple[str, ...]]
"""The subscriptions that a change of a tenant must notify, as they are now; `linked` reads other entities."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the writer needs of the store around it.

    `read(tenant, id)` gives a live entity, `made(tenant)` makes the tenant, `tell(tenant)` tells of a commit, and
    `check()` raises where nothing may be written.
    """

    label: Callable[[Entity], Labels]
    index: Index
    read: Callable[[str, str], Entity | None]
    made: Callable[[str], None]
    matched: Matched
    tell: Callable[[str], None]
    check: Callable[[], None]


class _TooLarge(PayloadTooLarge):
    """More than MongoDB takes in one document, with what it was before."""

    def __init__(self) -> None:
        super().__init__("The entity, or its change, is too large for this store.", remedy="Make it several entities.")


class Writing:
    """`write` is what the lanes call; it may be called by a job too, which runs on the lane of its tenant."""

    def __init__(self, ground: Ground, around: Around, trail: Trail) -> None:
        self._ground, self._around, self._trail = ground, around, trail
        self._moments = Moments(ground.clock, trail.last_change)
        self.moment = self._moments.now

    def write(self, tenant: str, commands: Sequence[Command]) -> list[object]:
        """Each command's result, or the NgsiError it raised. Raises PyMongoError: what was asked may be done or not.

        A group that comes to a document that is too large is written command by command.
        """
        try:
            with timeout(self._ground.client.options.timeout or ANSWER_S):
                return self._write(tenant, commands)
        except _TooLarge as refusal:
            if len(commands) == 1:
                return [refusal]
            return [answer for command in commands for answer in self.write(tenant, [command])]

    def _write(self, tenant: str, commands: Sequence[Command]) -> list[object]:
        began = time.monotonic()
        left = units = units_of(commands)
        if not (len(commands) == 1 and commands[0].expected is not None):
            self._read(tenant, units)
        for attempt in range(TRIES):
            written = self._decide(tenant, left, undone=attempt == 0)
            left = self._store(tenant, written, undone=attempt == 0) if written else []
            if not left:
                break
            time.sleep(PAUSE_S * attempt * random.random())  # noqa: S311 - no secret
        self._follow(tenant, [unit for unit in units if unit.changes and unit not in left], began)
        for unit in left:
            unit.fail(_contended(unit.id))
        answers = dict(chain.from_iterable(unit.answers.items() for unit in units))
        return [answers[place] for place in range(len(commands))]

    def _read(self, tenant: str, units: Sequence[Unit]) -> None:
        ids = [key(tenant, unit.id) for unit in units]
        found = {one["_id"]: one for one in self._ground.entities.find({"_id": {"$in": ids}})}
        self._ground.stamps.seen(max((one["n"] for one in found.values()), default=0))  # another's clock may be ahead
        for unit, one in zip(units, ids, strict=True):
            unit.found = found.get(one)

    def _decide(self, tenant: str, units: Sequence[Unit], *, undone: bool) -> list[Unit]:
        """Those of the units that change something, their changes numbered in the order of the commands.

        Raises Undecided for a fault in a decision where nothing is done yet; later it is the answer of its entity.
        """
        now = self._moments.now(tenant, latest(units))
        for unit in units:
            try:
                unit.decide(now)
            except Exception as fault:
                if undone:
                    raise Undecided(fault) from fault
                log.exception("a decision on %s failed after it had not", unit.id)
                unit.fail(ServiceUnavailable("The write failed."))
        steps = sorted(((step, unit) for unit in units for step in unit.steps), key=lambda one: one[0].place)
        if not steps:
            return []
        linked = lookup(units, lambda one: self._around.read(tenant, one), now)
        for step, unit in steps:
            matched = self._around.matched(tenant, EntityChange(0, now, step.before, step.after), linked)
            self._note(tenant, unit, step, matched, now)
        if any(step.after is not None for step, _ in steps):
            self._around.made(tenant)
        self._moments.changed(tenant, now)
        return [unit for unit in units if unit.changes]

    def _note(self, tenant: str, unit: Unit, step: Step, matched: tuple[str, ...], now: Instant) -> None:
        change = changed(step.before, step.after)
        last = step.after or step.before
        assert last is not None
        number = self._ground.stamps.next(1 + len(matched))
        labels = self._around.label(last)
        subjects, classes = touched(labels, change)
        told = EntityChange(number, now, step.before, step.after)
        unit.changes.append(Happened(tenant, told, change, matched, subjects, classes))
        if step.before is None:
            unit.created = number

    def _store(self, tenant: str, units: Sequence[Unit], *, undone: bool) -> list[Unit]:
        """Write the documents (1); those that another process changed meanwhile are given back, read anew."""
        self._around.check()
        operations = self._operations(tenant, units, undone=undone)
        units = [unit for unit in units if unit.changes]
        if not operations:
            return []
        updates = sum(unit.found is not None for unit in units)
        try:
            matched = self._ground.entities.bulk_write(operations, ordered=False).matched_count
        except BulkWriteError as error:
            faults = error.details.get("writeErrors", [])
            if error.details.get("writeConcernErrors") or any(one["code"] != DUPLICATE for one in faults):
                raise
            matched = error.details["nMatched"]
            doubtful = [units[one["index"]] for one in faults]
        else:
            doubtful = []
        if matched != updates:
            doubtful += [unit for unit in units if unit.found is not None]
        if not doubtful:
            return []
        self._read(tenant, doubtful)
        return [unit for unit in doubtful if not _is_written(unit)]

    def _operations(self, tenant: str, units: Sequence[Unit], *, undone: bool) -> list[InsertOne[Bson] | UpdateOne]:
        """Raises _TooLarge for a document that is, where nothing is done yet; later it is its entity's answer."""
        found: list[InsertOne[Bson] | UpdateOne] = []
        for unit in units:
            try:
                found.append(self._operation(tenant, unit))
            except _TooLarge as refusal:
                if undone:
                    raise
                unit.fail(refusal)
        return found

    def _operation(self, tenant: str, unit: Unit) -> InsertOne[Bson] | UpdateOne:
        found, fields = unit.found, self._fields(tenant, unit)
        listed = pending.entries(unit.changes, beside=unit.current is not None or len(unit.changes) == 1)
        known = found or {}
        if len(fields.get("d") or known["d"]) + pending.weight([*listed, *known.get("p", ())]) > WEIGHT_MAX:
            raise _TooLarge
        return InsertOne(fields | {"p": listed}) if found is None else UpdateOne(*pending.over(found, fields, listed))

    def _fields(self, tenant: str, unit: Unit) -> Bson:
        """What is set in the document: all of it, or that the entity is deleted."""
        last, known = unit.changes[-1].change, unit.found or {}
        if unit.current is not None:
            stamped = Stamped(unit.created or known.get("o", last.sequence), last.sequence)
            indexed = self._around.index(unit.current.document, self._around.label(unit.current))
            return to_bson(tenant, unit.current, stamped, indexed)
        gone: Bson = {"g": True, "v": last.entity.version + 1, "m": last.at, "n": last.sequence}
        return gone if known else to_bson(tenant, last.entity, Stamped(unit.created, last.sequence), {}) | gone

    def _follow(self, tenant: str, units: Sequence[Unit], began: float) -> None:
        """The trail (2), and that it is written (3); then who listens is told."""
        if not units:
            return
        happened = sorted(chain.from_iterable(unit.changes for unit in units), key=lambda one: one.change.sequence)
        told = self._trail.write(happened, began)
        try:
            self._settle(tenant, units, happened)
        except PyMongoError as error:
            log.warning("changes of tenant %r stay under way until they are looked for: %s", tenant, error)
        self._trail.tell(tenant, told)
        self._around.tell(tenant)

    def _settle(self, tenant: str, units: Sequence[Unit], happened: Sequence[Happened]) -> None:
        """Take the changes away; a deleted document goes with the last of them, and stays while there are others'."""
        mine = {one.change.sequence for one in happened}
        kept = [key(tenant, unit.id) for unit in units if unit.current is not None]
        if kept:
            under_way = {"s": {"$in": sorted(mine)}}
            self._ground.entities.update_many({"_id": {"$in": kept}}, {"$pull": {"p": under_way}})
        gone = [unit for unit in units if unit.current is None and not _others(unit, mine)]
        if gone:
            ids = [key(tenant, unit.id) for unit in gone]
            last = [unit.changes[-1].change.sequence for unit in gone]
            self._ground.entities.delete_many({"_id": {"$in": ids}, "n": {"$in": last}, "g": True})


def _is_written(unit: Unit) -> bool:
    """Whether a document read after the write holds this group's changes: they are taken away by this group alone."""
    mine = unit.changes[-1].change.sequence
    return unit.found is not None and any(entry["s"] == mine for entry in unit.found.get("p", ()))


def _others(unit: Unit, mine: set[int]) -> bool:
    """Whether changes of other processes were under way in the document as it was read last."""
    return any(entry["s"] not in mine for entry in (unit.found or {}).get("p", ()))


def _contended(entity_id: str) -> ServiceUnavailable:
    return ServiceUnavailable(f"Others kept changing {entity_id} at the same time; nothing was done.")
