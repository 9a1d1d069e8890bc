"""A group of devices and a mapping as entities of the package misono-city: what the hub tells of them. Pure.

Keys are told by their last characters alone.
"""

from __future__ import annotations

from typing import Final

from adapters.mapping.plan import DeviceMapping
from adapters.mapping.templates import escaped
from adapters.provisioning.as_entity import NAME
from adapters.provisioning.provision import Group
from broker.model.values import Json
from broker.ports.hub import Fragment

_OURS: Final = "https://misono.example/def/"
GROUP: Final = _OURS + "DeviceGroup"
MAPPING: Final = _OURS + "DeviceMapping"
_NAMES_MAX: Final = 500


def group_entity_id(group: Group) -> str:
    """The entity that stands for a group."""
    return f"urn:ngsi-ld:DeviceGroup:{escaped(group.adapter)}:{escaped(group.name)}"


def mapping_entity_id(name: str) -> str:
    """The entity that stands for a mapping."""
    return f"urn:ngsi-ld:DeviceMapping:{escaped(name)}"


def group_as_entity(group: Group) -> Fragment:
    """The entity, with names expanded."""
    fragment: dict[str, Json] = {
        "id": group_entity_id(group),
        "type": GROUP,
        NAME: _property(group.name),
        _OURS + "adapter": _property(group.adapter),
        _OURS + "takesNew": _property(group.new),
    }
    if group.hint:
        fragment[_OURS + "keyEnd"] = _property(group.hint)
    if group.mapping:
        fragment[_OURS + "refDeviceMapping"] = {"type": "Relationship", "object": mapping_entity_id(group.mapping)}
    return fragment


def mapping_as_entity(mapping: DeviceMapping) -> Fragment:
    """The entity, with names expanded."""
    types = sorted({entity.type for entity in mapping.entities})
    attributes = sorted({rule.iri for entity in mapping.entities for rule in entity.attributes})[:_NAMES_MAX]
    commands = sorted({rule.attribute for rule in mapping.commands})[:_NAMES_MAX]
    fragment: dict[str, Json] = {
        "id": mapping_entity_id(mapping.name),
        "type": MAPPING,
        NAME: _property(mapping.name),
        _OURS + "mappingVersion": _property(mapping.version),
        _OURS + "entityTypes": _property([*types]),
    }
    if attributes:
        fragment[_OURS + "filledAttributes"] = _property([*attributes])
    if commands:
        fragment[_OURS + "commandNames"] = _property([*commands])
    return fragment


def _property(value: Json) -> Json:
    return {"type": "Property", "value": value}
