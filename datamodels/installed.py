"""The packages of a broker: those that come with it and those that were installed, read again when one changes.

    installed.library()   what there is now; looks around every FRESH_S, so that no restart is needed
    Copies(installed)     URL of a package's @context -> the document: known without being fetched

A folder that cannot be read changes nothing: the packages stay as they were, and `fault` says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Final, Protocol

from broker.model.values import Json
from datamodels.contexts import TermClash, context_of
from datamodels.library import Library, built_in, read_beside_built_in, read_library
from datamodels.reading import BadSource, homes_of

FRESH_S: Final = 0.5
_Stamp = tuple[tuple[str, int, int], ...]


class Installed:
    """Packages of these folders, a later one's before an earlier one's of its name. Any thread may ask.

    Raises BadSource at the start where a package cannot be read: a broker whose models are not what its operator
    thinks must not start.
    """

    def __init__(self, *folders: Path, seconds: Callable[[], float] = time.monotonic) -> None:
        self._folders, self._seconds, self._lock = folders, seconds, Lock()
        self._stamp = _stamp(folders)
        self._library, self._documents = _read(folders)
        self._looked_at = seconds()
        self._changes, self._fault = 0, ""

    def library(self) -> Library:
        """The packages as they are now."""
        self._look_around()
        return self._library

    def changes(self) -> int:
        """How often they have changed since the start."""
        self._look_around()
        return self._changes

    def contexts(self) -> Mapping[str, dict[str, Json]]:
        """URL -> the document of each package's @context."""
        self._look_around()
        return self._documents

    def fault(self) -> str:
        """Why what is in the folders now is not used; empty where it is."""
        self._look_around()
        return self._fault

    def _look_around(self) -> None:
        now = self._seconds()
        if now - self._looked_at < FRESH_S:
            return
        with self._lock:
            self._looked_at = now
            try:
                stamp = _stamp(self._folders)
                if stamp == self._stamp:
                    return
                self._stamp = stamp
                self._library, self._documents = _read(self._folders)
            except (BadSource, TermClash, OSError) as fault:  # a package may go while it is looked at
                self._fault = str(fault)
                return
            self._changes, self._fault = self._changes + 1, ""


class Contexts(Protocol):
    """The @contexts of packages."""

    def contexts(self) -> Mapping[str, dict[str, Json]]:
        """URL -> the document."""


class Copies(Mapping[str, dict[str, Json]]):
    """Local copies of @contexts: those of the packages, and before them those that an operator gave."""

    def __init__(self, installed: Contexts, given: Mapping[str, dict[str, Json]]) -> None:
        self._installed, self._given = installed, given

    def __getitem__(self, url: str) -> dict[str, Json]:
        """The document behind a URL."""
        found = self._given.get(url)
        return self._installed.contexts()[url] if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter({**self._installed.contexts(), **self._given})

    def __len__(self) -> int:
        return len({**self._installed.contexts(), **self._given})


def _read(folders: tuple[Path, ...]) -> tuple[Library, dict[str, dict[str, Json]]]:
    home, *others = folders
    library = read_beside_built_in(*others) if home == built_in() else read_library(*folders)
    return library, {package.context: context_of(package) for package in library.packages.values()}


def _stamp(folders: tuple[Path, ...]) -> _Stamp:
    """Changes where a package comes, goes, is replaced as a whole (`misono models install`), or has another head."""
    stats = [(str(home), home.stat(), (home / "package.yaml").stat()) for home in homes_of(*folders).values()]
    return tuple((name, whole.st_ino, head.st_mtime_ns) for name, whole, head in stats)
