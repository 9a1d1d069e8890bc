"""Which protocols there are: a link or a codec is imported when an adapter names it."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Final, cast

from adapters.link import BadSettings, Codec, Ground, Link

LINKS: Final = {
    "mqtt": "adapters.links.mqtt",
    "http": "adapters.links.http",
    "poll": "adapters.links.poll",
    "replay": "adapters.links.replay",
    "folder": "adapters.links.folder",
    "echonet": "adapters.links.echonet",
    "b-route": "adapters.links.b_route",
    "modbus": "adapters.links.modbus",
    "ocpp": "adapters.links.ocpp",
    "digital-grid": "adapters.links.digital_grid",
    "opc-ua": "adapters.links.opc_ua",
    "bacnet": "adapters.links.bacnet",
}
"""Each module has `make_link(ground: Ground) -> Link`, which raises BadSettings."""
CODECS: Final = {
    "iota-json": "adapters.codecs.iota_json",
    "ultralight": "adapters.codecs.ultralight",
    "json": "adapters.codecs.plain_json",
    "home-assistant": "adapters.codecs.home_assistant",
    "csv": "adapters.codecs.rows",
    "echonet": "adapters.codecs.echonet",
    "modbus": "adapters.codecs.modbus",
    "sunspec": "adapters.codecs.sunspec",
    "ocpp": "adapters.codecs.ocpp",
    "ocpp-1.6": "adapters.codecs.ocpp_16",
    "ocpp-2.0.1": "adapters.codecs.ocpp_201",
    "gtfs": "adapters.codecs.gtfs",
    "gtfs-rt": "adapters.codecs.gtfs_rt",
    "gbfs": "adapters.codecs.gbfs",
    "digital-grid": "adapters.codecs.digital_grid",
    "ttn": "adapters.codecs.ttn",
    "chirpstack": "adapters.codecs.chirpstack",
    "opc-ua": "adapters.codecs.opc_ua",
    "bacnet": "adapters.codecs.bacnet",
}
"""Each module has `make_codec(settings) -> Codec`: `settings` is the member `codec` of the adapter's file."""


def make_link(name: str, ground: Ground) -> Link:
    """The link of that name. Raises BadSettings."""
    return cast("Link", _module("link", LINKS, name).make_link(ground))


def make_codec(name: str, settings: object) -> Codec:
    """The codec of that name. Raises BadSettings."""
    return cast("Codec", _module("codec", CODECS, name).make_codec(settings))


def _module(kind: str, table: dict[str, str], name: str) -> ModuleType:
    if name not in table:
        raise BadSettings(f"{kind} {name!r} is not known; there are {', '.join(sorted(table))}")
    return import_module(table[name])
