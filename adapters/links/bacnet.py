"""BACnet/IP: a building's controllers are asked for points of their objects, and set at a priority.

    link:
      kind: bacnet
      address: "192.0.2.5/24:47808"      # of this machine, in the building's network
      device: 4194300                    # the instance that this hub has there
      every_s: 10
      timeout_s: 3
      priority: 12                       # of what is set, 1 (life safety) to 16
    codec: bacnet
    devices:
      - id: mall-air
        address: "192.0.2.7:47808"       # or empty, and options: {instance: 4711}: it is looked for by Who-Is
        options:
          points: {supply: "analog-input,1", setpoint: "analog-value,3", pump: "binary-value,2"}
          write: {setpoint: {least: 18, most: 28, unit: CEL}}

Present value, status flags and, once, units are read, of many points at a time where a controller can.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from adapters.codecs.bacnet import FLAGS
from adapters.device import Device
from adapters.frame import Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.links.points import Points, Refused, read_points_of, same
from adapters.links.rounds import LOOK_S, Rounds, Turn
from adapters.order import Delivered, NotReached, Order
from adapters.settings import Members
from broker.encode.text import dump
from broker.model.values import Json

if TYPE_CHECKING:
    from bacpypes3.app import Application

log = logging.getLogger("misono.adapters")

AT_ONCE: Final = 15
"""Points in a request: the answer fits into one APDU of 1,476 bytes."""
OPENING_S: Final = 0.1
"""The library opens its socket in a task of its own, and does not say when that is done."""
OBJECT: Final = re.compile(r"(analog|binary|multi-state)-(input|output|value),[0-9]{1,7}")
INSTANCE_MAX: Final = 4_194_302
_ADDRESS: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?(:[0-9]{1,5})?")
_READ: Final = ("present-value", "status-flags", "units")
_ON: Final = {"active": True, "inactive": False}


@dataclass(frozen=True, slots=True)
class Asking:
    """How controllers are asked."""

    address: str
    device: int
    every_s: float
    timeout_s: float
    priority: int


@dataclass(slots=True)
class _Known:
    """What was found out about a controller; `one_by_one`: it reads no several properties at a time."""

    address: str = ""
    units: dict[str, str] = field(default_factory=dict)
    one_by_one: bool = False


def make_link(ground: Ground) -> BacnetLink:
    """The link. Raises BadSettings."""
    members = Members(ground.settings, "link")
    asking = Asking(
        members.text("address"),
        members.whole("device", INSTANCE_MAX, 0, INSTANCE_MAX),
        members.number("every_s", 10.0, 0.05, 86_400),
        members.number("timeout_s", 3.0, 0.05, 60),
        members.whole("priority", 12, 1, 16),
    )
    if not _ADDRESS.fullmatch(asking.address):
        raise members.refuse("address", "192.0.2.5/24:47808")
    members.done()
    return BacnetLink(ground, asking)


class BacnetLink:
    """See the module: one task a device, one socket for all."""

    def __init__(self, ground: Ground, asking: Asking) -> None:
        self._ground, self._asking = ground, asking
        self._known: dict[str, _Known] = {}
        self._application: Application | None = None
        self._rounds: Rounds[str, Points] = Rounds(ground, self._placed)

    async def run(self, receive: Receive) -> None:
        """Ask every device until cancelled."""

        async def serve(device_id: str) -> None:
            await self._serve(device_id, receive)

        async def left(device_id: str) -> None:
            self._known.pop(device_id, None)

        self._application = _application(self._asking)
        try:
            await asyncio.sleep(OPENING_S)
            await self._rounds.run(serve, left)
        finally:
            self._application.close()
            self._application = None

    async def send(self, order: Order) -> Delivered:
        """Write a present value and read it back. Raises NotReached."""
        try:
            points, instance = _points(order.device, self._asking.every_s)
            place, value = points.settable(order)
        except (BadSettings, Refused) as fault:
            return Delivered("ERROR", str(fault))
        address = await self._address(points.device, instance)
        try:
            await self._within(self._app.write_property(address, place, "present-value", _fitting(place, value),
                                                        priority=self._asking.priority))  # fmt: skip
            read = plain(await self._within(self._app.read_property(address, place, "present-value")))
        except Refused as refusal:
            return Delivered("ERROR", f"{order.name}: the controller refuses it ({refusal})")
        if not same(value, read):
            return Delivered("ERROR", f"{order.name}: {value} was written, {read} is read back: another priority holds")
        return Delivered("OK", read)

    @property
    def _app(self) -> Any:  # noqa: ANN401  the library tells no types
        if self._application is None:
            raise NotReached("the link does not run")
        return self._application

    def _placed(self, device: Device) -> tuple[str, Points]:
        return device.id, _points(device, self._asking.every_s)[0]

    async def _serve(self, device_id: str, receive: Receive) -> None:
        now = asyncio.get_running_loop().time
        turn = Turn(now())
        while True:
            for points in self._rounds.at(device_id):
                if turn.due <= now():
                    await self._turn(points, turn, receive)
            await asyncio.sleep(min(max(turn.due - now(), 0.0), LOOK_S))

    async def _turn(self, points: Points, turn: Turn, receive: Receive) -> None:
        now, name = asyncio.get_running_loop().time, points.device.id
        try:
            found = await self._ask(points)
        except (NotReached, Refused) as fault:
            if not turn.pause_s:
                log.warning("%s: %s does not answer: %s", self._ground.adapter, name, fault)
            self._known.pop(name, None)
            turn.missed(now())
            return
        turn.answered(now(), points.every_s)
        if found:
            payload = dump({"points": found})
            await receive([Frame(payload, self._ground.clock.now(), points.device.id, "points")])

    async def _ask(self, points: Points) -> list[Json]:
        """What the points are now. Raises NotReached, Refused."""
        address = await self._address(points.device, _instance(points.device))
        known = self._known.setdefault(points.device.id, _Known())
        found: dict[tuple[str, str], Any] = {}
        for group in _groups(sorted(set(points.places.values()))):
            found |= await self._read(address, group, known)
        for place in points.places.values():
            unit = found.get((place, "units"))
            known.units.setdefault(place, str(unit) if unit is not None else "")
        return [*_told(points, found, known)]

    async def _read(self, address: Any, places: Sequence[str], known: _Known) -> dict[tuple[str, str], Any]:  # noqa: ANN401
        if not known.one_by_one:
            try:
                return await self._read_many(address, places, known)
            except Refused:
                known.one_by_one = True
        found = {}
        for place in places:
            for what in _wanted(place, known):
                try:
                    found[place, what] = await self._within(self._app.read_property(address, place, what))
                except Refused:
                    if what == "present-value":
                        found[place, what] = None
        return found

    async def _read_many(
        self,
        address: Any,  # noqa: ANN401
        places: Sequence[str],
        known: _Known,
    ) -> dict[tuple[str, str], Any]:
        from bacpypes3.basetypes import ErrorType  # noqa: PLC0415

        asked: list[Any] = [part for place in places for part in (place, [*_wanted(place, known)])]
        rows = await self._within(self._app.read_property_multiple(address, asked))
        return {
            (str(object_id), str(what)): value
            for object_id, what, _, value in rows
            if not isinstance(value, ErrorType) or str(what) == "present-value"
        }

    async def _address(self, device: Device, instance: int | None) -> Any:  # noqa: ANN401
        """Where the controller is; looked for where only its instance is known. Raises NotReached."""
        from bacpypes3.pdu import Address  # noqa: PLC0415

        known = self._known.setdefault(device.id, _Known())
        if not known.address and device.address:
            known.address = device.address
        elif not known.address:
            heard = await self._within(self._app.who_is(instance, instance, timeout=self._asking.timeout_s), 1.0)
            if not heard:
                raise NotReached(f"{device.id}: no controller says that it is {instance}")
            known.address = str(heard[0].pduSource)
        return Address(known.address)

    async def _within(self, asked: Any, more_s: float = 0.0) -> Any:  # noqa: ANN401
        """The answer. Raises Refused, NotReached."""
        from bacpypes3.apdu import ErrorRejectAbortNack  # noqa: PLC0415

        try:
            async with asyncio.timeout(self._asking.timeout_s + more_s):
                return await asked
        except ErrorRejectAbortNack as refusal:
            raise Refused(str(refusal)) from refusal
        except (TimeoutError, OSError) as fault:
            raise NotReached(f"no answer within {self._asking.timeout_s:g} s") from fault


def _application(asking: Asking) -> Application:
    from bacpypes3.app import Application  # noqa: PLC0415
    from bacpypes3.local.device import DeviceObject  # noqa: PLC0415
    from bacpypes3.local.networkport import NetworkPortObject  # noqa: PLC0415

    device = DeviceObject(objectIdentifier=("device", asking.device), objectName="misono", vendorIdentifier=999)
    port = NetworkPortObject(asking.address, objectIdentifier=("network-port", 1), objectName="network")
    return Application.from_object_list([device, port])


def _points(device: Device, every_s: float) -> tuple[Points, int | None]:
    """The points, and the instance of the controller. Raises BadSettings."""
    where = f"devices/{device.id}"
    instance = _instance(device)
    if instance is None and not _ADDRESS.fullmatch(device.address):
        raise BadSettings(f"{where}/address: 192.0.2.7:47808, or `instance` among the options, would do")
    rest = {name: value for name, value in device.options.items() if name != "instance"}
    points = read_points_of(replace(device, options=rest), every_s)
    for name, place in points.places.items():
        if not OBJECT.fullmatch(place):
            raise BadSettings(f"{where}/options/points/{name}: analog-input,1 would do, or binary-, multi-state-")
    return replace(points, device=device), instance


def _instance(device: Device) -> int | None:
    given = device.options.get("instance")
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= INSTANCE_MAX:
        raise BadSettings(f"devices/{device.id}/options/instance: a number from 0 to {INSTANCE_MAX} would do")
    return given


def _groups(places: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(places), AT_ONCE):
        yield places[begin : begin + AT_ONCE]


def _wanted(place: str, known: _Known) -> Sequence[str]:
    return _READ[:2] if place in known.units or not place.startswith("analog") else _READ


def _told(points: Points, found: dict[tuple[str, str], Any], known: _Known) -> Iterator[Json]:
    for name, place in points.places.items():
        flags = found.get((place, "status-flags"))
        point: dict[str, Json] = {"q": name, "v": plain(found.get((place, "present-value")))}
        if flags is not None:
            point["s"] = [flag for flag, up in zip(FLAGS, flags, strict=False) if up]
        if known.units.get(place):
            point["u"] = known.units[place]
        yield point


def plain(value: Any) -> Json:  # noqa: ANN401
    """A present value as JSON: a number, true and false for binary objects; None for what is none."""
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    if str(value) in _ON:
        return _ON[str(value)]
    return int(value) if isinstance(value, int) else None


def _fitting(place: str, value: Json) -> Any:  # noqa: ANN401
    """The value as the object takes it. Raises Refused."""
    if place.startswith("binary"):
        if not isinstance(value, bool):
            raise Refused("true or false would do")
        return "active" if value else "inactive"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("a number would do")
    if place.startswith("multi-state"):
        if value != int(value) or value < 1:
            raise Refused("a whole number from 1 on would do")
        return int(value)
    return float(value)
