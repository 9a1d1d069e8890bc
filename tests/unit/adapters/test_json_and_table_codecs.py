"""Plain JSON by paths, and rows of tables: where things are, what is left out, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.codecs import plain_json, rows
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings
from adapters.readings import Reading
from broker.model.values import to_instant

NINE = to_instant("2026-11-23T09:00:00Z")
COLUMNS = {
    "局": {"is": "device"}, "日付": {"is": "date"}, "時刻": {"is": "time"}, "番号": {"is": "sequence"},
    "気温": {"quantity": "t", "as": "number", "unit": "CEL"}, "地区": {"fact": "area"},
}  # fmt: skip


def read(payload: bytes, **settings: Any) -> Any:
    return plain_json.make_codec({"kind": "json", **settings}).decode(Frame(payload, 0, "topic-1", "a/b/t"))


def table(text: str, **columns: Any) -> Any:
    codec = rows.make_codec({"kind": "csv", "columns": columns or COLUMNS})
    return codec.decode(Frame(text.encode(), 0, "d0", "x.csv:2"))


def test_names_below_one_another_are_joined_and_what_has_a_place_of_its_own_is_no_quantity() -> None:
    body = b'{"id": 7, "m": {"ts": 1795424400, "fw": "1"}, "a": {"b": {"c": 1}, "d": [1]}}'
    [said] = read(body, device="id", at="m.ts")
    assert (said.device, said.at) == ("7", NINE)
    assert said.readings == (Reading("m.fw", "1"), Reading("a.b.c", 1), Reading("a.d", [1]))


def test_without_a_place_in_the_message_the_topic_tells_the_device() -> None:
    assert read(b'{"t": 1}', device="id")[0].device == "topic-1"
    assert read(b"[{}, {}]")[1].device == "topic-1"


def test_what_all_messages_of_a_frame_share_stands_above_them() -> None:
    body = b'{"gw": "g1", "ts": 1795424400, "list": [{"n": 1, "ts": "2026-11-23T08:00:00Z"}, {"n": 2}]}'
    first, second = read(body, items="list", at="ts", part="gw")
    assert (first.at, second.at, first.part, second.part) == (to_instant("2026-11-23T08:00:00Z"), NINE, "g1", "g1")


@pytest.mark.parametrize(
    ("payload", "settings", "reason"),
    [
        (b"OPEN", {}, "not_json"),
        (b"\xff", {"text": True}, "wrong_type"),
        (b"x" * 10_001, {"text": True}, "oversized"),
        (b"[1]", {}, "wrong_type"),
        (b"{}", {"items": "a"}, "wrong_type"),
        (b'{"a": 1}', {"items": "a"}, "wrong_type"),
        (b"[" + b"{}," * 1000 + b"{}]", {}, "oversized"),
        (b'{"id": true}', {"device": "id"}, "wrong_type"),
        (b'{"id": {}}', {"device": "id"}, "wrong_type"),
        (b'{"id": ""}', {"device": "id"}, "wrong_type"),
        (b'{"at": {}}', {"at": "at"}, "wrong_type"),
        (b'{"d": 1}', {"readings": "d"}, "wrong_type"),
        (b'{"d": 1}', {"readings": "d", "long": {"quantity": "n", "value": "v"}}, "wrong_type"),
        (b'{"d": [1]}', {"readings": "d", "long": {"quantity": "n", "value": "v"}}, "wrong_type"),
        (b'{"d": [{"v": 1}]}', {"readings": "d", "long": {"quantity": "n", "value": "v"}}, "wrong_type"),
        (b'{"a": {"<": 1}}', {}, "wrong_type"),
    ],
)
def test_json_that_is_refused(payload: bytes, settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadFrame) as bad:
        read(payload, **settings)
    assert bad.value.reason == reason


@pytest.mark.parametrize(
    ("settings", "member"),
    [({"long": {"value": "v"}}, "long"), ({"long": {"quantity": "n", "value": "v", "x": "y"}}, "long"),
     ({"units": ["W"]}, "units"), ({"device": 1}, "device"), ({"devise": "id"}, "devise")],
)  # fmt: skip
def test_settings_of_json_that_cannot_be(settings: dict[str, Any], member: str) -> None:
    with pytest.raises(BadSettings, match=f"codec/{member}"):
        plain_json.make_codec(settings)


def test_a_row_with_an_era_date_in_japan_s_time() -> None:
    [said] = table("局,日付,時刻,番号,気温,地区\n緑1,R8.11.23,18時,\uff15,\uff12\uff11\uff0e\uff15,北\n")
    assert (said.device, said.at, said.sequence, said.facts) == ("緑1", NINE, "\uff15", {"area": "北"})
    assert said.readings == (Reading("t", 21.5, "CEL"),)


def test_empty_rows_and_marks_for_nothing() -> None:
    found = table("局,日付,気温\n緑1,2026-11-23,不明\n,,\n緑2,2026-11-23,\n")
    assert [(one.device, one.readings[0].quality) for one in found] == [("緑1", "bad"), ("緑2", "bad")]


def test_titles_misspelt_headings_and_a_mark_of_the_encoding() -> None:
    [said] = table("\ufeff気象の表\n\n 局 ,気　温\n緑1,4\n")
    assert said.readings == (Reading("t", 4, "CEL"),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "truncated"),
        ("局,気温\n", "wrong_type"),
        ("a,b\n1,2\n", "wrong_type"),
        ("局,気温\n緑1,寒い\n", "wrong_type"),
        ("局,日付,気温\n緑1,13月,2\n", "wrong_type"),
        ('局,気温\n"緑1,2\n', "truncated"),
        ("局,気温\n" + "緑1,2\n" * 1031, "oversized"),
    ],
)
def test_tables_that_are_refused(text: str, reason: str) -> None:
    with pytest.raises(BadFrame) as bad:
        table(text)
    assert bad.value.reason == reason


@pytest.mark.parametrize(
    ("columns", "member"),
    [({}, "columns"), ({"a": {"is": "device"}}, "columns"), ({"a": {"is": "owner"}}, "columns/a/is"),
     ({"a": {"quantity": "t", "fact": "f"}}, "columns/a/quantity"),
     ({"a": {"quantity": "t", "as": "x"}}, "columns/a/as"),
     ({"a": {"quantity": "t", "nit": "CEL"}}, "columns/a/nit"), ({"a": "t"}, "columns/a")],
)  # fmt: skip
def test_columns_that_cannot_be(columns: dict[str, Any], member: str) -> None:
    with pytest.raises(BadSettings, match=f"codec/{member}"):
        rows.make_codec({"columns": columns})
