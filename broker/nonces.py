"""Signatures that were used, so that none is used twice: in a file that all processes of a data directory share."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from broker.errors import ServiceUnavailable
from broker.keeping import KeptFile, NotKept
from broker.model.values import Instant
from broker.ports import Clock

if TYPE_CHECKING:
    from apsw import Connection

NAME: Final = "identity.sqlite"
_TABLES: Final = ("CREATE TABLE nonce (digest BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID",)


class Nonces:
    """Those of one hub; the file is made with the first one, and there is none for a hub in memory (`path` None)."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._held: dict[bytes, Instant] = {}
        self._holding = Lock()
        self._opened = False

    def first(self, digest: bytes, until: Instant) -> bool:
        """Whether this one was not used before; durable on return, kept until then. Raises ServiceUnavailable."""
        now = self._clock.now()
        if self._path is None:
            return self._first_held(digest, until, now)

        def note(db: Connection) -> bool:
            db.execute("DELETE FROM nonce WHERE until < ?", (now,))
            db.execute("INSERT OR IGNORE INTO nonce VALUES (?, ?)", (digest, until))
            return db.changes() == 1

        try:
            return self._file.write(note).result()
        except NotKept as error:
            raise ServiceUnavailable(str(error)) from error

    def close(self) -> None:
        """Let go of the file."""
        if self._opened:
            self._file.close()

    def _first_held(self, digest: bytes, until: Instant, now: Instant) -> bool:
        with self._holding:
            for one in [one for one, end in self._held.items() if end < now]:
                del self._held[one]
            if digest in self._held:
                return False
            self._held[digest] = until
            return True

    @cached_property
    def _file(self) -> KeptFile:
        assert self._path is not None
        file = KeptFile(self._path, "identity")
        self._opened = True
        file.tables("identity", _TABLES)
        return file
