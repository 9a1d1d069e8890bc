"""Questions to nodes of ECHONET Lite and the answers to them, over whatever carries frames."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from adapters.codecs.echonet.message import CONTROLLER, Message, Properties, Service, build_message
from adapters.order import NotReached

Send: TypeAlias = Callable[[str, bytes], Awaitable[None]]
"""Puts a frame on its way to an address. Raises NotReached where that cannot be now."""
_TIDS: Final = 0x10000
ANSWERS: Final = {
    Service.GET: frozenset({Service.GET_RES, Service.GET_SNA}),
    Service.SET_C: frozenset({Service.SET_RES, Service.SET_C_SNA}),
}
"""What answers what."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it was understood, and its bytes."""

    message: Message
    payload: bytes


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an answer is waited for, and how often a question is put."""

    timeout_s: float = 3.0
    tries: int = 3


@dataclass(frozen=True, slots=True)
class _Waiting:
    address: str
    question: Message
    answer: asyncio.Future[Heard]


class Asker:
    """Puts questions and finds what answers them: by number, sender, object and service, never by the port."""

    def __init__(self, send: Send, patience: Patience) -> None:
        self._send = send
        self._patience = patience
        self._tid = 0
        self._waiting: dict[int, _Waiting] = {}

    async def ask(self, address: str, target: str, service: Service, properties: Properties) -> Heard:
        """What an object answers. Raises NotReached."""
        for _ in range(self._patience.tries):
            question = Message(self._next(), CONTROLLER, target, service, tuple(properties))
            waiting = _Waiting(address, question, asyncio.get_running_loop().create_future())
            self._waiting[question.tid] = waiting
            try:
                await self._send(address, build_message(question))
                async with asyncio.timeout(self._patience.timeout_s):
                    return await waiting.answer
            except TimeoutError:
                continue
            finally:
                del self._waiting[question.tid]
        raise NotReached(f"{address}: {target} does not answer")

    async def tell(self, address: str, message: Message) -> None:
        """Say something that nobody answers. Raises NotReached."""
        numbered = message if message.tid else replace(message, tid=self._next())
        await self._send(address, build_message(numbered))

    def hear(self, address: str, heard: Heard) -> bool:
        """Whether that was the answer to a question: who asked has it then."""
        waiting = self._waiting.get(heard.message.tid)
        if waiting is None or waiting.answer.done() or waiting.address != address:
            return False
        question = waiting.question
        if heard.message.service not in ANSWERS[question.service] or heard.message.source != question.target:
            return False
        waiting.answer.set_result(heard)
        return True

    def _next(self) -> int:
        self._tid = (self._tid + 1) % _TIDS or 1
        while self._tid in self._waiting:
            self._tid = (self._tid + 1) % _TIDS or 1
        return self._tid
