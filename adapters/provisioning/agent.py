"""What clients of FIWARE's IoT Agent API say of config groups and devices, in our own terms. Pure.

    {"apikey": "k", "resource": "/iot/json", "entity_type": "Room",
     "attributes": [{"object_id": "t", "name": "temperature", "type": "Number"}]}

becomes a group with the digest of `k`, and a mapping that makes Rooms: quantity `t` is their temperature. Nothing that
comes over this API is evaluated: who sends expressions is told that a mapping's file does it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from adapters.link import BadSettings
from broker.model.names import is_uri
from broker.model.values import Json

LISTED_MAX: Final = 200
NAME_MAX: Final = 256
AGENT_NAME: Final = "iota-"
"""What the names of mappings that follow from this API begin with."""
TYPE: Final = "Thing"
"""What a device becomes of which nobody says what it is."""
_SECRETS: Final = frozenset({"apikey", "trust", "token", "cbroker_token"})
_OF_HEADERS: Final = frozenset({"service", "subservice", "service_path", "_id", "id"})
_NOT_DONE: Final = {
    "entityNameExp": "expressions are not evaluated; `entity_name` of a device says which entity it is",
    "lazy": "devices are not asked when somebody reads: say `attributes`",
}
_NUMBERS: Final = frozenset({"number", "integer", "int", "float", "double", "long"})
_FLAGS: Final = frozenset({"boolean", "bool"})
_INSTANTS: Final = frozenset({"datetime", "date-time", "iso8601", "timestamp"})
_PLACES: Final = frozenset({"geo:json", "geo:point", "geoproperty", "point"})
_KINDS: Final = {
    "relationship": "relationship",
    "languageproperty": "language",
    "vocabproperty": "vocab",
    "vocabularyproperty": "vocab",
    "jsonproperty": "json",
    "listproperty": "list",
}


def kept_of(given: Mapping[str, Json]) -> dict[str, Json]:
    """What is kept of a body to be shown again: no secrets, nothing that headers say, no nulls."""
    return {
        name: value
        for name, value in given.items()
        if name not in _SECRETS and name not in _OF_HEADERS and value is not None
    }


def check_given(given: Json, place: str) -> dict[str, Json]:
    """The body of a group or a device that can be done. Raises BadSettings."""
    if not isinstance(given, dict):
        raise BadSettings(f"{place}: an object is wanted")
    for name, remedy in _NOT_DONE.items():
        if given.get(name):
            raise BadSettings(f"{place}.{name}: {remedy}")
    if isinstance(given.get("explicitAttrs"), str):
        raise BadSettings(f"{place}.explicitAttrs: true or false; expressions are not evaluated")
    for name in ("attributes", "commands", "static_attributes"):
        _listed(given, name, place)
    for name in ("entity_type", "type", "entity_name", "protocol", "transport", "endpoint", "resource", "timezone"):
        text = given.get(name)
        if text is not None and not (name == "protocol" and isinstance(text, list)):
            _name(text, f"{place}.{name}", empty=True)
    return given


def type_of(group: Mapping[str, Json], device: Mapping[str, Json]) -> str:
    """The type of the entity that a device becomes."""
    for given in (device, group):
        if given.get("entity_type") or given.get("type"):
            return str(given.get("entity_type") or given["type"])
    return TYPE


def entity_of(group: Mapping[str, Json], device: Mapping[str, Json]) -> str:
    """The entity that a device names: `entity_name`, made a URI; `""` where it names none."""
    name = str(device.get("entity_name") or "")
    return _uri(name, type_of(group, device)) if name else ""


def default_entity(group: Mapping[str, Json], device: Mapping[str, Json], device_id: str) -> str:
    """The entity that a device becomes which names none."""
    return f"urn:ngsi-ld:{quote(type_of(group, device), safe='')}:{quote(device_id, safe='')}"


def mapping_of(group: Mapping[str, Json], device: Mapping[str, Json]) -> dict[str, Json]:
    """The mapping that follows from a group and a device of it, as in a mapping's file; the device's word counts more.

    Its name says what is in it: devices that are mapped alike have one mapping. Raises BadSettings.
    """
    attributes = _merged(group, device, "attributes")
    static = _merged(group, device, "static_attributes")
    type_ = type_of(group, device)
    others = not (device.get("explicitAttrs", group.get("explicitAttrs", False)))
    first: dict[str, Json] = {
        "id": f"urn:ngsi-ld:{quote(type_, safe='')}:{{device}}",
        "type": type_,
        "attributes": {str(one["name"]): _rule(one) for one in attributes if not one.get("entity_name")},
        "fixed": {str(one["name"]): _fixed(one) for one in static if not one.get("entity_name")},
    }
    first["others"] = others or not first["attributes"]
    body: dict[str, Json] = {"version": 1, "entities": [first, *_more(attributes, static, type_)]}
    commands = _merged(group, device, "commands")
    if commands:
        body["commands"] = [{"attribute": one["name"], "name": one.get("object_id") or one["name"]} for one in commands]
    context = device.get("@context", group.get("@context"))
    if context:
        body["context"] = context
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return {"mapping": f"{AGENT_NAME}{hashlib.sha256(text.encode()).hexdigest()[:24]}", **body}


def _more(attributes: list[dict[str, Json]], static: list[dict[str, Json]], type_: str) -> list[Json]:
    """The further entities that attributes name; what is fixed alone makes none."""
    found: dict[str, dict[str, dict[str, Json]]] = {"attributes": {}, "fixed": {}}
    types: dict[str, Json] = {}
    for name, rows, make in (("attributes", attributes, _rule), ("fixed", static, _fixed)):
        for one in rows:
            if one.get("entity_name"):
                of = str(one.get("entity_type") or type_)
                uri = _uri(str(one["entity_name"]), of)
                types.setdefault(uri, of)
                members = found[name].setdefault(uri, {})
                assert isinstance(members, dict)
                members[str(one["name"])] = make(one)
    return [
        {"id": uri, "type": types[uri], "attributes": rules, "fixed": found["fixed"].get(uri, {})}
        for uri, rules in found["attributes"].items()
    ]


def _merged(group: Mapping[str, Json], device: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    """A group's list with a device's in it: what has the same name is the device's."""
    own = _listed(device, name, "")
    theirs = {(one["name"], one.get("entity_name")) for one in own}
    return [*(one for one in _listed(group, name, "") if (one["name"], one.get("entity_name")) not in theirs), *own]


