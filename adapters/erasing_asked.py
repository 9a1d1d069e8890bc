"""An erasure that another process wants: it asks by a row, and who runs the adapters of the file carries it out.

    asking = Asking(store)
    asking.erase("", "urn:ngsi-ld:Person:1")        # a hub, or a worker of it, that runs no adapters itself
    for asked in asking.open(): asking.carry_out(asked)   # who runs them: while nothing is on its way to the hub

Where nobody runs them, who asks does it alone. A row names nobody any more once it is carried out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, cast

import apsw
import orjson

from adapters.erasing import erase_within
from adapters.store import AdapterStore, NotKept, UnusableFile

PATIENCE_S: Final = 20.0
"""A batch that is on its way to the hub comes first."""
LOOK_S: Final = 0.05
_TABLES: Final = (
    """CREATE TABLE erasure (
        number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, entity TEXT NOT NULL, gone BLOB
    ) STRICT""",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An entity that is to be erased."""

    number: int
    tenant: str
    entity_id: str


class Asking:
    """The rows of a file."""

    def __init__(self, store: AdapterStore) -> None:
        store.tables("erasing", _TABLES)
        self._store = store

    def erase(self, tenant: str, entity_id: str) -> dict[str, int]:
        """How many rows of which table went; durable on return. Raises NotKept: then nothing did, nor will."""
        asked = self._ask(tenant, entity_id)
        end = time.monotonic() + PATIENCE_S
        while True:
            if self._is_alone():
                self.carry_out(asked)
            late = time.monotonic() > end
            if (gone := self._answer(asked, withdraw=late)) is not None:
                return gone
            if late:
                raise NotKept("the process that runs the adapters did not come to erase what it keeps")
            time.sleep(LOOK_S)

    def open(self) -> list[Asked]:
        """What is to be erased, in the order it was asked for."""
        rows = self._store.read("SELECT number, tenant, entity FROM erasure WHERE gone IS NULL ORDER BY number")
        return [Asked(*cast("tuple[int, str, str]", row)) for row in rows]

    def carry_out(self, asked: Asked) -> None:
        """Erase it, if nobody did; durable on return. Raises NotKept."""

        def work(db: apsw.Connection) -> None:
            if db.execute("SELECT 1 FROM erasure WHERE number = ? AND gone IS NULL", (asked.number,)).fetchall():
                gone = erase_within(self._store, db, asked.tenant, asked.entity_id)
                told = orjson.dumps(gone)
                db.execute(
                    "UPDATE erasure SET tenant = '', entity = '', gone = ? WHERE number = ?", (told, asked.number)
                )

        self._store.write(work).result()

    def _ask(self, tenant: str, entity_id: str) -> Asked:
        def work(db: apsw.Connection) -> int:
            db.execute("INSERT INTO erasure (tenant, entity) VALUES (?, ?)", (tenant, entity_id))
            return db.last_insert_rowid()

        return Asked(self._store.write(work).result(), tenant, entity_id)

    def _answer(self, asked: Asked, *, withdraw: bool) -> dict[str, int] | None:
        """What went, None while nothing did; the row goes then, and where nothing shall go any more."""
        condition = "number = ?" if withdraw else "number = ? AND gone IS NOT NULL"

        def work(db: apsw.Connection) -> bytes | None:
            sql = f"DELETE FROM erasure WHERE {condition} RETURNING gone"  # noqa: S608  one of two
            rows = db.execute(sql, (asked.number,)).fetchall()
            return cast("bytes | None", rows[0][0]) if rows else None

        if not withdraw and not self._store.read(f"SELECT 1 FROM erasure WHERE {condition}", (asked.number,)):  # noqa: S608
            return None
        told = self._store.write(work).result()
        return None if told is None else cast("dict[str, int]", orjson.loads(told))

    def _is_alone(self) -> bool:
        try:
            self._store.run_alone()
        except UnusableFile:
            return False
        return True
