"""One connection to an MQTT server, on the event loop: paho understands the packets, the loop waits for the socket.

Paho's client is used from the loop alone; only connecting, which waits, is done in a thread before that.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from adapters.link import Ground
from adapters.settings import Members

if TYPE_CHECKING:
    from paho.mqtt import client as paho

    from adapters.links.mqtt_client import BufferedClient

PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
KEEPALIVE_S: Final = 30
OPENING_S: Final = 10.0
WINDOW: Final = 1000
"""Messages that are not acknowledged yet: so many are read ahead; MQTT 5 tells the server so."""
PACKET_BYTES_MAX: Final = 4 << 20
"""Longer ones an MQTT 5 server keeps to itself."""
READ_AT_ONCE: Final = 100
"""Packets that are taken before the loop turns to others."""
SESSION_S: Final = 7 * 24 * 3600
"""So long an MQTT 5 server keeps the session of an adapter that is away."""
_FAILURE: Final = 0x80
_MISC_S: Final = 1.0


class ConnectionLost(ConnectionError):
    """The connection is not there, or no more; the text says why."""


class Message(NamedTuple):
    """What came in; `mid` acknowledges it."""

    topic: str
    payload: bytes
    mid: int
    qos: int


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and as whom to come to it."""

    host: str
    port: int
    tls: bool
    version: int
    client_id: str
    user: str = ""
    password: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    window: int = WINDOW
    clean: bool = False
    session_s: int = SESSION_S

    @property
    def name(self) -> str:
        """Without what nobody shall read in a log."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


def read_address(members: Members) -> tuple[str, int, bool]:
    """Host, port and whether it is over TLS, of the member `url`. Raises BadSettings."""
    parts = urlsplit(members.text("url"))
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or port == -1:
        raise members.refuse("url", "mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
    if parts.username is not None:
        raise members.refuse("url", "one without a user: the members user and password_file")
    return parts.hostname, port or PORTS[parts.scheme], parts.scheme == "mqtts"


def read_server(members: Members, ground: Ground) -> Server:
    """The members of a link that say where the server is. Raises BadSettings."""
    host, port, tls = read_address(members)

    def path(name: str) -> str:
        given = members.text(name, "")
        if given and not (ground.home / given).is_file():
            raise members.refuse(name, "a file that is there")
        return str(ground.home / given) if given else ""

    return Server(
        host,
        port,
        tls,
        {"3.1.1": 4, "5": 5}[members.one_of("version", ("3.1.1", "5"), "5")],
        members.text("client_id", f"misono-{ground.adapter}"),
        members.text("user", ""),
        members.secret("password", ground.home),
        path("ca"),
        path("certificate"),
        path("key"),
        members.whole("window", WINDOW, 1, 65_535),
        members.flag("clean_session", default=False),
        members.whole("session_s", SESSION_S, 0, 2**32 - 2),
    )


class Connection:
    """Open it, take messages, acknowledge them in order, publish, close it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = loop = asyncio.get_running_loop()
        self._client = self._made()
        self._socket: socket | None = None
        self._up: asyncio.Future[None] = loop.create_future()
        self._subscribed: asyncio.Future[None] = loop.create_future()
        self._arrived: deque[Message] = deque()
        self._unacknowledged = 0
        self._reading = False
        self._some = asyncio.Event()
        self._session_present = False
        self._lost = ""
        self._publishing: dict[int, asyncio.Future[None]] = {}
        self._ticking: asyncio.TimerHandle | None = None

    async def open(self, filters: Sequence[str], qos: int) -> None:
        """Connect and subscribe. Raises ConnectionLost."""
        try:
            async with asyncio.timeout(OPENING_S):
                await self._loop.run_in_executor(None, self._connect)
                self._attach()
                await self._up
                self.subscribe(filters, qos)
                # Where the server kept a session, what waits in it may come before the answer, and must be taken first.
                if not self._session_present:
                    await self._subscribed
        except TimeoutError:
            raise ConnectionLost(f"no answer within {OPENING_S:g} s") from None
        except (OSError, ValueError) as fault:
            raise ConnectionLost(f"{type(fault).__name__}: {fault}"[:300]) from fault

    def subscribe(self, filters: Sequence[str], qos: int) -> None:
        """Ask for messages; where the server refuses one, the connection ends."""
        self._client.subscribe([(one, qos) for one in filters])

    async def messages(self, most: int) -> list[Message]:
        """What has come in, at least one; as many as there are up to `most`. Raises ConnectionLost."""
        while not self._arrived:
            if self._lost:
                raise ConnectionLost(self._lost)
            self._some.clear()
            await self._some.wait()
        arrived = self._arrived
        return [arrived.popleft() for _ in range(min(most, len(arrived)))]

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the server that it may forget them."""
        self._client.acknowledge(one.mid for one in messages if one.qos)
        self._unacknowledged -= len(messages)
        self._read_again()

    async def publish(self, topic: str, payload: bytes) -> None:
        """Return once the server has it. Raises ConnectionLost."""
        info = self._client.publish(topic, payload, 1)
        if self._lost or info.rc:
            raise ConnectionLost(self._lost or "not published")
        self._publishing[info.mid] = waiter = self._loop.create_future()
        try:
            async with asyncio.timeout(OPENING_S):
                await waiter
        except TimeoutError:
            raise ConnectionLost(f"the server did not take it within {OPENING_S:g} s") from None
        finally:
            self._publishing.pop(info.mid, None)

    def publish_once(self, topic: str, payload: bytes) -> None:
        """Publish it; nobody waits for it."""
        self._client.publish(topic, payload, 1)

    async def close(self) -> None:
        """Say goodbye."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._fail("the connection was closed")
        self._client.disconnect()
        if self._client.socket() is not None:
            self._client.loop_write()
        open_still = self._client.socket()
        self._detach()
        if open_still is not None:  # a server that refused leaves it to us
            open_still.close()

    def _made(self) -> BufferedClient:
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion  # noqa: PLC0415 - only with such an adapter

        from adapters.links.mqtt_client import BufferedClient  # noqa: PLC0415 - brings paho

        server = self._server
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            server.client_id,
            clean_session=None if server.version == MQTTProtocolVersion.MQTTv5 else server.clean,
            protocol=MQTTProtocolVersion(server.version),
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = OPENING_S
        if server.user:
            client.username_pw_set(server.user, server.password)
        client.on_connect = self._connected
        client.on_subscribe = self._answered
        client.on_message = self._take
        client.on_publish = self._published
        client.on_disconnect = self._disconnected
        client.on_socket_register_write = self._wants_to_write
        client.on_socket_unregister_write = self._wrote
        client.on_socket_close = lambda *_: self._detach()
        return client

    def _connect(self) -> None:
        """In a thread: looks the host up, connects, and shakes hands."""
        from paho.mqtt.packettypes import PacketTypes  # noqa: PLC0415 - only with such an adapter
        from paho.mqtt.properties import Properties  # noqa: PLC0415

        server, client = self._server, self._client
        if server.tls:
            client.tls_set_context(_trust(server))
        if server.version == 5:  # noqa: PLR2004 - the protocol's own number
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0 if server.clean else server.session_s
            properties.ReceiveMaximum = server.window
            properties.MaximumPacketSize = PACKET_BYTES_MAX
            client.connect(server.host, server.port, KEEPALIVE_S, clean_start=server.clean, properties=properties)
        else:
            client.connect(server.host, server.port, KEEPALIVE_S)

    def _attach(self) -> None:
        self._socket = self._client.socket()  # type: ignore[assignment]  # paho types it as any transport's
        if self._socket is None:
            raise OSError("the connection was closed at once")
        self._read_again()
        if self._client.want_write():
            self._wants_to_write()
        self._tick()

    def _detach(self) -> None:
        if self._socket is not None and self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._socket = None
        self._reading = False

    def _tick(self) -> None:
        """Keep the connection alive."""
        self._client.loop_misc()
        if not self._lost:
            self._ticking = self._loop.call_later(_MISC_S, self._tick)

    def _read(self) -> None:
        """Take the packets that are there, while not too many wait to be acknowledged."""
        client = self._client
        for _ in range(READ_AT_ONCE):
            if self._unacknowledged >= self._server.window:
                self._stop_reading()
                return
            if client.loop_read() or not client.has_more:
                return
        self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        """Take what is left in the buffer, which wakes nobody."""
        if self._reading:
            self._read()

    def _read_again(self) -> None:
        if not self._reading and self._socket is not None and self._unacknowledged < self._server.window:
            self._reading = True
            self._loop.add_reader(self._socket, self._read)
            if self._server.tls or self._client.has_more:  # what is decrypted already wakes nobody either
                self._loop.call_soon(self._read_on)

    def _stop_reading(self) -> None:
        if self._socket is not None and self._reading:
            self._loop.remove_reader(self._socket)
        self._reading = False

    def _wants_to_write(self, *_: object) -> None:
        if self._socket is not None:
            self._loop.add_writer(self._socket, self._client.loop_write)

    def _wrote(self, *_: object) -> None:
        if self._socket is not None:
            self._loop.remove_writer(self._socket)

    def _connected(self, _client: object, _data: object, flags: Any, code: Any, _more: object) -> None:  # noqa: ANN401 - paho's
        self._session_present = bool(flags.session_present)
        if code.is_failure:
            self._fail(f"the server refused the connection: {code}")
        elif not self._up.done():
            self._up.set_result(None)

    def _answered(self, _client: object, _data: object, _mid: int, codes: Sequence[Any], _more: object) -> None:
        refused = [str(code) for code in codes if code.value >= _FAILURE]
        if refused:
            self._fail(f"the server refused a subscription: {refused[0]}")
        elif not self._subscribed.done():
            self._subscribed.set_result(None)

    def _take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(no UTF-8)"
        self._arrived.append(Message(topic, bytes(message.payload), message.mid, message.qos))
        self._unacknowledged += 1
        self._some.set()

    def _published(self, _client: object, _data: object, mid: int, code: Any, _more: object) -> None:  # noqa: ANN401 - paho's
        waiter = self._publishing.get(mid)
        if waiter is None or waiter.done():
            return
        if code.value >= _FAILURE:
            waiter.set_exception(ConnectionLost(f"the server refused it: {code}"))
        else:
            waiter.set_result(None)

    def _disconnected(self, _client: object, _data: object, _flags: object, code: object, _more: object) -> None:
        self._fail(f"it ended: {code}")

    def _fail(self, reason: str) -> None:
        self._lost = self._lost or reason
        self._some.set()
        for waiter in (self._up, self._subscribed, *self._publishing.values()):
            if not waiter.done():
                waiter.set_exception(ConnectionLost(reason))
                waiter.exception()  # looked at: nobody may be waiting


class _AtOnce(ssl.SSLContext):
    """Shakes hands when it wraps: where that fails it closes the socket, which paho would leave open."""

    def wrap_socket(self, sock: socket, *positional: Any, **named: Any) -> ssl.SSLSocket:  # noqa: ANN401 - as the library's
        """As SSLContext's."""
        return super().wrap_socket(sock, *positional, **{**named, "do_handshake_on_connect": True})


def _trust(server: Server) -> ssl.SSLContext:
    context = _AtOnce(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    if server.ca:
        context.load_verify_locations(server.ca)
    if server.certificate:
        context.load_cert_chain(Path(server.certificate), Path(server.key) if server.key else None)
    return context
