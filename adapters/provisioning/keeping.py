"""The entities of devices, groups and mappings, as the registry says: written when new or changed, else deleted.

What is to be written goes the way of all that devices say: into the queue, with a note of what was written last in the
same transaction, so that a hub that is away hears of it later, and a restart writes nothing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, TypeAlias

import apsw

from adapters.device import Device
from adapters.mapping.plan import DeviceMapping
from adapters.provisioning.as_entity import Spoken, as_entity
from adapters.queue import Kept, Queue, Write, row_of
from adapters.store import AdapterStore, NotKept
from broker.encode.text import dump
from broker.ports import Clock
from broker.ports.hub import Fragment

OWNER: Final = "device-entities"
CHANNEL: Final = "provisioning"
BESIDE: Final = "\x1f"
AT_ONCE: Final = 500
"""Entities that one turn writes: provisioning ten thousand devices shall not hold up what they say."""
_TABLES: Final = (
    """CREATE TABLE device_as_entity (
        adapter TEXT NOT NULL, tenant TEXT NOT NULL, device TEXT NOT NULL, entity TEXT NOT NULL, digest TEXT NOT NULL,
        PRIMARY KEY (adapter, tenant, device)
    ) STRICT, WITHOUT ROWID""",
)
_Whose: TypeAlias = tuple[str, str, str]
"""Adapter, tenant, device; of what is no device its entity's id after BESIDE, which no device's name has."""
_Change: TypeAlias = tuple[_Whose, Write, str]
"""What is written of it, and the digest of that; without a digest it is deleted."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A group or a mapping of an adapter, as the entity that the hub shall hold."""

    adapter: str
    tenant: str
    fragment: Fragment

    @property
    def whose(self) -> _Whose:
        """What it is known by."""
        return self.adapter, self.tenant, BESIDE + str(self.fragment["id"])


class KeptDevices:
    """The entities of the devices of these adapters, and of what is beside them."""

    def __init__(
        self,
        store: AdapterStore,
        queue: Queue,
        clock: Clock,
        adapters: Mapping[str, Spoken],
        mapping_of: Callable[[Device], DeviceMapping | None],
    ) -> None:
        store.tables(OWNER, _TABLES)
        self._store, self._queue, self._clock = store, queue, clock
        self._adapters, self._mapping_of = adapters, mapping_of
        self._written = {
            (str(adapter), str(tenant), str(device)): (str(entity), str(digest))
            for adapter, tenant, device, entity, digest in store.read("SELECT * FROM device_as_entity")
            if adapter in adapters
        }

        self._looked_at: dict[_Whose, tuple[Device, DeviceMapping | None]] = {}

    def keep(self, devices: Iterable[Device], beside: Iterable[Beside] = ()) -> bool:
        """Write what is new, delete what is gone; whether that was all. Raises NotKept."""
        wanted: dict[_Whose, Device] = {
            (one.adapter, one.tenant, one.id): one for one in devices if one.adapter in self._adapters
        }
        others = {one.whose: one for one in beside if one.adapter in self._adapters}
        changes = chain(self._gone(wanted.keys() | others.keys()), self._new(wanted), self._others(others))
        return self._keep([*islice(changes, AT_ONCE)])

    def _keep(self, changes: Sequence[_Change]) -> bool:
        if changes:
            try:
                self._write(changes)
            except NotKept:
                self._looked_at.clear()
                raise
        return len(changes) < AT_ONCE

    def _others(self, others: Mapping[_Whose, Beside]) -> Iterator[_Change]:
        for whose, one in others.items():
            digest = _digest(one.fragment)
            if self._written.get(whose, ("", ""))[1] != digest:
                yield whose, (one.tenant, one.fragment), digest

    def _gone(self, wanted: AbstractSet[_Whose]) -> Iterator[_Change]:
        for whose in self._written.keys() - wanted:
            self._looked_at.pop(whose, None)
            yield whose, (whose[1], {"id": self._written[whose][0]}), ""

    def _new(self, wanted: Mapping[_Whose, Device]) -> Iterator[_Change]:
        for whose, device in wanted.items():
            mapping = self._mapping_of(device)
            before, by = self._looked_at.get(whose, (None, None))
            if device is before and mapping is by:
                continue
            fragment = as_entity(device, self._adapters[device.adapter], mapping)
            digest = _digest(fragment)
            if self._written.get(whose, ("", ""))[1] != digest:
                yield whose, (device.tenant, fragment), digest
            self._looked_at[whose] = (device, mapping)

    def _write(self, changes: Sequence[_Change]) -> None:
        now = self._clock.now()
        rows = [row_of(Kept(whose[0], _device_of(whose), now, CHANNEL), [write]) for whose, write, _ in changes]

        def work(db: apsw.Connection) -> None:
            self._queue.insert(db, rows)
            for whose, (_, fragment), digest in changes:
                if digest:
                    row = (*whose, str(fragment["id"]), digest)
                    db.execute("INSERT OR REPLACE INTO device_as_entity VALUES (?, ?, ?, ?, ?)", row)
                else:
                    db.execute("DELETE FROM device_as_entity WHERE adapter = ? AND tenant = ? AND device = ?", whose)

        self._store.write(work).result()
        self._queue.grew(rows)
        for whose, (_, fragment), digest in changes:
            if digest:
                self._written[whose] = (str(fragment["id"]), digest)
            else:
                del self._written[whose]


def _device_of(whose: _Whose) -> str:
    return "" if whose[2].startswith(BESIDE) else whose[2]


def _digest(fragment: Fragment) -> str:
    return hashlib.sha256(dump(dict(fragment))).hexdigest()
