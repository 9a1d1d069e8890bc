"""Payloads of LoRaWAN devices, read as a file says: bits, bytes, records, Cayenne LPP; each fault named."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.codecs.cayenne import TYPES, read_cayenne
from adapters.codecs.lorawan import payload_in, reader_of, whole_in
from adapters.codecs.payload_fields import read_fields
from adapters.codecs.payload_records import read_records
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings
from adapters.table import make_codec


def read(hexadecimal: str, *fields: dict[str, Any]) -> dict[str, Any]:
    found = read_fields([{"name": f"f{place}", **one} for place, one in enumerate(fields)], "fields")
    return {one.quantity: one.value for one in found.read(bytes.fromhex(hexadecimal))}


@pytest.mark.parametrize(
    ("payload", "field", "value"),
    [
        ("cbb6", {"bit": 0, "bits": 2}, 3),
        ("cbb6", {"bit": 2, "bits": 14}, 0x0BB6),
        ("cbb6", {"byte": 0, "bytes": 2, "bits": 14}, 0x0BB6),
        ("cbb6", {"byte": 0, "bytes": 2, "low": 14}, 3),
        ("cbb6", {"byte": 0, "bytes": 2, "low": 4, "bits": 4}, 0xB),
        ("cbb6", {"byte": 0, "bytes": 2, "little": True}, 0xB6CB),
        ("cbb6", {"byte": 1}, 0xB6),
        ("cbb6", {"byte": -1}, 0xB6),
        ("cbb6", {"byte": -2, "bytes": 2}, 0xCBB6),
        ("ff85", {"byte": 0, "bytes": 2, "signed": True}, -123),
        ("ff85", {"byte": 0, "bytes": 2, "signed": True, "times": 0.01}, -1.23),
        ("85ff", {"bit": 0, "bits": 16, "signed": True, "little": True}, -123),
        ("0fff", {"bit": 4, "bits": 12, "signed": True}, -1),
        ("41ac0000", {"byte": 0, "bytes": 4, "float": True}, 21.5),
        ("0000ac41", {"byte": 0, "bytes": 4, "float": True, "little": True}, 21.5),
        ("3dcccccd", {"byte": 0, "bytes": 4, "float": True}, 0.1),
        ("4d60", {"byte": 0, "bytes": 2, "float": True}, 21.5),
        ("7fc00000", {"byte": 0, "bytes": 4, "float": True}, None),
        ("08", {"bit": 4, "bits": 1, "flag": True}, True),
        ("00", {"bit": 4, "bits": 1, "flag": True}, False),
        ("4e6f2e310000", {"byte": 0, "bytes": 6, "text": True}, "No.1"),
        ("00a1ff", {"byte": 1, "bytes": 2, "hex": True}, "a1ff"),
        ("02", {"byte": 0, "words": {"2": "open"}}, "open"),
        ("03", {"byte": 0, "words": {"2": "open"}}, 3),
        ("7fff", {"byte": 0, "bytes": 2, "signed": True, "times": 0.01, "bad": [327.67]}, None),
        ("0a", {"byte": 0, "times": 0.1, "plus": -40}, -39),
        ("ffffffffffffffff", {"byte": 0, "bytes": 8}, 2**64 - 1),
    ],
)
def test_a_field(payload: str, field: dict[str, Any], value: Any) -> None:
    made = read(payload, field)["f0"]
    assert made == value
    assert isinstance(made, bool) == isinstance(value, bool)


def test_a_field_may_depend_on_one_before_and_not_be_kept_or_not_be_there() -> None:
    fields = (
        {"byte": 0, "keep": False},
        {"byte": 1, "when": {"f0": [1, 2]}},
        {"byte": 1, "bytes": 2, "when": {"f0": 3}},
        {"byte": 3, "optional": True},
    )
    assert read("0107", *fields) == {"f1": 7}
    assert read("03010000", *fields) == {"f2": 256, "f3": 0}
    with pytest.raises(BadFrame) as refusal:
        read("0301", *fields)
    assert refusal.value.reason == "truncated"


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"byte": 0, "colour": 1}, "colour: not known"),
        ({}, "byte: where the field begins, or `bit`"),
        ({"bit": 3}, "bits: how many"),
        ({"bit": 3, "bits": 65}, "bits: a number from 0 to 64"),
        ({"bit": 3, "bits": 8, "little": True}, "little: whole bytes"),
        ({"byte": 0, "bytes": 9}, "bytes: a number from 1 to 8"),
        ({"byte": 0, "bytes": 1, "low": 4, "bits": 5}, "bits: at most 4"),
        ({"byte": -1, "bytes": 2}, "bytes: at most 1"),
        ({"byte": 0, "bytes": 3, "float": True}, "float: 2, 4 or 8 bytes"),
        ({"byte": 0, "signed": True, "float": True}, "float: not beside signed"),
        ({"byte": 0, "when": {"other": 1}}, "when: the name of a field above"),
        ({"byte": 0, "name": "a\nb"}, "name: a name without control characters"),
    ],
)
def test_a_field_that_cannot_be_is_refused_where_it_stands(field: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSettings, match="fields/0") as refusal:
        read_fields([{"name": "f", **field}], "fields")
    assert message in str(refusal.value)


RECORDS: dict[str, Any] = {
    "key": 2,
    "of": {
        "0175": {"bytes": 1, "fields": [{"name": "battery", "byte": 0, "unit": "P1"}]},
        "0367": {"bytes": 2, "fields": [{"name": "t", "byte": 0, "bytes": 2, "little": True, "times": 0.1}]},
    },
}


def test_records_are_read_one_after_another() -> None:
    records = read_records(RECORDS, "records")
    found = records.read(bytes.fromhex("01755a0367d70001755b"))
    assert [(one.quantity, one.value) for one in found] == [("battery", 90), ("t", 21.5), ("battery", 91)]


@pytest.mark.parametrize(("payload", "reason"), [("0175", "truncated"), ("0999", "wrong_type"), ("01", "wrong_type")])
def test_records_that_end_early_or_are_not_known_are_refused(payload: str, reason: str) -> None:
    with pytest.raises(BadFrame) as refusal:
        read_records(RECORDS, "records").read(bytes.fromhex(payload))
    assert refusal.value.reason == reason


def test_records_that_tell_their_length_are_passed_over_where_nobody_knows_them() -> None:
    records = read_records({**RECORDS, "length": 1}, "records")
    assert [one.value for one in records.read(bytes.fromhex("0999020000" + "0175015a"))] == [90]
    with pytest.raises(BadFrame):
        records.read(bytes.fromhex("099902"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"of": {}}, "of: at least one record"),
        ({"key": 2, "of": {"01": {}}}, "of: keys of 4 hexadecimal digits"),
        ({"of": {"01": {"fields": [{"name": "a", "byte": 0}]}}}, "bytes: how many bytes come after the key"),
        ({"of": {"01": {"bytes": 1}}}, "from 1 to 200 fields"),
    ],
)
def test_records_that_cannot_be_are_refused(body: Any, message: str) -> None:
    with pytest.raises(BadSettings, match="records") as refusal:
        read_records(body, "records")
    assert message in str(refusal.value)


@pytest.mark.parametrize("number", TYPES)
def test_every_type_of_cayenne_is_cut_off_one_byte_short_and_read_whole(number: int) -> None:
    body = bytes([5, number, *range(1, TYPES[number].count + 1)])
    assert len(read_cayenne(body)) == len(TYPES[number].values)
    with pytest.raises(BadFrame) as refusal:
        read_cayenne(body[:-1])
    assert refusal.value.reason == "truncated"


def test_cayenne_names_what_it_does_not_know() -> None:
    with pytest.raises(BadFrame, match="byte 1 is no type"):
        read_cayenne(bytes.fromhex("0163"))
    with pytest.raises(BadFrame) as refusal:
        read_cayenne(b"\x01")
    assert refusal.value.reason == "truncated"


def test_the_first_rule_that_fits_reads_the_payload() -> None:
    def rule(name: str, **where: Any) -> dict[str, Any]:
        return {**where, "fields": [{"name": name, "byte": 0}]}

    rules = [rule("first", device="d*", port=[2]), rule("second", profile="Own*"), {"read": "cayenne-lpp", "port": 3}]
    codec = make_codec("chirpstack", {"kind": "chirpstack", "payloads": rules, "radio": False})

    def quantities(device: str, profile: str, port: int) -> list[str]:
        uplink = (
            f'{{"deviceInfo": {{"devEui": "{device}", "deviceProfileName": "{profile}"}}, "fPort": {port},'
            ' "fCnt": 1, "data": "AQBk", "object": {"decoded": 1}}'
        )
        [readings] = codec.decode(Frame(uplink.encode(), 0, channel="x/event/up"))
        return [one.quantity for one in readings.readings]

    assert quantities("d1", "Other", 2) == ["first"]
    assert quantities("d1", "Own thing", 4) == ["second"]
    assert quantities("e1", "Other", 3) == ["digital_in_1"]
    assert quantities("e1", "Other", 9) == ["decoded"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "serial"}, "codec/device: one of device_id, dev_eui, name"),
        ({"payloads": [{}]}, "codec/payloads/0/read: one of"),
        (
            {"payloads": [{"read": "cayenne-lpp", "fields": [{"name": "a", "byte": 0}]}]},
            "codec/payloads/0/read: one of",
        ),
        ({"payloads": [{"read": "javascript"}]}, "codec/payloads/0/read: one of"),
        ({"payloads": [{"read": "decoded", "port": [256]}]}, "codec/payloads/0/port: whole numbers from 0 to 255"),
        ({"payloads": [{"read": "decoded", "ports": [1]}]}, "codec/payloads/0/ports: not known"),
        ({"script": "x"}, "codec/script: not known"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSettings) as refusal:
        reader_of({"kind": "ttn", **settings}, "device_id")
    assert message in str(refusal.value)


def test_members_of_network_servers_are_what_they_must_be() -> None:
    assert payload_in({"data": "AQI="}, "data") == b"\x01\x02"
    assert whole_in({}, "fCnt") == 0
    for wrong in ("AQI", "A Q I =", "é", 5):
        with pytest.raises(BadFrame):
            payload_in({"data": wrong}, "data")
    for count in (True, -1, 1.5, 2**32, "1"):
        with pytest.raises(BadFrame):
            whole_in({"fCnt": count}, "fCnt")
