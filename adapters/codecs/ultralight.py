"""What devices say in Ultralight 2.0, over MQTT and HTTP.

    …/attrs           t|21.5|h|0.4#2026-11-23T09:00:00Z|t|21.4      groups, each with its own instant or none
    …/attrs/NAME      21.5
    …/cmdexe          h1@ping|done                                   what became of a command; over HTTP as a measure

Ultralight has texts only; with `cast: true`, as it is where nothing is said, those that are JSON numbers, truth values,
lists or objects are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.codecs.iota_json import COMMAND_FIELDS_MAX, GROUPS_MAX, kind_of, number_of
from adapters.codecs.json_body import (
    READINGS_MAX,
    check_name,
    check_size,
    check_value,
    parse,
    read_instant,
    readings_of,
)
from adapters.frame import BadFrame, Frame
from adapters.readings import Answered, Readings
from adapters.settings import Members
from broker.model.values import Instant, Json

_WORDS: Final[dict[str, Json]] = {"true": True, "false": False, "null": None}


class Ultralight:
    """See the module."""

    def __init__(self, *, cast: bool = True) -> None:
        self._cast = cast

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """As the port says."""
        text = read_text(frame.payload)
        kind, name = kind_of(frame.channel)
        given = frame.about.get("t", "")
        at = read_instant(given) if given else None
        if kind == "single":
            return [Readings(frame.device, readings_of([(name, self._value(text))]), at=at)]
        if kind == "configuration":
            raise BadFrame("unmapped", "a request for configuration, which this link does not answer")
        if kind == "answer" or "@" in text.partition("|")[0]:
            return [_answer(frame.device, text)]
        groups = text.split("#")
        if len(groups) > GROUPS_MAX:
            raise BadFrame("oversized", f"{len(groups):,} groups of measures; a frame has at most {GROUPS_MAX:,}")
        return [self._group(frame.device, group, at) for group in groups]

    def _group(self, device: str, group: str, given: Instant | None) -> Readings:
        fields = group.strip().split("|")
        if len(fields) > 2 * READINGS_MAX + 1:
            raise BadFrame("oversized", f"a group has at most {READINGS_MAX:,} measures")
        at = given
        if len(fields) % 2:
            at = _leading_instant(fields, group) if given is None else given
            del fields[0]
        pairs = zip(fields[::2], fields[1::2], strict=True)
        return Readings(device, readings_of((name.strip(), self._value(value)) for name, value in pairs), at=at)

    def _value(self, text: str) -> Json:
        if not self._cast:
            return text
        plain = text.strip()
        if plain in _WORDS:
            return _WORDS[plain]
        if plain[:1] in ("[", "{"):
            try:
                return parse(plain.encode())
            except BadFrame:
                return text
        number = number_of(plain)
        return text if isinstance(number, str) else number


def make_codec(settings: object) -> Ultralight:
    """The codec of the member `codec`. Raises BadSettings."""
    members = Members(settings, "codec")
    cast = members.flag("cast", default=True)
    members.done()
    return Ultralight(cast=cast)


def read_text(payload: bytes) -> str:
    """The text. Raises BadFrame."""
    check_size(payload)
    try:
        text = payload.decode()
    except UnicodeDecodeError as fault:
        raise BadFrame("wrong_type", f"the payload is no UTF-8: {fault}") from None
    if not text.strip():
        raise BadFrame("truncated", "the payload is empty")
    return text


def read_request(payload: bytes) -> tuple[str, ...]:
    """The values that a device asks for: `configuration|sleepTime|warningLevel`. Raises BadFrame."""
    kind, *fields = read_text(payload).strip().split("|")
    if kind not in ("configuration", "subscription") or not 0 < len(fields) <= COMMAND_FIELDS_MAX:
        raise BadFrame("wrong_type", "a request such as configuration|sleepTime|warningLevel would do")
    return tuple(map(check_name, fields))


def _leading_instant(fields: Sequence[str], group: str) -> Instant:
    """The instant that a group begins with; without one, something of it is missing."""
    try:
        if len(fields) > 1:
            return read_instant(fields[0])
    except BadFrame:
        pass
    raise BadFrame("truncated", f"{group[:80]!r} has a name without its value: t|21.5 would do")


def _answer(device: str, text: str) -> Readings:
    head, bar, result = text.strip().partition("|")
    sender, at, name = head.partition("@")
    if not bar or not at or (device and sender != device):
        raise BadFrame("wrong_type", f"{text[:80]!r}: {device or 'h1'}@ping|done would tell what became of a command")
    check_value(result)
    return Readings(device or sender, (), answers=Answered(check_name(name), "OK", result))
