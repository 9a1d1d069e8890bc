"""Who spoke when: last-seen of every device, and the entities that were made of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

import apsw

from adapters.device import Device
from adapters.store import AdapterStore
from broker.model.values import Instant

SALT_BYTES: Final = 16
FLUSHED_MAX: Final = 5_000
_SECOND: Final = 1_000_000
_TABLES: Final = (
    """CREATE TABLE device_seen (
        adapter TEXT NOT NULL, tenant TEXT NOT NULL, device TEXT NOT NULL, salt BLOB NOT NULL,
        first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, newest INTEGER NOT NULL,
        offline INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (adapter, tenant, device)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE device_entity (
        adapter TEXT NOT NULL, tenant TEXT NOT NULL, device TEXT NOT NULL, entity TEXT NOT NULL,
        PRIMARY KEY (adapter, tenant, device, entity)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX device_of ON device_entity (tenant, entity)",
)
Place: TypeAlias = "tuple[str, str, str]"
"""Adapter, tenant, device."""


@dataclass(slots=True)
class Seen:
    """One device: when it spoke first and last by the hub's clock, the newest instant of its own, its salt.

    `entities` are those that were made of it.
    """

    adapter: str
    tenant: str
    device: str
    salt: bytes
    first_at: Instant
    last_at: Instant
    newest: Instant = 0
    offline: bool = False
    kept: bool = False
    entities: set[str] = field(default_factory=set)


class LastSeen:
    """All devices that ever spoke. `note` is in memory; rows are written with the next transaction and now and then."""

    def __init__(self, store: AdapterStore, new_salt: Callable[[int], bytes]) -> None:
        store.tables("watching", _TABLES)
        self._store = store
        self._new_salt = new_salt
        self._seen: dict[Place, Seen] = {}
        self._dirty: dict[Place, Seen] = {}
        sql = "SELECT adapter, tenant, device, salt, first_at, last_at, newest, offline FROM device_seen"
        for row in store.read(sql):
            adapter, tenant, device, salt, first_at, last_at, newest, offline = cast(
                "tuple[str, str, str, bytes, int, int, int, int]", row
            )
            one = Seen(adapter, tenant, device, salt, first_at, last_at, newest, bool(offline), kept=True)
            self._seen[adapter, tenant, device] = one
        for row in store.read("SELECT adapter, tenant, device, entity FROM device_entity"):
            adapter, tenant, device, entity = cast("tuple[str, str, str, str]", row)
            if (known := self._seen.get((adapter, tenant, device))) is not None:
                known.entities.add(entity)

    def of(self, device: Device, now: Instant) -> Seen:
        """The device, which has just spoken, or is seen for the first time."""
        place = (device.adapter, device.tenant, device.id)
        found = self._seen.get(place)
        if found is None:
            found = Seen(*place, self._new_salt(SALT_BYTES), now, now)
            self._seen[place] = found
        return found

    def find(self, device: Device) -> Seen | None:
        """The device, if it ever spoke."""
        return self._seen.get((device.adapter, device.tenant, device.id))

    def changed(self, seen: Seen) -> None:
        """Write it when there is time."""
        self._dirty[seen.adapter, seen.tenant, seen.device] = seen

    def insert(self, db: apsw.Connection, seen: Seen, entities: Collection[str]) -> None:
        """Write it now, within a transaction, with entities that were made of it for the first time.

        A salt that is in the file stays: an erasure may have put another there.
        """
        place = (seen.adapter, seen.tenant, seen.device)
        db.execute(
            "INSERT INTO device_seen VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " first_at = excluded.first_at, last_at = excluded.last_at, newest = excluded.newest,"
            " offline = excluded.offline",
            (*place, seen.salt, seen.first_at, seen.last_at, seen.newest, int(seen.offline)),
        )
        db.executemany(
            "INSERT OR IGNORE INTO device_entity VALUES (?, ?, ?, ?)", [(*place, entity) for entity in entities]
        )

    def flush(self, db: apsw.Connection) -> None:
        """Write what changed, within a transaction; of a great many the rest comes next time.

        On the writer's thread, while others note who speaks.
        """
        for place in list(self._dirty)[:FLUSHED_MAX]:
            self.insert(db, self._dirty.pop(place), ())

    def due(self, devices: Iterable[Device], started_at: Instant, now: Instant) -> Iterator[tuple[Device, Seen]]:
        """Devices that have been silent for too long, and were not told of yet.

        While nobody listened nobody is silent: `started_at` is when this process began.
        """
        for device in devices:
            if device.offline_after_s <= 0:
                continue
            seen = self.find(device)
            since = started_at if seen is None else max(seen.last_at, started_at)
            if now - since > device.offline_after_s * _SECOND and not (seen is not None and seen.offline):
                yield device, seen or self.of(device, started_at)

    def left(self, adapter: str, devices: Iterable[Device]) -> Iterator[Seen]:
        """Those of an adapter that were told of, and are no longer provisioned."""
        places = {(device.tenant, device.id) for device in devices}
        for seen in [*self._seen.values()]:
            if seen.offline and seen.adapter == adapter and (seen.tenant, seen.device) not in places:
                yield seen

    def forget(self, tenant: str, entity: str) -> None:
        """The entity was erased from the file: take what it says now of the devices behind it."""
        for seen in list(self._seen.values()):
            if seen.tenant == tenant and entity in seen.entities:
                seen.entities.discard(entity)
                place = (seen.adapter, seen.tenant, seen.device)
                sql = "SELECT salt FROM device_seen WHERE adapter = ? AND tenant = ? AND device = ?"
                seen.salt = next((cast("bytes", row[0]) for row in self._store.read(sql, place)), seen.salt)
