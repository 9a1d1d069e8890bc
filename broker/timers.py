"""What happens without anybody asking: expired entities are removed (clause 4.22)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

log = logging.getLogger("misono.timers")


class Repeating:
    """Work done again and again in a thread of its own, `pause_s` after it ended last."""

    def __init__(self, name: str, pause_s: float, work: Callable[[], object]) -> None:
        self._pause_s = pause_s
        self._work = work
        self._stopped = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(self._pause_s):
            try:
                self._work()
            except Exception:  # an outermost loop: what failed once is tried again
                log.exception("%s failed", self._thread.name)

    def stop(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._stopped.set()
        self._thread.join()
