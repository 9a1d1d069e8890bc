"""The tables of consents, in `services.sqlite`. Persons stand in them by number, so that they can be forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeAlias

Bound: TypeAlias = "int | str | None"


class Database(Protocol):
    """A connection within a transaction of the file's writer."""

    def execute(self, statements: str, bindings: Sequence[Bound] = ..., /) -> Iterable[tuple[object, ...]]:
        """Rows."""

    def executemany(self, statements: str, sequenceofbindings: Iterable[Sequence[Bound]], /) -> object:
        """Once for each."""


def _stays(table: str) -> tuple[str, str]:
    """Rows of a history are neither changed nor removed."""
    return (
        f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'history stays'); END",
        f"CREATE TRIGGER {table}_remains BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'history stays'); END",
    )


_ROW: Final = "number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL"
STEPS: Final = (
    (f"CREATE TABLE consents_person ({_ROW}, subject TEXT NOT NULL, UNIQUE (tenant, subject)) STRICT"),
    (
        f"CREATE TABLE consents_event ({_ROW}, record TEXT NOT NULL,"
        " version INTEGER NOT NULL, at INTEGER NOT NULL, act TEXT NOT NULL, by TEXT NOT NULL, actor INTEGER NOT NULL,"
        " changed TEXT NOT NULL, UNIQUE (tenant, record, version)) STRICT"
    ),
    *_stays("consents_event"),
    (
        f"CREATE TABLE consents_record ({_ROW}, id TEXT NOT NULL,"
        " person INTEGER NOT NULL, recipient TEXT NOT NULL, purpose TEXT NOT NULL, state TEXT NOT NULL,"
        " version INTEGER NOT NULL, at INTEGER NOT NULL, epoch INTEGER NOT NULL, due INTEGER, joint TEXT, terms TEXT,"
        " body TEXT NOT NULL, UNIQUE (tenant, id)) STRICT"
    ),
    "CREATE INDEX consents_record_person ON consents_record (tenant, person, number)",
    "CREATE INDEX consents_record_recipient ON consents_record (tenant, recipient, number)",
    "CREATE INDEX consents_record_terms ON consents_record (tenant, terms) WHERE terms IS NOT NULL",
    "CREATE INDEX consents_record_joint ON consents_record (tenant, joint) WHERE joint IS NOT NULL",
    "CREATE INDEX consents_record_due ON consents_record (due) WHERE due IS NOT NULL",
    (
        f"CREATE TABLE consents_terms ({_ROW}, id TEXT NOT NULL,"
        " version INTEGER NOT NULL, recipient TEXT NOT NULL, purpose TEXT NOT NULL, at INTEGER NOT NULL,"
        " ended INTEGER, body TEXT NOT NULL, UNIQUE (tenant, id, version)) STRICT"
    ),
    (
        f"CREATE TABLE consents_notice ({_ROW}, id TEXT NOT NULL,"
        " person INTEGER NOT NULL, terms INTEGER NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL,"
        " body TEXT NOT NULL, UNIQUE (tenant, id)) STRICT"
    ),
    (
        f"CREATE TABLE consents_delegation ({_ROW}, id TEXT NOT NULL,"
        " person INTEGER NOT NULL, delegate INTEGER NOT NULL, kind TEXT NOT NULL, scope TEXT NOT NULL,"
        " since INTEGER NOT NULL, until INTEGER NOT NULL, ended INTEGER, due INTEGER, UNIQUE (tenant, id)) STRICT"
    ),
    "CREATE INDEX consents_delegation_person ON consents_delegation (tenant, person)",
    "CREATE INDEX consents_delegation_delegate ON consents_delegation (tenant, delegate)",
    (
        f"CREATE TABLE consents_emergency ({_ROW}, id TEXT NOT NULL,"
        " principal TEXT NOT NULL, reason TEXT NOT NULL, everybody INTEGER NOT NULL, since INTEGER NOT NULL,"
        " until INTEGER NOT NULL, ended INTEGER, due INTEGER, UNIQUE (tenant, id)) STRICT"
    ),
    (
        "CREATE TABLE consents_looked_at (emergency INTEGER NOT NULL, person INTEGER NOT NULL,"
        " PRIMARY KEY (person, emergency)) STRICT, WITHOUT ROWID"
    ),
    (
        f"CREATE TABLE consents_deletion ({_ROW}, id TEXT NOT NULL,"
        " record TEXT NOT NULL, person INTEGER NOT NULL, recipient TEXT NOT NULL, asked INTEGER NOT NULL,"
        " deadline INTEGER NOT NULL, confirmed INTEGER, items TEXT NOT NULL, UNIQUE (tenant, id)) STRICT"
    ),
    "CREATE INDEX consents_deletion_recipient ON consents_deletion (tenant, recipient, number)",
    "CREATE INDEX consents_deletion_person ON consents_deletion (tenant, person, number)",
    (
        f"CREATE TABLE consents_receipt ({_ROW}, id TEXT NOT NULL, record TEXT NOT NULL,"
        " version INTEGER NOT NULL, form TEXT NOT NULL, language TEXT NOT NULL, at INTEGER NOT NULL,"
        " hash TEXT NOT NULL, key TEXT NOT NULL, UNIQUE (tenant, id), UNIQUE (tenant, record, version, form, language)"
        ") STRICT"
    ),
    (
        f"CREATE TABLE consents_log ({_ROW}, kind TEXT NOT NULL,"
        " id TEXT NOT NULL, at INTEGER NOT NULL, act TEXT NOT NULL, by TEXT NOT NULL, actor INTEGER NOT NULL,"
        " changed TEXT NOT NULL) STRICT"
    ),
    *_stays("consents_log"),
    "CREATE INDEX consents_log_id ON consents_log (tenant, id)",
    (
        "CREATE TABLE consents_show (number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL,"
        " id TEXT NOT NULL, wanted INTEGER NOT NULL, shown INTEGER NOT NULL, UNIQUE (tenant, id)) STRICT"
    ),
    "CREATE TABLE consents_left (person INTEGER PRIMARY KEY, at INTEGER NOT NULL, due INTEGER) STRICT",
    "CREATE INDEX consents_show_ahead ON consents_show (number) WHERE shown < wanted",
    "ALTER TABLE consents_delegation ADD COLUMN evidence TEXT",
    "ALTER TABLE consents_terms ADD COLUMN noted INTEGER",
    (
        f"CREATE TABLE consents_conditions ({_ROW}, version TEXT NOT NULL, at INTEGER NOT NULL,"
        " lapses INTEGER NOT NULL, body TEXT NOT NULL, noted INTEGER, UNIQUE (tenant, version)) STRICT"
    ),
    (
        "CREATE TABLE consents_agreement (conditions INTEGER NOT NULL, person INTEGER NOT NULL, at INTEGER NOT NULL,"
        " PRIMARY KEY (conditions, person)) STRICT, WITHOUT ROWID"
    ),
    "ALTER TABLE consents_notice ADD COLUMN used INTEGER",
    "CREATE INDEX consents_notice_unused ON consents_notice (until) WHERE used IS NULL",
)
