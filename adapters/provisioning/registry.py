"""The Registry of adapters: devices of their files and of the book, found in memory.

    devices = Devices(book)
    devices.of_file("meters", read_provisions(document, names))
    devices.refresh()                                     # what other processes wrote; every half second
    devices.find("meters", "h1-meter", key) -> Device

What a file says wins over what people added under the same name. Reads take no lock: a change puts whole new values
into the tables.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping
from threading import Lock, RLock
from typing import Final

from adapters.device import Device
from adapters.frame import BadFrame
from adapters.link import BadSettings
from adapters.provisioning.book import Book, Key, Row
from adapters.provisioning.from_book import as_device, as_group
from adapters.provisioning.keys import NOBODY, digest_of, opens
from adapters.provisioning.provision import Group, Provision, Provisions
from adapters.provisioning.reading import is_id
from broker.model.values import Json

log = logging.getLogger("misono.adapters")

ENTITIES_MAX: Final = 200_000
"""Entities whose device is remembered for commands; more are written all the same."""
_WAITING_MAX: Final = 100_000


class Devices:
    """`adapters.device.Registry`, and what provisioning shows of it. Any thread may call any method.

    `version` is another one whenever somebody is provisioned, changed or gone, `learnt` whenever an entity is.
    """

    def __init__(self, book: Book | None = None) -> None:
        self._book = book
        self.version = self.learnt = 0
        self._changing = RLock()
        self._recording = Lock()
        self._seen = 0
        self._files: dict[str, Provisions] = {}
        self._rows: dict[Key, Row] = {}
        self._groups: dict[tuple[str, str, str], Group] = {}
        self._by_key: dict[tuple[str, str], Group] = {}
        self._found: dict[tuple[str, str], tuple[Provision, ...]] = {}
        self._made: dict[tuple[str, str, str], int] = {}
        self._named: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
        self._behind: dict[tuple[str, str], tuple[str, str]] = {}
        self._parsed: dict[Key, Provision | None] = {}
        self._documents: dict[str, Mapping[str, Json]] = {}
        self._fresh: deque[Row] = deque(maxlen=_WAITING_MAX)

    def find(self, adapter: str, device_id: str, key: str = "") -> Device:
        """As the port says."""
        known = self._found.get((adapter, device_id), ())
        for one in known:
            digest = one.device.key_digest
            if not digest or opens(key, digest) or any(opens(key, other) for other in one.also):
                return one.device
        if known:
            raise BadFrame("wrong_key", f"device {device_id[:100]!r} comes without its key")
        group = self._by_key.get((adapter, digest_of(key))) if key else None
        if group is None or not group.new:
            raise BadFrame("unknown_device", f"there is no device {device_id[:100]!r} in {adapter}")
        return self._make(group, device_id)

    def of_adapter(self, adapter: str) -> tuple[Device, ...]:
        """As the port says."""
        return tuple(one.device for one in self.provisions(adapter))

    def of_entity(self, tenant: str, entity_id: str) -> Device | None:
        """As the port says: a device that names the entity, else the one that wrote it first."""
        place = (tenant, entity_id)
        named, behind = self._named.get(place, ()), self._behind.get(place)
        if named and behind not in named:
            behind = named[0]
        known = () if behind is None else self._found.get(behind, ())
        return next((one.device for one in known if one.device.tenant == tenant), None)

    def learn(self, device: Device, entity_ids: Iterable[str]) -> None:
        """The device writes these entities: commands on them go to it. Cheap where that is known."""
        for entity_id in entity_ids:
            place, whose = (device.tenant, entity_id), (device.adapter, device.id)
            named = self._named.get(place, (whose,))
            if self._behind.get(place) in self._found or whose not in named or len(self._behind) >= ENTITIES_MAX:
                continue
            body: dict[str, Json] = {"adapter": device.adapter, "device": device.id}
            self._behind[place] = whose
            self.learnt += 1
            self._fresh.append(Row("entity", "", device.tenant, entity_id, body))

    def forget(self, tenant: str, entity_id: str) -> None:
        """The entity was erased from the file: know no more whose it was, until a device writes it again."""
        with self._recording:
            self._behind.pop((tenant, entity_id), None)
            self.learnt += 1
            for row in [*self._fresh]:
                if (row.kind, row.tenant, row.name) == ("entity", tenant, entity_id):
                    self._fresh.remove(row)

    def entities(self) -> list[tuple[str, str]]:
        """Entities (tenant, id) behind which a device is, or was, known; in no order."""
        return [*{**self._named, **self._behind.copy()}]

    def provision(self, adapter: str, tenant: str, device_id: str) -> Provision | None:
        """A device with what is told of it."""
        known = self._found.get((adapter, device_id), ())
        return next((one for one in known if one.device.tenant == tenant), None)

    def group(self, adapter: str, tenant: str, name: str) -> Group | None:
        """A group."""
        return self._groups.get((adapter, tenant, name))

    def provisions(self, adapter: str = "") -> list[Provision]:
        """All devices of an adapter, or of all, with what is told of them; by adapter and id."""
        with self._changing:
            found = [one for each in self._found.values() for one in each]
        wanted = (one for one in found if not adapter or one.device.adapter == adapter)
        return sorted(wanted, key=lambda one: (one.device.adapter, one.device.id, one.device.tenant))

    def groups(self, adapter: str = "") -> list[Group]:
        """All groups of an adapter, or of all; by adapter and name."""
        with self._changing:
            found = list(self._groups.values())
        wanted = (one for one in found if not adapter or one.adapter == adapter)
        return sorted(wanted, key=lambda one: (one.adapter, one.name, one.tenant))

    def document(self, name: str) -> Mapping[str, Json] | None:
        """The mapping of that name, as in a mapping's file: one in the book, or what an IoT Agent's client said."""
        return self._documents.get(name)

    def of_file(self, adapter: str, provisions: Provisions) -> None:
        """What an adapter's file provisions, in the place of what it did before."""
        with self._changing:
            self._files[adapter] = provisions
            self._parsed.clear()
            self._build()

    def refresh(self) -> bool:
        """Write what was made of messages, and read what anybody wrote; whether something changed.

        Raises NotKept: then it is tried again with the next one.
        """
        if self._book is None:
            return False
        self._record(self._book)
        rows = self._book.since(self._seen)
        if rows:
            with self._changing:
                self._take(rows)
        return bool(rows)

    def _record(self, book: Book) -> None:
        with self._recording:
            waiting = [self._fresh.popleft() for _ in range(len(self._fresh))]
            try:
                if waiting:
                    book.add(waiting, or_leave=True)
            except Exception:  # whatever it is: what was not recorded waits, and the fault goes on to who asked
                self._fresh.extendleft(reversed(waiting))
                raise

    def _take(self, rows: list[Row]) -> None:
        """Rows as they are in the file now; the newest of one name is what holds."""
        for row in rows:
            if row.kind == "entity":
                self._take_entity(row)
                continue
            before = self._rows.get(row.key)
            if before is None or before.generation < row.generation:
                self._rows[row.key] = row
                self._parsed.pop(row.key, None)
        if any(row.kind == "group" for row in rows):
            self._parsed.clear()
        self._seen = max(self._seen, rows[-1].generation)
        if any(row.kind != "entity" for row in rows):
            self._build()

    def _take_entity(self, row: Row) -> None:
        place = (row.tenant, row.name)
        self.learnt += 1
        if row.body is None:
            self._behind.pop(place, None)
        elif len(self._behind) < ENTITIES_MAX:
            self._behind[place] = (str(row.body["adapter"]), str(row.body["device"]))

    def _make(self, group: Group, device_id: str) -> Device:
        """A device that its group's key brought along."""
        whose = (group.adapter, group.tenant, group.name)
        if not is_id(device_id):
            raise BadFrame("unknown_device", f"{device_id[:100]!r} is no name for a device")
        with self._changing:
            if self._made.get(whose, 0) >= group.new_max:
                raise BadFrame("unknown_device", f"group {group.name!r} has made {group.new_max} devices: no more")
            made = Provision(group.device(device_id), group.hint, "group")
            row = Row(
                "device", group.adapter, group.tenant, device_id, {"id": device_id, "group": group.name}, {}, "group"
            )
            self._made[whose] = self._made.get(whose, 0) + 1
            self._found[group.adapter, device_id] = (made,)
            self._rows[row.key] = row
            self._fresh.append(row)
            self.version += 1
        return made.device

    def _build(self) -> None:
        """The tables anew, from files and rows."""
        groups = {(one.adapter, one.tenant, one.name): one for one in self._groups_of_rows()}
        for provisions in self._files.values():
            groups.update({(one.adapter, one.tenant, one.name): one for one in provisions.groups})
        found: dict[tuple[str, str], tuple[Provision, ...]] = {}
        for one in (*self._of_files(), *self._of_rows(groups.values())):
            place = (one.device.adapter, one.device.id)
            others = found.get(place, ())
            if all(other.device.tenant != one.device.tenant for other in others):
                # who asks for a key comes first: else one without would take its messages
                found[place] = tuple(sorted((*others, one), key=lambda each: not each.device.key_digest))
        self._groups, self._found = groups, found
        self.version += 1
        self._by_key = {(one.adapter, one.key_digest): one for one in groups.values() if one.key_digest}
        self._made = _made_of(found.values())
        self._named = _named_by(found.values())
        self._documents = self._documents_of(groups.values(), found.values())

    def _documents_of(
        self, groups: Iterable[Group], found: Iterable[tuple[Provision, ...]]
    ) -> dict[str, Mapping[str, Json]]:
        documents = [row.body for row in self._rows.values() if row.kind == "mapping" and row.body is not None]
        documents += [one.document for one in groups if one.document]
        documents += [one.document for each in found for one in each if one.document]
        return {str(one["mapping"]): one for one in documents}

    def _of_files(self) -> Iterable[Provision]:
        for provisions in self._files.values():
            yield from provisions.devices

    def _groups_of_rows(self) -> Iterable[Group]:
        for row in self._rows.values():
            if row.kind == "group" and row.body is not None:
                try:
                    yield as_group(row)
                except BadSettings as error:
                    log.warning("group %r in the adapters' file is left out: %s", row.name, error)

    def _of_rows(self, groups: Iterable[Group]) -> Iterable[Provision]:
        """Devices of the book; not those whose group is gone: nobody could tell their key."""
        own: dict[tuple[str, str], dict[str, Group]] = {}
        for group in groups:
            own.setdefault((group.adapter, group.tenant), {})[group.name] = group
        for key, row in self._rows.items():
            if row.kind == "device" and row.body is not None:
                if key not in self._parsed:
                    self._parsed[key] = _device_or_none(row, own.get((row.adapter, row.tenant), {}))
                if (made := self._parsed[key]) is not None:
                    yield made


def _device_or_none(row: Row, groups: Mapping[str, Group]) -> Provision | None:
    try:
        return as_device(row, groups)
    except BadSettings as error:
        log.warning("device %r in the adapters' file is left out: %s", row.name, error)
        return None


def _named_by(found: Iterable[tuple[Provision, ...]]) -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
    """The entities that devices name, and who they are: those that no key opens come last."""
    named: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
    for one in sorted((one for each in found for one in each), key=lambda one: one.device.key_digest == NOBODY):
        if one.device.entity_id:
            place = (one.device.tenant, one.device.entity_id)
            named[place] = (*named.get(place, ()), (one.device.adapter, one.device.id))
    return named


def _made_of(found: Iterable[tuple[Provision, ...]]) -> dict[tuple[str, str, str], int]:
    made: dict[tuple[str, str, str], int] = {}
    for each in found:
        for one in each:
            if one.source == "group":
                whose = (one.device.adapter, one.device.tenant, one.device.group)
                made[whose] = made.get(whose, 0) + 1
    return made
