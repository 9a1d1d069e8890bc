"""The devices of the demo, beside the hub, in a thread of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from adapters.simulated.day import Day
from adapters.simulated.playing import Part, parts_of, play

_ENDS_S = 5.0


@contextmanager
def playing(folder: Path, length_s: float, hour: float) -> Iterator[Sequence[Part]]:
    """The devices of a folder of adapters speak while the block runs; a day of theirs takes `length_s`, from this hour.

    Raises BadSettings.
    """
    parts, begun = parts_of(folder), time.monotonic()
    loop = asyncio.new_event_loop()
    task = loop.create_task(play(parts, Day(lambda: time.monotonic() - begun, length_s, hour)))
    thread = Thread(target=_run, args=(loop, task), name="devices", daemon=True)
    thread.start()
    try:
        yield parts
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(_ENDS_S)


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    try:
        loop.run_until_complete(task)
    except asyncio.CancelledError:
        pass
    finally:
        loop.close()
