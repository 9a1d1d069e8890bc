"""Digital grid routers that are not there: the district behind a gateway of the open APIS, over HTTP.

    simulated: {kind: digital-grid, port: 4390, seed: 7, blackouts: [60, 30]}

`blackouts` are pairs: so many simulated minutes after the start one begins, and so many it lasts. The gateway
listens on loopback: `GET /get/log`, `/get/unit/ID`, `/set/dcdc/ID?mode=0x0002&dvg=350&dig=2`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from adapters.link import BadSettings
from adapters.settings import Members
from adapters.simulated.day import Day
from adapters.simulated.district.district import District, Span
from adapters.simulated.district.units import Converter, log, turn, unit
from adapters.simulated.district.weather import DAY_S, ZONE_S
from broker.encode.text import dump
from broker.model.values import Json

if TYPE_CHECKING:
    from aiohttp.web import Application, Request, Response

PORT: Final = 4_390
BEGIN: Final = 1_795_446_000 // DAY_S * DAY_S - ZONE_S
"""A midnight in Misono."""
STEP_S: Final = 0.2
STEPS_MOST: Final = 1_440
"""At once, where time went by without anybody: a day."""


class Routers:
    """The district as far as the day has come, and what converters were set to."""

    def __init__(self, day: Day, seed: int, blackouts: list[Span]) -> None:
        self._day = day
        begin = BEGIN + round(day.starts_at * 3_600) // 60 * 60
        shifted = [Span(begin + one.start, begin + one.end) for one in blackouts]
        self.district = District(seed, begin, blackouts=shifted)
        self.converters: dict[str, Converter] = {}

    def go_on(self) -> None:
        """Let happen what did since the last time."""
        until = self.district.begin + round(self._day.hours_gone() * 3_600)
        for _ in range(STEPS_MOST):
            if self.district.at + self.district.step_s > until:
                return
            self.district.step()

    def answer(self, path: tuple[str, ...], query: Mapping[str, str]) -> Json | None:
        """What the gateway says; None for what there is not."""
        self.go_on()
        if path == ("get", "log"):
            return log(self.district, self.converters)
        if path[:2] == ("get", "unit") and path[-1] in self.district.routers:
            return unit(self.district, path[-1], self.converters.get(path[-1], Converter()))
        if path[:2] == ("set", "dcdc"):
            return turn(self.district, self.converters, path[-1], query)
        return None


def read_routers(settings: Mapping[str, Json], day: Day) -> tuple[Routers, int]:
    """The routers, and the port. Raises BadSettings."""
    members = Members(dict(settings), "simulated")
    members.text("kind", "digital-grid")
    port, seed = int(members.number("port", PORT, 0, 65_535)), int(members.number("seed", 7, 0, 1 << 31))
    minutes = [round(one) for one in members.numbers("blackouts")]
    members.done()
    if len(minutes) % 2 or any(one < 0 for one in minutes):
        raise BadSettings(
            "simulated/blackouts: [60, 30] would do: the minute in which it begins, and how many it lasts"
        )
    pairs = zip(minutes[::2], minutes[1::2], strict=True)
    return Routers(day, seed, [Span(begin * 60, (begin + lasts) * 60) for begin, lasts in pairs]), port


async def simulate(settings: Mapping[str, Json], day: Day) -> None:
    """Answer at the port until cancelled. Raises BadSettings, OSError."""
    routers, port = read_routers(settings, day)
    async with AsyncExitStack() as closing:
        await listen(routers, port, closing)
        while True:
            routers.go_on()
            await asyncio.sleep(STEP_S)


async def listen(routers: Routers, port: int, closing: AsyncExitStack) -> int:
    """Answer on loopback; the port, which is any free one for 0. Raises OSError."""
    from aiohttp import web  # noqa: PLC0415  only who simulates pays for it

    runner = web.AppRunner(_application(routers), access_log=None)
    await runner.setup()
    closing.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return int(runner.addresses[0][1])


def _application(routers: Routers) -> Application:
    from aiohttp import web  # noqa: PLC0415

    async def answer(request: Request) -> Response:
        found = routers.answer(tuple(request.path.strip("/").split("/")), dict(request.query))
        if found is None:
            return web.Response(status=500)  # as the open one answers what it does not know
        return web.Response(body=dump(found), content_type="application/json")

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    return application
