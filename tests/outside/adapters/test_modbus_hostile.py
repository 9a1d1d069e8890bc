"""Devices on Modbus TCP that answer nonsense: nothing of it becomes a reading, and the link goes on."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.codecs.modbus import make_codec
from adapters.codecs.registers import Block
from adapters.device import Device
from adapters.links.modbus.connection import Connection
from adapters.order import NotReached
from tests.outside.adapters.asked import asking

CODEC: dict[str, Any] = {
    "kind": "modbus",
    "maps": {"m": {"points": {"a": {"holding": 0, "type": "uint32", "write": {"least": 0, "most": 9}}}}},
}
LINK = {"every_s": 0.05, "timeout_s": 0.1}
Answer = Callable[[bytes], bytes]


def pdu(request: bytes, body: bytes, *, transaction: int = 0, unit: int = 0, length: int | None = None) -> bytes:
    """An answer to a request; what is told changes it."""
    number = struct.unpack_from(">H", request)[0] + transaction
    size = len(body) + 1 if length is None else length
    return struct.pack(">HHHB", number & 0xFFFF, 0, size, (request[6] + unit) & 0xFF) + body


def right(request: bytes) -> bytes:
    return pdu(request, b"\x03\x04\0\0\0\7" if request[7] == 3 else request[7:12])


NONSENSE: dict[str, Answer] = {
    "random": lambda _: bytes(range(64)),
    "silence": lambda _: b"",
    "too few registers": lambda request: pdu(request, b"\x03\x02\0\7"),
    "too many registers": lambda request: pdu(request, b"\x03\xfa" + bytes(250)),
    "odd bytes": lambda request: pdu(request, b"\x03\x03\0\0\7"),
    "a count that lies": lambda request: pdu(request, b"\x03\x08\0\0\0\7"),
    "another transaction": lambda request: pdu(request, b"\x03\x04\0\0\0\7", transaction=1),
    "another unit": lambda request: pdu(request, b"\x03\x04\0\0\0\7", unit=1),
    "another function": lambda request: pdu(request, b"\x01\x04\0\0\0\7"),
    "no function": lambda request: pdu(request, b"\x7f\x04\0\0\0\7"),
    "an empty answer": lambda request: pdu(request, b""),
    "a length without end": lambda request: pdu(request, b"\x03\x04\0\0\0\7", length=0xFFFF),
    "no length": lambda request: pdu(request, b"\x03\x04\0\0\0\7", length=0),
    "an exception without code": lambda request: pdu(request, b"\x83"),
    "an exception nobody knows": lambda request: pdu(request, b"\x83\xee"),
    "an exception of a gateway": lambda request: pdu(request, b"\x83\x0b"),
    "a flood": lambda _: b"\xff" * 200_000,
}


@asynccontextmanager
async def device(answer: list[Answer]) -> AsyncIterator[int]:
    """A server that answers each request with what the first of a list makes of it."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(6)
                request = head + await reader.readexactly(struct.unpack_from(">H", head, 4)[0])
                writer.write(answer[0](request))
                await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(("code", "reached"), [(2, True), (4, True), (6, True), (10, False), (11, False)])
def test_a_unit_that_its_gateway_does_not_reach_is_asked_again_later(code: int, reached: bool, tmp_path: Path) -> None:
    """What a device refuses is an error; what a gateway says of a unit that is away lets the command wait."""

    async def scenario() -> None:
        async with device([lambda request: pdu(request, bytes([request[7] | 0x80, code]))]) as port:
            asked_of = Device("d", "asked", address=f"127.0.0.1:{port}")
            async with asking("modbus", tmp_path, LINK, CODEC, asked_of) as asked:
                if reached:
                    assert (await asked.order("a", 5)).status == "ERROR"
                else:
                    with pytest.raises(NotReached):
                        await asked.order("a", 5)
                assert asked.frames == []

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_no_reading_and_does_not_end_the_link(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.links.rounds.PAUSE_S", (0.02, 0.05))

    async def scenario() -> None:
        answer = [NONSENSE[kind]]
        async with device(answer) as port:
            asked_of = Device("d", "asked", address=f"127.0.0.1:{port}")
            async with asking("modbus", tmp_path, LINK, CODEC, asked_of) as asked:
                await asyncio.sleep(0.3)
                assert asked.frames == []
                with suppress(NotReached):
                    assert (await asked.order("a", 5)).status == "ERROR"
                answer[0] = right
                await asked.until(lambda: asked.frames)
        (readings,) = make_codec(CODEC).decode(asked.frames[-1])
        assert readings.readings[0].value == 7

    asyncio.run(scenario())


def test_an_end_that_comes_together_with_an_answer_is_an_end(tmp_path: Path) -> None:
    """`asyncio.wait_for`, in pymodbus, gives an answer that comes at the moment of a cancellation, and forgets that."""

    async def scenario() -> None:
        chance = random.Random(7)
        async with device([right]) as port:
            place = ("127.0.0.1", port)
            for _ in range(150):
                connection = Connection(*place, 1.0)

                async def ask(connection: Connection = connection) -> None:
                    while True:
                        await connection.read(Block("holding", 0, 2), 1)

                task = asyncio.create_task(ask())
                await asyncio.sleep(chance.random() * 0.003)
                task.cancel()
                done, _ = await asyncio.wait([task], timeout=2)
                connection.close()
                assert done, "it goes on asking"
                assert task.cancelled()

    asyncio.run(scenario())
