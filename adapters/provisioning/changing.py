"""What people change of who is provisioned: by `misono devices`, and at the doors.

provisioning.add_devices("meters", "", [{"id": "h2-meter", "address": "192.0.2.8", "mapping": "smart-meters"}])
provisioning.new_key("meters", "", "group", "sensors")  ->  a key that is shown this once
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from adapters.device import Device
from adapters.link import BadSettings
from adapters.mapping.reading import Resolve, read_mapping
from adapters.provisioning.agent import AGENT_NAME
from adapters.provisioning.book import AlreadyThere, Book, NotThere, Row
from adapters.provisioning.keys import digest_of, hint_of, new_key
from adapters.provisioning.provision import Group, Provision
from adapters.provisioning.reading import read_device, read_group
from adapters.provisioning.registry import Devices
from broker.errors import LdContextNotAvailable
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.core import core_context
from broker.model.values import Json

AT_ONCE_MAX: Final = 10_000
_SHOWN: Final = 5


class InFile(Exception):
    """Something is as an adapter's file says it: who wants it otherwise changes the file."""


@dataclass(frozen=True, slots=True)
class Place:
    """An adapter that devices may be of: its kinds of link and codec, its tenant."""

    name: str
    link: str
    codec: str
    tenant: str = ""


class InUse(Exception):
    """Others stand on it."""


def _any_mapping(_name: str) -> bool:
    return True


def _core_alone(source: Json) -> ActiveContext:
    if source in (None, []):
        return core_context()
    raise LdContextNotAvailable("no @context but the core's is known here")


