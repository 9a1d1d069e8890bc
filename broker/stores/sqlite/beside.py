"""What others keep in a data directory beside the store, for its backups: SQLite files of theirs, and the hub's keys.

In the order in which they are copied: the head of the audit that stands beside it is never newer than the audit, the
audit never older than what services keep, keys never older than what was signed. Services come after the tenants:
who withdrew while the copy was made has withdrawn in it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import apsw

from broker.stores.sqlite.files import READ_CACHE_KIB, connect
from broker.stores.sqlite.schema import UnusableFile

BESIDE: Final = ("adapters.sqlite", "services.sqlite", "identity.sqlite", "audit.sqlite")
"""Files of others in the directory."""
BEFORE: Final = BESIDE[:1]
"""Those that are copied before the tenants: what they have still to write is never lost."""
AFTER: Final = BESIDE[1:]
KEYS: Final = "keys"
HEAD: Final = "audit.head"
STEP_PAGES: Final = 256  # 1 MiB between two words to whoever watches
SYNC_BYTES: Final = 32 << 20  # written back this often: one large sync at the end would hold up the writers' syncs
_KEY: Final = re.compile(rf"{KEYS}/(?:{re.escape(HEAD)}|[0-9A-Za-z][0-9A-Za-z_-]*\.jwk)")

Told: TypeAlias = Callable[[str, int, int], None]
"""Gets a file's name, the bytes done and its size, MiB by MiB."""


@dataclass(frozen=True, slots=True)
class Beside:
    """One file of others; `size` in bytes."""

    file: str
    size: int
    sha256: str

    @property
    def private(self) -> bool:
        """Whether its owner alone may read it: a key, or what stands with the keys."""
        return self.file.startswith(f"{KEYS}/")

    @property
    def named(self) -> bool:
        """Whether a data directory has such a file."""
        return self.file in BESIDE or _KEY.fullmatch(self.file) is not None


def copy_files(directory: Path, partial: Path, names: tuple[str, ...], told: Told) -> Iterator[Beside]:
    """Copy those that are there. Raises UnusableFile."""
    for name in names:
        if (directory / name).is_file():
            yield _copy(directory, partial, name, told)


def copy_head(directory: Path, partial: Path) -> Iterator[Beside]:
    """Copy the head of the audit, where it stands with the keys."""
    if (directory / KEYS / HEAD).is_file():
        yield _copy_private(directory, partial, HEAD)


def copy_keys(directory: Path, partial: Path) -> Iterator[Beside]:
    """Copy the hub's private keys."""
    for path in sorted((directory / KEYS).glob("*.jwk")):
        if _KEY.fullmatch(f"{KEYS}/{path.name}"):
            yield _copy_private(directory, partial, path.name)


def make_private(path: Path) -> None:
    """An empty file that its owner alone may read, in a folder that nobody else may look into."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)


def digest(path: Path) -> str:
    """The hash of a file that is durable."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_pages(db: apsw.Connection, copy: Path, told: Callable[[int, int], None]) -> None:
    """Copy page by page on the transaction that `db` holds; one of its own would begin again at every commit."""
    page = int(db.pragma("page_size"))
    out = apsw.Connection(str(copy))
    try:
        out.pragma("synchronous", "OFF")
        written = 0
        with copy.open("rb") as file, out.backup("main", db, "main") as pages:
            while not pages.done:
                pages.step(STEP_PAGES)
                done = (pages.page_count - pages.remaining) * page
                if done - written >= SYNC_BYTES:
                    os.fdatasync(file.fileno())
                    written = done
                told(done, pages.page_count * page)
    finally:
        out.close()


def _copy(directory: Path, partial: Path, name: str, told: Told) -> Beside:
    """As it is at one moment."""
    source, copy = directory / name, partial / name
    db = connect(source, cache_kib=READ_CACHE_KIB, writes=False)
    try:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM sqlite_master").fetchall()
        copy_pages(db, copy, lambda done, size: told(name, done, size))
    except apsw.Error as error:
        raise UnusableFile(f"{source} could not be copied to {copy}: {error}") from error
    finally:
        db.close()
    return Beside(name, copy.stat().st_size, digest(copy))


def _copy_private(directory: Path, partial: Path, name: str) -> Beside:
    copy = partial / KEYS / name
    make_private(copy)
    copy.write_bytes((directory / KEYS / name).read_bytes())
    return Beside(f"{KEYS}/{name}", copy.stat().st_size, digest(copy))
