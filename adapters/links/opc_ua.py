"""OPC UA: a building's server is asked to tell of changes of its nodes (subscriptions), and set by writes.

    link:
      kind: opc-ua
      publish_s: 1                       # how often the server tells of what changed
      timeout_s: 5
      security: {policy: Basic256Sha256, mode: SignAndEncrypt, certificate: hub.der, key: hub.pem}
      user: bems
      password_file: bems.secret
    codec: {kind: opc-ua, units: {power: KWT}}
    devices:
      - id: mall-bems
        address: "opc.tcp://192.0.2.9:4840"
        options:
          points: {power: "ns=2;s=Power"}
          write: {setpoint: {least: 18, most: 28, unit: CEL}}

Needs the extra `opc-ua` (asyncua).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from adapters.device import Device
from adapters.frame import Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.links.points import Points, Refused, read_points_of, same
from adapters.links.rounds import PAUSE_S, Rounds
from adapters.order import Delivered, NotReached, Order
from adapters.settings import Members
from broker.encode.text import dump
from broker.model.values import Json

if TYPE_CHECKING:
    from asyncua.client.client import Client

log = logging.getLogger("misono.adapters")

POLICIES: Final = ("none", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
GATHER_S: Final = 0.05
"""Changes that come so close together are one frame."""
GATHER_MAX: Final = 200
WAITING_MAX: Final = 2000
"""Changes that wait to be taken; then the server is not asked for more."""
LOOK_S: Final = 1.0
_NUMBERS: Final = frozenset({"Float", "Double"})


@dataclass(frozen=True, slots=True)
class Speaking:
    """How servers are spoken with; `security` is asyncua's text of policy, mode and files, empty for none."""

    publish_s: float
    timeout_s: float
    security: str
    user: str
    password: str


def make_link(ground: Ground) -> OpcUaLink:
    """The link. Raises BadSettings."""
    try:
        import asyncua  # noqa: F401, PLC0415  an extra
    except ImportError as error:
        raise BadSettings("link/kind: opc-ua needs asyncua: pip install 'misono[opc-ua]'") from error
    members = Members(ground.settings, "link")
    speaking = Speaking(
        members.number("publish_s", 1.0, 0.05, 3600),
        members.number("timeout_s", 5.0, 0.1, 60),
        _security(members.below("security"), ground.home),
        members.text("user", ""),
        members.secret("password", ground.home),
    )
    members.done()
    return OpcUaLink(ground, speaking)


def _security(given: Mapping[str, Json], home: Path) -> str:
    if not given:
        return ""
    members = Members(given, "link/security")
    policy = members.one_of("policy", POLICIES, "Basic256Sha256")
    mode = members.one_of("mode", ("Sign", "SignAndEncrypt"), "SignAndEncrypt")
    files = [str(home / members.text(name)) for name in ("certificate", "key")]
    server = members.text("server_certificate", "")
    members.done()
    if policy == "none":
        raise members.refuse("policy", "leaving `security` away")
    return ",".join([policy, mode, *files, *([str(home / server)] if server else [])])


