"""Commands and the links of their audit as rows of a table, and back."""

from __future__ import annotations

import json
from typing import Final, cast

import apsw

from adapters.commands.states import Commanded, Status
from adapters.store import Row
from broker.audit.chain import Link
from broker.model.values import Json

STEPS: Final = (
    """
    CREATE TABLE command (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, entity TEXT NOT NULL,
      attribute TEXT NOT NULL, instance TEXT NOT NULL, adapter TEXT NOT NULL, device TEXT NOT NULL, name TEXT NOT NULL,
      by TEXT NOT NULL, made_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, part TEXT NOT NULL,
      once INTEGER NOT NULL, answers INTEGER NOT NULL, open INTEGER NOT NULL, status TEXT NOT NULL,
      result TEXT NOT NULL, sending INTEGER NOT NULL,
      attempts INTEGER NOT NULL, due INTEGER NOT NULL, changed_at INTEGER NOT NULL, told TEXT NOT NULL DEFAULT ''
    ) STRICT
    """,
    "CREATE INDEX command_pending ON command (adapter, tenant, device, number) WHERE status = 'PENDING'",
    "CREATE INDEX command_open ON command (expires_at) WHERE open",
    "CREATE INDEX command_to ON command (adapter, device, number)",
    "CREATE INDEX command_untold ON command (number) WHERE told <> status",
    "CREATE INDEX command_of ON command (tenant, entity, attribute, number)",
    "CREATE TABLE command_position (tenant TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    """
    CREATE TABLE command_audit (
      number INTEGER PRIMARY KEY, at INTEGER NOT NULL, digest BLOB NOT NULL, hash BLOB NOT NULL, salt BLOB, told TEXT,
      tenant TEXT, entity TEXT
    ) STRICT
    """,
    "CREATE INDEX command_audit_of ON command_audit (tenant, entity) WHERE told IS NOT NULL",
    "CREATE TABLE command_audit_cut (number INTEGER NOT NULL, hash BLOB NOT NULL) STRICT",
    "CREATE TABLE command_key (key BLOB NOT NULL) STRICT",
)
"""`told` is the status that the entity shows; it is written again while it is another one."""
COLUMNS: Final = (
    "id, tenant, entity, attribute, instance, adapter, device, name, by, made_at, expires_at, part, once, answers, "
    "status, result, sending, attempts, due, changed_at, number, open"
)
SELECT: Final = f"SELECT {COLUMNS} FROM command WHERE "  # noqa: S608  constants only
OPEN: Final = "open"
"""Commands of which something is waited for."""
INSERT: Final = f"INSERT INTO command ({COLUMNS}) VALUES ({', '.join('?' * 22)})"  # noqa: S608  constants only
UPDATE: Final = "UPDATE command SET open=?, status=?, result=?, sending=?, attempts=?, due=?, changed_at=? WHERE id=?"


def row_of(command: Commanded) -> tuple[apsw.SQLiteValue, ...]:
    """As INSERT takes it; the number is given by the table."""
    return (
        command.id, command.tenant, command.entity, command.attribute, text(dict(command.instance)), command.adapter,
        command.device, command.name, command.by, command.made_at, command.expires_at, command.part, command.once,
        command.answers, command.status, text(command.result), command.sending, command.attempts, command.due,
        command.changed_at, None, not command.done,
    )  # fmt: skip


def changes_of(command: Commanded) -> tuple[apsw.SQLiteValue, ...]:
    """As UPDATE takes it."""
    return (
        not command.done, command.status, text(command.result), command.sending, command.attempts, command.due,
        command.changed_at, command.id,
    )  # fmt: skip


def command_of(row: Row) -> Commanded:
    """The command of a row of COLUMNS."""
    texts = [str(one) for one in row]
    return Commanded(
        id=texts[0], tenant=texts[1], entity=texts[2], attribute=texts[3], instance=json.loads(texts[4]),
        adapter=texts[5], device=texts[6], name=texts[7], by=texts[8], made_at=int(texts[9]),
        expires_at=int(texts[10]), part=texts[11], once=bool(row[12]), answers=bool(row[13]),
        status=cast("Status", texts[14]), result=json.loads(texts[15]), sending=bool(row[16]),
        attempts=int(texts[17]), due=int(texts[18]), changed_at=int(texts[19]), number=int(texts[20]),
    )  # fmt: skip


def link_of(row: Row) -> Link:
    """The link of a row `number, at, digest, hash, salt, told`."""
    number, at, digest, hash_, salt, told = row
    assert isinstance(number, int)
    assert isinstance(at, int)
    assert isinstance(digest, bytes)
    assert isinstance(hash_, bytes)
    kept = salt if isinstance(salt, bytes) else None
    return Link(number, at, digest, hash_, kept, json.loads(told) if isinstance(told, str) else None)


def text(value: Json) -> str:
    """A value as the tables hold it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
