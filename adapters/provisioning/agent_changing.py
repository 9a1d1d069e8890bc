"""Config groups and devices as clients of FIWARE's IoT Agent API change them: the same rows, in other words.

    agent = AgentProvisioning(provisioning, resolve)
    agent.add_groups(Caller("openiot", "/"), [{"apikey": "k", "resource": "/iot/json", "entity_type": "Thing"}])

A group, and a device, is of every adapter that can hear it: by the resource or protocol that is named (JSON or
Ultralight) and by the transport (MQTT or HTTP); where neither is named, of all adapters of either codec.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from adapters.link import BadSettings
from adapters.mapping.members import BadMapping
from adapters.mapping.reading import Resolve, read_mapping
from adapters.provisioning.agent import check_given, default_entity, entity_of, kept_of, mapping_of, type_of
from adapters.provisioning.book import AlreadyThere, Key, NotThere, Row
from adapters.provisioning.changing import AT_ONCE_MAX, Place, Provisioning
from adapters.provisioning.keys import KEY_MAX, NOBODY, digest_of, hint_of, shown
from adapters.provisioning.provision import Group, Provision
from adapters.provisioning.reading import is_id
from broker.model.values import Json

CODECS: Final = ("iota-json", "ultralight")
_OF_RESOURCE: Final = {"/iot/json": "iota-json", "/iot/d": "ultralight"}
_ANY_PATH: Final = ("/*", "/#")


@dataclass(frozen=True, slots=True)
class Caller:
    """The headers fiware-service (our tenant) and fiware-servicepath; a URL of a @context where one was named."""

    tenant: str
    path: str = "/"
    context: str = ""

    def sees(self, given: Mapping[str, Json]) -> bool:
        """Whether something is of the service path that is asked for."""
        return self.path in _ANY_PATH or str(given.get("service_path") or "/") == self.path


@dataclass(frozen=True, slots=True)
class AgentProvisioning:
    """See the module. Every method may raise BadSettings, AlreadyThere and NotThere."""

    provisioning: Provisioning
    resolve: Resolve

    def groups(self, caller: Caller) -> list[Group]:
        """The config groups of a service path, each once."""
        return list({one.name: one for one in self._groups(caller)}.values())

    def add_groups(self, caller: Caller, given: Json) -> None:
        """New ones, all or none."""
        rows: list[Row] = []
        for place, one in enumerate(_several(given, "services")):
            rows += self._new_group(caller, check_given(one, f"services[{place}]"), f"services[{place}]")
        for row in rows:
            self.provisioning.check_key(row)
        self._add(rows)

    def change_group(self, caller: Caller, resource: str, key: str, given: Json) -> None:
        """Members that are named are changed, the others stay."""
        checked = check_given(given, "body")
        rows = []
        for group in self._found_groups(caller, resource, key):
            whole = {**group.as_given, **kept_of(checked), "resource": group.as_given.get("resource", "")}
            body: dict[str, Json] = {
                "name": group.name,
                "key_digest": group.key_digest,
                "key_hint": group.hint,
                "new": _takes_new(whole, "body"),
            }
            rows.append(Row("group", group.adapter, group.tenant, group.name, body, whole))
            self._check(mapping_of(whole, {}))
        self._put(rows)

    def remove_group(self, caller: Caller, resource: str, key: str, *, devices: bool = False) -> None:
        """Take it away, with `devices` those of it too."""
        groups = self._found_groups(caller, resource, key)
        keys: list[Key] = [("group", one.adapter, one.tenant, one.name) for one in groups]
        if devices:
            theirs = {one.device.id for one in self._devices(caller) for group in groups if _is_of(one, group)}
            keys += [_key(one) for one in self._devices(caller) if one.device.id in theirs]
        self.provisioning.book.remove(keys)
        self.provisioning.devices.refresh()

    def devices(self, caller: Caller) -> list[Provision]:
        """The devices of a service path, each once, in the order of their ids."""
        found = {one.device.id: one for one in sorted(self._devices(caller), key=_open_last)}
        return sorted(found.values(), key=lambda one: one.device.id)

    def device(self, caller: Caller, device_id: str) -> Provision:
        """One of them."""
        for one in self.devices(caller):
            if one.device.id == device_id:
                return one
        raise NotThere(("device", "", caller.tenant, device_id))

    def add_devices(self, caller: Caller, given: Json) -> None:
        """New ones, all or none."""
        rows: list[Row] = []
        for place, one in enumerate(_several(given, "devices")):
            rows += self._new_device(caller, check_given(one, f"devices[{place}]"), f"devices[{place}]")
        self._add(rows)

    def shown_device(self, one: Provision) -> dict[str, Json]:
        """A device as the API shows it."""
        group = self.provisioning.devices.group(one.device.adapter, one.device.tenant, one.device.group)
        return shown_device(one, group)

    def change_device(self, caller: Caller, device_id: str, given: Json) -> None:
        """Members that are named are changed, the others stay; not the id."""
        checked = check_given(given, "body")
        if "device_id" in checked:
            raise BadSettings("body.device_id: a device keeps its id")
        rows = []
        for one in [one for one in self._devices(caller) if one.device.id == device_id]:
            whole = {"device_id": device_id, **self._path_of(one), **one.as_given, **kept_of(checked)}
            row = self._device_row(caller, whole, checked, one.device.adapter, "body")
            before = self.provisioning.book.one(row.key)
            if "apikey" not in checked and before is not None:
                own = {name: value for name, value in (before.body or {}).items() if name in ("key_digest", "key_hint")}
                row = replace(row, body={**(row.body or {}), **own})
            rows.append(row)
        if not rows:
            raise NotThere(("device", "", caller.tenant, device_id))
        self._put(rows)

    def remove_device(self, caller: Caller, device_id: str) -> None:
        """Take it away."""
        keys = [_key(one) for one in self._devices(caller) if one.device.id == device_id]
        if not keys:
            raise NotThere(("device", "", caller.tenant, device_id))
        self.provisioning.book.remove(keys)
        self.provisioning.devices.refresh()

    def _new_group(self, caller: Caller, given: Mapping[str, Json], place: str) -> list[Row]:
        key, resource = _secret(given, place), str(given.get("resource") or "")
        if not key:
            raise BadSettings(f"{place}.apikey: a text is wanted; devices come with it")
        name = _name_of(caller.path, resource, digest_of(key))
        body: dict[str, Json] = {
            "name": name,
            "key_digest": digest_of(key),
            "key_hint": hint_of(key),
            "new": _takes_new(given, place),
        }
        kept = {**kept_of(given), "resource": resource, **_of_caller(caller)}
        self._check(mapping_of(kept, {}))
        return [Row("group", adapter.name, caller.tenant, name, body, kept) for adapter in self._places(given, place)]

    def _new_device(self, caller: Caller, given: Mapping[str, Json], place: str) -> list[Row]:
        kept = {**kept_of(given), **_of_caller(caller)}
        return [self._device_row(caller, kept, given, adapter.name, place) for adapter in self._places(given, place)]

    def _device_row(
        self, caller: Caller, kept: Mapping[str, Json], given: Mapping[str, Json], adapter: str, place: str
    ) -> Row:
        device_id = kept.get("device_id")
        if not isinstance(device_id, str) or not is_id(device_id):
            raise BadSettings(f"{place}.device_id: a text without / + # and control characters is wanted")
        body: dict[str, Json] = {"id": device_id}
        if key := _secret(given, place):
            body |= {"key_digest": digest_of(key), "key_hint": hint_of(key)}
        if kept.get("endpoint"):
            body["address"] = kept["endpoint"]
        if isinstance(kept.get("internal_attributes"), dict):
            body["options"] = kept["internal_attributes"]
        self._check(mapping_of({}, kept))
        return Row("device", adapter, caller.tenant, device_id, body, kept)

    def _check(self, document: Mapping[str, Json]) -> None:
        try:
            read_mapping(dict(document), self.resolve, "body")
        except BadMapping as error:
            raise BadSettings(str(error)) from error

    def _places(self, given: Mapping[str, Json], place: str) -> list[Place]:
        """The adapters that can hear it."""
        there = [one for one in (self.provisioning.places or {}).values() if one.codec in CODECS]
        codec, transport = _codec(given), str(given.get("transport") or "").lower()
        fits = [
            one
            for one in there
            if codec in ("", one.codec) and (transport in ("", one.link) or one.link not in ("mqtt", "http"))
        ]
        if not fits:
            wanted = " ".join(filter(None, (codec or " or ".join(CODECS), transport)))
            raise BadSettings(f"{place}: no adapter of this hub speaks {wanted}; a file in --adapters makes one")
        return fits

    def _groups(self, caller: Caller) -> Iterable[Group]:
        for one in self.provisioning.devices.groups():
            if one.as_given and one.tenant == caller.tenant and caller.sees(one.as_given):
                yield one

    def _found_groups(self, caller: Caller, resource: str, key: str) -> list[Group]:
        digest = digest_of(key)
        found = [
            one
            for one in self._groups(caller)
            if one.key_digest == digest and str(one.as_given.get("resource") or "") == resource
        ]
        if not found:
            raise NotThere(("group", "", caller.tenant, resource))
        return found

    def _devices(self, caller: Caller) -> Iterable[Provision]:
        """Those that were provisioned here, and those that messages made of a group from here."""
        self.provisioning.devices.refresh()
        named = {(one.adapter, one.name) for one in self._groups(caller)}
        for one in self.provisioning.devices.provisions():
            if one.device.tenant != caller.tenant:
                continue
            if caller.sees(one.as_given) if one.as_given else (one.device.adapter, one.device.group) in named:
                yield one

    def _path_of(self, one: Provision) -> dict[str, Json]:
        """The service path of a device that messages made: that of its group."""
        group = self.provisioning.devices.group(one.device.adapter, one.device.tenant, one.device.group)
        return {"service_path": "/" if group is None else group.as_given.get("service_path", "/")}

    def _add(self, rows: Sequence[Row]) -> None:
        keys = [row.key for row in rows]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                raise AlreadyThere(key)
        for row in rows:
            if row.kind == "device" and self.provisioning.devices.provision(*row.key[1:]) is not None:
                raise AlreadyThere(row.key)
        self.provisioning.book.add(rows)
        self.provisioning.devices.refresh()

    def _put(self, rows: Sequence[Row]) -> None:
        self.provisioning.book.put(rows)
        self.provisioning.devices.refresh()


def shown_group(group: Group) -> dict[str, Json]:
    """A config group as the API shows it, its key masked."""
    given = dict(group.as_given)
    path = given.pop("service_path", "/")
    return {
        **given,
        "apikey": shown(group.key_digest, group.hint),
        "entity_type": type_of(given, {}),
        "service": group.tenant,
        "subservice": path,
    }


def shown_device(one: Provision, group: Group | None) -> dict[str, Json]:
    """A device as the API shows it, its key masked; what messages made is shown in the same form."""
    device, theirs = one.device, {} if group is None else group.as_given
    given = {name: value for name, value in one.as_given.items() if name != "entity_name"}
    made: dict[str, Json] = {
        "device_id": device.id,
        "service": device.tenant,
        "service_path": theirs.get("service_path", "/"),
        "entity_name": entity_of(theirs, one.as_given) or default_entity(theirs, one.as_given, device.id),
        "entity_type": type_of(theirs, one.as_given),
        "attributes": [],
        "lazy": [],
        "commands": [],
        "static_attributes": [],
        **given,
    }
    key = shown(device.key_digest, one.hint)
    return {**made, "apikey": key} if key else made


def _several(given: Json, name: str) -> list[Json]:
    raw = given.get(name) if isinstance(given, dict) else None
    if isinstance(raw, list) and 0 < len(raw) <= AT_ONCE_MAX:
        return raw
    raise BadSettings(f"{name}: a list of 1 to {AT_ONCE_MAX} is wanted")


def _of_caller(caller: Caller) -> dict[str, Json]:
    told: dict[str, Json] = {"service_path": caller.path}
    return {**told, "@context": caller.context} if caller.context else told


def _secret(given: Mapping[str, Json], place: str) -> str:
    key = given.get("apikey") or ""
    if isinstance(key, str) and len(key) <= KEY_MAX and (key.isprintable() or not key):
        return key
    raise BadSettings(f"{place}.apikey: a text of at most {KEY_MAX} characters is wanted")


def _takes_new(given: Mapping[str, Json], place: str) -> bool:
    new = given.get("autoprovision", True)
    if isinstance(new, bool):
        return new
    raise BadSettings(f"{place}.autoprovision: true or false is wanted; expressions are not evaluated")


def _codec(given: Mapping[str, Json]) -> str:
    resource, protocol = str(given.get("resource") or ""), given.get("protocol") or ""
    if resource in _OF_RESOURCE:
        return _OF_RESOURCE[resource]
    told = " ".join(map(str, protocol)) if isinstance(protocol, list) else str(protocol)
    if "json" in told.lower():
        return "iota-json"
    return "ultralight" if "ul" in told.lower() else ""


def _name_of(path: str, resource: str, digest: str) -> str:
    """A name that tells nothing of the key."""
    return f"agent-{hashlib.sha256(f'{path} {resource} {digest}'.encode()).hexdigest()[:20]}"


def _open_last(one: Provision) -> bool:
    """Of a device in two adapters that one is shown which has a group."""
    return one.device.key_digest != NOBODY


def _key(one: Provision) -> Key:
    return ("device", one.device.adapter, one.device.tenant, one.device.id)


def _is_of(one: Provision, group: Group) -> bool:
    return (one.device.adapter, one.device.group) == (group.adapter, group.name)
