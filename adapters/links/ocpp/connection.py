"""One station's connection: its calls answered one after the other, our calls asked one at a time."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from websockets.exceptions import ConnectionClosed

from adapters.codecs.ocpp import V16, V201
from adapters.codecs.ocpp_16 import TOLD as TOLD_16
from adapters.codecs.ocpp_201 import TOLD as TOLD_201
from adapters.codecs.ocpp_answers import answer_of
from adapters.codecs.ocpp_message import Call, Refusal, Result, read_message
from adapters.frame import BadFrame, Frame
from adapters.link import Receive
from adapters.links.ocpp.central import Central
from adapters.links.ocpp.orders import Request
from adapters.links.ocpp.schemas import Violation, check_call, check_result, is_known
from adapters.order import NotReached, Order
from adapters.readings import Answered
from adapters.store import NotKept
from broker.encode.text import dump
from broker.model.values import Instant, Json
from broker.ports import Clock

log = logging.getLogger("misono.adapters.ocpp")

WAITING_MAX: Final = 32
"""Calls of a station that are read before the first of them is answered; then its socket is read no further."""
LATE_MAX: Final = 100
_TOLD: Final = {V16: TOLD_16, V201: TOLD_201}
_SECRET: Final = frozenset({"idTag", "parentIdTag", "idToken", "additionalIdToken"})
_SHOWN: Final = 4


class Socket(Protocol):
    """What of a WebSocket is used here."""

    async def send(self, message: str, /) -> None:
        """Send one message of text."""


@dataclass(frozen=True, slots=True)
class Station:
    """Who is at the other end."""

    id: str
    version: str
    key: str = ""
    tenant: str = ""

    @property
    def place(self) -> str:
        """What its transactions are kept under: two tenants may have stations of one name, which is printable."""
        return f"{self.tenant}\x1f{self.id}" if self.tenant else self.id


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all connections of a link share."""

    central: Central
    receive: Receive
    clock: Clock
    answer_s: float


