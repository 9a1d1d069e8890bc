"""A data directory as a store to copy from or to: reads are short, so that a broker may work in it meanwhile.

Written is with a connection of its own, in transactions of the batches that come; nobody else may use it then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from broker.model.entity import Entity
from broker.model.values import Json
from broker.ports import Labels
from broker.stores.moving import COPY_ID, COPY_KIND, Item, Key, Row, Span, Vanished
from broker.stores.sqlite import changelog, moving_items, moving_rows
from broker.stores.sqlite.documents import Hub
from broker.stores.sqlite.dues import Dues, next_due
from broker.stores.sqlite.files import READ_CACHE_KIB, connect, create, hub_path, prepare, tenant_path, upgrade
from broker.stores.sqlite.moving_items import Putting
from broker.stores.sqlite.schema import TENANT_STEPS, UnusableFile
from broker.stores.sqlite.writer import Open

_TABLES: Final = {
    "entity": "entity", "history": "history", "log": "change_log", "held": "held", "mark": "mark",
    "delivery": "delivery", "dead": "dead_letter", "outbox": "outbox",
}  # fmt: skip

WAL_PAGES: Final = 8_192


class Directory:
    """Source and Target over a data directory. Raises UnusableFile for one from a newer release."""

    def __init__(self, directory: Path, label: Callable[[Entity], Labels], *, make: bool = False) -> None:
        self._directory, self._label = directory, label
        if make:
            prepare(directory)
        elif not hub_path(directory).is_file():
            raise UnusableFile(f"{directory} holds no store: it has no {hub_path(directory).name}.")
        self._hub = Hub(hub_path(directory))
        self._documents = connect(hub_path(directory), cache_kib=READ_CACHE_KIB, writes=True)
        self._documents.wal_autocheckpoint(1_000)
        self._read: tuple[str, apsw.Connection] | None = None
        self._open: tuple[str, Open, Putting] | None = None

    def tenants(self) -> list[str]:
        """All, and places; the default one first."""
        return self._hub.names()

    @contextmanager
    def moment(self, tenant: str) -> Iterator[None]:
        """A read transaction."""
        db = self._reading(tenant)
        db.execute("BEGIN")
        try:
            yield
        finally:
            db.execute("ROLLBACK")

    def marks(self, tenant: str) -> Iterator[list[tuple[str, str]]]:
        """Every id and its mark."""
        return moving_items.marks(self._reading(tenant))

    def marks_of(self, tenant: str, iris: Sequence[str]) -> dict[str, str]:
        """The marks of those there are."""
        return {item.iri: item.mark for item in moving_items.heads(self._reading(tenant), iris)}

    def items(self, tenant: str, iris: Sequence[str]) -> list[Item]:
        """Those there are."""
        return moving_items.items(self._reading(tenant), iris)

    def spans(self, tenant: str, item: Item) -> Iterator[Span]:
        """Its instances."""
        return moving_items.spans(self._reading(tenant), item)

    def rows(self, tenant: str | None, part: str) -> Iterator[Row]:
        """The rows of a part."""
        if tenant is None:
            return moving_rows.documents(self._documents)
        return moving_rows.rows(self._reading(tenant), tenant, part)

    def logged(self, tenant: str, after: int) -> Iterator[Row]:
        """The rows of the log from there on."""
        return moving_rows.logged(self._reading(tenant), after)

    def newest(self, tenant: str) -> int:
        """The highest sequence of the log."""
        return changelog.bounds(self._reading(tenant))[1]

    def trimmed(self, tenant: str) -> int:
        """What is before the oldest row of the change log."""
        return max(0, changelog.bounds(self._reading(tenant))[0] - 1)

    def counts(self, tenant: str) -> dict[str, int]:
        """How many records there are."""
        db = self._reading(tenant)
        return {name: int(db.execute(f"SELECT count(*) FROM {_TABLES[name]}").get) for name in _TABLES}  # noqa: S608

    def copy_of(self) -> dict[str, Json] | None:
        """What it says of itself where it is a copy."""
        found = self._hub.find(COPY_KIND, COPY_ID)
        return None if found is None else found.body

    def make(self, tenant: str) -> None:
        """From now on it is there."""
        path = tenant_path(self._directory, tenant)
        if not path.exists():
            create(path, TENANT_STEPS)
        self._hub.add([tenant] if tenant else [])

    def unmake(self, place: str) -> None:
        """Nothing is left of it."""
        self._let_go()
        self._hub.remove(place)
        path = tenant_path(self._directory, place)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    def ids(self, tenant: str) -> Iterator[list[str]]:
        """Every id."""
        return ([iri for iri, _ in batch] for batch in self.marks(tenant))

    def marks_put(self, tenant: str, iris: Sequence[str]) -> dict[str, str]:
        """The marks of those there are."""
        return self.marks_of(tenant, iris)

    def put(self, tenant: str, moved: Sequence[tuple[Item, Iterable[Span]]]) -> None:
        """Write, or write anew, in one transaction."""
        held, putting = self._writing(tenant)
        with _transaction(held):
            putting.put(moved)

    def drop(self, tenant: str, iris: Sequence[str]) -> None:
        """Nothing is left of these."""
        held, putting = self._writing(tenant)
        with _transaction(held):
            putting.drop(iris)

    def put_rows(self, tenant: str | None, part: str, rows: Sequence[Row]) -> None:
        """Write, or write anew."""
        if tenant is None:
            moving_rows.put_documents(self._documents, rows)
            return
        held, _ = self._writing(tenant)
        with _transaction(held):
            moving_rows.put(held.db, part, rows)

    def drop_rows(self, tenant: str | None, part: str, keys: Sequence[Key]) -> None:
        """Nothing is left of these."""
        if tenant is None:
            moving_rows.drop_documents(self._documents, keys)
            return
        held, _ = self._writing(tenant)
        with _transaction(held):
            moving_rows.drop(held.db, part, keys)

    def finish(self, tenant: str, trimmed: int) -> None:  # noqa: ARG002 - the oldest row says it here
        """Say in the hub when something expires, and which kinds are held; empty the WAL."""
        held, _ = self._writing(tenant)
        dues = Dues(hub_path(self._directory))
        try:
            dues.end(tenant, next_due(held.db))
            for kind in moving_rows.kinds(held.db):
                dues.keep(kind, tenant)
        finally:
            dues.close()
        with _transaction(held):
            moving_rows.number_on(held.db)
        held.db.pragma("wal_checkpoint", "truncate")

    def close(self) -> None:
        """Let go of the files."""
        self._let_go()
        self._documents.close()
        self._hub.close()

    def _reading(self, tenant: str) -> apsw.Connection:
        if self._read is None or self._read[0] != tenant:
            if self._read is not None:
                self._read[1].close()
            path = tenant_path(self._directory, tenant)
            if not path.exists():
                raise Vanished(tenant)
            upgrade(path, TENANT_STEPS)
            self._read = tenant, connect(path, cache_kib=READ_CACHE_KIB, writes=False)
        return self._read[1]

    def _writing(self, tenant: str) -> tuple[Open, Putting]:
        if self._open is None or self._open[0] != tenant:
            if self._open is not None:
                self._open[1].db.close()
            held = Open(tenant_path(self._directory, tenant), tenant, self._label, lambda _: ())
            held.db.wal_autocheckpoint(WAL_PAGES)
            self._open = tenant, held, Putting(held)
        return self._open[1], self._open[2]

    def _let_go(self) -> None:
        if self._open is not None:
            self._open[1].db.close()
        if self._read is not None:
            self._read[1].close()
        self._open = self._read = None


@contextmanager
def _transaction(held: Open) -> Iterator[None]:
    """All of it, or nothing."""
    held.db.execute("BEGIN IMMEDIATE")
    done = False
    try:
        yield
        held.db.execute("COMMIT")
        done = True
    finally:
        if not done:
            held.forget()
