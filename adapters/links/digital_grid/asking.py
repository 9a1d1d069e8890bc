"""Polls the gateways of digital grid routers, and sets their converters."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, replace
from typing import Final

from adapters.codecs.digital_grid import MODES
from adapters.codecs.json_body import parse
from adapters.device import Device
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.links.digital_grid.gateway import Gateway, objects
from adapters.links.digital_grid.set_points import Bounds, SetPoint, set_point, state_of
from adapters.links.rounds import Rounds, Turn
from adapters.order import Delivered, NotReached, Order
from adapters.settings import Members
from broker.encode.text import dump

URL: Final = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(/[A-Za-z0-9._/-]*)?")
_UNIT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often gateways are asked, and how long an answer may take."""

    every_s: float
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Unit:
    """One router: the device, its id at the gateway, what its commands may not leave."""

    device: Device
    name: str
    bounds: Bounds


class DigitalGridLink:
    """The link: each gateway is asked for all of its units at once; those that are provisioned give a frame each."""

    def __init__(self, ground: Ground, url: str, pace: Pace, bounds: Bounds) -> None:
        self._ground = ground
        self._url = url
        self._pace = pace
        self._bounds = bounds
        self._gateways: dict[str, Gateway] = {}
        self._rounds: Rounds[str, Unit] = Rounds(ground, self._placed)
        self._missing: dict[str, set[str]] = {}

    async def run(self, receive: Receive) -> None:
        """Ask until cancelled; devices that come or go are seen within a second."""

        async def serve(url: str) -> None:
            await self._serve(url, receive)

        try:
            await self._rounds.run(serve, self._left)
        finally:
            for url in list(self._gateways):
                await self._left(url)

    async def send(self, order: Order) -> Delivered:
        """Set a converter and read it back. Raises NotReached."""
        try:
            url, unit = self._placed(order.device)
        except BadSettings as fault:
            return Delivered("ERROR", str(fault))
        gateway = self._gateway(url)
        async with gateway.setting:
            units = await gateway.units()
            if unit.name not in units:
                return Delivered("ERROR", f"the gateway has no unit {unit.name}")
            try:
                formed = any(_forms(each) for name, each in units.items() if name != unit.name)
                command = (order.name, order.value, order.unit)
                wanted = set_point(command, state_of(units[unit.name]), unit.bounds, formed=formed)
            except ValueError as fault:
                return Delivered("ERROR", str(fault))
            return await _set(gateway, unit.name, wanted)

    def _placed(self, device: Device) -> tuple[str, Unit]:
        where = f"devices/{device.id}"
        url = device.address or self._url
        if not URL.fullmatch(url):
            raise BadSettings(f"{where}/address: the gateway's would do, http://192.0.2.7:4390")
        options = Members(dict(device.options), f"{where}/options")
        name = options.text("unit", device.id)
        bounds = replace(self._bounds, amperes=options.number("amperes", self._bounds.amperes, 0, self._bounds.amperes))
        if not _UNIT.fullmatch(name):
            raise BadSettings(f"{where}/options/unit: letters, digits, '-' and '_' would do")
        return url, Unit(device, name, bounds)

    def _gateway(self, url: str) -> Gateway:
        if url not in self._gateways:
            self._gateways[url] = Gateway(url, self._pace.timeout_s)
        return self._gateways[url]

    async def _left(self, url: str) -> None:
        gateway = self._gateways.pop(url, None)
        if gateway is not None:
            await gateway.close()

    async def _serve(self, url: str, receive: Receive) -> None:
        now = asyncio.get_running_loop().time
        turn = Turn(now())
        while True:
            try:
                body = await self._gateway(url).get("get", "log")
            except NotReached as fault:
                if not turn.pause_s:
                    _LOG.warning("%s: a gateway does not answer: %s", self._ground.adapter, fault)
                turn.missed(now())
            else:
                turn.answered(now(), self._pace.every_s)
                frames = self._frames(url, body)
                if frames:
                    await receive(frames)
            await asyncio.sleep(max(turn.due - now(), 0.0))

    def _frames(self, url: str, body: bytes) -> list[Frame]:
        """A frame for each unit that is provisioned; the answer as it came where it is none of units."""
        received_at = self._ground.clock.now()
        units = self._rounds.at(url)
        try:
            found = parse(body)
        except BadFrame:
            found = None
        if not isinstance(found, dict):
            return [Frame(body, received_at, unit.device.id, "get/log") for unit in units[:1]]
        missing = {unit.name for unit in units if unit.name not in found}
        for name in sorted(missing - self._missing.get(url, set())):
            _LOG.warning("%s: %s has no unit %s", self._ground.adapter, url, name)
        self._missing[url] = missing
        return [
            Frame(dump(found[unit.name]), received_at, unit.device.id, "get/log", about={"unit": unit.name})
            for unit in units
            if unit.name in found
        ]


async def _set(gateway: Gateway, unit: str, wanted: SetPoint) -> Delivered:
    await gateway.get("set", "dcdc", unit, **wanted.query())
    try:
        state = state_of(objects(await gateway.get("get", "unit", unit)))
    except ValueError as fault:
        return Delivered("ERROR", f"what is read back says nothing: {fault}")
    differs = wanted.differs(state)
    if differs:
        return Delivered("ERROR", f"read back: {differs}")
    return Delivered("OK", {"mode": wanted.mode, "current": state.amperes, "voltage": state.volts})


def _forms(unit: object) -> bool:
    """Whether a unit holds the line's voltage."""
    try:
        return state_of(unit).mode == MODES["form"]
    except ValueError:
        return False
