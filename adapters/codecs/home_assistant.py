"""States of devices that announced themselves as Home Assistant's discovery has it.

The link keeps what was announced and puts the components of a topic into `about["components"]`. Templates are not
evaluated: those that name a place in the message, with a filter or a factor, are understood, others quarantined.

    {{ value }}    {{ value_json.t }}    {{ value_json['a'].b[0] | float | round(1) }}    {{ value_json.w / 1000 }}

The quantity is the component's device class where it has one, else its object id; with `quantity: object` always that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Final

from adapters.codecs.ha_discovery import Component, component_of, read_discovery
from adapters.codecs.iota_json import number_of
from adapters.codecs.json_body import check_size, check_value, parse
from adapters.frame import BadFrame, Frame
from adapters.readings import Reading, Readings
from adapters.settings import Members
from broker.model.values import Json

COMPONENTS: Final = "components"
_UNKNOWN: Final = frozenset({"", "unknown", "unavailable", "none", "None", "null"})
_TEMPLATE: Final = re.compile(
    r"\{\{-?\s*\(?\s*(?P<root>value_json|value)(?P<path>(?:\.\w+|\[(?:'[^']*'|\"[^\"]*\"|\d{1,4})\])*)"
    r"(?P<filters>(?:\s*\|\s*\w+(?:\([^()]{0,20}\))?)*)\s*\)?"
    r"(?:\s*(?P<sign>[*/+-])\s*(?P<number>\d{1,12}(?:\.\d{1,12})?))?(?P<more>(?:\s*\|\s*\w+(?:\([^()]{0,20}\))?)*)"
    r"\s*-?\}\}"
)
_STEP: Final = re.compile(r"\.(\w+)|\['([^']*)'\]|\[\"([^\"]*)\"\]|\[(\d+)\]")
_FILTER: Final = re.compile(r"\|\s*(\w+)(?:\(([^()]*)\))?")
_CASTS: Final = frozenset({"float", "int", "abs", "round", "is_defined", "string", "trim", "default"})
_SIGNS: Final[dict[str, Callable[[float, float], float]]] = {
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
}


@dataclass(frozen=True, slots=True)
class Template:
    """A place in a message, what is done with what stands there, and how it is rounded."""

    parsed: bool
    path: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    sign: str = ""
    number: float = 0

    def value(self, payload: bytes) -> Json:
        """What it gives of a message. Raises BadFrame."""
        value: Json = parse(payload) if self.parsed else _text(payload)
        for step in self.path:
            if isinstance(value, dict) and step in value:
                value = value[step]
            elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            else:
                return None
        if self.sign:
            given = number_of(value)
            if isinstance(given, bool) or not isinstance(given, int | float):
                return None
            value = _SIGNS[self.sign](given, self.number)
            if not isfinite(value):
                return None
        return _filtered(value, self.filters)


class HomeAssistant:
    """See the module."""

    def __init__(self, *, by_class: bool = True) -> None:
        self._by_class = by_class

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """As the port says."""
        check_size(frame.payload)
        if COMPONENTS not in frame.about:
            read_discovery(frame.channel, frame.payload)
            return []
        readings = tuple(self._reading(one, frame.payload) for one in _components(frame.about[COMPONENTS]))
        return [Readings(frame.device, readings)]

    def _reading(self, component: Component, payload: bytes) -> Reading:
        quantity = (component.device_class if self._by_class else "") or component.object
        value = read_template(component.template).value(payload)
        if value is None or (isinstance(value, str) and value in _UNKNOWN):
            return Reading(quantity, None, component.unit, quality="bad")
        if component.kind in ("binary_sensor", "switch", "lock"):
            return Reading(quantity, _is_on(component, value))
        if component.numeric:
            value = number_of(value)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise BadFrame("wrong_type", f"{component.object} says no number: {str(value)[:80]!r}")
        return Reading(quantity, check_value(value), component.unit)


def make_codec(settings: object) -> HomeAssistant:
    """The codec of the member `codec`. Raises BadSettings."""
    members = Members(settings, "codec")
    by_class = members.one_of("quantity", ("class", "object"), "class") == "class"
    members.done()
    return HomeAssistant(by_class=by_class)


@lru_cache(maxsize=4096)
def read_template(text: str) -> Template:
    """A template. Raises BadFrame `unmapped` for one that does more than name a place."""
    if not text.strip():
        return Template(parsed=False)
    found = _TEMPLATE.fullmatch(text.strip())
    if found is None:
        raise BadFrame(
            "unmapped", f"the template {text[:200]!r} is not understood: only places, casts and a factor are"
        )
    filters = tuple(_FILTER.findall(found["filters"] + found["more"]))
    unknown = [name for name, _ in filters if name not in _CASTS]
    number = float(found["number"] or 0)
    if unknown or (found["sign"] == "/" and not number):
        raise BadFrame("unmapped", f"the template {text[:200]!r} is not understood: {unknown or 'it divides by 0'}")
    path = tuple(next(filter(None, step), "") for step in _STEP.findall(found["path"]))
    return Template(found["root"] == "value_json", path, filters, found["sign"] or "", number)


@lru_cache(maxsize=4096)
def _components(text: str) -> tuple[Component, ...]:
    body = parse(text.encode())
    if not isinstance(body, list) or not body:
        raise BadFrame("wrong_type", "no component")
    return tuple(map(component_of, body))


def _is_on(component: Component, value: Json) -> bool:
    """Which of its two states it says. Raises BadFrame."""
    told, on, off = str(value), component.state_on, component.state_off
    if isinstance(value, bool):
        told, on, off = told.lower(), on.lower(), off.lower()
    if told not in (on, off):
        raise BadFrame("wrong_type", f"{component.object} says neither of its two states: {told[:80]!r}")
    return told == on


def _filtered(value: Json, filters: Sequence[tuple[str, str]]) -> Json:
    for name, argument in filters:
        if name in ("float", "int", "abs", "round"):
            value = _cast(name, number_of(value), int(argument) if argument.isdecimal() else 0)
        elif name in ("string", "trim") and value is not None:
            value = str(value).strip() if name == "trim" else str(value)
    return value


def _cast(name: str, value: Json, digits: int) -> Json:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if name == "round":
        return round(value, digits) if digits else round(value)
    return float(value) if name == "float" else int(value) if name == "int" else abs(value)


def _text(payload: bytes) -> str:
    try:
        return payload.decode().strip()
    except UnicodeDecodeError as fault:
        raise BadFrame("wrong_type", f"the payload is no UTF-8: {fault}") from None
