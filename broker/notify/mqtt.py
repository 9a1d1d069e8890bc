"""Notifications over MQTT 3.1.1 and 5.0, plain or over TLS (clause 7.2).

    mqtt[s]://[user[:password]@]host[:port]/topic/…
    notifierInfo: MQTT-Version mqtt5.0 or mqtt3.1.1, MQTT-QoS 0, 1 or 2

The message is `{"metadata": {"Content-Type": …, "Link": …, …receiverInfo}, "body": notification}`. It has arrived when
the server says so (QoS 1, 2) or when it is written to the socket (QoS 0). One connection serves all endpoints of one
server, user and version; one that fails is given up with all that waits on it, and the next message makes another.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from broker.addresses import Refused, pinned_address
from broker.encode.text import dump
from broker.model.subscription import Endpoint
from broker.notify.message import Message, Undelivered

CONNECTIONS_MAX: Final = 64  # each is a thread; past it the one used least recently is closed
KEEPALIVE_S: Final = 30
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_VERSIONS: Final = {"mqtt3.1.1": paho.MQTTv311, "mqtt5.0": paho.MQTTv5}
_FAILURE: Final = 0x80


@dataclass(frozen=True, slots=True)
class Server:
    """A server as one connection sees it."""

    tls: bool
    host: str
    port: int
    user: str | None
    password: str | None
    version: str


def read_endpoint(endpoint: Endpoint) -> tuple[Server, str, int]:
    """The server, the topic and the QoS. Raises Undelivered for what clause 7.2 does not know."""
    parts = urlsplit(endpoint.uri)
    info = dict(endpoint.notifier_info)
    version, qos = info.get("MQTT-Version", "mqtt5.0"), info.get("MQTT-QoS", "0")
    topic = unquote(parts.path[1:] + (f"?{parts.query}" if parts.query else ""))
    if version not in _VERSIONS or qos not in ("0", "1", "2") or not topic or not parts.hostname:
        raise Undelivered(
            "the endpoint is no mqtt[s]://HOST/TOPIC with MQTT-Version mqtt3.1.1 or mqtt5.0, MQTT-QoS 0 to 2"
        )
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    port = parts.port or _PORTS[parts.scheme]
    return Server(parts.scheme == "mqtts", parts.hostname, port, user, password, version), topic, int(qos)


def payload(message: Message) -> bytes:
    """The MQTT message: metadata and body (Table 7.2-2)."""
    return b'{"metadata":' + dump(dict(message.headers)) + b',"body":' + message.body + b"}"


class Mqtt:
    """The transport of `mqtt` and `mqtts`. Made and used on one event loop."""

    def __init__(self, *, allow_private: bool, ca: Path | None = None) -> None:
        self._allow_private = allow_private
        self._ca = ca
        self._connections: OrderedDict[Server, Connection] = OrderedDict()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="mqtt")

    async def send(self, message: Message, timeout_s: float) -> None:
        """Publish it. Raises Undelivered."""
        server, topic, qos = read_endpoint(message.endpoint)
        connection = self._connection(server)
        try:
            async with asyncio.timeout(timeout_s):
                await connection.ready()
                await connection.publish(topic, payload(message), qos)
        except TimeoutError:
            self._give_up(server, connection)
            raise Undelivered(f"{server.host}:{server.port} said nothing within {timeout_s:g} s") from None
        except Undelivered:
            if connection.broken:
                self._give_up(server, connection)
            raise

    async def close(self) -> None:
        """Say goodbye to all servers."""
        while self._connections:
            self._give_up(*self._connections.popitem())
        self._pool.shutdown(wait=False)

    def _connection(self, server: Server) -> Connection:
        found = self._connections.get(server)
        if found is None:
            while len(self._connections) >= CONNECTIONS_MAX:
                self._give_up(*self._connections.popitem(last=False))
            found = self._connections[server] = Connection(server, self._ca)
            found.begin(self._pool, allow_private=self._allow_private)
        self._connections.move_to_end(server)
        return found

    def _give_up(self, server: Server, connection: Connection) -> None:
        if self._connections.get(server) is connection:
            del self._connections[server]
        connection.end(self._pool)


class Connection:
    """One connection of a paho client, which has a thread of its own; its callbacks come over to the event loop."""

    def __init__(self, server: Server, ca: Path | None) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._up: asyncio.Future[None] = self._loop.create_future()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self.broken = False
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2, protocol=_VERSIONS[server.version], reconnect_on_failure=False
        )
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(0)
        if server.user is not None:
            client.username_pw_set(server.user, server.password)
        if server.tls:
            client.tls_set_context(_tls(server.host, ca))
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published

    def begin(self, pool: ThreadPoolExecutor, *, allow_private: bool) -> None:
        """Connect, in a thread."""
        pool.submit(self._connect, allow_private)

    def end(self, pool: ThreadPoolExecutor) -> None:
        """Let go of it, in a thread; whoever waits is told."""
        self._fail("the connection was given up")
        pool.submit(self._disconnect)

    async def ready(self) -> None:
        """Return once the server has accepted the connection. Raises Undelivered."""
        await asyncio.shield(self._up)

    async def publish(self, topic: str, body: bytes, qos: int) -> None:
        """Return once it has arrived. Raises Undelivered."""
        if self.broken:
            raise Undelivered("the connection was given up")
        info = self._client.publish(topic, body, qos)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            self.broken = True
            raise Undelivered(f"not published: {paho.error_string(info.rc)}")
        self._waiting[info.mid] = waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            self._waiting.pop(info.mid, None)

    def _connect(self, allow_private: bool) -> None:  # noqa: FBT001 - a thread's one argument
        server = self._server
        try:
            address = pinned_address(server.host, server.port, KEEPALIVE_S, allow_private=allow_private)
            self._client.connect(address, server.port, KEEPALIVE_S)
            self._client.loop_start()
        except (Refused, OSError, ValueError) as error:
            self._on_loop(self._fail, f"{type(error).__name__}: {error}"[:300])

    def _disconnect(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(
        self,
        _client: paho.Client,
        _data: object,
        _flags: object,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._on_loop(self._fail, f"the server refused the connection: {code}")
        else:
            self._on_loop(self._accepted)

    def _disconnected(
        self,
        _client: paho.Client,
        _data: object,
        _flags: object,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._on_loop(self._fail, f"the connection ended: {code}")

    def _published(
        self,
        _client: paho.Client,
        _data: object,
        mid: int,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._on_loop(self._arrived, mid, str(code) if code.value >= _FAILURE else "")

    def _on_loop(self, call: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    def _accepted(self) -> None:
        if not self._up.done():
            self._up.set_result(None)

    def _arrived(self, mid: int, refusal: str) -> None:
        waiter = self._waiting.get(mid)
        if waiter is None or waiter.done():
            return
        if refusal:
            waiter.set_exception(Undelivered(f"the server refused it: {refusal}"))
        else:
            waiter.set_result(None)

    def _fail(self, reason: str) -> None:
        self.broken = True
        for waiter in [self._up, *self._waiting.values()]:
            if not waiter.done():
                waiter.set_exception(Undelivered(reason))
        if self._up.done() and not self._up.cancelled():
            self._up.exception()  # looked at: nobody may be waiting


class _TlsFor(ssl.SSLContext):
    """TLS for the host that was named, over a connection to the address that was checked."""

    host = ""

    def wrap_socket(self, sock: socket, *positional: Any, **named: Any) -> ssl.SSLSocket:  # noqa: ANN401 - as the library's
        """As SSLContext's."""
        # The handshake at once: one that fails closes the socket, which paho would leave open.
        own = {"server_hostname": self.host, "do_handshake_on_connect": True}
        return super().wrap_socket(sock, *positional, **{**named, **own})


def _tls(host: str, ca: Path | None) -> ssl.SSLContext:
    trust = _TlsFor(ssl.PROTOCOL_TLS_CLIENT)
    trust.host = host
    trust.load_default_certs()
    if ca is not None:
        trust.load_verify_locations(ca)
    return trust
