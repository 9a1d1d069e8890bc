"""Points of a building that a device's options name: what is read, and what may be set within which bounds.

options:
  points: {power: "ns=1;s=power", setpoint: "analog-value,3"}
  write: {setpoint: {least: 18, most: 28, unit: CEL}, lit: {}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.device import Device
from adapters.link import BadSettings
from adapters.order import Order
from adapters.settings import Members
from broker.model.values import Json
from datamodels.units import NoConversion, convert

POINTS_MAX: Final = 500
CLOSE: Final = 1e-6
"""Devices keep 32 bits of a number."""


class Refused(ValueError):
    """A command that may not be sent; the text says what would do."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a point may be set to: numbers between these, in this unit; where there are none, whatever fits it."""

    least: float | None = None
    most: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Points:
    """The points of one device."""

    device: Device
    places: Mapping[str, str]
    write: Mapping[str, Bounds]
    every_s: float

    def settable(self, order: Order) -> tuple[str, Json]:
        """The place of the point and the value to write. Raises Refused."""
        bounds = self.write.get(order.name)
        if bounds is None:
            raise Refused(f"{order.name!r} cannot be set; there are {', '.join(sorted(self.write)) or 'none'}")
        value = order.value
        if order.unit and bounds.unit and isinstance(value, int | float) and not isinstance(value, bool):
            try:
                value = convert(value, order.unit, bounds.unit)
            except NoConversion as fault:
                raise Refused(str(fault)) from fault
        _check(order.name, value, bounds)
        return self.places[order.name], value


def read_points_of(device: Device, every_s: float) -> Points:
    """The points of a device. Raises BadSettings, which names device and member."""
    where = f"devices/{device.id}/options"
    members = Members(dict(device.options), where)
    places = members.pairs("points")
    if not 0 < len(places) <= POINTS_MAX:
        raise members.refuse("points", f"1 to {POINTS_MAX} names and where each is")
    write = {name: _bounds(given, f"{where}/write/{name}") for name, given in members.below("write").items()}
    if unknown := sorted(write.keys() - places.keys()):
        raise BadSettings(f"{where}/write/{unknown[0]}: a name of `points` would do")
    found = Points(device, places, write, members.number("every_s", every_s, 0.05, 86_400))
    members.done()
    return found


def same(written: Json, read: Json) -> bool:
    """Whether what is read back is what was written, as precisely as devices keep numbers."""
    if isinstance(written, bool) or not isinstance(written, int | float):
        return written == read
    if isinstance(read, bool) or not isinstance(read, int | float):
        return False
    return abs(written - read) <= CLOSE * max(1.0, abs(written))


def _bounds(given: Json, where: str) -> Bounds:
    members = Members(given, where)
    numbers = [*members.numbers("least"), *members.numbers("most")]
    unit = members.text("unit", "")
    members.done()
    if len(numbers) not in (0, 2) or numbers != sorted(numbers):
        raise BadSettings(f"{where}: least and most, or neither, would do")
    return Bounds(numbers[0], numbers[1], unit) if numbers else Bounds(unit=unit)


def _check(name: str, value: Json, bounds: Bounds) -> None:
    if bounds.least is None or bounds.most is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not bounds.least <= value <= bounds.most:
        raise Refused(f"{name}: from {bounds.least:g} to {bounds.most:g} {bounds.unit}".rstrip() + " would do")
