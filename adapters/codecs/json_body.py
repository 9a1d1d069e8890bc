"""JSON of devices, within limits: parsed exactly or refused, names and instants checked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from adapters.frame import BadFrame
from adapters.readings import Reading
from broker.decode.text import parse_json
from broker.errors import NgsiError
from broker.model.values import Instant, Json

PAYLOAD_BYTES_MAX: Final = 1 << 20
READINGS_MAX: Final = 1000
"""Of one frame."""
TEXT_CHARS_MAX: Final = 10_000
NAME_CHARS_MAX: Final = 256
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f<>\"'=;()\\]+")
"""What NGSI forbids in a name is no name of a quantity either."""
_BASIC: Final = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(.*)")
_DIGITS_MAX: Final = 300
"""Of a number: it fits into a double."""
_LONG: Final = re.compile(rb"\d{301}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MILLIS_FROM: Final = 1e11
"""A number of seconds that large lies in the year 5138: it is milliseconds."""
_MICROS_FROM: Final = 1e14
_INSTANTS: Final = range(253_402_300_800_000_000)
"""1970 to 9999."""


def parse(payload: bytes) -> Json:
    """The JSON value. Raises BadFrame: `oversized`, `truncated`, `not_json`."""
    check_size(payload)
    if len(payload) > _DIGITS_MAX and _LONG.search(payload):
        raise BadFrame("wrong_type", f"a number of more than {_DIGITS_MAX} digits")
    try:
        return parse_json(payload)
    except NgsiError as fault:
        reason = "truncated" if not payload.strip() or "EOF while" in str(fault) else "not_json"
        raise BadFrame(reason, f"the payload is no JSON: {fault}") from None
    except RecursionError:
        raise BadFrame("not_json", "the payload nests too deep") from None


def check_size(payload: bytes) -> None:
    """Raises BadFrame `oversized`."""
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise BadFrame("oversized", f"{len(payload):,} bytes; a frame has at most {PAYLOAD_BYTES_MAX:,}")


def readings_of(members: Iterable[tuple[str, Json]]) -> tuple[Reading, ...]:
    """A reading for each member; null is one of no quality. Raises BadFrame."""
    found = tuple(
        [
            Reading(check_name(name), check_value(value))
            if value is not None
            else Reading(check_name(name), None, quality="bad")
            for name, value in members
        ]
    )
    if len(found) > READINGS_MAX:
        raise BadFrame("oversized", f"{len(found):,} readings; a frame has at most {READINGS_MAX:,}")
    return found


@lru_cache(maxsize=4096)
def check_name(name: str) -> str:
    """The name of a quantity. Raises BadFrame."""
    if len(name) > NAME_CHARS_MAX or not _NAME.fullmatch(name):
        raise BadFrame("wrong_type", f"{name[:NAME_CHARS_MAX]!r} is no name of a quantity")
    return name


def check_value(value: Json) -> Json:
    """The value, with no text in it longer than TEXT_CHARS_MAX. Raises BadFrame."""
    kind = type(value)
    if kind is str:
        if len(value) > TEXT_CHARS_MAX:  # type: ignore[arg-type]
            raise BadFrame("oversized", f"a text is longer than {TEXT_CHARS_MAX:,} characters")
    elif kind is list or kind is dict:
        for below in value.values() if isinstance(value, dict) else value:  # type: ignore[union-attr]
            check_value(below)
    return value


def read_instant(value: Json) -> Instant:
    """The instant of a device's clock: ISO 8601 with any offset (none: UTC), or seconds, ms or µs of the epoch.

    Raises BadFrame `wrong_type`.
    """
    if isinstance(value, str):
        found = _of_text(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = _of_number(value)
    else:
        found = None
    if found is None or found not in _INSTANTS:
        raise BadFrame("wrong_type", f"{str(value)[:40]!r} is no time: 2026-11-23T09:00:00Z or 1795424400 would do")
    return found


def _of_number(value: float) -> Instant | None:
    factor = 1_000_000 if value < _MILLIS_FROM else 1_000 if value < _MICROS_FROM else 1
    return round(value * factor) if value < _INSTANTS.stop else None


def _of_text(text: str) -> Instant | None:
    if text[4:5] != "-":  # 2026-… is what nearly all say
        if text.isascii() and text.replace(".", "", 1).isdigit():
            return _of_number(float(text)) if len(text) > 8 else None  # noqa: PLR2004 - shorter ones are dates
        text = _BASIC.sub(r"\1-\2-\3T\4:\5:\6\7", text)
    try:
        whole = datetime.fromisoformat(text)
        whole = whole if whole.tzinfo else whole.replace(tzinfo=UTC)
        return (whole - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None
