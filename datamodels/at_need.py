"""The packages of a broker, read when they are first needed: most brokers hold no type to a model.

at_need.now()     the packages as they were when they were last looked at; reads them where that was never
at_need.look()    look whether they have changed: for a timer, so that no write waits for it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock

from broker.model.values import Json
from broker.ports import INLINE, OverBudget
from datamodels.installed import Installed
from datamodels.library import Library


class AtNeed:
    """Packages of which nothing is read before somebody asks. Any thread may."""

    def __init__(self, make: Callable[[], Installed]) -> None:
        self._make, self._lock = make, Lock()
        self._made: Installed | None = None
        self._library: Library | None = None

    def now(self) -> Library:
        """The packages. Raises OverBudget on the event loop where they must be read first."""
        if self._library is None:
            if INLINE.get():
                raise OverBudget
            self.look()
        assert self._library is not None
        return self._library

    def look(self) -> None:
        """See whether a package came, went or changed."""
        self._library = self._installed().library()

    def contexts(self) -> Mapping[str, dict[str, Json]]:
        """URL -> the document of each package's @context."""
        return self._installed().contexts()

    def changes(self) -> int:
        """How often they have changed since they were read."""
        return 0 if self._made is None else self._made.changes()

    def fault(self) -> str:
        """Why what is in the folders now is not used; empty where it is."""
        return "" if self._made is None else self._made.fault()

    def _installed(self) -> Installed:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made
