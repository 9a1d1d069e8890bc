"""ECHONET Lite over UDP: devices are found, asked in turns and listened to; commands are set and read back.

    link: {kind: echonet, interface: 192.168.1.10, poll: {every_s: 60, "0288": {every_s: 10}}, history_days: 2}

`bind` is our address, `interface` the one whose network is spoken to by multicast (`multicast: false`: none). Devices
are provisioned with their addresses (`192.168.1.20`, `127.0.0.2:3611`); whoever else speaks is told of as a stranger.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from adapters.codecs.echonet.message import (
    CONTROLLER,
    NODE,
    REQUESTS,
    Message,
    Service,
    build_message,
    parse_message,
)
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.links.echonet.asking import Asker, Heard, Patience
from adapters.links.echonet.node import INSTANCE_LIST, objects_of
from adapters.links.echonet.orders import carry_out
from adapters.links.echonet.ourselves import answer_of
from adapters.links.echonet.plan import Plan, read_plan
from adapters.links.echonet.udp import GROUP, Sockets, Where, read_where
from adapters.links.echonet.visits import Rounds, Visit
from adapters.order import Delivered, NotReached, Order
from adapters.settings import Members

log = logging.getLogger(__name__)
DISCOVER_EVERY_S: Final = 600.0
WAITING_MAX: Final = 1000
"""Frames that wait to be taken; more are dropped, as the network would, and asked for again in their turn."""
_RECONCILE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Manners:
    """What a link's settings say beside the sockets."""

    plan: Plan
    patience: Patience
    discover_every_s: float


class EchonetLink:
    """One network of one house, or of many."""

    def __init__(self, ground: Ground, where: Where, manners: Manners) -> None:
        self._ground = ground
        self._where = where
        self._manners = manners
        self._sockets: Sockets | None = None
        self._ports: dict[str, int] = {}
        self._asker = Asker(self._send, manners.patience)
        self._visits: dict[str, tuple[Visit, asyncio.Task[None]]] = {}
        self._heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(WAITING_MAX)
        self._strangers: set[str] = set()

    async def run(self, receive: Receive) -> None:
        """Open the sockets, and visit every device that is provisioned."""
        rounds = Rounds(self._asker, self._manners.plan, self._ground.clock, receive)
        with ExitStack() as opened:
            self._sockets = Sockets(self._where, self._put)
            opened.callback(self._leave, self._sockets)
            await self._sockets.open()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(receive))
                group.create_task(self._keep_visiting(rounds, group))
                if self._where.multicast:
                    group.create_task(self._discover())

    async def send(self, order: Order) -> Delivered:
        """Set what the order says, and read it back."""
        visit = self._visits.get(order.device.id)
        if self._sockets is None or visit is None:
            raise NotReached(f"{order.device.id}: not visited now")
        return await carry_out(visit[0].node, order)

    async def _send(self, address: str, payload: bytes) -> None:
        if self._sockets is None:
            raise NotReached("the link is not up")
        self._sockets.send(address, self._ports.get(address, self._where.port), payload)

    def _put(self, address: str, _port: int, payload: bytes) -> None:
        """Hand an answer to who asked, everything else to the listener."""
        try:
            message = parse_message(payload)
        except BadFrame:
            message = None
        if message is not None and self._asker.hear(address, Heard(message, payload)):
            return
        if not self._heard.full():
            self._heard.put_nowait((address, payload))

    async def _listen(self, receive: Receive) -> None:
        while True:
            address, payload = await self._heard.get()
            try:
                message = parse_message(payload)
            except BadFrame:
                await receive([self._odd(address, payload)])
                continue
            try:
                await self._take(address, Heard(message, payload), receive)
            except NotReached as away:
                log.info("%s: %s", self._ground.adapter, away)

    async def _take(self, address: str, heard: Heard, receive: Receive) -> None:
        message = heard.message
        visit = self._visited(address, message.source)
        if message.service in REQUESTS:
            answer = answer_of(message, self._ground.adapter)
            if answer is not None:
                await self._send(address, build_message(answer))
        elif visit is not None:
            await visit.hear(heard)
        elif address not in self._ports:  # of a house that is known, objects that nobody named are left alone
            await self._strange(address, heard, receive)

    def _odd(self, address: str, payload: bytes) -> Frame:
        """What is no message: named by its device where that is known, so that quarantine tells whose it was."""
        found = next((visit for visit, _ in self._visits.values() if visit.node.address == address), None)
        device = address if found is None else found.device.id
        return Frame(payload, self._ground.clock.now(), device)

    async def _strange(self, address: str, heard: Heard, receive: Receive) -> None:
        if address not in self._strangers and len(self._strangers) < WAITING_MAX:
            self._strangers.add(address)
            log.info("%s: a node at %s is not provisioned (%s)", self._ground.adapter, address, heard.message.source)
        if heard.message.measures:
            await receive([Frame(heard.payload, self._ground.clock.now(), address, heard.message.source)])

    def _visited(self, address: str, source: str) -> Visit | None:
        here = [visit for visit, _ in self._visits.values() if visit.node.address == address]
        named = [visit for visit in here if source in objects_of(visit.device)]
        return next(iter(named or [visit for visit in here if not objects_of(visit.device)]), None)

    async def _keep_visiting(self, rounds: Rounds, group: asyncio.TaskGroup) -> None:
        while True:
            provisioned = {device.id: device for device in self._ground.registry.of_adapter(self._ground.adapter)}
            for gone in [name for name, (visit, _) in self._visits.items() if provisioned.get(name) != visit.device]:
                self._visits.pop(gone)[1].cancel()
            places = {name: self._where.place(device.address) for name, device in provisioned.items()}
            self._ports = {place[0]: place[1] for place in places.values() if place is not None}
            for name, place in places.items():
                if name not in self._visits and place is not None:
                    visit = Visit(provisioned[name], place[0], rounds)
                    self._visits[name] = (visit, group.create_task(visit.run()))
            await asyncio.sleep(_RECONCILE_S)

    async def _discover(self) -> None:
        """Look for nodes: those that are provisioned and were away are learned at once."""
        while True:
            await self._asker.tell(GROUP, Message(0, CONTROLLER, NODE, Service.GET, ((INSTANCE_LIST, b""),)))
            await asyncio.sleep(self._manners.discover_every_s)

    def _leave(self, sockets: Sockets) -> None:
        sockets.close()
        self._visits.clear()
        self._sockets = None


def make_link(ground: Ground) -> EchonetLink:
    """The link. Raises BadSettings."""
    members = Members(ground.settings, "link")
    where, plan = read_where(members), read_plan(members)
    patience = Patience(members.number("timeout_s", 3, 0.05, 60), members.whole("tries", 3, 1, 10))
    discover = members.number("discover_every_s", DISCOVER_EVERY_S, 1, 86_400)
    members.done()
    for device in ground.registry.of_adapter(ground.adapter):
        if device.address and where.place(device.address) is None:
            raise BadSettings(f"devices/{device.id}/address: {device.address!r}: an address such as 192.0.2.7 would do")
    return EchonetLink(ground, where, Manners(plan, patience, discover))
