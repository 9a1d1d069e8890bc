"""The MongoDB engine: EntityStore, Tenants, ChangeLog and DocumentStore over one database, for many processes.

Reads run on the calling thread, never on the event loop; writes go to the lanes, each tenant's to one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from secrets import token_hex
from typing import Final

from pymongo.errors import PyMongoError

from broker.model.entity import Entity
from broker.model.values import Instant, Json
from broker.ports import Clock, Command, Labels
from broker.ports.outbox import Watches
from broker.stores.images import no_labels
from broker.stores.mongo.bell import MongoBell
from broker.stores.mongo.changelog import MongoLog
from broker.stores.mongo.connection import UnusableStore, asking, connect
from broker.stores.mongo.entities import SHOWN, to_live
from broker.stores.mongo.ground import Beside, Ground, Job, key
from broker.stores.mongo.held import MongoHeld
from broker.stores.mongo.history import MongoHistory
from broker.stores.mongo.hub import Hub
from broker.stores.mongo.keys import index_members
from broker.stores.mongo.lanes import Lanes, Submission
from broker.stores.mongo.outbox import MongoOutbox
from broker.stores.mongo.places import MongoPlaces, Parts
from broker.stores.mongo.probe import probe
from broker.stores.mongo.reading import Reads
from broker.stores.mongo.repair import LEASE_S, REPAIR_S, Repair
from broker.stores.mongo.schema import Indexing, prepare
from broker.stores.mongo.stamps import Stamps
from broker.stores.mongo.sweeping import sweep_entities
from broker.stores.mongo.trail import Trail
from broker.stores.mongo.writing import Around, Writing
from broker.stores.refusals import no_tenant


class MongoStore:
    """One database; the parts of the engine stand beside the entities."""

    inline: Final = False
    """Whether reads may run on the event loop."""

    def __init__(self, ground: Ground, label: Callable[[Entity], Labels], watches: Watches | None) -> None:
        self._ground, self._holder = ground, token_hex(8)
        self._hub = hub = Hub(ground)
        self.leases = hub.leases
        self.exists, self.names = hub.tenants.exists, hub.tenants.names
        self.listen_to_commits = hub.listen_to_commits
        documents = hub.documents
        self.put, self.find, self.all = documents.put, documents.find, documents.all
        self.delete, self.generation = documents.delete, documents.generation
        self.held = MongoHeld(hub, self, self._dropped)
        self.outbox = MongoOutbox(ground, self, self.held, watches)
        self.history = MongoHistory(ground, self, hub.tenants.make, self._forget)
        self._log = MongoLog(hub)
        self.since, self.bounds = self._log.since, self._log.bounds
        beside: list[Beside] = [self.history, self.outbox, self._log]
        around = Around(
            label=label,
            index=index_members,
            read=self.get,
            made=hub.tenants.make,
            matched=self.outbox.matched,
            tell=hub.tell,
            check=hub.slots.check,
        )
        trail = Trail(ground, beside)
        self._writing = Writing(ground, around, trail)
        self._repair = Repair(ground, self, trail, hub.tell)
        hub.every("repair", REPAIR_S, self._tend)
        self._indexing = Indexing(ground.database)
        self.reads = reads = Reads(ground, self.exists, probe(ground.database))
        self.select, self.scan = reads.select, reads.scan
        self.types, self.attributes, self.extents = reads.types, reads.attributes, reads.extents
        self.listen_to_commits(reads.changed)
        self._indexing.start()
        hub.open()
        self._lanes = Lanes(self._writing.write, self._moment)
        dropped = self.held.drop_all, hub.tenants.remove
        parts = Parts(self, reads, index_members, label, hub.tenants.make, dropped)
        self.places = MongoPlaces(ground, parts)

    @property
    def number(self) -> int | None:
        """Which of the processes on the database this is: it has what it counts under that name."""
        return self._hub.slots.number

    @property
    def bell(self) -> MongoBell:
        """What tells the other processes of rows."""
        return self._hub.bell

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """Queue the commands for the tenant's lane."""
        if any(command.creates for command in commands) or self.exists(tenant):
            return self._lanes.submit(Submission(tenant, Future(), commands=commands))
        return _refused(tenant)

    def run(self, tenant: str, jobs: Sequence[Job], *, creates: bool = False) -> Future[list[object]]:
        """Queue jobs for the tenant's lane; for the parts of this engine that stand beside the entities."""
        if creates or self.exists(tenant):
            return self._lanes.submit(Submission(tenant, Future(), jobs=jobs))
        return _refused(tenant)

    def get(self, tenant: str, entity_id: str) -> Entity | None:
        """The live entity, or None."""
        self._must_exist(tenant)
        with asking():
            found = self._ground.entities.find_one({"_id": key(tenant, entity_id)}, SHOWN)
        return to_live(found, self._ground.clock.now())

    def get_many(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """The live entities of these ids, by one command."""
        self._must_exist(tenant)
        ids = [key(tenant, one) for one in entity_ids]
        with asking():
            found = list(self._ground.entities.find({"_id": {"$in": ids}}, SHOWN))
        now = self._ground.clock.now()
        return {entity.id: entity for one in found if (entity := to_live(one, now)) is not None}

    def sweep(self) -> int:
        """Remove what has expired, entities as ordinary logged changes; how many were touched, and documents gone."""
        return sweep_entities(self._ground, self.apply) + self.held.sweep(self._ground.clock.now())

    def repair(self) -> int:
        """Finish what processes that died have left; of how many entities and histories that was."""
        return self._repair.run() + self.history.repair()

    def state(self) -> dict[str, Json]:
        """How it is, by part: `{"store": "ok", "indexes": "building"}`."""
        return {"store": self._hub.state(), "indexes": self._indexing.state}

    def close(self) -> None:
        """Write what waits, then let go of the connections."""
        self._indexing.stop()
        self._hub.rest()
        self._lanes.close()
        self._hub.close()
        self._ground.client.close()

    def _tend(self) -> None:
        if self.leases.take("repair", self._holder, LEASE_S) is not None:
            self.repair()

    def _moment(self, tenant: str) -> Instant:
        """The time for a job. Raises ServiceUnavailable where nothing may be written."""
        self._hub.slots.check()
        return self._writing.moment(tenant)

    def _forget(self, tenant: str, entity_id: str) -> dict[str, int]:
        """Delete what there is of an entity beside itself and its history; how much, by table."""
        return {
            "change_log": self._log.erase(tenant, entity_id),
            "outbox": self.outbox.erase(tenant, entity_id),
        }

    def _dropped(self, tenant: str, kind: str, document_id: str) -> None:
        self.outbox.dropped(tenant, kind, document_id)

    def _must_exist(self, tenant: str) -> None:
        if not self.exists(tenant):
            raise no_tenant(tenant)


def open_store(
    url: str, clock: Clock, label: Callable[[Entity], Labels] = no_labels, watches: Watches | None = None
) -> MongoStore:
    """The store in the database that the URL names. Raises UnusableStore where it cannot be used."""
    client, database = connect(url)
    with ExitStack() as closing:
        closing.callback(client.close)
        try:
            prepare(database)
            store = MongoStore(Ground(client, database, clock, Stamps(clock)), label, watches)
        except PyMongoError as error:
            raise UnusableStore(f"it is not reached ({type(error).__name__})") from error
        closing.pop_all()
    return store


def _refused(tenant: str) -> Future[list[object]]:
    refused: Future[list[object]] = Future()
    refused.set_exception(no_tenant(tenant))
    return refused
