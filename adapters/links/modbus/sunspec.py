"""Devices that speak SunSpec: their models are found once, the wanted ones read, model 704 set and read back."""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from adapters.codecs.registers import Block, scaled
from adapters.codecs.sunspec import END, MARK, wanted
from adapters.codecs.sunspec_models import FORMATS, HEADER, spot_of
from adapters.codecs.sunspec_reading import raw
from adapters.frame import Frame
from adapters.links.modbus.connection import Connection, Refused
from adapters.links.modbus.registers import check_limit, in_unit
from adapters.links.modbus.target import Target
from adapters.order import Delivered, NotReached, Order
from broker.model.values import Instant, Json

STARTS: Final = (40_000, 0, 50_000)
"""Where the models of a device may begin."""
MODELS_MOST: Final = 100
_LOG: Final = logging.getLogger(__name__)
_COMMON, _CAPACITY, _CONTROL = 1, 702, 704


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a device's models are: (number, address, registers with the header); `common` is model 1, read once."""

    models: tuple[tuple[int, int, int], ...]
    common: bytes

    def find(self, number: int) -> tuple[int, int] | None:
        """Address and registers of the first model of a number."""
        return next(((address, length) for each, address, length in self.models if each == number), None)


@dataclass(frozen=True, slots=True)
class SetPoint:
    """What model 704 lets be set: the value, what goes with it before it is enabled, what enables it, its timer."""

    value: str
    enable: str
    timer: str
    before: tuple[tuple[str, int], ...] = ()
    turn: int = 1


SET_POINTS: Final = {
    "WSet": SetPoint("WSet", "WSetEna", "WSetRvrtTms", (("WSetMod", 1), ("WSetEnaRvrt", 0))),
    "WSet_in": SetPoint("WSet", "WSetEna", "WSetRvrtTms", (("WSetMod", 1), ("WSetEnaRvrt", 0)), turn=-1),
    "WMaxLimPct": SetPoint("WMaxLimPct", "WMaxLimPctEna", "WMaxLimPctRvrtTms", (("WMaxLimPctEnaRvrt", 0),)),
}
"""By the name of the command; `WSet_in` is positive into the asset."""
RELEASES: Final = {"WSet_off": "WSetEna", "WMaxLimPct_off": "WMaxLimPctEna"}
"""Commands that let the device decide by itself again."""


class SunSpecManner:
    """How devices that speak SunSpec are asked and set."""

    def __init__(self, codec: Mapping[str, Json]) -> None:
        self._wanted, _ = wanted(dict(codec))
        self._layouts: dict[str, Layout] = {}

    def check(self, target: Target) -> None:
        """All that a target says will do."""

    def forget(self, device_id: str) -> None:
        """Find the models of a device anew: it was away."""
        self._layouts.pop(device_id, None)

    async def poll(self, connection: Connection, target: Target, now: Instant) -> Frame | None:
        """The models wanted; None where it has none. Raises NotReached."""
        layout = await self._layout(connection, target)
        models = [layout.common]
        for number, address, length in layout.models:
            if number == _COMMON or number not in self._wanted:
                continue
            try:
                data = await connection.read(Block("holding", address, length), target.unit)
            except Refused as refusal:
                _LOG.warning("%s: model %s is refused (%s)", target.device.id, number, refusal)
                continue
            if struct.unpack_from(">HH", data) != (number, length - HEADER):
                self.forget(target.device.id)
                raise NotReached(f"{target.device.id}: its models have moved; they are found anew")
            models.append(data)
        payload = MARK + b"".join(models) + struct.pack(">HH", END, 0)
        return Frame(payload, now, target.device.id, "sunspec", about={"unit": str(target.unit)})

    async def set(self, connection: Connection, target: Target, order: Order) -> Delivered:
        """Set active power, a limit of it, or let it go. Raises NotReached."""
        try:
            control = Control(connection, target, await self._layout(connection, target))
            await control.read()
            if order.name in RELEASES:
                return await control.write({RELEASES[order.name]: 0})
            set_point = SET_POINTS.get(order.name)
            if set_point is None:
                known = ", ".join([*SET_POINTS, *RELEASES])
                return Delivered("ERROR", f"{order.name!r} cannot be set; there are {known}")
            return await control.set(order, set_point)
        except ValueError as fault:
            return Delivered("ERROR", str(fault))
        except Refused as refusal:
            return Delivered("ERROR", f"{order.name}: the device refuses it ({refusal})")

    async def _layout(self, connection: Connection, target: Target) -> Layout:
        found = self._layouts.get(target.device.id)
        if found is None:
            found = await find_models(connection, target)
            self._layouts[target.device.id] = found
        return found


