"""Rows of the book -> groups and devices. Pure.

What clients of the IoT Agent API said is understood anew each time: a device that says no key of its own has that of
the group of its service path, which may come later, or change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from adapters.device import Device
from adapters.provisioning.agent import entity_of, mapping_of, type_of
from adapters.provisioning.book import Row
from adapters.provisioning.keys import NOBODY
from adapters.provisioning.provision import Group, Provision
from adapters.provisioning.reading import read_device, read_group
from broker.ldcontext.core import core_context
from broker.model.values import Json


def as_group(row: Row) -> Group:
    """The group of a row. Raises BadSettings."""
    group = read_group(dict(row.body or {}), row.name, Device("", row.adapter, row.tenant), core_context())
    group = replace(group, source=row.source, as_given=row.given)
    if not row.given:
        return group
    document = mapping_of(row.given, {})
    return replace(group, document=document, mapping=str(document["mapping"]))


def as_device(row: Row, groups: Mapping[str, Group]) -> Provision:
    """The device of a row, the settings of its group merged in. Raises BadSettings."""
    above = Device("", row.adapter, row.tenant)
    body = dict(row.body or {})
    if row.given:
        made = read_device(body, row.name, above, core_context())
        return _as_agent(replace(made, source=row.source, as_given=row.given), groups.values())
    if body.get("group", "") in ("", *groups):
        return replace(read_device(body, row.name, above, core_context(), groups), source=row.source)
    made = read_device(body, row.name, above, core_context())  # its group is gone, and what key it had
    return replace(made, source=row.source, device=replace(made.device, key_digest=NOBODY))


def _as_agent(made: Provision, groups: Iterable[Group]) -> Provision:
    given, device = made.as_given, made.device
    near = [one for one in groups if one.as_given and _path(one.as_given) == _path(given)]
    if device.key_digest:
        near = [one for one in groups if one.as_given and one.key_digest == device.key_digest]
    wanted = type_of({}, given)
    near.sort(key=lambda one: (type_of(one.as_given, {}) != wanted, one.name))
    group = near[0] if near else None
    theirs: Mapping[str, Json] = {} if group is None else group.as_given
    document = mapping_of(theirs, given)
    whole = replace(
        device,
        group="" if group is None else group.name,
        mapping=str(document["mapping"]),
        entity_id=entity_of(theirs, given),
        key_digest=device.key_digest or (NOBODY if group is None else group.key_digest),
    )
    hint = made.hint or ("" if group is None else group.hint)
    also = () if device.key_digest else tuple(one.key_digest for one in near[1:])
    return replace(made, device=whole, document=document, hint=hint, also=also)


def _path(given: Mapping[str, Json]) -> str:
    return str(given.get("service_path") or "/")
