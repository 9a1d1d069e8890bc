"""Charging stations that are not there: they connect as real ones do, charge what comes, and do what they are told.

simulated:
  url: ws://127.0.0.1:9000/ocpp
  every_s: 5                        # how often a meter is read out while something charges
  stations:
    - {id: hall, key: …, version: "1.6", units: 2, power_w: 6000, tokens: [04A1B2C3]}
    - {id: bus, key: …, version: "2.0.1", units: 1, power_w: 300000, every_h: 2, stays_h: 0.5, battery_wh: 200000}
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from adapters.codecs.ocpp_message import Call, Refusal, Result, instant, read_message, whole
from adapters.frame import BadFrame
from adapters.link import BadSettings
from adapters.settings import Members
from adapters.simulated.day import Day
from adapters.simulated.ocpp_speech import SAID, SPEECHES, Payload, Saying, Speech, Wish
from adapters.simulated.ocpp_unit import Unit
from broker.model.values import Json, to_text

log = logging.getLogger("misono.adapters.simulated")

_PAUSE_S: Final = 1.0
_ANSWER_S: Final = 30.0
_MICRO: Final = 1_000_000
_ANYBODY: Final = "04A1B2C3"


@dataclass(frozen=True, slots=True)
class Plan:
    """One station as the settings describe it."""

    id: str
    key: str
    url: str
    speech: Speech
    units: tuple[Unit, ...]
    tokens: tuple[str, ...]
    every_s: float


class _WasReset(Exception):
    """The station was told to begin anew."""


async def simulate(settings: Mapping[str, Json], day: Day) -> None:
    """Have all stations of the settings at work until cancelled. Raises BadSettings."""
    async with asyncio.TaskGroup() as group:
        for plan in read_plans(settings):
            group.create_task(_live(plan, day))


def read_plans(settings: Mapping[str, Json]) -> list[Plan]:
    """The stations of the member `simulated`. Raises BadSettings."""
    members = Members(settings, "simulated")
    url, every_s = members.text("url").rstrip("/"), members.number("every_s", 5, 0.05, 3600)
    rows = members.rows("stations")
    members.done()
    return [_plan(Members(row, f"simulated/stations/{place}"), url, every_s) for place, row in enumerate(rows)]


def _plan(members: Members, url: str, every_s: float) -> Plan:
    power_w = members.number("power_w", 6000, 1, 10_000_000)
    every_h, stays_h = members.number("every_h", 8, 0.1, 1000), members.number("stays_h", 5, 0.05, 1000)
    battery_wh = members.number("battery_wh", 40_000, 100, 10_000_000)
    speech = SPEECHES[members.one_of("version", SAID, SAID[0])]
    units = range(1, 1 + members.whole("units", 1, 1, 100))
    name, key = members.text("id"), members.text("key", "")
    tokens = members.texts("tokens", (_ANYBODY,))
    members.done()
    if stays_h > every_h:
        raise BadSettings(f"{name}: stays_h: at most every_h would do")
    made = tuple(Unit(number, power_w, every_h, stays_h, battery_wh) for number in units)
    return Plan(name, key, f"{url}/{name}", speech, made, tokens, every_s)


async def _live(plan: Plan, day: Day) -> None:
    """Connect, again and again."""
    credentials = base64.b64encode(f"{plan.id}:{plan.key}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"} if plan.key else {}
    while True:
        try:
            versions = [Subprotocol(plan.speech.protocol)]
            async with connect(plan.url, subprotocols=versions, additional_headers=headers, compression=None) as socket:
                await SimulatedStation(plan, day, socket).work()
        except (OSError, TimeoutError, WebSocketException, _WasReset) as error:
            log.info("station %s begins anew: %r", plan.id, error)
        await asyncio.sleep(_PAUSE_S)


class SimulatedStation:
    """One connection of a station. Its clock is what its central system said when it booted."""

    def __init__(self, plan: Plan, day: Day, socket: ClientConnection) -> None:
        self._plan = plan
        self._day = day
        self._socket = socket
        self._number = 0
        self._answers: dict[str, asyncio.Future[Mapping[str, Json]]] = {}
        self._wishes: asyncio.Queue[Wish] = asyncio.Queue()
        self._told: dict[int, str] = {}
        self._clock = 0

    async def work(self) -> None:
        """Boot, and go on until the connection ends. Raises OSError, WebSocketException, _WasReset."""
        listening = asyncio.create_task(self._listen())
        living = asyncio.create_task(self._be())
        try:
            done, _ = await asyncio.wait((listening, living), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (listening, living):
                task.cancel()
            await asyncio.gather(listening, living, return_exceptions=True)

    async def _be(self) -> None:
        speech = self._plan.speech
        answer = await self._call(speech.boot(f"Simulated {self._plan.id}"))
        self._clock = (instant(answer, "currentTime") or 0) - round(self._day.seconds() * _MICRO)
        beat = asyncio.create_task(self._beat(whole(answer, "interval", 300)))
        try:
            while True:
                for unit in self._plan.units:
                    await self._tend(unit)
                await self._obey()
        finally:
            beat.cancel()

    async def _beat(self, every_s: int) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._call(("Heartbeat", {}))

    async def _tend(self, unit: Unit) -> None:
        """Let a unit be what it is now, and tell it."""
        unit.flow(self._day)
        if unit.leaves(self._day):
            await self._end(unit)
        elif unit.charge is not None:
            await self._call(self._plan.speech.goes_on(unit, unit.charge, self._at()))
        elif unit.arrives(self._day):
            await self._begin(unit, self._plan.tokens[unit.number % len(self._plan.tokens)])
        if self._told.get(unit.number) != unit.status:
            self._told[unit.number] = unit.status
            await self._call(self._plan.speech.status(unit, self._at()))

    async def _begin(self, unit: Unit, token: str, *, remote: bool = False) -> None:
        charge = unit.begin(f"{self._plan.id}-{unit.number}-{self._clock_now():x}", self._day, remote=remote)
        answer = await self._call(self._plan.speech.begins(unit, charge, token, self._at()))
        self._plan.speech.named(answer, charge)

    async def _end(self, unit: Unit) -> None:
        charge, unit.charge = unit.charge, None
        if charge is not None:
            await self._call(self._plan.speech.ends(unit, charge, self._at()))

    async def _obey(self) -> None:
        """Do what was asked for meanwhile, until the meters are to be read again."""
        try:
            async with asyncio.timeout(self._plan.every_s):
                wish = await self._wishes.get()
        except TimeoutError:
            return
        await self._do(wish)

    async def _do(self, wish: Wish) -> None:
        """Do one thing. Raises _WasReset."""
        units = [unit for unit in self._plan.units if wish.unit in (0, unit.number)]
        match wish.what:
            case "limit":
                for unit in units:
                    unit.limit_w = wish.value if isinstance(wish.value, int | float) else None
            case "operative":
                for unit in units:
                    unit.operative = wish.value is True
            case "start":
                await self._start(units, str(wish.value))
            case "stop":
                await self._stop(wish.value)
            case _:
                raise _WasReset("told to")

    async def _start(self, units: Sequence[Unit], token: str) -> None:
        free = next((unit for unit in units if unit.charge is None and unit.operative), None)
        if free is not None:
            await self._begin(free, token, remote=True)

    async def _stop(self, name: Json) -> None:
        for unit in self._plan.units:
            if unit.charge is not None and unit.charge.name == name:
                await self._end(unit)

    async def _listen(self) -> None:
        async for text in self._socket:
            try:
                message = read_message(text.encode() if isinstance(text, str) else text)
            except BadFrame:
                continue
            if isinstance(message, Call):
                await self._answer(message)
            elif (waiting := self._answers.get(message.id)) is not None and not waiting.done():
                waiting.set_result(_payload(message))

    async def _answer(self, call: Call) -> None:
        wish = self._plan.speech.wish(call.action, call.payload)
        if wish is None:
            await self._say([4, call.id, "NotImplemented", "", {}])
            return
        await self._say([3, call.id, {"status": "Accepted"}])
        self._wishes.put_nowait(wish)

    async def _call(self, saying: Saying) -> Mapping[str, Json]:
        action, payload = saying
        self._number += 1
        id_ = str(self._number)
        answer: asyncio.Future[Mapping[str, Json]] = asyncio.get_running_loop().create_future()
        self._answers[id_] = answer
        try:
            await self._say([2, id_, action, payload])
            async with asyncio.timeout(_ANSWER_S):
                return await answer
        finally:
            del self._answers[id_]

    async def _say(self, message: list[Json]) -> None:
        await self._socket.send(orjson.dumps(message).decode())

    def _clock_now(self) -> int:
        return self._clock + round(self._day.seconds() * _MICRO)

    def _at(self) -> str:
        return to_text(self._clock_now())


def _payload(message: Result | Refusal) -> Payload:
    """Of an answer; a refusal is as good as no payload: what was told is told."""
    return dict(message.payload) if isinstance(message, Result) else {}
