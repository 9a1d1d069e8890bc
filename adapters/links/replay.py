"""Frames that were recorded, given again at their pace, or so many times as fast.

    link: {kind: replay, file: hour.jsonl, speed: 60}     # speed 0: as fast as they are taken

A line is one frame as `adapters.recorded` reads it. A frame keeps the instant at which it was received then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from adapters.frame import Frame
from adapters.link import BadSettings, Ground, Receive
from adapters.order import Delivered, Order
from adapters.recorded import BadRecord, frame_of
from adapters.settings import Members
from broker.decode.text import parse_json
from broker.errors import NgsiError

BATCH: Final = 500
SPEED_MAX: Final = 1_000_000.0
_SECOND: Final = 1_000_000


class ReplayLink:
    """See the module; `finished` once the last frame was taken."""

    def __init__(self, file: Path, speed: float) -> None:
        self._file, self._speed = file, speed
        self.finished = False

    async def run(self, receive: Receive) -> None:
        """Give all frames once; a link that is started again begins anew."""
        loop, frames = asyncio.get_running_loop(), read_frames(self._file)
        began, first = loop.time(), None
        while batch := await asyncio.to_thread(lambda: list(islice(frames, BATCH))):
            first = batch[0].received_at if first is None else first
            while batch:
                due = self._due(batch, first, loop.time() - began)
                if due:
                    await receive(batch[:due])
                    del batch[:due]
                else:
                    behind = (batch[0].received_at - first) / _SECOND / self._speed
                    await asyncio.sleep(max(0.0, began + behind - loop.time()))
        self.finished = True
        await asyncio.Event().wait()

    async def send(self, order: Order) -> Delivered:
        """Nobody is there."""
        return Delivered("ERROR", f"{order.device.id} is a recording")

    def _due(self, batch: list[Frame], first: int, gone_s: float) -> int:
        """How many of the batch are to be given by now."""
        if not self._speed:
            return len(batch)
        now = first + gone_s * self._speed * _SECOND
        return next((place for place, frame in enumerate(batch) if frame.received_at > now), len(batch))


def make_link(ground: Ground) -> ReplayLink:
    """The link of these settings. Raises BadSettings."""
    members = Members(ground.settings, "link")
    file, speed = ground.home / members.text("file"), members.number("speed", 1, 0, SPEED_MAX)
    members.done()
    if not file.is_file():
        raise BadSettings(f"link/file: a file that is there would do; {file} is none")
    return ReplayLink(file, speed)


def read_frames(file: Path) -> Iterator[Frame]:
    """The frames of a file. Raises BadSettings, naming the line."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield frame_of(parse_json(line))
                except (BadRecord, NgsiError) as error:
                    raise BadSettings(f"{file.name}, line {number}: {error}") from error
