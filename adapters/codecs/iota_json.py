"""What devices of a FIWARE IoT Agent for JSON say, over MQTT and HTTP.

    …/attrs                     {"t": 21.5, "TimeInstant": "2026-11-23T09:00:00Z"}, or a list of such groups
    …/attrs/NAME                one value; what is no JSON is text or bytes, kept as hexadecimal digits
    …/cmdexe, …/commands        {"ping": "done"}: what became of commands

With `payload: ngsi` a group may be an NGSI-v2 or NGSI-LD entity; its id and type are the facts `measure_id` and
`measure_type`. With `numbers: true` texts that are numbers are numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from adapters.codecs.json_body import check_name, check_size, check_value, parse, read_instant, readings_of
from adapters.frame import BadFrame, Frame
from adapters.readings import Answered, Reading, Readings
from adapters.settings import Members
from broker.model.values import Instant, Json

INSTANT: Final = "TimeInstant"
GROUPS_MAX: Final = 1000
COMMAND_FIELDS_MAX: Final = 100
CACHED_MAX: Final = 300
"""Characters of a channel that is remembered: senders that nobody knows may name as many as they like."""
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,30})(\.\d{1,30})?([eE][-+]?\d{1,3})?")


class IotaJson:
    """See the module."""

    def __init__(self, *, ngsi: bool = False, numbers: bool = False) -> None:
        self._ngsi = ngsi
        self._numbers = numbers

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """As the port says."""
        kind, name = kind_of(frame.channel)
        if kind == "single":
            return [self._single(frame, name)]
        if kind == "configuration":
            raise BadFrame("unmapped", "a request for configuration, which this link does not answer")
        body = parse(frame.payload)
        if kind == "answer":
            return answers(frame.device, body)
        groups = self._groups(body)
        given = frame.about.get("t", "")
        at = read_instant(given) if given else None
        return [self._group(frame.device, group, at) for group in groups]

    def _groups(self, body: Json) -> Sequence[Json]:
        if isinstance(body, dict):
            if self._ngsi and isinstance(body.get("entities"), list):
                body = body["entities"]
            else:
                return (body,)
        if not isinstance(body, list):
            raise BadFrame("wrong_type", "a JSON object of measures, or a list of such, would do")
        if len(body) > GROUPS_MAX:
            raise BadFrame("oversized", f"{len(body):,} groups of measures; a frame has at most {GROUPS_MAX:,}")
        return body

    def _group(self, device: str, group: Json, given: Instant | None) -> Readings:
        if not isinstance(group, dict):
            raise BadFrame("wrong_type", "a group of measures is a JSON object")
        at = given
        if INSTANT in group:
            group = dict(group)
            own = read_instant(_plain(group.pop(INSTANT)))
            at = own if given is None else given
        if self._ngsi:
            return _entity(device, group, at)
        if self._numbers:
            group = {name: number_of(value) for name, value in group.items()}
        return Readings(device, readings_of(group.items()), at=at)

    def _single(self, frame: Frame, name: str) -> Readings:
        check_size(frame.payload)
        given = frame.about.get("t", "")
        at = read_instant(given) if given else None
        content = frame.about.get("content_type", "")
        if "octet-stream" in content:
            return Readings(frame.device, (_text(name, frame.payload.hex()),), at=at)
        if content.startswith("text/"):
            return Readings(frame.device, (_text(name, _utf8(frame.payload)),), at=at)
        try:
            value = parse(frame.payload)
        except BadFrame:
            if content:
                raise
            return Readings(frame.device, (_text(name, frame.payload.hex()),), at=at)
        if self._numbers:
            value = number_of(value)
        return Readings(frame.device, readings_of([(name, value)]), at=at)


def make_codec(settings: object) -> IotaJson:
    """The codec of the member `codec`. Raises BadSettings."""
    members = Members(settings, "codec")
    ngsi = members.one_of("payload", ("iotagent", "ngsi"), "iotagent") == "ngsi"
    numbers = members.flag("numbers", default=False)
    members.done()
    return IotaJson(ngsi=ngsi, numbers=numbers)


def kind_of(channel: str) -> tuple[str, str]:
    """What comes in on a topic or path: measures, a single one and its name, an answer, a request."""
    return _kind_of(channel) if len(channel) <= CACHED_MAX else _kind_of.__wrapped__(channel)


@lru_cache(maxsize=65_536)
def _kind_of(channel: str) -> tuple[str, str]:
    parts = channel.rstrip("/").split("/")
    if parts[-1] in ("cmdexe", "commands"):
        return ("configuration" if parts[-2:] == ["configuration", "commands"] else "answer"), ""
    if len(parts) > 1 and parts[-2] == "attrs":
        return "single", parts[-1]
    return "measures", ""


def answers(device: str, body: Json) -> list[Readings]:
    """What became of commands, by name: `{"ping": "done"}`. Raises BadFrame."""
    if not isinstance(body, dict) or not 0 < len(body) <= COMMAND_FIELDS_MAX:
        raise BadFrame("wrong_type", 'a JSON object such as {"ping": "done"} tells what became of commands')
    return [
        Readings(device, (), answers=Answered(check_name(name), "OK", check_value(result)))
        for name, result in body.items()
    ]


def read_request(payload: bytes) -> tuple[str, ...]:
    """The values that a device asks for on `…/configuration/commands`. Raises BadFrame."""
    body = parse(payload)
    fields = body.get("fields") if isinstance(body, dict) else None
    if (
        not isinstance(body, dict)
        or body.get("type") not in ("configuration", "subscription")
        or not isinstance(fields, list)
        or len(fields) > COMMAND_FIELDS_MAX
        or not all(isinstance(one, str) for one in fields)
    ):
        raise BadFrame("wrong_type", 'a request such as {"type": "configuration", "fields": ["sleepTime"]} would do')
    return tuple(check_name(str(one)) for one in fields)


def number_of(value: Json) -> Json:
    """The number that a text is: `"21.5"` gives 21.5; anything else as it is."""
    if not isinstance(value, str):
        return value
    found = _NUMBER.fullmatch(value)
    if found is None:
        return value
    number = float(value) if found[1] or found[2] else int(value)
    return number if abs(number) != float("inf") else value


def _entity(device: str, entity: dict[str, Json], at: Instant | None) -> Readings:
    """The attributes of an NGSI entity, normalized or simplified, as readings with their own instants."""
    facts = {f"measure_{name}": str(entity[name])[:256] for name in ("id", "type") if isinstance(entity.get(name), str)}
    attributes = {name: value for name, value in entity.items() if name not in ("id", "type", "@context")}
    readings = []
    for plain, (name, value) in zip(
        readings_of((name, _plain(value)) for name, value in attributes.items()), attributes.items(), strict=True
    ):
        own = _observed(value)
        readings.append(Reading(name, plain.value, _unit(value), own, plain.quality) if own or _unit(value) else plain)
    return Readings(device, tuple(readings), at=at, facts=facts)


def _plain(value: Json) -> Json:
    """The value of an attribute: `{"type": "Property", "value": 1}` gives 1."""
    if isinstance(value, dict):
        for member in ("value", "object", "languageMap", "vocab", "json"):
            if member in value:
                return value[member]
    return value


def _observed(value: Json) -> Instant | None:
    if not isinstance(value, dict):
        return None
    metadata = value.get("metadata")
    given = value.get("observedAt", metadata.get(INSTANT) if isinstance(metadata, dict) else None)
    return None if given is None else read_instant(_plain(given))


def _unit(value: Json) -> str:
    code = value.get("unitCode") if isinstance(value, dict) else None
    return code if isinstance(code, str) and len(code) <= 8 else ""  # noqa: PLR2004 - UN/CEFACT codes have 2 or 3


def _text(name: str, text: str) -> Reading:
    return readings_of([(name, text)])[0]


def _utf8(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as fault:
        raise BadFrame("wrong_type", f"the text is no UTF-8: {fault}") from None
