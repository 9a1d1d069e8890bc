"""Digital grid routers in the shape of the open APIS: a unit's converter, battery, sun, loads and meter to readings.

A frame's payload is the JSON of one unit, or of several by their ids, as `GET /get/log` gives it. Of each unit the
router itself is the part `""`, its legs are the parts `interchange`, `battery`, `pv`, `load`, `utility`.

Power and current of a leg are positive into what is connected to it, so that the legs of a router add up to what it
loses. APIS counts what comes from the line as positive, what the sun and the utility give without a sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.codecs.json_body import check_value, parse, read_instant
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings
from adapters.readings import Reading, Readings
from adapters.settings import Members
from broker.model.values import Instant, Json

MODES: Final = {"wait": "0x0000", "discharge": "0x0002", "form": "0x0014", "charge": "0x0041"}
"""What a converter can do: nothing, give to the line, hold the line's voltage, take from the line."""
UNITS_MOST: Final = 40
_MAINS_V: Final = 50.0
"""Below that there is no utility."""
_MOST: Final = 1e15
"""No power, current or energy of a house is more; a whole number of JSON may be."""
_SECTIONS: Final = frozenset({"dcdc", "emu", "battery", "oesunit"})


def make_codec(settings: Json) -> DigitalGridCodec:
    """The codec; `zone` is where the units' clocks are, `time: hub` for units whose clocks are not to be believed.

    Raises BadSettings.
    """
    members = Members(settings, "codec")
    name = members.text("zone", "Asia/Tokyo")
    clock = members.one_of("time", ("device", "hub"), "device")
    members.done()
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise BadSettings(f"codec/zone: {name!r} is no zone; Asia/Tokyo would do") from fault
    return DigitalGridCodec(zone if clock == "device" else None)


class DigitalGridCodec:
    """Reads units; `zone` None: their clocks are not read."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """The router and its legs, of each unit."""
        body = parse(frame.payload)
        if not isinstance(body, dict):
            raise BadFrame("wrong_type", "the payload is no JSON object")
        units = {frame.device: body} if body.keys() & _SECTIONS else body
        if len(units) > UNITS_MOST:
            raise BadFrame("oversized", f"{len(units)} units; a frame has at most {UNITS_MOST}")
        return [readings for name, unit in units.items() for readings in self._unit(name, Section(unit, name))]

    def _unit(self, device: str, unit: Section) -> Iterator[Readings]:
        at = self._instant(unit)
        facts = {"unit": unit.below("oesunit").text("id") or device}
        for part, readings in (("", _router(unit)), *_legs(unit)):
            said = tuple(readings)
            if said:
                yield Readings(device, said, part, at, facts=facts)

    def _instant(self, unit: Section) -> Instant | None:
        text = unit.text("time")
        if self._zone is None or not text:
            return None
        for form in ("%Y/%m/%d-%H:%M:%S", "%Y-%m-%d %H:%M:%S"):
            try:
                local = datetime.strptime(text, form).replace(tzinfo=self._zone)
            except ValueError:
                continue
            return read_instant(local.isoformat())
        return read_instant(text)


class Section:
    """An object of a unit, its members taken by their type; one of another type is a BadFrame."""

    def __init__(self, body: Json, where: str) -> None:
        if not isinstance(body, dict):
            raise BadFrame("wrong_type", f"{where[:100]} is no object")
        self._body: Mapping[str, Json] = body
        self._where = where

    def below(self, name: str) -> Section:
        """An object; an empty one where it is not there."""
        return Section(self._body.get(name, {}), f"{self._where}.{name}")

    def text(self, name: str) -> str:
        """A text; empty where it is not there."""
        value = check_value(self._body.get(name, ""))
        if not isinstance(value, str):
            raise BadFrame("wrong_type", f"{self._where[:100]}.{name} is no text")
        return value

    def number(self, name: str) -> float | None:
        """A number; None where it is not there."""
        value = self._body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MOST:
            raise BadFrame("wrong_type", f"{self._where[:100]}.{name} is no number")
        return value


def _router(unit: Section) -> Iterator[Reading]:
    status = unit.below("dcdc").below("status")
    mode = unit.below("operation_mode").text("effective") or status.text("operationMode")
    words = (("operationMode", mode), ("mode", status.text("status")), ("runningState", status.text("runningState")))
    yield from (Reading(name, word) for name, word in words if word)
    yield from _number("stateOfCharge", _charge(unit), "P1")
    yield from _number("remainingEnergy", unit.number("remaining_capacity_wh"), "WHR")
    yield from _number("temperature", unit.below("dcdc").below("meter").number("tmp"), "CEL")
    state = _grid_state(unit)
    if state:
        yield Reading("gridState", state)
    if status.text("alarmState") or status.text("alarm"):
        yield Reading("alarm", _alarms(status))


def _charge(unit: Section) -> float | None:
    charge = unit.below("battery").number("rsoc")
    return unit.below("emu").number("rsoc") if charge is None else charge


def _alarms(status: Section) -> Json:
    """The codes of the alarms that are on: words of four digits, of which 0000 is none."""
    if status.text("alarmState").lower().startswith("no"):
        return []
    return [code for code in status.text("alarm").split() if code.strip("0")]


def _grid_state(unit: Section) -> str:
    """`connected` while the utility's voltage is there; `islanded` where loads are served without, else `isolated`."""
    volts = unit.below("dcdc").below("powermeter").number("v1")
    if volts is None:
        return ""
    if volts >= _MAINS_V:
        return "connected"
    return "islanded" if unit.below("emu").number("ups_output_power") else "isolated"