class Control:
    """Model 704 of one device while it is set."""

    def __init__(self, connection: Connection, target: Target, layout: Layout) -> None:
        self._connection = connection
        self._target = target
        self._layout = layout
        self._data = b""

    async def read(self) -> None:
        """Read the model. Raises ValueError where there is none, Refused, NotReached."""
        self._data = await self._model(_CONTROL)
        if not self._data:
            raise ValueError("the device has no model 704: its power cannot be set")

    async def set(self, order: Order, set_point: SetPoint) -> Delivered:
        """Write the timer, the value, then enable it. Raises ValueError, Refused, NotReached."""
        spot = spot_of(_CONTROL, set_point.value)
        value = in_unit(order.value, order.unit, spot.unit)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return Delivered("ERROR", f"{order.name}: a number would do")
        check_limit(self._target, order.name, value)
        value *= set_point.turn
        await self._check_capacity(set_point.value, value)
        scale = self._scale(set_point.value)
        written = {
            **{name: number for name, number in set_point.before if self._has(name)},
            **({set_point.timer: self._target.revert_s} if self._has(set_point.timer) else {}),
            set_point.value: round(Fraction(value) / scale),
            set_point.enable: 1,
        }
        delivered = await self.write(written)
        if delivered.status == "OK":
            return Delivered("OK", scaled(written[set_point.value], scale) * set_point.turn)
        return delivered

    async def write(self, written: Mapping[str, int]) -> Delivered:
        """Write points in their order, and compare what is read back. Raises ValueError, Refused, NotReached."""
        found = self._layout.find(_CONTROL)
        assert found is not None
        for name, number in written.items():
            spot = spot_of(_CONTROL, name)
            try:
                registers = struct.unpack(f">{spot.size}H", struct.pack(">" + FORMATS[spot.type], number))
            except struct.error as fault:
                raise ValueError(f"{name}: {number} does not fit into {spot.type}") from fault
            await self._connection.write("holding", found[0] + spot.offset, registers, self._target.unit)
        await self.read()
        read = {name: raw(spot_of(_CONTROL, name), self._data) for name in written}
        wrong = [f"{name} is {read[name]}, not {number}" for name, number in written.items() if read[name] != number]
        return Delivered("ERROR", f"read back: {', '.join(wrong)}") if wrong else Delivered("OK")

    def _has(self, name: str) -> bool:
        return raw(spot_of(_CONTROL, name), self._data) is not None

    def _scale(self, name: str) -> Fraction:
        exponent = spot_of(_CONTROL, name).scale
        if isinstance(exponent, str):
            exponent = int(raw(spot_of(_CONTROL, exponent), self._data) or 0)
        return Fraction(10) ** exponent

    async def _check_capacity(self, name: str, value: float) -> None:
        """Raises ValueError outside of the limits: those of the device's options, else its own ratings (model 702)."""
        least, most = 0.0, 100.0
        if name == "WSet":
            least, most = await self._ratings()
        if not least <= value <= most:
            raise ValueError(f"{name}: from {least:g} to {most:g} would do, as the device is rated")

    async def _ratings(self) -> tuple[float, float]:
        """What it takes at most (below 0) and gives at most, W."""
        data = await self._model(_CAPACITY)
        ratings = {name: self._rating(name, data) for name in ("WMaxRtg", "WMax", "WChaRteMaxRtg", "WChaRteMax")}
        gives = [rating for name in ("WMaxRtg", "WMax") if (rating := ratings[name]) is not None]
        takes = [rating for name in ("WChaRteMaxRtg", "WChaRteMax") if (rating := ratings[name]) is not None]
        if not gives:
            raise ValueError("WSet: the device tells no rating (model 702, WMaxRtg); it is not set without")
        return -min(takes, default=0.0), min(gives)

    def _rating(self, name: str, data: bytes) -> float | None:
        spot = spot_of(_CAPACITY, name)
        number = raw(spot, data)
        if number is None or not isinstance(spot.scale, str):
            return None
        exponent = raw(spot_of(_CAPACITY, spot.scale), data)
        return None if exponent is None else float(number) * 10.0**exponent

    async def _model(self, number: int) -> bytes:
        found = self._layout.find(number)
        if found is None:
            return b""
        return await self._connection.read(Block("holding", *found), self._target.unit)


async def find_models(connection: Connection, target: Target) -> Layout:
    """Walk the models of a device. Raises NotReached where it has none."""
    for start in STARTS if target.start is None else (target.start,):
        try:
            if await connection.read(Block("holding", start, 2), target.unit) != MARK:
                continue
            models = await _walk(connection, target, start + 2)
        except Refused:
            continue
        common = next(((address, length) for number, address, length in models if number == _COMMON), None)
        data = b"" if common is None else await _read(connection, target, Block("holding", *common))
        return Layout(models, data)
    raise NotReached(f"{target.device.id}: no SunSpec models at {', '.join(map(str, STARTS))}; `start` may say where")


async def _read(connection: Connection, target: Target, block: Block) -> bytes:
    try:
        return await connection.read(block, target.unit)
    except Refused as refusal:
        raise NotReached(f"{target.device.id}: {block} is refused ({refusal})") from refusal


async def _walk(connection: Connection, target: Target, address: int) -> tuple[tuple[int, int, int], ...]:
    """(number, address, registers) of each model up to the end marker. Raises Refused, NotReached."""
    models: list[tuple[int, int, int]] = []
    while len(models) < MODELS_MOST and address < 65_534:  # noqa: PLR2004  the last register is 65,535
        number, length = struct.unpack(">HH", await connection.read(Block("holding", address, HEADER), target.unit))
        if number == END:
            break
        if not length or address + HEADER + length > 65_536:  # noqa: PLR2004
            _LOG.warning("%s: model %s at %s has %s registers", target.device.id, number, address, length)
            break
        models.append((number, address, HEADER + length))
        address += HEADER + length
    return tuple(models)