@dataclass(frozen=True, slots=True)
class Provisioning:
    """The registry and its book, changed together; a change is durable, and found here, on return.

    `places` are the adapters there are, None where nobody knows: then any name will do. `has_mapping` says whether
    there is a mapping of that name, `of_files` which of them files make,
    `beside` which are about to be there; `resolve` gives the names of a @context.
    """

    devices: Devices
    book: Book
    places: Mapping[str, Place] | None = None
    names: ActiveContext = field(default_factory=core_context)
    has_mapping: Callable[[str], bool] = _any_mapping
    of_files: Collection[str] = ()
    beside: Collection[str] = ()
    resolve: Resolve = field(default_factory=lambda: _core_alone)

    def find(self, adapter: str, tenant: str, device_id: str) -> Provision:
        """A device; one that has just been made of a message too. Raises NotThere."""
        self.devices.refresh()
        found = self.devices.provision(adapter, tenant, device_id)
        if found is None:
            raise NotThere(("device", adapter, tenant, device_id))
        return found

    def find_group(self, adapter: str, tenant: str, name: str) -> Group:
        """A group. Raises NotThere."""
        self.devices.refresh()
        found = self.devices.group(adapter, tenant, name)
        if found is None:
            raise NotThere(("group", adapter, tenant, name))
        return found

    def add_devices(self, adapter: str, tenant: str, bodies: Sequence[Json]) -> list[Provision]:
        """New devices, all or none. Raises BadSettings, AlreadyThere."""
        self._check_adapter(adapter)
        if len(bodies) > AT_ONCE_MAX:
            raise BadSettings(f"devices: at most {AT_ONCE_MAX} at once")
        rows = [self._device_row(adapter, tenant, body, f"devices[{place}]") for place, body in enumerate(bodies)]
        for row in rows:
            self._not_in_file(row)
        self.book.add(rows)
        self.devices.refresh()
        return [self.find(adapter, row.tenant, row.name) for row in rows]

    def put_device(self, adapter: str, tenant: str, device_id: str, body: Json) -> Provision:
        """A device as this says, in the place of what it was. Without a key it keeps the one that it has.

        Raises BadSettings, NotThere, InFile.
        """
        self._check_changeable(self.find(adapter, tenant, device_id))
        if isinstance(body, dict):
            body = {"id": device_id, **body}
        row = self._device_row(adapter, tenant, body, "device")
        if (row.tenant, row.name) != (tenant, device_id):
            raise BadSettings("device.id: a device keeps its id and its tenant; remove it and add another one")
        self.book.change(row.key, lambda before: _keeping_key(row, before))
        self.devices.refresh()
        return self.find(adapter, tenant, device_id)

    def remove_device(self, adapter: str, tenant: str, device_id: str) -> None:
        """Raises NotThere, InFile."""
        self._check_changeable(self.find(adapter, tenant, device_id))
        self.book.remove([("device", adapter, tenant, device_id)])
        self.devices.refresh()

    def add_group(self, adapter: str, tenant: str, body: Json) -> Group:
        """A new group. Raises BadSettings, AlreadyThere."""
        self._check_adapter(adapter)
        row = self._group_row(adapter, tenant, body)
        self._not_in_file(row)
        self.check_key(row)
        self.book.add([row])
        self.devices.refresh()
        return self.find_group(adapter, row.tenant, row.name)

    def remove_group(self, adapter: str, tenant: str, name: str) -> None:
        """Its devices stay, and are closed until they are put elsewhere. Raises NotThere, InFile."""
        group = self.find_group(adapter, tenant, name)
        if group.source == "file":
            raise InFile(f"group {name!r} is in the file of {adapter}: change that")
        self.book.remove([("group", adapter, tenant, name)])
        self.devices.refresh()

    def new_key(self, adapter: str, tenant: str, kind: Literal["device", "group"], name: str) -> str:
        """Another key in the place of the one there was; nobody can be shown it again. Raises NotThere, InFile."""
        if kind == "group":
            source = self.find_group(adapter, tenant, name).source
        else:
            source = self.find(adapter, tenant, name).source
        if source == "file":
            raise InFile(f"{kind} {name!r} is in the file of {adapter}: change that")
        key = new_key()

        def change(row: Row) -> Row:
            return replace(row, body={**(row.body or {}), "key_digest": digest_of(key), "key_hint": hint_of(key)})

        self.book.change((kind, adapter, tenant, name), change)
        self.devices.refresh()
        return key

    def mappings(self) -> list[Row]:
        """Mappings that people added, by name."""
        return self.book.of_kind("mapping")

    def put_mapping(self, document: Json) -> Row:
        """A mapping as in a mapping's file, new or in the place of what it was. Raises BadMapping, InFile."""
        row = self._mapping_row(document, "mapping")
        self.book.put([row])
        self.devices.refresh()
        return row

    def remove_mapping(self, name: str) -> None:
        """Raises NotThere, InUse."""
        used = [f"group {one.name}" for one in self.devices.groups() if one.mapping == name]
        used += [f"device {one.device.id}" for one in self.devices.provisions() if one.device.mapping == name]
        if used:
            raise InUse(
                f"mapping {name!r} is that of {', '.join(used[:_SHOWN])}{' and others' if len(used) > _SHOWN else ''}"
            )
        self.book.remove([("mapping", "", "", name)])
        self.devices.refresh()

    def check_key(self, row: Row) -> None:
        """Two groups of one adapter cannot have one key: nobody could tell whose device comes with it.

        Raises AlreadyThere.
        """
        digest = (row.body or {}).get("key_digest")
        for one in self.devices.groups(row.adapter):
            if digest and one.key_digest == digest and (one.tenant, one.name) != (row.tenant, row.name):
                raise AlreadyThere(row.key)

    def exported(self) -> dict[str, Json]:
        """What the book holds, for `imported`: with digests of keys, not with keys."""
        found: dict[str, list[Json]] = {"groups": [], "devices": []}
        for row in (*self.book.of_kind("group"), *self.book.of_kind("device")):
            made: dict[str, Json] = {"adapter": row.adapter, **({"tenant": row.tenant} if row.tenant else {})}
            told = {**made, **(row.body or {})}
            found[f"{row.kind}s"].append({**told, "as_given": dict(row.given)} if row.given else told)
        mappings: list[Json] = [dict(row.body or {}) for row in self.mappings()]
        return {"mappings": mappings, "groups": found["groups"], "devices": found["devices"]}

    def imported(self, document: Json) -> tuple[int, int, int]:
        """What `exported` gives, all or none; what is there already is left as it is.

        How many mappings, groups and devices were told. Raises BadSettings, BadMapping, InFile.
        """
        if not isinstance(document, dict) or not document.keys() <= {"mappings", "groups", "devices"}:
            raise BadSettings("an object with the members mappings, groups and devices is wanted")
        mappings = [
            self._mapping_row(one, f"mappings[{place}]") for place, one in enumerate(_list(document, "mappings"))
        ]
        whole = replace(self, beside=frozenset(row.name for row in mappings))
        groups = [whole.told("group", one, place) for place, one in enumerate(_list(document, "groups"))]
        devices = [whole.told("device", one, place) for place, one in enumerate(_list(document, "devices"))]
        self.book.add([*mappings, *groups, *devices], or_leave=True)
        self.devices.refresh()
        return len(mappings), len(groups), len(devices)

    def _mapping_row(self, document: Json, place: str) -> Row:
        made = read_mapping(document, self.resolve, place)
        assert isinstance(document, dict)
        if made.name in self.of_files or made.name.startswith(AGENT_NAME):
            raise InFile(f"a file says what mapping {made.name!r} is: change that, or take another name")
        return Row("mapping", "", "", made.name, document)

    def told(self, kind: Literal["device", "group"], raw: Json, place: int) -> Row:
        """The row of a group or a device as it was exported. Raises BadSettings."""
        where = f"{kind}s[{place}]"
        if not isinstance(raw, dict) or not isinstance(raw.get("adapter"), str):
            raise BadSettings(f"{where}.adapter: the name of an adapter is wanted")
        body = {name: value for name, value in raw.items() if name not in ("adapter", "as_given")}
        adapter, given = str(raw["adapter"]), raw.get("as_given", {})
        if not isinstance(given, dict):
            raise BadSettings(f"{where}.as_given: an object is wanted")
        self._check_adapter(adapter)
        row = (
            self._group_row(adapter, "", body, where)
            if kind == "group"
            else self._device_row(adapter, "", body, where, loose=True)
        )
        return replace(row, given=given)

    def _device_row(self, adapter: str, tenant: str, body: Json, place: str, *, loose: bool = False) -> Row:
        above = Device("", adapter, tenant)
        made = read_device(body, place, above, self.names)
        assert isinstance(body, dict)
        if not loose:
            known = {one.name: one for one in self.devices.groups(adapter) if one.tenant == made.device.tenant}
            read_device(body, place, above, self.names, known)
        self._check_mapping(made.device.mapping, place)
        return Row("device", adapter, made.device.tenant, made.device.id, _kept(body, made.device, made.hint))

    def _group_row(self, adapter: str, tenant: str, body: Json, place: str = "group") -> Row:
        made = read_group(body, place, Device("", adapter, tenant), self.names)
        assert isinstance(body, dict)
        self._check_mapping(made.mapping, place)
        return Row("group", adapter, made.tenant, made.name, _kept(body, made, made.hint))

    def _check_changeable(self, found: Provision) -> None:
        if found.source == "file":
            raise InFile(f"device {found.device.id!r} is in the file of {found.device.adapter}: change that")

    def _not_in_file(self, row: Row) -> None:
        """What a file says wins, so the book cannot have it beside. Raises AlreadyThere."""
        if row.kind == "device":
            found: Provision | Group | None = self.devices.provision(*row.key[1:])
        else:
            found = self.devices.group(*row.key[1:])
        if found is not None and found.source == "file":
            raise AlreadyThere(row.key)

    def _check_adapter(self, adapter: str) -> None:
        if self.places is not None and adapter not in self.places:
            known = ", ".join(sorted(self.places)) or "none"
            raise BadSettings(f"adapter: no adapter {adapter[:100]!r}; there are {known}")

    def _check_mapping(self, name: str, place: str) -> None:
        if name and name not in self.beside and not self.has_mapping(name):
            raise BadSettings(f"{place}.mapping: no mapping {name[:100]!r}")


def _kept(body: Mapping[str, Json], made: Device | Group, hint: str) -> dict[str, Json]:
    """A body as the book keeps it: a key as its digest, names as IRIs."""
    kept = {name: value for name, value in body.items() if name not in ("key", "key_hint", "tenant", "adapter")}
    if "key" in body:
        kept["key_digest"] = made.key_digest
    if hint:
        kept["key_hint"] = hint
    if "entity_type" in body:
        kept["entity_type"] = made.entity_type
    if "fixed" in body:
        kept["fixed"] = dict(made.fixed)
    return kept


def _keeping_key(row: Row, before: Row) -> Row:
    """Where nothing is said of a key, it stays."""
    body = dict(row.body or {})
    if "key_digest" not in body:
        body |= {name: value for name, value in (before.body or {}).items() if name in ("key_digest", "key_hint")}
    return replace(row, body=body)


def _list(document: Mapping[str, Json], name: str) -> list[Json]:
    raw = document.get(name, [])
    if isinstance(raw, list) and len(raw) <= AT_ONCE_MAX:
        return raw
    raise BadSettings(f"{name}: a list of at most {AT_ONCE_MAX} is wanted")
