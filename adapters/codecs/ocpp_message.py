"""The messages of OCPP-J, and what stands in them as numbers and times, of 1.6 and 2.0.1 alike.

call    [2, id, action, payload]
result  [3, id, payload]
error   [4, id, code, description, details]
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import jiter

from adapters.frame import BadFrame, Frame
from broker.model.values import Instant, Json

PAYLOAD_BYTES: Final = 1 << 20
ID_CHARACTERS: Final = 36
_CALL, _RESULT, _ERROR = 2, 3, 4
_NAME = re.compile(r"[A-Za-z0-9]{1,64}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{0,18})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NUMBER_MOST: Final = 1e30
_LAST: Final = 253_402_300_800_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """`Call("19223201", "Heartbeat", {})`: somebody asks for something."""

    id: str
    action: str
    payload: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to the call of that id."""

    id: str
    payload: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the call of that id was not understood or not done: `Refusal("7", "NotSupported", "")`."""

    id: str
    code: str
    description: str


Message: TypeAlias = Call | Result | Refusal


def read_message(payload: bytes) -> Message:
    """One message, its form checked, its payload not.

    Raises BadFrame: `oversized`, `truncated`, `not_json`, `wrong_type`.
    """
    if len(payload) > PAYLOAD_BYTES:
        raise BadFrame("oversized", f"{len(payload)} bytes; at most {PAYLOAD_BYTES} are taken")
    try:
        read = jiter.from_json(payload, catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError as error:
        reason = "truncated" if "EOF" in str(error) else "not_json"
        raise BadFrame(reason, f"no JSON: {error}") from error
    match read:
        case [int(kind), str(id_), str(action), dict(given)] if kind == _CALL and _NAME.fullmatch(action):
            return Call(_id(id_), action, given)
        case [int(kind), str(id_), dict(given)] if kind == _RESULT:
            return Result(_id(id_), given)
        case [int(kind), str(id_), str(code), str(description), *_] if kind == _ERROR:
            return Refusal(_id(id_), code[:64], description[:255])
        case _:
            raise BadFrame("wrong_type", 'no OCPP-J message: [2, "id", "Action", {…}], [3, "id", {…}] or [4, "id", …]')


def read_call(frame: Frame) -> Call | Result | Refusal:
    """The message of a frame, as its link refused or took it. Raises BadFrame with the link's reason too."""
    if refused := frame.about.get("refused"):
        raise BadFrame(
            refused if refused.isidentifier() else "refused", frame.about.get("why") or "its link refused it"
        )
    return read_message(frame.payload)


def _id(text: str) -> str:
    if not text or len(text) > ID_CHARACTERS:
        raise BadFrame("wrong_type", f"the id of a message has 1 to {ID_CHARACTERS} characters")
    return text


def member(payload: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """An object within; empty where it is absent. Raises BadFrame."""
    value = payload.get(name, {})
    if not isinstance(value, dict):
        raise BadFrame("wrong_type", f"{name}: an object is due")
    return value


def members(payload: Mapping[str, Json], name: str) -> Sequence[Mapping[str, Json]]:
    """The objects of an array within; none where it is absent. Raises BadFrame."""
    value = payload.get(name, [])
    if not isinstance(value, list):
        raise BadFrame("wrong_type", f"{name}: an array is due")
    return [_object(one, name) for one in value]


def _object(value: Json, name: str) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise BadFrame("wrong_type", f"{name}: objects are due")
    return value


def text(payload: Mapping[str, Json], name: str, usual: str = "") -> str:
    """A text within, at most 2,500 characters (what the standard allows anywhere). Raises BadFrame."""
    value = payload.get(name, usual)
    if not isinstance(value, str):
        raise BadFrame("wrong_type", f"{name}: a text is due")
    if len(value) > 2500:  # noqa: PLR2004 - said above
        raise BadFrame("oversized", f"{name}: a text of {len(value)} characters")
    return value


def whole(payload: Mapping[str, Json], name: str, usual: int | None = None) -> int:
    """A whole number within, of at most 63 bits. Raises BadFrame."""
    value = payload.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >> 63:
        raise BadFrame("wrong_type", f"{name}: a whole number is due")
    return value


def number(value: Json) -> float | int | None:
    """A number from a number or its decimal text (`"12.50"`); None where it is none, or beyond what is measured."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value.strip()):
            return None
        value = float(value) if set(value) & set(".eE") else int(value)
    if isinstance(value, int | float) and abs(value) <= _NUMBER_MOST:
        return value
    return None


def instant(payload: Mapping[str, Json], name: str = "timestamp") -> Instant | None:
    """The time within, any offset; None where it is absent. A time without an offset is UTC. Raises BadFrame."""
    value = payload.get(name)
    if value is None:
        return None
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            read = datetime.fromisoformat(value.upper())
        except ValueError as error:
            raise BadFrame("wrong_type", f"{name}: {error}") from error
        moment: Instant = ((read if read.tzinfo else read.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
        if not 0 <= moment < _LAST:
            raise BadFrame("clock", f"{name}: {value} is not from 1970 to 9999")
        return moment
    raise BadFrame("wrong_type", f"{name}: a time as 2026-11-23T03:00:00Z is due")
