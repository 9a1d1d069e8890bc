"""A thread that does one small thing again and again, whatever becomes of it each time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from pymongo.errors import PyMongoError

PATIENCE_S: Final = 5.0
"""So long the end waits for work under way: a server that is away would hold it up."""
RETRY_S: Final = 0.5
"""So soon it is tried again after a failure: a server that is back is noticed."""

log = logging.getLogger("misono.store")


class Beat:
    """Calls `work` every so many seconds until `stop`; what fails is tried again soon."""

    def __init__(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        self._name, self._seconds, self._work = name, seconds, work
        self._stopping = Event()
        self._failing = False
        self._thread = Thread(target=self._main, name=f"misono-{name}", daemon=True)

    def start(self) -> None:
        """The first call is one beat from now."""
        self._thread.start()

    def end(self) -> None:
        """No call comes any more; one may be under way."""
        self._stopping.set()

    def stop(self) -> None:
        """The same, and wait for it, though not for long."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_S)

    def _main(self) -> None:
        while not self._stopping.wait(min(self._seconds, RETRY_S) if self._failing else self._seconds):
            try:
                self._work()
                self._failing = False
            except PyMongoError as error:
                if not self._failing:  # one line for a server that is away, not five a second
                    log.warning("%s: the store does not answer (%s)", self._name, type(error).__name__)
                self._failing = True
            except Exception:  # an outermost loop: the next beat may do better
                if not self._failing:
                    log.exception("%s failed", self._name)
                self._failing = True
