"""Commands to devices that listen on HTTP themselves: posted to their endpoint, answered at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.codecs.iota_json import answers
from adapters.codecs.json_body import parse
from adapters.codecs.ultralight import Ultralight
from adapters.frame import BadFrame, Frame
from adapters.links.mqtt_commands import ultralight_command
from adapters.order import Delivered, NotReached, Order
from adapters.readings import Readings
from broker.encode.text import dump

if TYPE_CHECKING:
    from aiohttp import ClientSession

TIMEOUT_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 64 << 10
_OK, _ABOVE = 200, 300


class Endpoints:
    """One client for all devices of a link; made with the first command."""

    def __init__(self, *, light: bool) -> None:
        self._light = light
        self._session: ClientSession | None = None

    async def send(self, endpoint: str, order: Order) -> Delivered:
        """OK with the device's result, ERROR where it refuses. Raises NotReached."""
        from aiohttp import ClientError, ClientSession, ClientTimeout  # noqa: PLC0415 - only with such a device

        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=TIMEOUT_S))
        body = (
            ultralight_command(order.device.id, order.name, order.value).encode()
            if self._light
            else dump({order.name: order.value})
        )
        headers = {"Content-Type": "text/plain" if self._light else "application/json"}
        try:
            async with self._session.post(endpoint, data=body, headers=headers, allow_redirects=False) as response:
                answer = await response.content.read(ANSWER_BYTES_MAX)
                status = response.status
        except (ClientError, TimeoutError, OSError, ValueError) as fault:
            raise NotReached(f"the device's endpoint: {type(fault).__name__}: {fault}"[:300]) from fault
        if not _OK <= status < _ABOVE:
            return Delivered("ERROR", f"the device answered {status}")
        return self._result(order, answer)

    async def close(self) -> None:
        """Let go of all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _result(self, order: Order, body: bytes) -> Delivered:
        """What the device says of this command; only that it has it, where it says nothing."""
        try:
            told = self._answers(order, body)
        except BadFrame:
            return Delivered("DELIVERED")
        for one in told:
            if one.answers is not None and one.answers.command == order.name:
                return Delivered(one.answers.status, one.answers.result)
        return Delivered("DELIVERED")

    def _answers(self, order: Order, body: bytes) -> list[Readings]:
        if self._light:
            return [*Ultralight().decode(Frame(body, 0, order.device.id, "cmdexe"))]
        return answers(order.device.id, parse(body))
