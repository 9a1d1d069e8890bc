"""What a room does by itself, again and again, and whether it could: for its `start`, `stop` and `state`."""

from __future__ import annotations

import logging
from collections.abc import Callable

from broker.model.values import Json
from broker.timers import Repeating

log = logging.getLogger("misono.services")


class Looking:
    """Work done every so many seconds from `start` to `stop`; `waiting` says what is not done while it fails.

    What fails is tried again; the log has the first failure of a row, `state` says that there is one.
    """

    def __init__(self, name: str, every_s: float, work: Callable[[], object], waiting: str) -> None:
        self._name, self._every_s, self._work, self._waiting = name, every_s, work, waiting
        self._repeating: Repeating | None = None
        self.wrong: str = ""

    def start(self) -> None:
        """Begin."""
        self._repeating = Repeating(self._name, self._every_s, self.once)

    def stop(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        if self._repeating is not None:
            self._repeating.stop()

    def state(self) -> Json:
        """`ok`, or what waits."""
        return self.wrong or "ok"

    def once(self) -> None:
        """Do it now; a failure is told and kept, not raised."""
        try:
            self._work()
        except Exception as error:  # the outermost loop of a room: what failed once is tried again
            if not self.wrong:
                log.warning("%s: %s: %s", self._name, self._waiting, error, exc_info=True)
            self.wrong = self._waiting
        else:
            self.wrong = ""
