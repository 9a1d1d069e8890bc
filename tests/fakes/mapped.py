"""Mappings, devices and readings in a line, for tests of what a mapping does."""

from __future__ import annotations

from typing import Any

from adapters.device import Device
from adapters.mapping.applying import Made, apply
from adapters.mapping.plan import DeviceMapping
from adapters.mapping.reading import read_mapping
from adapters.mapping_files import packaged_contexts
from adapters.readings import Reading, Readings
from broker.model.values import Instant, Json

RESOLVE = packaged_contexts()
ENERGY = "https://misono.example/contexts/sdm-energy-v1.jsonld"
NOON: Instant = 1_795_424_400_000_000
NOON_TEXT = "2026-11-23T09:00:00.000000Z"
OWN = "https://uri.etsi.org/ngsi-ld/default-context/"


def mapping(attributes: dict[str, Any], **entity: Any) -> DeviceMapping:
    """A mapping of one entity, `urn:x:{device}` of type Thing, with these attributes; names are the core's."""
    rule = {"id": "urn:x:{device}", "type": "Thing", "attributes": attributes, **entity}
    return read_mapping({"mapping": "things", "entities": [rule]}, RESOLVE, "things.yaml")


def readings(*pairs: tuple[str, Json] | Reading, **more: Any) -> Readings:
    """Readings of the device d1 at noon."""
    found = tuple(pair if isinstance(pair, Reading) else Reading(*pair) for pair in pairs)
    return Readings("d1", found, **{"at": NOON, **more})


def mapped(rules: DeviceMapping, *pairs: tuple[str, Json] | Reading, device: Device | None = None, **more: Any) -> Made:
    """What becomes of readings of the device d1."""
    return apply(rules, readings(*pairs, **more), device or Device("d1", "a"), NOON + 1)


def only(made: Made) -> dict[str, Any]:
    """The one fragment, names of the default vocabulary shortened."""
    [fragment] = made.fragments
    return {name.removeprefix(OWN): value for name, value in fragment.items()}
