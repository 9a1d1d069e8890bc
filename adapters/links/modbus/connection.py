"""One Modbus TCP address: requests one after another over one connection, which many gateways have no more than."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from adapters.codecs.registers import BITS, BLOCK_MOST, Block, Table
from adapters.order import NotReached

if TYPE_CHECKING:
    from pymodbus.client import AsyncModbusTcpClient
    from pymodbus.pdu import ModbusPDU

_Pdu = TypeVar("_Pdu", bound="ModbusPDU")
_MEANINGS: Final = {
    1: "illegal function", 2: "illegal data address", 3: "illegal data value", 4: "device failure",
    5: "acknowledged, not done yet", 6: "device busy", 10: "no path to the unit", 11: "the unit does not answer",
}  # fmt: skip
UNIT_AWAY: Final = frozenset({10, 11})
"""What a gateway says of a unit behind it that is not there."""


LASTING: Final = frozenset({1, 2, 3})
"""What a device will say again: it has no such function, address or count."""


class Refused(Exception):
    """The device answered that it will not; the message says why, in Modbus' words. `lasts`: it will not ever."""

    def __init__(self, code: int) -> None:
        super().__init__(_MEANINGS.get(code, f"exception {code}"))
        self.lasts = code in LASTING


class Connection:
    """`await Connection("192.0.2.7", 502, 3.0).read(Block("holding", 0, 2), unit=1)` -> the bytes on the wire."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self.address = f"{host}:{port}"
        self._place = (host, port)
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()
        self._client: AsyncModbusTcpClient | None = None

    async def read(self, block: Block, unit: int) -> bytes:
        """The data of a block; several requests where one cannot ask for so many. Raises Refused, NotReached."""
        most = BLOCK_MOST[block.table] - BLOCK_MOST[block.table] % 8 if block.table in BITS else BLOCK_MOST[block.table]
        data = b""
        for start in range(block.start, block.start + block.count, most):
            count = min(most, block.start + block.count - start)
            data += await self._read(Block(block.table, start, count), unit)
        return data

    async def write(self, table: Table, address: int, registers: Sequence[int], unit: int) -> None:
        """Set registers, or one bit. Raises Refused, NotReached."""
        async with self._lock:
            client = await self._connected()
            if table in BITS:
                await self._asked(client.write_coil(address, bool(registers[0]), device_id=unit))
            elif len(registers) == 1:
                await self._asked(client.write_register(address, registers[0], device_id=unit))
            else:
                await self._asked(client.write_registers(address, list(registers), device_id=unit))

    def close(self) -> None:
        """End the connection; the next request makes another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _read(self, block: Block, unit: int) -> bytes:
        async with self._lock:
            client = await self._connected()
            ask = {
                "coil": client.read_coils,
                "discrete": client.read_discrete_inputs,
                "input": client.read_input_registers,
                "holding": client.read_holding_registers,
            }[block.table]
            answer = await self._asked(ask(block.start, count=block.count, device_id=unit))
        if block.table in BITS:
            return self._whole(block, _packed(answer.bits[: block.count]), len(answer.bits) >= block.count)
        data = struct.pack(f">{len(answer.registers)}H", *answer.registers)
        return self._whole(block, data, len(data) == block.length())

    def _whole(self, block: Block, data: bytes, is_whole: bool) -> bytes:  # noqa: FBT001
        if not is_whole:
            self.close()
            raise NotReached(f"{self.address} answered {len(data)} bytes for {block}")
        return data

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is None:
            from pymodbus.client import AsyncModbusTcpClient  # noqa: PLC0415  only who asks Modbus pays for it

            logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # the link tells what fails, once
            host, port = self._place
            self._client = AsyncModbusTcpClient(host, port=port, timeout=self._timeout_s, retries=0, reconnect_delay=0)
        if not self._client.connected:
            is_there = await self._client.connect()
            _end_if_told_to()
            if not is_there:
                self.close()
                raise NotReached(f"no connection to {self.address}")
        return self._client

    async def _asked(self, request: Awaitable[_Pdu]) -> _Pdu:
        from pymodbus import ModbusException  # noqa: PLC0415

        try:
            answer = await request
        except (ModbusException, OSError) as fault:
            self.close()
            raise NotReached(f"{self.address}: {fault}") from fault
        _end_if_told_to()
        if answer.isError():
            code = getattr(answer, "exception_code", 0)
            if code in UNIT_AWAY:
                raise NotReached(f"{self.address}: {_MEANINGS[code]}")
            raise Refused(code)
        return answer


def _end_if_told_to() -> None:
    """Raises CancelledError where this task was cancelled at the moment that an answer came.

    `asyncio.wait_for` of Python 3.11, which pymodbus waits with, gives the answer then and forgets the cancellation.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _packed(bits: Sequence[bool]) -> bytes:
    """Bits as Modbus sends them: the first is the lowest of the first byte."""
    number = sum(1 << place for place, bit in enumerate(bits) if bit)
    return number.to_bytes((len(bits) + 7) // 8, "little")
