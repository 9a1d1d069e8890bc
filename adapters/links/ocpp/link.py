"""The WebSocket server that stations connect to, and the way of commands to them."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final
from weakref import WeakKeyDictionary

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as Handshake
from websockets.http11 import Response
from websockets.typing import Subprotocol

from adapters.codecs.ocpp import V16, V201
from adapters.device import Device
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.links.ocpp.central import Central
from adapters.links.ocpp.charging import Charging
from adapters.links.ocpp.connection import Connection, Station, Surroundings
from adapters.links.ocpp.door import Admitted, Denied, admit
from adapters.links.ocpp.orders import CannotAsk, requests
from adapters.links.ocpp.settings import TLS, Settings, read_settings
from adapters.order import Delivered, NotReached, Order
from adapters.store import AdapterStore

log = logging.getLogger("misono.adapters.ocpp")
_wire = logging.getLogger("misono.adapters.ocpp.wire")
_wire.setLevel(logging.INFO)  # below that it tells whole messages and headers, with passwords and people's tokens
_wire.addFilter(lambda record: "handshake" not in record.msg)  # any port scan would fill the log with failed ones

DENIALS_A_MINUTE: Final = 30
"""So many refused handshakes go to the quarantine: who may not come in shall not drive out what lies there."""
_MINUTE: Final = 60_000_000
_PING_S: Final = 30
_CLOSE_S: Final = 2
_NO_VERSION: Final = 1002
_POLICY: Final = 1008
_TOO_BIG: Final = 1009
_OF_CODEC: Final = {"ocpp": (V201, V16), "ocpp-2.0.1": (V201,), "ocpp-1.6": (V16,)}
"""What is spoken by the codec that reads it, the better version first."""


class OcppLink:
    """The link `ocpp`."""

    def __init__(self, ground: Ground, settings: Settings) -> None:
        self._ground = ground
        self._settings = settings
        self._versions = _versions(ground)
        self._stations: dict[tuple[str, str], tuple[Connection, ServerConnection]] = {}
        self._admitted: WeakKeyDictionary[ServerConnection, Admitted] = WeakKeyDictionary()
        self._denials: list[int] = []
        self._charging: Charging | None = None
        self._receive: Receive | None = None

    async def run(self, receive: Receive) -> None:
        """As the port says."""
        async with self._kept() as charging:
            self._receive = receive
            central = Central(self._settings, charging, self._ground.clock)
            shared = Surroundings(central, receive, self._ground.clock, self._settings.answer_s)

            async def serve_station(socket: ServerConnection) -> None:
                await self._serve(socket, shared)

            async with serve(
                serve_station,
                self._settings.host,
                self._settings.port,
                origins=[None],  # a browser says where it comes from, a station does not
                select_subprotocol=self._version,
                compression=None,
                process_request=self._look,
                server_header=None,
                ping_interval=_PING_S,
                close_timeout=_CLOSE_S,
                max_size=self._settings.message_bytes,
                logger=_wire,
                ssl=_tls(self._settings),
            ):
                await asyncio.get_running_loop().create_future()

    async def send(self, order: Order) -> Delivered:
        """As the port says."""
        connected, charging = self._stations.get(_whose(order.device)), self._charging
        if connected is None or charging is None:
            raise NotReached(f"{order.device.id} is not connected")
        connection = connected[0]
        running = await asyncio.to_thread(charging.running, connection.station.place)
        try:
            asked = requests(order, connection.station.version, running, self._ground.clock.now())
        except CannotAsk as refusal:
            return Delivered("ERROR", str(refusal))
        result = ""
        for request in asked:
            answered = await connection.ask(request, order, last=request is asked[-1])
            if answered is None:
                return Delivered("DELIVERED", f"no answer to {request.action} yet")
            if answered.status == "ERROR":
                return Delivered("ERROR", answered.result)
            result = str(answered.result)
        return Delivered("OK", result)

    @asynccontextmanager
    async def _kept(self) -> AsyncIterator[Charging]:
        store = await asyncio.to_thread(AdapterStore, self._ground.folder)
        try:
            self._charging = await asyncio.to_thread(Charging, store, self._ground.adapter)
            yield self._charging
        finally:
            self._charging = None
            await asyncio.to_thread(store.close)

    async def _look(self, socket: ServerConnection, handshake: Handshake) -> Response | None:
        """Let a station in, or answer why not."""
        found = admit(handshake.path, handshake.headers, self._settings, self._ground.adapter, self._ground.registry)
        if isinstance(found, Admitted):
            if _whose(found.device) not in self._stations and len(self._stations) >= self._settings.stations_max:
                return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many stations\n")
            self._admitted[socket] = found
            return None
        await self._count(found)
        response = socket.respond(found.status, "not registered here\n")
        if found.status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Basic realm="stations", charset="UTF-8"'
        return response

    async def _count(self, denied: Denied) -> None:
        now = self._ground.clock.now()
        self._denials = [at for at in self._denials if at > now - _MINUTE]
        if len(self._denials) < DENIALS_A_MINUTE:
            self._denials.append(now)
            await self._refused(denied.station, denied.reason, denied.why)

    async def _refused(self, station: str, reason: str, why: str) -> None:
        assert self._receive is not None
        await self._receive(
            [Frame(b"", self._ground.clock.now(), station, "connect", "", {"refused": reason, "why": why})]
        )

    def _version(self, _socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """The best that both speak; None, and the handshake goes on to be ended at once, as OCPP-J wants it."""
        return next((Subprotocol(one) for one in self._versions if one in offered), None)

    async def _serve(self, socket: ServerConnection, shared: Surroundings) -> None:
        """A connection, from its handshake to its end; a newer one of the same station takes its place."""
        admitted = self._admitted.pop(socket)
        name, whose = admitted.device.id, _whose(admitted.device)
        if socket.subprotocol is None:
            await socket.close(_NO_VERSION, f"one of {', '.join(self._versions)}")
            return
        connection = Connection(socket, Station(name, socket.subprotocol, admitted.key, admitted.device.tenant), shared)
        former, self._stations[whose] = self._stations.get(whose), (connection, socket)
        closing = asyncio.create_task(former[1].close(_POLICY, "connected anew")) if former else None
        log.info("%s connected, %s", name, socket.subprotocol)
        try:
            await self._converse(connection, socket)
        finally:
            connection.lose()
            if self._stations.get(whose, (None,))[0] is connection:
                del self._stations[whose]
            if closing is not None:
                await closing
        sent = socket.protocol.close_sent
        if sent is not None and sent.code == _TOO_BIG:
            most = self._settings.message_bytes
            await self._refused(name, "oversized", f"a message of more than {most} bytes")

    async def _read(self, connection: Connection, socket: ServerConnection) -> None:
        """Take its messages as long as it is registered, with the key that it came with."""
        station = connection.station
        async for message in socket:
            try:
                self._ground.registry.find(self._ground.adapter, station.id, station.key)
            except BadFrame:
                await socket.close(_POLICY, "no longer registered")
                return
            await connection.take(message.encode() if isinstance(message, str) else message)

    async def _converse(self, connection: Connection, socket: ServerConnection) -> None:
        """Read and answer until either side ends it."""
        reading = asyncio.create_task(self._read(connection, socket))
        working = asyncio.create_task(connection.work())
        try:
            await asyncio.wait((reading, working), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, working):
                task.cancel()
            ended = await asyncio.gather(reading, working, return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionClosed):
                raise outcome


def _whose(device: Device) -> tuple[str, str]:
    """Two tenants may have stations of one name."""
    return device.tenant, device.id


def _versions(ground: Ground) -> tuple[str, ...]:
    codec = str(ground.codec.get("kind", "ocpp"))
    if codec not in _OF_CODEC:
        raise BadSettings(f"codec/kind: {codec!r} does not read OCPP; one of {', '.join(_OF_CODEC)} would do")
    return _OF_CODEC[codec]


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.security != TLS or settings.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.certificate, settings.private_key)
    return context


def make_link(ground: Ground) -> OcppLink:
    """The link. Raises BadSettings."""
    return OcppLink(ground, read_settings(ground.settings, ground.home))