class Connection:
    """A station that is connected. `take` each message that comes, while `work` runs beside; then `lose` it."""

    def __init__(self, socket: Socket, station: Station, shared: Surroundings) -> None:
        self.station = station
        self._socket = socket
        self._shared = shared
        self._calls: asyncio.Queue[tuple[Call, Instant]] = asyncio.Queue(WAITING_MAX)
        self._asked: dict[str, asyncio.Future[Result | Refusal]] = {}
        self._late: OrderedDict[str, str] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()
        self._number = 0
        self._gone = False

    async def take(self, payload: bytes) -> None:
        """One message of the station."""
        now = self._shared.clock.now()
        try:
            message = read_message(payload)
        except BadFrame as refusal:
            if self.station.version == V201:
                await self._say([4, "-1", "RpcFramework", str(refusal)[:255], {}])
            await self._pass_on(payload, now, {})
            return
        if isinstance(message, Call):
            await self._calls.put((message, now))
        else:
            await self._answered(message, payload, now)

    async def work(self) -> None:
        """Answer calls, in order, until cancelled."""
        while True:
            call, received_at = await self._calls.get()
            try:
                await self._answer(call, received_at)
            except Exception:  # the outermost loop of a station's calls
                log.exception("%s of %s failed", call.action, self.station.id)
                await self._failed(call)

    async def ask(self, request: Request, order: Order, *, last: bool) -> Answered | None:
        """What the station answers; None where it said nothing in time, which it may still do.

        Raises NotReached where it went away, or the order was over, before anything can have happened; and where
        asking again does no harm and what was asked was not the `last` of the order, or the station is gone.
        """
        command = order.id
        async with self._one_at_a_time:
            if self._gone:
                raise NotReached(f"{self.station.id} went away")
            if order.expires_at and self._shared.clock.now() >= order.expires_at:
                raise NotReached("its time was over before it could be sent")
            self._number += 1
            id_ = f"{self._number}-{command}"[:36]
            waiting: asyncio.Future[Result | Refusal] = asyncio.get_running_loop().create_future()
            self._asked[id_] = waiting
            await self._say([2, id_, request.action, request.payload])
            try:
                async with asyncio.timeout(self._shared.answer_s):
                    answer = await waiting
            except TimeoutError:
                self._late[id_] = command if last else ""
                while len(self._late) > LATE_MAX:
                    self._late.popitem(last=False)
                if not last and request.again:
                    raise NotReached(f"no answer to {request.action}") from None
                return None
            except ConnectionError as gone:
                if request.again:
                    raise NotReached(str(gone)) from gone
                return None
            finally:
                self._asked.pop(id_, None)
        return self._meant(answer, request, command)

    def lose(self) -> None:
        """It is gone: who waits for its answers need not."""
        self._gone = True
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("the station went away"))

    async def _answer(self, call: Call, received_at: Instant) -> None:
        version, id_ = self.station.version, self.station.id
        shared = self._shared
        if not shared.central.answers(version, call.action):
            code = "NotSupported" if is_known(version, call.action) else "NotImplemented"
            await self._say([4, call.id, code, f"{call.action} is not answered here", {}])
            return
        try:
            check_call(version, call.action, call.payload)
            answer = await shared.central.answer(version, self.station.place, call)
        except (Violation, BadFrame) as refusal:
            code = refusal.code if isinstance(refusal, Violation) else "PropertyConstraintViolation"
            await self._pass_on(_masked(call), received_at, {"refused": "wrong_type", "why": str(refusal)})
            await self._say([4, call.id, code, str(refusal)[:255], {}])
            return
        except NotKept:
            log.exception("%s of %s could not be kept", call.action, id_)
            await self._failed(call)
            return
        if call.action in _TOLD[version]:
            await self._pass_on(_masked(call), received_at, answer.about, call.action)
        await self._say([3, call.id, answer.payload])

    async def _failed(self, call: Call) -> None:
        await self._say([4, call.id, "InternalError", "try again later", {}])

    async def _answered(self, message: Result | Refusal, payload: bytes, received_at: Instant) -> None:
        waiting = self._asked.get(message.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
            return
        command = self._late.pop(message.id, None)
        if command != "":  # of an order that is sent again as a whole, nothing is told
            await self._pass_on(payload, received_at, {"command": command} if command else {})

    def _meant(self, answer: Result | Refusal, request: Request, command: str) -> Answered:
        if isinstance(answer, Refusal):
            return Answered(command, "ERROR", f"{answer.code} {answer.description}".strip())
        try:
            check_result(self.station.version, request.action, answer.payload)
        except Violation as violation:
            return Answered(command, "ERROR", str(violation))
        return answer_of(command, answer.payload)

    async def _pass_on(self, payload: bytes, at: Instant, about: Mapping[str, str], action: str = "") -> None:
        """To the pipeline; done when it is kept."""
        told = {"protocol": self.station.version, **about}
        await self._shared.receive([Frame(payload, at, self.station.id, action, self.station.key, told)])

    async def _say(self, message: list[Json]) -> None:
        """Send it; a station that is gone gets nothing, and asks again when it is back."""
        try:
            await self._socket.send(dump(message).decode())
        except ConnectionClosed:
            log.debug("%s is gone", self.station.id)


def _masked(call: Call) -> bytes:
    """The message as it is passed on, and perhaps quarantined: tokens of people without what makes them usable."""
    return dump([2, call.id, call.action, _without_tokens(dict(call.payload))])


def _without_tokens(value: Json, name: str = "") -> Json:
    if isinstance(value, dict):
        return {key: _without_tokens(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_tokens(one, name) for one in value]
    if name in _SECRET and isinstance(value, str):
        return "****" + (value[-_SHOWN:] if len(value) > 2 * _SHOWN else "")
    return value