class OpcUaLink:
    """See the module: one session a device."""

    def __init__(self, ground: Ground, speaking: Speaking) -> None:
        self._ground, self._speaking = ground, speaking
        self._sessions: dict[str, Client] = {}
        self._rounds: Rounds[str, Points] = Rounds(ground, self._placed)

    async def run(self, receive: Receive) -> None:
        """Follow every device until cancelled."""

        async def serve(device_id: str) -> None:
            await self._serve(device_id, receive)

        async def left(_device_id: str) -> None:
            """Its session ends with its task."""

        await self._rounds.run(serve, left)

    async def send(self, order: Order) -> Delivered:
        """Write one node and read it back. Raises NotReached."""
        from asyncua import ua  # noqa: PLC0415
        from asyncua.ua.uaerrors import UaStatusCodeError  # noqa: PLC0415

        client = self._sessions.get(order.device.id)
        if client is None:
            raise NotReached(f"{order.device.id} is not connected")
        try:
            place, value = read_points_of(order.device, self._speaking.publish_s).settable(order)
            node = client.get_node(place)
            kind = await node.read_data_type_as_variant_type()
            await node.write_value(ua.DataValue(ua.Variant(_fitting(value, kind.name), kind)))
            read = plain(await node.read_value())
        except (BadSettings, Refused) as fault:
            return Delivered("ERROR", str(fault))
        except UaStatusCodeError as refusal:
            return Delivered("ERROR", f"{order.name}: the server refuses it ({refusal})")
        except (OSError, TimeoutError) as fault:
            raise NotReached(f"{order.device.id}: {fault}") from fault
        if not same(value, read):
            return Delivered("ERROR", f"{order.name}: {value} was written, {read} is read back")
        return Delivered("OK", read)

    def _placed(self, device: Device) -> tuple[str, Points]:
        if not device.address.startswith("opc.tcp://") or "@" in device.address:
            raise BadSettings(f"devices/{device.id}/address: opc.tcp://HOST:PORT would do")
        return device.id, read_points_of(device, self._speaking.publish_s)

    async def _serve(self, device_id: str, receive: Receive) -> None:
        """Follow one device, and connect anew when it went away."""
        from asyncua.ua.uaerrors import UaError  # noqa: PLC0415

        pause = 0.0
        while True:
            for points in self._rounds.at(device_id):
                try:
                    await self._follow(points, receive)
                except (OSError, TimeoutError, UaError, ValueError) as fault:
                    if not pause:
                        log.warning("%s: %s: %s", self._ground.adapter, device_id, _told(fault))
                    pause = min(max(2 * pause, PAUSE_S[0]), PAUSE_S[1])
                else:
                    pause = 0.0
                finally:
                    self._sessions.pop(device_id, None)
            await asyncio.sleep(max(pause, LOOK_S))

    async def _follow(self, points: Points, receive: Receive) -> None:
        """Hand over what changes until the device's points are others. Raises what asyncua raises."""
        from asyncua.client.client import Client  # noqa: PLC0415

        client = Client(points.device.address, timeout=self._speaking.timeout_s)
        if self._speaking.user:
            client.set_user(self._speaking.user)
            client.set_password(self._speaking.password)
        if self._speaking.security:
            await client.set_security_string(self._speaking.security)
        async with client:
            gathered = Gathered(points)
            period_ms = 1000 * points.every_s
            subscription = await client.create_subscription(period_ms, gathered)
            nodes = [client.get_node(place) for place in points.places.values()]
            gathered.names = {str(node): name for node, name in zip(nodes, points.places, strict=True)}
            told: Any = subscription.subscribe_data_change
            made = await told(nodes, queuesize=10, sampling_interval=period_ms)
            self._tell_refused(points, made)
            self._sessions[points.device.id] = client
            while self._rounds.at(points.device.id) == [points]:
                await client.check_connection()
                async for payload in gathered.frames(LOOK_S):
                    await receive([Frame(payload, self._ground.clock.now(), points.device.id, "points")])

    def _tell_refused(self, points: Points, made: Any) -> None:  # noqa: ANN401  numbers or status codes
        for name, one in zip(points.places, made if isinstance(made, list) else [made], strict=True):
            if not isinstance(one, int):
                log.warning("%s: %s has no %s: %s", self._ground.adapter, points.device.id, name, one)


@dataclass(eq=False)
class Gathered:
    """What the server told, until it is taken; asyncua calls `datachange_notification`."""

    points: Points
    names: dict[str, str] = field(default_factory=dict)
    _waiting: asyncio.Queue[dict[str, Json]] = field(default_factory=lambda: asyncio.Queue(WAITING_MAX))

    async def datachange_notification(self, node: Any, val: Any, data: Any) -> None:  # noqa: ANN401
        """One change; waits where too many do, so that no more are asked for."""
        told = data.monitored_item.Value
        at = told.SourceTimestamp or told.ServerTimestamp
        point: dict[str, Json] = {"q": self.names.get(str(node), str(node)), "v": plain(val)}
        point["s"] = told.StatusCode.value if told.StatusCode is not None else 0
        if isinstance(at, datetime):
            point["at"] = _text(at)
        await self._waiting.put(point)

    async def frames(self, wait_s: float) -> Any:  # noqa: ANN401  an asynchronous iterator of bytes
        """Payloads of what waits now, or comes within this time."""
        try:
            async with asyncio.timeout(wait_s):  # wait_for of 3.11 forgets a cancellation that comes with an answer
                first = await self._waiting.get()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_S)
        points = [first]
        while len(points) < GATHER_MAX and not self._waiting.empty():
            points.append(self._waiting.get_nowait())
        yield dump({"points": points})


def plain(value: Any) -> Json:  # noqa: ANN401  whatever a server has
    """A value as JSON; None for what is no value: `NaN`, an empty variant, a structure."""
    found: Json = None
    if isinstance(value, bool | int | str):
        found = value
    elif isinstance(value, float):
        found = value if math.isfinite(value) else None
    elif isinstance(value, datetime):
        found = _text(value)
    elif isinstance(value, bytes):
        found = value.hex()
    elif isinstance(value, list):
        found = [plain(one) for one in value]
    elif hasattr(value, "Text") and hasattr(value, "Locale"):
        found = {str(value.Locale or "@none"): str(value.Text or "")}
    return found


def _text(at: datetime) -> str:
    whole = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return whole.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _fitting(value: Json, kind: str) -> Json:
    """A value of the node's own type. Raises Refused."""
    if kind in _NUMBERS and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, float) and kind not in _NUMBERS:
        if not value.is_integer():
            raise Refused(f"{value:g} is no whole number, which {kind} takes")
        return int(value)
    if isinstance(value, bool) != (kind == "Boolean") or isinstance(value, str) != (kind == "String"):
        raise Refused(f"{value!r} is no {kind}")
    return value


def _told(fault: BaseException) -> str:
    return f"{type(fault).__name__}: {fault}"[:300]