def _legs(unit: Section) -> Iterator[tuple[str, Iterator[Reading]]]:
    for part, leg in (
        ("interchange", _interchange),
        ("battery", _battery),
        ("pv", _pv),
        ("load", _load),
        ("utility", _utility),
    ):
        yield part, leg(unit)


def _interchange(unit: Section) -> Iterator[Reading]:
    meter = unit.below("dcdc").below("meter")
    yield from _number("activePower", _turned(meter.number("wg")), "WTT")
    yield from _number("current", _turned(meter.number("ig")), "AMP")
    yield from _number("voltage", meter.number("vg"), "VLT")
    yield from _number("currentLimit", unit.below("dcdc").below("param").number("dig"), "AMP")


def _battery(unit: Section) -> Iterator[Reading]:
    """What flows into the battery in all; what the converter puts into it alone is `converterPower`."""
    meter, emu = unit.below("dcdc").below("meter"), unit.below("emu")
    power, current = emu.number("charge_discharge_power"), emu.number("battery_current")
    if power is None or current is None:
        power, current = meter.number("wb"), meter.number("ib")
    else:
        power = math.copysign(power, current) if power else 0
    yield from _number("activePower", power, "WTT")
    yield from _number("current", current, "AMP")
    yield from _number("voltage", meter.number("vb"), "VLT")
    yield from _number("currentLimit", unit.below("dcdc").below("param").number("cib"), "AMP")
    yield from _number("converterPower", meter.number("wb"), "WTT")


def _pv(unit: Section) -> Iterator[Reading]:
    yield from _number("activePower", _turned(unit.below("emu").number("pvc_charge_power")), "WTT")


def _load(unit: Section) -> Iterator[Reading]:
    emu = unit.below("emu")
    yield from _number("activePower", emu.number("ups_output_power"), "WTT")
    yield from _number("voltage", emu.number("ups_output_voltage"), "VLT")
    frequency = emu.number("ups_output_frequency")
    yield from _number("frequency", frequency or None, "HTZ")


def _utility(unit: Section) -> Iterator[Reading]:
    meter = unit.below("dcdc").below("powermeter")
    yield from _number("activePower", _turned(meter.number("p2")), "WTT")
    yield from _number("voltage", meter.number("v1"), "VLT")
    yield from _number("energyOut", meter.number("kwh2"), "KWH")


def _number(name: str, value: float | None, unit: str) -> Iterator[Reading]:
    if value is not None:
        yield Reading(name, value, unit)


def _turned(value: float | None) -> float | None:
    return None if value is None else -value or 0
