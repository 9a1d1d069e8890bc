"""The B route of a smart meter: ECHONET Lite over Wi-SUN, behind a serial dongle with SK commands.

    link: {kind: b-route, port: /dev/ttyUSB0, id_file: b-route.id, password_file: b-route.password, poll: {every_s: 60}}

One dongle speaks with one meter: the adapter has one device, whose object is `0288-1` where its options say nothing
else. `side: true` is for dongles with two networks (BP35C2, RL7023), whose commands have one word more.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Final

from adapters.codecs.echonet.message import parse_message
from adapters.device import Device
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.links.b_route.dongle import SPEEDS, Dongle, opened, send_datagram
from adapters.links.b_route.session import ID_DIGITS, PASSWORD_CHARACTERS, NotJoined, Secrets, Session
from adapters.links.b_route.sk import Datagram
from adapters.links.echonet.asking import Asker, Heard, Patience
from adapters.links.echonet.node import objects_of
from adapters.links.echonet.orders import carry_out
from adapters.links.echonet.plan import Plan, read_plan
from adapters.links.echonet.udp import PORT
from adapters.links.echonet.visits import Rounds, Visit
from adapters.order import Delivered, NotReached, Order
from adapters.settings import Members

log = logging.getLogger(__name__)
METER: Final = "0288-1"
PAUSE_S, PAUSE_MAX_S = 5.0, 300.0
"""How long is waited before the meter is looked for again, at first and at most."""
WAITING_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Port:
    """A dongle's place, and what it is told."""

    path: str
    speed: int
    side: str
    secrets: Secrets


class BRouteLink:
    """One dongle and one meter."""

    def __init__(self, ground: Ground, port: Port, plan: Plan, patience: Patience) -> None:
        self._ground = ground
        self._port = port
        self._plan = plan
        self._patience = patience
        self._visit: Visit | None = None
        self._asker: Asker | None = None
        self._heard: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)

    async def run(self, receive: Receive) -> None:
        """Join the meter, ask it and listen to it; join it again when that ended."""
        pause = PAUSE_S
        while True:
            session = Session()
            try:
                async with opened(self._port.path, self._port.speed, session.told, self._put) as dongle:
                    address = await session.join(dongle, self._port.secrets, self._port.side)
                    pause = PAUSE_S
                    await self._visiting(dongle, session, address, receive)
            except (NotJoined, OSError) as why:
                log.warning("%s: %s; tried again in %.0f s", self._ground.adapter, why, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_MAX_S)

    async def send(self, order: Order) -> Delivered:
        """Set what the order says, and read it back."""
        if self._visit is None:
            raise NotReached("not joined to the meter")
        return await carry_out(self._visit.node, order)

    async def _visiting(self, dongle: Dongle, session: Session, address: str, receive: Receive) -> None:
        async def send(to: str, payload: bytes) -> None:
            await session.free.wait()
            await send_datagram(dongle, to, PORT, payload, self._port.side)

        asker = Asker(send, self._patience)
        visit = Visit(self._device(), address, Rounds(asker, self._plan, self._ground.clock, receive))
        tasks = [
            asyncio.create_task(work) for work in (visit.run(), self._listen(visit, receive), _until_over(session))
        ]
        self._visit, self._asker = visit, asker
        try:
            await asyncio.gather(*tasks)
        finally:
            self._visit = self._asker = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, visit: Visit, receive: Receive) -> None:
        while True:
            payload = await self._heard.get()
            try:
                await visit.hear(Heard(parse_message(payload), payload))
            except BadFrame:
                await receive([Frame(payload, self._ground.clock.now(), visit.device.id)])
            except NotReached as away:
                log.info("%s: %s", self._ground.adapter, away)

    def _put(self, datagram: Datagram) -> None:
        """Hand an answer to who asked. Only ECHONET Lite is ours: what the dongle joined by comes in too."""
        if datagram.port != PORT or self._asker is None or self._visit is None:
            return
        try:
            heard = Heard(parse_message(datagram.payload), datagram.payload)
        except BadFrame:
            heard = None
        if heard is not None and self._asker.hear(self._visit.node.address, heard):
            return
        if not self._heard.full():
            self._heard.put_nowait(datagram.payload)

    def _device(self) -> Device:
        devices = self._ground.registry.of_adapter(self._ground.adapter)
        if not devices:
            raise NotJoined("no device is provisioned")
        device = devices[0]
        return device if objects_of(device) else replace(device, options={**device.options, "objects": [METER]})


async def _until_over(session: Session) -> None:
    raise NotJoined(f"the session is over: {await session.ended}")


def make_link(ground: Ground) -> BRouteLink:
    """The link. Raises BadSettings."""
    members = Members(ground.settings, "link")
    speed = members.whole("speed", 115_200, 1, 1_000_000)
    if speed not in SPEEDS:
        raise members.refuse("speed", f"one of {', '.join(map(str, SPEEDS))}")
    secrets = Secrets(members.secret("id", ground.home), members.secret("password", ground.home))
    if len(secrets.id) != ID_DIGITS or not secrets.id.isalnum() or not secrets.id.isascii():
        raise members.refuse("id", f"the {ID_DIGITS} letters and digits of the B route's id")
    if len(secrets.password) != PASSWORD_CHARACTERS or not secrets.password.isalnum() or not secrets.password.isascii():
        raise members.refuse("password", f"the {PASSWORD_CHARACTERS} letters and digits of the B route's password")
    path, side = members.text("port"), "0 " if members.flag("side", default=False) else ""
    patience = Patience(members.number("timeout_s", 20, 0.05, 120), members.whole("tries", 3, 1, 10))
    plan = read_plan(members)
    members.done()
    if len(ground.registry.of_adapter(ground.adapter)) > 1:
        raise BadSettings("devices: a dongle speaks with one meter; an adapter for each would do")
    return BRouteLink(ground, Port(path, speed, side, secrets), plan, patience)
