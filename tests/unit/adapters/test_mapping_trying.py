"""Samples inside of mappings' files, and what a person is shown of a frame."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.checking import codec_of
from adapters.device import Device
from adapters.frame import Frame
from adapters.link import BadSettings
from adapters.mapping.plan import Sample
from adapters.mapping.trying import BadSample, preview, show, try_sample
from adapters.readings import Reading
from tests.fakes.mapped import NOON, NOON_TEXT, mapped, mapping, readings

RULES = mapping(
    {"power": {"from": "p", "unit": "WTT"}, "mode": {"from": "m", "vocab": True}, "on": {"from": "o", "as": "boolean"}}
)
SAID = {"device": "d1", "at": NOON_TEXT, "readings": [{"quantity": "p", "value": 2, "unit": "KWT"}]}
MADE = {"id": "urn:x:d1", "type": "Thing", "power": 2000}


def faults(**body: Any) -> list[str]:
    return try_sample(RULES, Sample("s", body), {}, codec_of)


def test_a_sample_that_comes_true_has_no_faults() -> None:
    assert faults(readings=SAID, entities=[MADE]) == []
    instance = {"type": "Property", "value": 2000, "unitCode": "WTT", "observedAt": NOON_TEXT}
    assert faults(readings=SAID, entities=[{**MADE, "power": instance}]) == []
    word = {"device": "d1", "readings": [{"quantity": "m", "value": "auto"}]}
    assert faults(readings=word, entities=[{"id": "urn:x:d1", "type": "Thing", "mode": {"vocab": "auto"}}]) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"entities": []}, "entities: 1, not 0: urn:x:d1"),
        ({"entities": [MADE, MADE]}, "entities: 1, not 2: urn:x:d1"),
        ({"entities": [{**MADE, "power": 2001}]}, "urn:x:d1 power: 2000, not 2001"),
        ({"entities": [{**MADE, "level": 1}]}, "urn:x:d1 level: not there"),
        ({"entities": [{"id": "urn:x:d1", "type": "Thing"}]}, "urn:x:d1 power: 2000, which the sample does not expect"),
        ({"entities": [{**MADE, "power": {"type": "Property", "unitCode": "KWT"}}]},
         "urn:x:d1 power: {'type': 'Property', 'unitCode': 'WTT'}, not {'type': 'Property', 'unitCode': 'KWT'}"),
        ({"entities": [MADE], "left_out": {"p": "bad"}}, "left_out: {}, not {'p': 'bad'}"),
        ({"refused": "unmapped"}, "refused: not, not unmapped"),
        ({"entities": ["x"]}, "entities: an object each"),
    ],
)  # fmt: skip
def test_a_sample_that_does_not_come_true_says_what_is_otherwise(body: dict[str, Any], fault: str) -> None:
    assert faults(readings=SAID, **body) == [fault]


def test_true_is_not_one() -> None:
    said = {"device": "d1", "readings": [{"quantity": "o", "value": 1}]}
    wanted = {"id": "urn:x:d1", "type": "Thing"}
    assert faults(readings=said, entities=[{**wanted, "on": True}]) == []
    assert faults(readings=said, entities=[{**wanted, "on": 1}]) == ["urn:x:d1 on: True, not 1"]


def test_a_sample_may_be_one_of_what_is_refused() -> None:
    other = {"device": "d1", "readings": [{"quantity": "x", "value": 1}]}
    assert faults(readings=other, refused="unmapped") == []
    [fault] = faults(readings=other, entities=[])
    assert fault.startswith("refused: unmapped, not taken")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "frame: the frame as a device sends it, or `readings`"),
        ({"readings": SAID, "frame": {}, "entities": []}, "frame: the frame"),
        ({"readings": SAID}, "entities: those that come of it"),
        ({"readings": SAID, "entities": {}}, "entities: a list"),
        ({"readings": {"devices": "d"}, "entities": []}, "readings: devices: not known"),
        ({"readings": SAID, "entities": [], "colour": 1}, "colour: not known"),
        ({"readings": SAID, "entities": [], "received_at": "noon"}, "received_at: an instant such as"),
        ({"readings": SAID, "entities": [], "device": {"name": "d"}}, "device: members"),
        ({"frame": {"payload": "a", "hex": "00"}, "entities": []}, "payload: one of"),
        ({"frame": {"hex": "0"}, "entities": []}, "hex: pairs of hexadecimal digits"),
        ({"frame": {"payload": "{}"}, "entities": []}, "codec: {kind: …}, here or at the top"),
    ],
)
def test_a_sample_that_cannot_be_tried_says_why(body: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSample) as refusal:
        faults(**body)
    assert message in str(refusal.value)


def test_a_sample_of_a_frame_is_read_by_the_codec_that_it_names() -> None:
    frame = {"json": {"p": 2}, "device": "d1", "channel": "/json/k/d1/attrs"}
    assert faults(frame=frame, codec={"kind": "json"}, entities=[{**MADE, "power": 2}]) == []
    sample: dict[str, Any] = {"frame": frame, "entities": [{**MADE, "power": 2}]}
    assert try_sample(RULES, Sample("s", sample), {"kind": "json"}, codec_of) == []
    assert faults(frame={**frame, "json": 3}, codec={"kind": "json"}, refused="unmapped") == []
    assert faults(frame={"payload": "{"}, codec={"kind": "json"}, refused="truncated") == []
    with pytest.raises(BadSettings):
        faults(frame=frame, codec={"kind": "morse"}, entities=[])


def test_a_device_of_a_sample_has_options_and_its_own_entity() -> None:
    own = {"id": "d1", "entity_id": "urn:own:1", "entity_type": "urn:type:own"}
    assert (
        faults(readings=SAID, device=own, entities=[{"id": "urn:own:1", "type": "urn:type:own", "power": 2000}]) == []
    )
    assert faults(readings=SAID, device="d2", entities=[{**MADE, "id": "urn:x:d2"}]) == []


def test_what_is_shown_of_a_frame_is_whole() -> None:
    payload = b'{"p": 1.5, "m": "auto", "o": "perhaps", "x": 1}'
    shown = preview(RULES, codec_of({"kind": "json"}), Frame(payload, NOON, "d1"), Device("d1", "a"))
    assert [one.quantity for one in shown.readings[0].readings] == ["p", "m", "o", "x"]
    assert shown.simplified == ({"id": "urn:x:d1", "type": "Thing", "power": 1.5, "mode": {"vocab": "auto"}},)
    assert [(one.quantity, one.why) for one in shown.left_out] == [("o", "wrong_type")]
    assert shown.unmapped == ("x",)
    assert shown.refused == ""
    cut = preview(RULES, codec_of({"kind": "json"}), Frame(b"{", NOON, "d1"), Device("d1", "a"))
    assert (cut.refused, cut.readings) == ("truncated", ())


def test_one_device_of_a_frame_that_is_refused_hides_no_other() -> None:
    shown = show(RULES, [readings(("x", 1)), readings(Reading("p", 1))], Device("d1", "a"), NOON)
    assert (shown.refused, len(shown.fragments)) == ("unmapped", 1)
    assert shown.fragments == mapped(RULES, ("p", 1)).fragments
