"""A number among the processes on a data directory: the lowest that no living process has.

It is a lock on a file, which ends with its process however that ends: a broker that is started again after a crash has
its number again, and the leases that were taken under it.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO, Final

_SLOTS_MAX: Final = 256


class Slot:
    """One number, held until `release` or the end of the process."""

    def __init__(self, directory: Path) -> None:
        self.number, self._file = _take(directory)

    def release(self) -> None:
        """Let another process have it."""
        self._file.close()


def _take(directory: Path) -> tuple[int, IO[bytes]]:
    for number in range(_SLOTS_MAX):
        file = (directory / f"process-{number}.lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
        else:
            return number, file
    raise OSError(f"more than {_SLOTS_MAX} processes work in {directory}")


def taken(directory: Path) -> int:
    """How many processes have one now, this one among them."""
    return sum(_is_taken(path) for path in directory.glob("process-*.lock"))


def _is_taken(path: Path) -> bool:
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False
