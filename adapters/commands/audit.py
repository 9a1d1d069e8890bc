"""The audit of commands: who told which device what and when, and what came of it, as a chain that shows a change.

A row is written in the transaction of what it tells. It can be forgotten (a person's right, erasing.py) and the
chain holds.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Final

import apsw

from adapters.commands.rows import link_of, text
from adapters.commands.states import Commanded
from adapters.store import AdapterStore
from broker.audit.chain import SALT_BYTES, START, Link, canonical, digest, link, verify
from broker.model.values import Instant, Json, to_text

ROWS_MAX: Final = 1_000_000
"""Rows that are kept; the oldest are cut then, and the hash that the rest begins with is kept."""
CUT: Final = 10_000
_ROWS: Final = "SELECT number, at, digest, hash, salt, told FROM command_audit"
_PAGE: Final = 1000


def note(db: apsw.Connection, at: Instant, command: Commanded, event: str, details: Mapping[str, Json]) -> None:
    """Add a row, in the transaction that is open."""
    told: dict[str, Json] = {
        "event": event,
        "command": command.id,
        "tenant": command.tenant,
        "entity": command.entity,
        "attribute": command.attribute,
        "adapter": command.adapter,
        "device": command.device,
        "by": command.by,
        "status": command.status,
        **details,
    }
    add(db, at, told, (command.tenant, command.entity))


def add(db: apsw.Connection, at: Instant, told: Mapping[str, Json], of: tuple[str, str] | None) -> None:
    """Add what is told; `of` is the entity (tenant, id) whose erasure takes it along."""
    number, before = _last(db)
    salt = secrets.token_bytes(SALT_BYTES)
    found = digest(salt, told)
    made = link(before, number + 1, at, found)
    tenant, entity = of or (None, None)
    row = (number + 1, at, found, made, salt, canonical(told).decode(), tenant, entity)
    db.execute("INSERT INTO command_audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    if (number + 1) % CUT == 0:
        _cut(db, number + 1 - ROWS_MAX)


def _last(db: apsw.Connection) -> tuple[int, bytes]:
    found = next(iter(db.execute("SELECT number, hash FROM command_audit ORDER BY number DESC LIMIT 1")), None)
    found = found or next(iter(db.execute("SELECT number, hash FROM command_audit_cut")), None)
    if found is None:
        return 0, START
    number, hash_ = found
    assert isinstance(number, int)
    assert isinstance(hash_, bytes)
    return number, hash_


def _cut(db: apsw.Connection, number: int) -> None:
    """Drop what is older, this one included; its hash stays."""
    for (hash_,) in list(db.execute("SELECT hash FROM command_audit WHERE number = ?", (number,))):
        db.execute("DELETE FROM command_audit_cut")
        db.execute("INSERT INTO command_audit_cut VALUES (?, ?)", (number, hash_))
        db.execute("DELETE FROM command_audit WHERE number <= ?", (number,))


class Audit:
    """The rows, for who looks at them."""

    def __init__(self, store: AdapterStore) -> None:
        self._store = store

    def rows(self, after: int = 0, limit: int = 100) -> list[Link]:
        """Rows after a number, oldest first."""
        found = self._store.read(f"{_ROWS} WHERE number > ? ORDER BY number LIMIT ?", (after, limit))
        return [link_of(row) for row in found]

    def verify(self) -> tuple[int, str]:
        """How many rows there are and the hash of the last one, in hexadecimal. Raises Broken."""
        start = self._store.read("SELECT number, hash FROM command_audit_cut")
        number, before = start[0] if start else (0, START)
        assert isinstance(number, int)
        assert isinstance(before, bytes)
        count = 0

        def walked() -> Iterator[Link]:
            nonlocal count
            at = number
            while found := self.rows(at, _PAGE):
                yield from found
                count, at = count + len(found), found[-1].number

        last = verify(walked(), before, number).hex()
        return count, last


def told_text(row: Link) -> str:
    """One row as a line of JSON."""
    told: dict[str, Json] = {"number": row.number, "at": to_text(row.at), "hash": row.hash.hex()}
    return text({**told, **(row.told or {"erased": True})})
