"""A house on npm `echonet-lite`: what its devices hold, and a namespace to run it in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fakes.networks import Network, inside, two_networks
from tests.fakes.node_peer import Peer, node_peer

SCRIPT = Path(__file__).with_name("echonet_node.cjs")
METER, BATTERY, SOLAR, EV, FUEL_CELL, AIR, PRESENCE = (
    *("028801", "027d01", "027901", "027e01", "027c01", "013001", "000701"),
)


def number(value: int, size: int = 4) -> list[int]:
    """The bytes of a number."""
    return list(value.to_bytes(size, "big", signed=value < 0))


def moment(*parts: int) -> list[int]:
    """`moment(2026, 1, 1, 9, 0, 0)` as a device writes it."""
    return [*number(parts[0], 2), *parts[1:]]


COMMON = {"80": [0x30], "82": [0x00, 0x00, 0x52, 0x00], "88": [0x42], "8a": [0x00, 0x00, 0x77]}
HOUSE: dict[str, dict[str, Any]] = {
    METER: {
        "settable": ["e5"],
        "announced": ["80", "ea", "eb"],
        "properties": {
            **COMMON,
            "97": [9, 0],
            "98": moment(2026, 1, 1),
            "d3": number(2),
            "d7": [6],
            "e0": number(123_456),
            "e1": [0x01],
            "e3": number(4_321),
            "e5": [0],
            "e7": number(-1_250),
            "e8": [*number(52, 2), *number(0x7FFE, 2)],
            "ea": [*moment(2026, 1, 1, 9, 0, 0), *number(123_400)],
            "eb": [*moment(2026, 1, 1, 9, 0, 0), *number(4_300)],
            "e2": [0, 0, *[0xFF, 0xFF, 0xFF, 0xFE] * 48],
            "e4": [0, 0, *[0xFF, 0xFF, 0xFF, 0xFE] * 48],
        },
    },
    BATTERY: {
        "settable": ["80", "da", "eb", "a6"],
        "properties": {
            **COMMON,
            "a8": number(1_234_567),
            "a9": number(987_654),
            "cf": [0x42],
            "d3": number(-700),
            "da": [0x46],
            "a6": [90],
            "e2": number(5_500),
            "e4": [55],
            "e5": [98],
            "e6": [0x04],
            "eb": number(1_000),
            "c8": [*number(100), *number(3_000)],
        },
    },
    SOLAR: {"properties": {**COMMON, "e0": number(2_345, 2), "e1": number(7_654_321), "e8": number(5_000, 2)}},
    EV: {
        "settable": ["da"],
        "properties": {**COMMON, "c7": [0x43], "d3": number(3_000), "da": [0x42], "e4": [61]},
    },
    FUEL_CELL: {"properties": {**COMMON, "c4": number(500, 2), "c5": number(123_456), "cb": [0x41]}},
    AIR: {
        "settable": ["80", "b0", "b3"],
        "properties": {**COMMON, "a0": [0x41], "b0": [0x42], "b3": [26], "bb": [0x7E], "be": number(-5, 1)},
    },
    PRESENCE: {"announced": ["b1"], "properties": {**COMMON, "b1": [0x41]}},
}


@contextmanager
def echonet_house(house: dict[str, dict[str, Any]] = HOUSE) -> Iterator[tuple[Peer, Network]]:
    """The house in a namespace of its own, and this thread in the other one: its devices are at the address given."""
    with two_networks() as (ours, theirs), inside(theirs), _peer(house) as peer, inside(ours):
        yield peer, theirs


def _peer(house: dict[str, dict[str, Any]]) -> Any:
    return node_peer(SCRIPT, json.dumps(house))