def _listed(given: Mapping[str, Json], name: str, place: str) -> list[dict[str, Json]]:
    raw = given.get(name)
    raw = [] if raw is None else raw
    if not isinstance(raw, list) or len(raw) > LISTED_MAX:
        raise BadSettings(f"{place}.{name}: a list of at most {LISTED_MAX} is wanted")
    found = []
    for number, one in enumerate(raw):
        where = f"{place}.{name}[{number}]"
        if not isinstance(one, dict):
            raise BadSettings(f"{where}: an object with name and type is wanted")
        _name(one.get("name"), f"{where}.name")
        for member in ("object_id", "type", "entity_name", "entity_type"):
            if one.get(member) is not None:
                _name(one[member], f"{where}.{member}", empty=True)
        for member in ("expression", "reverse", "link"):
            if one.get(member):
                raise BadSettings(f"{where}.{member}: it is not evaluated; a mapping's file says how values are made")
        found.append(one)
    return found


def _name(raw: Json, place: str, *, empty: bool = False) -> None:
    """Raises BadSettings for what is no name; braces would be places to fill in."""
    fits = isinstance(raw, str) and len(raw) <= NAME_MAX and (raw.isprintable() or not raw)
    if not fits or (not raw and not empty) or {"{", "}"} & set(str(raw)):
        raise BadSettings(f"{place}: a text of at most {NAME_MAX} characters is wanted, without braces")


def _rule(given: dict[str, Json]) -> Json:
    """`{"object_id": "t", "type": "Number", "metadata": {"unitCode": {"value": "CEL"}}}` as a rule of a mapping."""
    source = given.get("object_id") or given["name"]
    type_ = str(given.get("type") or "").lower()
    if type_ in _PLACES:
        return {"geo": [source]}
    rule: dict[str, Json] = {"from": source}
    if type_ in _NUMBERS:
        rule["as"] = "number"
    elif type_ in _FLAGS:
        rule["as"] = "boolean"
    elif type_ in _INSTANTS:
        rule["as"] = "instant"
    elif _KINDS.get(type_) == "relationship":
        rule["relationship"] = "{value}"
    elif type_ in _KINDS:
        rule[_KINDS[type_]] = True
    unit = _unit(given)
    if unit and ("as" not in rule or rule["as"] == "number"):
        rule["from_unit"] = unit
    return rule


def _fixed(given: dict[str, Json]) -> Json:
    """An attribute that every message carries."""
    value, type_ = given.get("value"), str(given.get("type") or "").lower()
    if value is None:
        raise BadSettings(f"static_attributes: {given['name']!r} has no value")
    if type_ == "relationship":
        return {"type": "Relationship", "object": value}
    if type_ in _PLACES:
        return {"type": "GeoProperty", "value": _geometry(value)}
    if type_ == "languageproperty":
        return {"type": "LanguageProperty", "languageMap": value}
    if _KINDS.get(type_) == "vocab":
        return {"type": "VocabProperty", "vocab": value}
    made: dict[str, Json] = {"type": "Property", "value": value}
    if unit := _unit(given):
        made["unitCode"] = unit
    return made


def _geometry(value: Json) -> Json:
    """GeoJSON; a point may be written `"35.9, 139.6"` (latitude first) or `[139.6, 35.9]`."""
    if isinstance(value, str):
        try:
            latitude, longitude = (float(part) for part in value.split(","))
        except ValueError as error:
            raise BadSettings(f"{value[:40]!r} is no place: latitude, longitude") from error
        return {"type": "Point", "coordinates": [longitude, latitude]}
    return {"type": "Point", "coordinates": value} if isinstance(value, list) else value


def _unit(given: dict[str, Json]) -> str:
    metadata = given.get("metadata")
    unit = metadata.get("unitCode") if isinstance(metadata, dict) else None
    if isinstance(unit, dict):
        unit = unit.get("value")
    return unit if isinstance(unit, str) else ""


def _uri(name: str, type_: str) -> str:
    """A name as the id of an entity: what is no URI becomes one below its type."""
    return name if is_uri(name) else f"urn:ngsi-ld:{quote(type_, safe='')}:{quote(name, safe='')}"
