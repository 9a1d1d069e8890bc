"""The tables, and the steps that lead an older file to them.

A file's `user_version` counts the steps it has seen. One file a tenant:

    name          text <-> number: type IRIs, and leaf paths (`query.leaves.path_key`; another for what has no order)
    entity        the stored document and its system attributes; `number` order is creation order
    entity_type   type -> entities, in creation order
    entity_scope  scope, without its leading slash -> entities
    probe         an entity's leaves as JSONB, path -> [values]: asked where the candidate is known
    leaf          (path, value) -> entities: asked where the value is known
    uncovered     attributes with more leaves than are kept: their entity is a candidate for every term on them
    bounds        R*Tree over the boxes of GeoProperties; id = entity * 2**20 + ordinal
    shape         types and attribute kinds that occur, and how many entities have them: discovery without a scan
    expiry        when an entity, or a part of it, expires next
    change_log    before- and after-images; `bytes` adds up, so that the size kept is one subtraction; `about` is type
                  and scope where neither image is the whole entity
    held          documents of the tenant (subscriptions, …); `generation` rises with every write of a kind
    mark          small durable facts that timers need
    delivery      the counters of a subscription
    outbox        notifications to be; `number` only rises
    dead_letter   those that were given up, under the same numbers, `due` being when
    outbox_image  a change, and its entity before and after it, for the rows `first` to `last` in those two
    history       entities whose history is under another number than their row's (those of history alone: negative),
                  that have no row, or whose history was written to by itself
    instance      every instance that an attribute had; the one that it has now is the document's, and comes here when
                  another takes its place. `time` is when it was observed, else when it was written; see `instances`

The hub:

    tenant        tenants that have something in them, but for the default one
    document      hub-wide documents; `generation` as above
    lease         who does a job, from when until when; `token` rises with every change of holder
    due           when something of a tenant expires next, or earlier, never later; `sweeping` while it is looked at
    kept          tenants that have, or had, held documents of a kind

Values in `leaf` are numbers, texts (cut to 120 characters) or blobs: x'' no scalar, x'00' false, x'01' true.
"""

from __future__ import annotations

from typing import Final

import apsw

TENANT_STEPS: Final = (
    """
    CREATE TABLE name (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE entity (
        number INTEGER PRIMARY KEY, iri TEXT NOT NULL UNIQUE, document TEXT NOT NULL,
        created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL, expires_at INTEGER, next_expiry INTEGER,
        version INTEGER NOT NULL, exact_integers INTEGER NOT NULL, shape INTEGER NOT NULL,
        subject INTEGER, data_class TEXT
    ) STRICT;
    CREATE TABLE entity_type (type INTEGER, entity INTEGER, PRIMARY KEY (type, entity)) STRICT, WITHOUT ROWID;
    CREATE TABLE entity_scope (scope TEXT, entity INTEGER, PRIMARY KEY (scope, entity)) STRICT, WITHOUT ROWID;
    CREATE TABLE probe (entity INTEGER PRIMARY KEY, leaves BLOB NOT NULL) STRICT;
    CREATE TABLE leaf (
        path INTEGER, value, entity INTEGER, subject INTEGER, data_class TEXT, PRIMARY KEY (path, value, entity)
    ) WITHOUT ROWID;
    CREATE TABLE uncovered (path INTEGER, entity INTEGER, PRIMARY KEY (path, entity)) STRICT, WITHOUT ROWID;
    CREATE VIRTUAL TABLE bounds USING rtree (id, west, east, south, north, +path);
    CREATE TABLE shape (number INTEGER PRIMARY KEY, form TEXT NOT NULL UNIQUE, entities INTEGER NOT NULL) STRICT;
    CREATE TABLE expiry (due INTEGER, entity INTEGER, PRIMARY KEY (due, entity)) STRICT, WITHOUT ROWID;
    CREATE TABLE change_log (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, iri TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
        before TEXT, after TEXT, subjects TEXT, data_classes TEXT, bytes INTEGER NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE held (
        kind TEXT, id TEXT, body TEXT NOT NULL, created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL,
        version INTEGER NOT NULL, expires_at INTEGER, PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX held_expiry ON held (expires_at) WHERE expires_at IS NOT NULL;
    CREATE INDEX held_order ON held (kind, created_at, id, expires_at);
    CREATE TABLE generation (kind TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE mark (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE delivery (
        subscription TEXT PRIMARY KEY, sent INTEGER NOT NULL, failed INTEGER NOT NULL,
        notified_at INTEGER, succeeded_at INTEGER, failed_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox (
        number INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, due INTEGER NOT NULL,
        attempts INTEGER NOT NULL, redelivered INTEGER NOT NULL, reason TEXT NOT NULL
    ) STRICT;
    CREATE TABLE dead_letter (
        number INTEGER PRIMARY KEY, subscription TEXT NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL,
        redelivered INTEGER NOT NULL, reason TEXT NOT NULL
    ) STRICT;
    CREATE TABLE outbox_image (
        first INTEGER PRIMARY KEY, last INTEGER NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
        iri TEXT NOT NULL, before TEXT, after TEXT
    ) STRICT;
    ALTER TABLE change_log ADD COLUMN about TEXT;
    """,
    """
    CREATE TABLE history (
        number INTEGER PRIMARY KEY, iri TEXT NOT NULL UNIQUE, types TEXT NOT NULL, scopes TEXT NOT NULL,
        created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL, deleted_at INTEGER, dropped INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE instance (
        entity INTEGER, path INTEGER, time INTEGER, number INTEGER, dataset INTEGER, observed INTEGER NOT NULL,
        created_at INTEGER, modified_at INTEGER, deleted_at INTEGER, form INTEGER, value, body TEXT,
        PRIMARY KEY (entity, path, time, number, dataset)
    ) WITHOUT ROWID;
    """,
    """
    CREATE INDEX entity_subject ON entity (subject);
    """,
)
HUB_STEPS: Final = (
    """
    CREATE TABLE tenant (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE document (
        kind TEXT, id TEXT, body TEXT NOT NULL, created_at INTEGER NOT NULL, ordinal INTEGER NOT NULL,
        PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE generation (kind TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE lease (
        name TEXT PRIMARY KEY, holder TEXT NOT NULL, taken_at INTEGER NOT NULL, until INTEGER NOT NULL,
        token INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE due (tenant TEXT PRIMARY KEY, at INTEGER NOT NULL, sweeping INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO due SELECT name, 0, 0 FROM tenant UNION ALL SELECT '', 0, 0;
    CREATE TABLE kept (kind TEXT, tenant TEXT, PRIMARY KEY (kind, tenant)) STRICT, WITHOUT ROWID;
    """,
)


class UnusableFile(Exception):
    """A database file that cannot be worked with: damaged, or written by a newer release."""


def migrate(db: apsw.Connection, steps: tuple[str, ...]) -> None:
    """Bring the file up to date; each step is a transaction of its own, and runs once whoever else opens the file.

    Raises UnusableFile where the file is newer than this program.
    """
    while (done := version(db)) < len(steps):
        db.execute("BEGIN IMMEDIATE")
        try:
            if version(db) == done:
                db.execute(steps[done])
                db.pragma("user_version", done + 1)
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
    if done > len(steps):
        raise UnusableFile(
            f"{db.filename} has schema {done}; this release knows {len(steps)}. Use the release that wrote it."
        )


def version(db: apsw.Connection) -> int:
    """How many steps the file has seen."""
    return int(db.pragma("user_version"))
