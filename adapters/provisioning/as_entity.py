"""A provisioned device as an entity of the package sdm-device: what the hub tells of it. Pure.

as_entity(device, Spoken("mqtt", "iota-json"), mapping)  ->  {"id": "urn:ngsi-ld:Device:sensors:s1", "type": …, …}

Its key, its address in the protocol and its options are nobody's business but the adapter's: they stay in the registry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapters.device import Device
from adapters.mapping.plan import AttributeRule, DeviceMapping
from adapters.mapping.templates import escaped
from broker.model.values import Json
from broker.ports.hub import Fragment

_SUBJECT: Final = "https://smartdatamodels.org/dataModel.Device/"
DEVICE: Final = _SUBJECT + "Device"
NAME: Final = "https://smartdatamodels.org/name"
CATEGORY: Final = _SUBJECT + "deviceCategory"
PROPERTY: Final = _SUBJECT + "controlledProperty"
PROTOCOL: Final = _SUBJECT + "supportedProtocol"
ASSET: Final = _SUBJECT + "controlledAsset"
_PROTOCOLS: Final = {
    "mqtt": "mqtt",
    "http": "http",
    "poll": "http",
    "digital-grid": "http",
    "ocpp": "websocket",
    "ttn": "lora",
    "chirpstack": "lora",
    "ultralight": "ul20",
}
_BY_UNIT: Final = {
    "KWH": "energy",
    "WHR": "energy",
    "WTT": "power",
    "KWT": "power",
    "CEL": "temperature",
    "LUX": "light",
    "KMH": "speed",
    "MTS": "speed",
    "59": "airPollution",
}
_WORDS: Final = (
    "temperature", "humidity", "energy", "power", "occupancy", "motion", "light", "speed", "heading", "location",
    "atmosphericPressure", "pressure", "precipitation", "solarRadiation", "windSpeed", "windDirection", "waterLevel",
    "waterConsumption", "gasConsumption", "fillingLevel", "smoke", "noiseLevel", "trafficFlow", "weight",
)  # fmt: skip
"""Of the model's words those that attributes are named after."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """How an adapter speaks with its devices: the kinds of its link and its codec."""

    link: str
    codec: str


def device_entity_id(device: Device) -> str:
    """The entity that stands for a device."""
    return f"urn:ngsi-ld:Device:{escaped(device.adapter)}:{escaped(device.id)}"


def as_entity(device: Device, spoken: Spoken, mapping: DeviceMapping | None) -> Fragment:
    """The entity, with names expanded."""
    rules = [] if mapping is None else [rule for entity in mapping.entities for rule in entity.attributes]
    properties = sorted({word for rule in rules if (word := _word(rule))})
    categories = ["meter" if "energy" in properties else "sensor"]
    if mapping is not None and mapping.commands:
        categories.append("actuator")
    protocols = dict.fromkeys(_PROTOCOLS[kind] for kind in (spoken.codec, spoken.link) if kind in _PROTOCOLS)
    fragment: dict[str, Json] = {
        "id": device_entity_id(device),
        "type": DEVICE,
        NAME: _property(device.id),
        CATEGORY: _property([*categories]),
    }
    if properties:
        fragment[PROPERTY] = _property([*properties])
    if protocols:
        fragment[PROTOCOL] = _property([*protocols])
    if device.entity_id:
        fragment[ASSET] = {"type": "Relationship", "object": device.entity_id}
    return fragment


def _property(value: Json) -> Json:
    return {"type": "Property", "value": value}


def _word(rule: AttributeRule) -> str:
    """What an attribute is about, in the model's words; `""` where they have none for it."""
    if rule.kind == "GeoProperty":
        return "location"
    name = rule.name.lower()
    by_name = next((word for word in _WORDS if word.lower() in name), "")
    return by_name or _BY_UNIT.get(rule.rule.unit or rule.rule.from_unit, "")
