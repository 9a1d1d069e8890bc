"""Frames and readings as JSON: what golden frames, recordings and samples of mappings are written in.

    {"about": "a smart meter answers", "codec": {…}, "device": "h1", "channel": "0288-1", "about_link": {"ip": "…"},
     "received_at": "2026-11-23T03:00:00Z", "payload": "text" | "hex": "1081…" | "json": {…},
     "readings": [{"device": "h1", "part": "0288-1", "readings": [{"quantity": "power", "value": 300, "unit": "WTT"}]}]}

`payload` is the text of the bytes, `hex` their digits, `json` a value that they are the text of. `refused` stands
instead of `readings` where the codec refuses the frame, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NoReturn, TypeAlias, cast

from adapters.frame import Frame
from adapters.readings import Answered, Quality, Reading, Readings
from broker.model.values import Instant, Json, to_instant, to_text

Given: TypeAlias = Mapping[str, Json]
Status: TypeAlias = Literal["DELIVERED", "OK", "ERROR"]
_RECEIVED_AT: Final = "2026-11-23T03:00:00Z"
_FRAME: Final = frozenset({"payload", "hex", "json", "device", "channel", "about_link", "received_at"})
_GOLDEN: Final = _FRAME | {"about", "codec", "readings", "refused"}
_READINGS: Final = frozenset({"device", "part", "at", "sequence", "facts", "readings", "answers"})
_READING: Final = frozenset({"quantity", "value", "unit", "at", "quality"})
_QUALITIES: Final = ("good", "uncertain", "bad")


class BadRecord(ValueError):
    """A record that cannot be read; the message says which member, and what would do."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A frame as a real peer sent it, and what its codec must make of it; `codec` are the codec's settings."""

    about: str
    frame: Frame
    readings: tuple[Readings, ...] = ()
    refused: str = ""
    codec: Given = field(default_factory=dict)


def read_golden(path: Path) -> Golden:
    """The golden frame of a file. Raises BadRecord."""
    try:
        body: Json = json.loads(path.read_bytes())
    except ValueError as error:
        raise BadRecord(f"{path.name}: {error}") from error
    given = _members(body, _GOLDEN, path.name)
    about = given.get("about")
    if not isinstance(about, str) or not about:
        _refuse(f"{path.name}: about", "a text: which device, what it says, which peer sent it")
    if ("readings" in given) == ("refused" in given):
        _refuse(f"{path.name}: readings", "what the codec makes of it, or `refused`, the reason")
    return Golden(
        about,
        frame_of({name: one for name, one in given.items() if name in _FRAME}),
        tuple(readings_of(one) for one in _row(given.get("readings", []), "readings")),
        _text(given, "refused"),
        _below(given, "codec"),
    )


def frame_of(body: Json) -> Frame:
    """The frame that a record holds. Raises BadRecord."""
    given = _members(body, _FRAME, "frame")
    about = _below(given, "about_link")
    if not all(isinstance(one, str) for one in about.values()):
        _refuse("about_link", "texts")
    return Frame(
        _payload(given),
        _instant(given.get("received_at", _RECEIVED_AT), "received_at"),
        _text(given, "device"),
        _text(given, "channel"),
        about={name: str(one) for name, one in about.items()},
    )


def record_of(frame: Frame) -> dict[str, Json]:
    """The frame as a record, its key left out."""
    record: dict[str, Json] = {"device": frame.device, "channel": frame.channel}
    if frame.about:
        record["about_link"] = dict(frame.about)
    record["received_at"] = to_text(frame.received_at)
    try:
        record["payload"] = frame.payload.decode()
    except UnicodeDecodeError:
        record["hex"] = frame.payload.hex()
    return record


def readings_of(body: Json) -> Readings:
    """The Readings that a record tells. Raises BadRecord."""
    given = _members(body, _READINGS, "readings")
    facts = _below(given, "facts")
    answers = given.get("answers")
    return Readings(
        _text(given, "device"),
        tuple(_reading(one) for one in _row(given.get("readings", []), "readings")),
        _text(given, "part"),
        None if given.get("at") is None else _instant(given["at"], "at"),
        _text(given, "sequence"),
        {name: str(one) for name, one in facts.items()},
        None
        if answers is None
        else _answered(_members(answers, frozenset({"command", "status", "result"}), "answers")),
    )


def told(readings: Sequence[Readings]) -> list[Json]:
    """Readings as records, without the members that say nothing."""
    return [_told(one) for one in readings]


def _told(one: Readings) -> dict[str, Json]:
    record: dict[str, Json] = {"device": one.device}
    if one.part:
        record["part"] = one.part
    if one.at is not None:
        record["at"] = to_text(one.at)
    if one.sequence:
        record["sequence"] = one.sequence
    if one.facts:
        record["facts"] = dict(one.facts)
    record["readings"] = [_told_reading(reading) for reading in one.readings]
    if one.answers is not None:
        answers = one.answers
        record["answers"] = {"command": answers.command, "status": answers.status, "result": answers.result}
    return record


def _told_reading(reading: Reading) -> dict[str, Json]:
    record: dict[str, Json] = {"quantity": reading.quantity, "value": reading.value}
    if reading.unit:
        record["unit"] = reading.unit
    if reading.at is not None:
        record["at"] = to_text(reading.at)
    if reading.quality != "good":
        record["quality"] = reading.quality
    return record


def _reading(body: Json) -> Reading:
    given = _members(body, _READING, "reading")
    quality = given.get("quality", "good")
    if quality not in _QUALITIES:
        _refuse("quality", f"one of {', '.join(_QUALITIES)}")
    return Reading(
        _text(given, "quantity"),
        given.get("value"),
        _text(given, "unit"),
        None if given.get("at") is None else _instant(given["at"], "at"),
        cast("Quality", quality),
    )


def _answered(given: Given) -> Answered:
    status = given.get("status")
    if status not in ("DELIVERED", "OK", "ERROR"):
        _refuse("answers.status", "DELIVERED, OK or ERROR")
    return Answered(_text(given, "command"), cast("Status", status), given.get("result"))


def _payload(given: Given) -> bytes:
    named = [name for name in ("payload", "hex", "json") if name in given]
    if len(named) != 1:
        _refuse("payload", "one of `payload`, a text, `hex`, its bytes, and `json`, a value")
    if named == ["json"]:
        return json.dumps(given["json"], ensure_ascii=False).encode()
    text = _text(given, named[0])
    if named == ["payload"]:
        return text.encode()
    try:
        return bytes.fromhex(text)
    except ValueError:
        _refuse("hex", "pairs of hexadecimal digits")


def _instant(given: Json, where: str) -> Instant:
    instant = to_instant(given) if isinstance(given, str) else None
    if instant is None:
        _refuse(where, f"an instant such as {_RECEIVED_AT}")
    return instant


def _members(body: Json, known: frozenset[str], where: str) -> Given:
    if not isinstance(body, dict):
        _refuse(where, "an object")
    unknown = body.keys() - known
    if unknown:
        _refuse(f"{where}: {min(unknown)}", f"not known; there are {', '.join(sorted(known))}")
    return body


def _below(given: Given, name: str) -> Given:
    found = given.get(name, {})
    if not isinstance(found, dict):
        _refuse(name, "an object")
    return found


def _row(given: Json, where: str) -> list[Json]:
    if not isinstance(given, list):
        _refuse(where, "a list")
    return given


def _text(given: Given, name: str) -> str:
    found = given.get(name, "")
    if not isinstance(found, str):
        _refuse(name, "a text")
    return found


def _refuse(where: str, wanted: str) -> NoReturn:
    raise BadRecord(f"{where}: {wanted}")
