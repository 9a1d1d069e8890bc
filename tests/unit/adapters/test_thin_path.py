"""From a frame that a link gives to an entity that anybody may read."""

from __future__ import annotations

from pathlib import Path

from adapters.frame import Frame
from adapters.quarantine import Chosen
from tests.fakes.piped import piped

ROOMS = {
    "sensors.yaml": """
adapter: sensors
link: hand
codec: {kind: json, at: ts}
mapping: rooms
devices:
  - {id: sensor-1}
""",
    "rooms.yaml": """
mapping: rooms
version: 1
entities:
  - id: "urn:ngsi-ld:Room:misono:{device}"
    type: Room
    attributes:
      warmth: {from: t, unit: CEL}
""",
}
ROOM = "urn:ngsi-ld:Room:misono:sensor-1"


def test_a_frame_becomes_an_entity(tmp_path: Path) -> None:
    with piped(tmp_path, ROOMS) as pipe:
        pipe.give("sensors", Frame(b'{"t": 21.5}', pipe.now(), device="sensor-1"))
        found = pipe.entity(ROOM)
    assert found["type"] == "Room"
    assert found["warmth"]["value"] == 21.5
    assert found["warmth"]["unitCode"] == "CEL"


def test_what_is_not_understood_is_kept_with_the_reason(tmp_path: Path) -> None:
    with piped(tmp_path, ROOMS) as pipe:
        pipe.give(
            "sensors",
            Frame(b"[}", pipe.now(), device="sensor-1"),
            Frame(b'{"t": 21.5}', pipe.now(), device="nobody"),
            Frame(b'{"x": 1}', pipe.now(), device="sensor-1"),
        )
        found = pipe.assembled.running.quarantine.find(Chosen())
    assert [one.refused.reason for one in found] == ["not_json", "unknown_device", "unmapped"]
