"""Devices with a register map: joined blocks are read, points with `write` are set and read back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from adapters.codecs.register_maps import map_named, read_maps
from adapters.codecs.registers import Block, Point, plan, raw_of, read_point, same
from adapters.frame import Frame
from adapters.link import BadSettings
from adapters.links.modbus.connection import Connection, Refused
from adapters.links.modbus.target import Target
from adapters.order import Delivered, Order
from broker.model.values import Instant, Json
from datamodels.units import NoConversion, convert

_LOG: Final = logging.getLogger(__name__)


class RegisterManner:
    """How devices with register maps are asked and set."""

    def __init__(self, codec: Mapping[str, Json], gap: int, most: int) -> None:
        self._maps = read_maps(dict(codec))
        self._joined = {name: plan(points, gap, most) for name, points in self._maps.items()}
        self._plans: dict[str, tuple[Block, ...]] = {}

    def check(self, target: Target) -> None:
        """Raises BadSettings where its map is not there."""
        self._points(target)

    def forget(self, device_id: str) -> None:
        """Take nothing for known of a device: it was away."""
        self._plans.pop(device_id, None)

    async def poll(self, connection: Connection, target: Target, now: Instant) -> Frame | None:
        """What its registers hold; None where it gives none of them. Raises NotReached."""
        points = self._points(target)
        device_id = target.device.id
        given: list[Block] = []
        payload = b""
        kept: list[Block] = []
        pending = list(self._plans.get(device_id, self._plan(target)))
        while pending:
            block = pending.pop(0)
            try:
                payload += await connection.read(block, target.unit)
            except Refused as refusal:
                if refusal.lasts:
                    pending[:0] = _apart(points, block, f"{device_id}: {block} is refused ({refusal})")
                else:
                    kept.append(block)
            else:
                kept.append(block)
                given.append(block)
        self._plans[device_id] = tuple(kept)
        if not given:
            return None
        about = {"unit": str(target.unit), "map": target.map, "blocks": ",".join(map(str, given))}
        return Frame(payload, now, device=device_id, channel="registers", about=about)

    async def set(self, connection: Connection, target: Target, order: Order) -> Delivered:
        """Write one point and read it back. Raises NotReached."""
        try:
            point = self._settable(target, order.name)
            value = in_unit(order.value, order.unit, point.unit)
            registers = raw_of(point, value)
            check_limit(target, point.name, value)
        except ValueError as fault:
            return Delivered("ERROR", str(fault))
        block = Block(point.table, point.address, point.size)
        try:
            await connection.write(point.table, point.address, registers, target.unit)
            read = read_point(point, await connection.read(block, target.unit)).value
        except Refused as refusal:
            return Delivered("ERROR", f"{point.name}: the device refuses it ({refusal})")
        if not same(point, value, read):
            return Delivered("ERROR", f"{point.name}: {value} was written, {read} is read back")
        return Delivered("OK", read)

    def _points(self, target: Target) -> tuple[Point, ...]:
        try:
            return map_named(self._maps, target.map)
        except LookupError as fault:
            raise BadSettings(f"devices/{target.device.id}/options/map: {fault}") from fault

    def _plan(self, target: Target) -> tuple[Block, ...]:
        return self._joined[target.map] if target.map else next(iter(self._joined.values()))

    def _settable(self, target: Target, name: str) -> Point:
        settable = {point.name: point for point in self._points(target) if point.write is not None}
        if name not in settable:
            raise ValueError(f"{name!r} cannot be set; there are {', '.join(sorted(settable)) or 'none'}")
        return settable[name]


def in_unit(value: Json, given: str, wanted: str) -> Json:
    """A number in another unit; what has no unit stays. Raises ValueError."""
    if not given or not wanted or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        return convert(value, given, wanted)
    except NoConversion as fault:
        raise ValueError(str(fault)) from fault


def check_limit(target: Target, name: str, value: Json) -> None:
    """Raises ValueError where a device's own limits forbid a value."""
    least, most = target.limits.get(name, (None, None))
    if least is None or most is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name}: from {least:g} to {most:g} would do on this device")


def _apart(points: tuple[Point, ...], block: Block, why: str) -> list[Block]:
    """The blocks of single points in a block that was refused as a whole; none where it is one already."""
    apart = plan((point for point in points if block.holds(point)), -1, 1)
    alone = [one for one in apart if one != block]
    _LOG.warning("%s; %s", why, f"asking for its {len(alone)} points one by one" if alone else "it is left out")
    return alone
