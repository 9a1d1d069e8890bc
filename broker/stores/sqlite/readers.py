"""Read connections: a few for each tenant in use, at most 256 tenants, the least used let go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final

import apsw

from broker.query.patterns import compile_pattern
from broker.stores.sqlite.files import READ_CACHE_KIB, check, connect, upgrade
from broker.stores.sqlite.index import TEXT_CHARACTERS_MAX
from broker.stores.sqlite.names import ReadNames
from broker.stores.sqlite.offsets import Offsets
from broker.stores.sqlite.schema import TENANT_STEPS, UnusableFile

TENANTS_MAX: Final = 256
IDLE_MAX: Final = 8  # connections kept a tenant
CHECK_SECONDS_MAX: Final = 0.01  # at a tenant's first open: a small file whole, a large one in part


class Tenant:
    """A tenant's idle read connections, and what is known of its file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names = ReadNames()
        self.offsets = Offsets()
        self.idle: list[apsw.Connection] = []
        self.closed = False

    def take(self) -> apsw.Connection:
        """A connection to read with, to be given back."""
        try:
            return self.idle.pop()
        except IndexError:
            return _connect(self.path)

    def give(self, db: apsw.Connection) -> None:
        """Take a connection back, outside of any transaction."""
        if self.closed or len(self.idle) >= IDLE_MAX:
            db.close()
        else:
            self.idle.append(db)

    def close(self) -> None:
        """Let go of the idle connections; those in use follow when they come back."""
        self.closed = True
        while self.idle:
            self.idle.pop().close()


class Readers:
    """Hands out connections; one is in the hands of one thread at a time."""

    def __init__(self, path_of: Callable[[str], Path]) -> None:
        self._path_of = path_of
        self._tenants: OrderedDict[str, Tenant] = OrderedDict()
        self._seen: set[str] = set()
        self._lock = Lock()

    @contextmanager
    def use(self, name: str) -> Iterator[tuple[apsw.Connection, Tenant]]:
        """A connection to the tenant's file, and what is known of it."""
        tenant = self.of(name)
        db = tenant.take()
        try:
            yield db, tenant
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
            tenant.give(db)

    def close(self) -> None:
        """Let go of all of them."""
        with self._lock:
            while self._tenants:
                self._tenants.popitem()[1].close()

    def forget(self, name: str) -> None:
        """Let go of a tenant's connections."""
        with self._lock:
            tenant = self._tenants.pop(name, None)
        if tenant is not None:
            tenant.close()

    def of(self, name: str) -> Tenant:
        """The tenant's connections, its file looked through if it is new here. Raises NonexistentTenant."""
        tenant = self._tenants.get(name)
        if tenant is not None:
            if len(self._tenants) > 1:
                with self._lock:
                    if name in self._tenants:
                        self._tenants.move_to_end(name)
            return tenant
        path = self._path_of(name)
        if name not in self._seen:
            first_open(path)
            self._seen.add(name)
        with self._lock:
            tenant = self._tenants.setdefault(name, Tenant(path))
            while len(self._tenants) > TENANTS_MAX:
                self._tenants.popitem(last=False)[1].close()
        return tenant


def first_open(path: Path) -> None:
    """Bring a tenant's file up to date and look it through. Raises UnusableFile."""
    upgrade(path, TENANT_STEPS)
    faults = check(path, CHECK_SECONDS_MAX)
    if faults:
        raise UnusableFile(f"{path} is damaged: {'; '.join(faults[:3])}. Restore it from a backup.")


def _connect(path: Path) -> apsw.Connection:
    db = connect(path, cache_kib=READ_CACHE_KIB, writes=False)
    db.create_scalar_function("may_match", _may_match, 2, deterministic=True)
    db.create_scalar_function("matches_pattern", _matches_pattern, 2, deterministic=True)
    return db


def _may_match(*given: Any) -> int:  # noqa: ANN401 - what SQLite gives
    """Whether a text that may have been cut can match."""
    regex, text = given
    return bool(len(text) >= TEXT_CHARACTERS_MAX) or compile_pattern(regex).search(text) is not None


def _matches_pattern(*given: Any) -> int:  # noqa: ANN401
    regex, text = given
    return compile_pattern(regex).search(text) is not None
