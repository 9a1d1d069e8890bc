"""JSON as devices of all sorts send it; the file says where in a message things are.

    codec:
      kind: json
      items: uplink.objects        # a list in the message, each of it a message of its own; a list alone needs no path
      device: meta.serial          # else the topic or path tells it
      part: channel
      at: meta.ts                  # ISO 8601, or seconds, ms or µs of the epoch
      sequence: meta.seq
      facts: {room: place.room}
      units: {power: KWT}
      long: {quantity: name, value: val, unit: unit, at: time}    # one object a reading, at `readings`
      readings: data               # where the quantities are; else the whole message
      text: true                   # a payload that is no JSON is a text

Names below one another are joined by dots: `{"power": {"now": 1}}` has the quantity `power.now`. A payload that is one
value is the quantity that the last level of the topic names. Paths are names joined by dots, list places as numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.codecs.json_body import READINGS_MAX, check_name, check_value, parse, read_instant, readings_of
from adapters.frame import BadFrame, Frame
from adapters.readings import Reading, Readings
from adapters.settings import Members
from broker.model.values import Instant, Json

ITEMS_MAX: Final = 1000
FACT_CHARS_MAX: Final = 256
_LONG: Final = ("quantity", "value", "unit", "at")
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Places:
    """The paths of the settings; empty ones are not there."""

    items: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    part: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    sequence: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()


class PlainJson:
    """See the module."""

    def __init__(self, places: Places, names: Mapping[str, Mapping[str, str]], *, text: bool = False) -> None:
        self._places = places
        self._units = names.get("units", {})
        self._long = names.get("long", {})
        self._facts = {name: _path(path) for name, path in names.get("facts", {}).items()}
        self._text = text
        self._apart = tuple(
            filter(None, (places.device, places.part, places.at, places.sequence, *self._facts.values()))
        )

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """As the port says."""
        body = self._body(frame)
        if not isinstance(body, dict | list):
            return [Readings(frame.device, self._with_units(readings_of([(_last_level(frame.channel), body)])))]
        items = _at(body, self._places.items) if self._places.items else body
        if items is _NOTHING:
            raise BadFrame("wrong_type", f"the message has no {'.'.join(self._places.items)}")
        messages = items if isinstance(items, list) else [items]
        if len(messages) > ITEMS_MAX:
            raise BadFrame("oversized", f"{len(messages):,} messages in one; a frame has at most {ITEMS_MAX:,}")
        whole = body if self._places.items else None
        return [self._message(frame.device, one, whole) for one in messages]

    def _body(self, frame: Frame) -> Json:
        if not self._text:
            return parse(frame.payload)
        try:
            return parse(frame.payload)
        except BadFrame as bad:
            if bad.reason == "oversized":
                raise
            try:
                return check_value(frame.payload.decode())
            except UnicodeDecodeError as fault:
                raise BadFrame("wrong_type", f"the text is no UTF-8: {fault}") from None

    def _message(self, device: str, message: object, whole: Json) -> Readings:
        if not isinstance(message, dict):
            raise BadFrame("wrong_type", "a message is a JSON object")
        places = self._places

        def find(path: tuple[str, ...]) -> object:
            found = _at(message, path) if path else _NOTHING
            return _at(whole, path) if found is _NOTHING and path and whole is not None else found

        told, at, sequence = find(places.device), find(places.at), find(places.sequence)
        facts = {name: _told(found) for name, path in self._facts.items() if (found := find(path)) is not _NOTHING}
        return Readings(
            device if told is _NOTHING else _told(told),
            self._quantities(message),
            "" if (part := find(places.part)) is _NOTHING else _told(part),
            None if at is _NOTHING else _instant(at),
            "" if sequence is _NOTHING else _told(sequence),
            facts,
        )

    def _quantities(self, message: dict[str, Json]) -> tuple[Reading, ...]:
        found = _at(message, self._places.readings) if self._places.readings else message
        if self._long:
            return self._listed(found)
        if not isinstance(found, dict):
            raise BadFrame("wrong_type", f"{'.'.join(self._places.readings)} is no object of quantities")
        inside = self._apart if found is message else ()
        return self._with_units(readings_of(_flat(found, "", inside)))

    def _listed(self, found: object) -> tuple[Reading, ...]:
        """Readings that are an object each: `{"name": "power", "val": 1.2, "unit": "KWT"}`."""
        listed = [found] if isinstance(found, dict) else found
        if not isinstance(listed, list) or len(listed) > READINGS_MAX:
            raise BadFrame("wrong_type", f"a list of at most {READINGS_MAX:,} readings would do")
        return self._with_units(tuple(self._one(one) for one in listed))

    def _one(self, one: object) -> Reading:
        if not isinstance(one, dict):
            raise BadFrame("wrong_type", "a reading of the list is no object")
        name, value, unit, at = (one.get(self._long.get(member, "")) for member in _LONG)
        if not isinstance(name, str):
            raise BadFrame("wrong_type", f"a reading has no {self._long['quantity']}")
        [plain] = readings_of([(name, value)])
        own = None if at is None else read_instant(at)
        return Reading(name, plain.value, unit if isinstance(unit, str) else "", own, plain.quality)

    def _with_units(self, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
        units = self._units
        if not units:
            return readings
        return tuple(
            Reading(one.quantity, one.value, units[one.quantity], one.at, one.quality)
            if one.quantity in units and not one.unit
            else one
            for one in readings
        )


def make_codec(settings: object) -> PlainJson:
    """The codec of the member `codec`. Raises BadSettings."""
    members = Members(settings, "codec")
    places = Places(*(_path(members.text(name, "")) for name in Places.__slots__))
    names = {name: members.pairs(name) for name in ("units", "long", "facts")}
    long = names["long"]
    if long and (not {"quantity", "value"} <= set(long) or set(long) - set(_LONG)):
        raise members.refuse("long", "an object of quantity, value and, where they are there, unit and at")
    text = members.flag("text", default=False)
    members.done()
    return PlainJson(places, names, text=text)


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def _at(value: object, path: Sequence[str]) -> object:
    """What stands at a path; _NOTHING where nothing does, and where it is null."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _NOTHING
    return _NOTHING if value is None else value


def _flat(found: dict[str, Json], before: str, apart: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, Json]]:
    """`{"power": {"now": 1}}` gives `("power.now", 1)`, without what stands at the paths `apart`."""
    for name, value in found.items():
        below = [path[1:] for path in apart if path[0] == name]
        if () in below:
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.", below)
        else:
            yield before + name, value


def _told(value: object) -> str:
    """A text that is a name: `"a7"`, and the number 7 as `7`."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadFrame("wrong_type", "a name in the message is neither a text nor a number")
    text = str(value)
    if not text or len(text) > FACT_CHARS_MAX:
        raise BadFrame("wrong_type", f"a name in the message has more than {FACT_CHARS_MAX} characters, or none")
    return text


def _instant(value: object) -> Instant:
    return read_instant(value if isinstance(value, str | int | float) else None)


def _last_level(channel: str) -> str:
    return check_name(channel.rstrip("/").rpartition("/")[2] or "value")
