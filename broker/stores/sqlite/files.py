"""The files: where they are, and how a connection to one is set up.

DIR/hub.sqlite               tenants, hub-wide documents
DIR/default.sqlite           the default tenant
DIR/tenants/NAME.sqlite      the others; what is no letter or digit in a name is percent-coded
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

import apsw

from broker.stores.sqlite.schema import HUB_STEPS, TENANT_STEPS, UnusableFile, migrate, version

BUSY_MS: Final = 5_000  # how long a writer waits for another process' transaction
READ_CACHE_KIB: Final = 2_048
WRITE_CACHE_KIB: Final = 16_384
STATEMENTS: Final = 64
NAME_CHARACTERS_MAX: Final = 180  # a file's name has 255 bytes at most
CHECK_SECONDS_MAX: Final = 1.0  # at start; `misono check` takes its time
_CHECK_OPS: Final = 100_000
_QUICK: Final = "PRAGMA quick_check"
_THOROUGH: Final = "PRAGMA integrity_check"


def hub_path(directory: Path) -> Path:
    """The hub's file."""
    return directory / "hub.sqlite"


def tenant_path(directory: Path, tenant: str) -> Path:
    """A tenant's file: `city/1` is in `tenants/city%2F1.sqlite`."""
    if not tenant:
        return directory / "default.sqlite"
    name = quote(tenant, safe="").replace(".", "%2E")
    if len(name) > NAME_CHARACTERS_MAX:
        name = "sha256-" + hashlib.sha256(tenant.encode()).hexdigest()
    return directory / "tenants" / f"{name}.sqlite"


def tenants_in(directory: Path) -> list[str]:
    """The tenants that the hub knows, the default one first. Raises UnusableFile."""
    path = hub_path(directory)
    db = connect(path, cache_kib=READ_CACHE_KIB, writes=False)
    try:
        return ["", *(str(row[0]) for row in db.execute("SELECT name FROM tenant ORDER BY name"))]
    except apsw.Error as error:
        raise UnusableFile(f"{path}: {error}") from error
    finally:
        db.close()


def connect(path: Path, *, cache_kib: int, writes: bool) -> apsw.Connection:
    """A connection to a file that exists. Raises UnusableFile for what is no database."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=STATEMENTS)
    try:
        db.set_busy_timeout(BUSY_MS)
        db.pragma("cache_size", -cache_kib)
        # Sub-journals and sorters stay in memory: on disk they cost two writes for every page touched.
        db.pragma("temp_store", "memory")
        if writes:
            db.pragma("synchronous", "FULL")
            db.wal_autocheckpoint(0)
        else:
            db.pragma("query_only", value=True)
    except apsw.Error as error:
        db.close()
        raise UnusableFile(f"{path}: {error}") from error
    return db


def create(path: Path, steps: tuple[str, ...]) -> None:
    """Make the file with its tables; whoever is first wins, and nobody sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    db = apsw.Connection(str(fresh))
    db.pragma("journal_mode", "wal")
    migrate(db, steps)
    db.close()
    publish(fresh, path)


def copy(template: bytes, path: Path) -> None:
    """Make the file with the template's content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    with fresh.open("xb") as file:
        file.write(template)
        file.flush()
        os.fsync(file.fileno())
    publish(fresh, path)


def upgrade(path: Path, steps: tuple[str, ...]) -> None:
    """Bring an existing file up to date."""
    db = connect(path, cache_kib=READ_CACHE_KIB, writes=True)
    try:
        if version(db) != len(steps):
            migrate(db, steps)
    finally:
        db.close()


def prepare(directory: Path) -> None:
    """Make, or bring up to date and look through, the hub's and the default tenant's file.

    Raises UnusableFile.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for path, steps in ((hub_path(directory), HUB_STEPS), (tenant_path(directory, ""), TENANT_STEPS)):
        if not path.exists():
            create(path, steps)
        upgrade(path, steps)
        faults = check(path, CHECK_SECONDS_MAX)
        if faults:
            raise UnusableFile(f"{path} is damaged: {'; '.join(faults[:3])}. Restore it from a backup.")


def check(path: Path, seconds_max: float | None = None, *, thorough: bool = False) -> list[str]:
    """What SQLite's quick_check finds wrong; nothing where all is well, or nothing was found in the time given.

    `thorough`: its integrity_check, which looks at the order of indexes too.
    """
    db = connect(path, cache_kib=WRITE_CACHE_KIB, writes=False)
    end = None if seconds_max is None else time.monotonic() + seconds_max
    if end is not None:
        db.set_progress_handler(lambda: time.monotonic() > end, _CHECK_OPS)
    try:
        found = [str(row[0]) for row in db.execute(_THOROUGH if thorough else _QUICK)]
    except apsw.InterruptError:
        return []
    except apsw.Error as error:
        return [str(error)]
    finally:
        db.close()
    return [fault for fault in found if fault != "ok"]


def publish(fresh: Path, path: Path) -> None:
    """Give a file that is whole its name, durably; who was first wins."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        fresh.unlink()
    sync_directory(path.parent)


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
