"""The tables of islanding: the fold's state, what operators did, steps, times without the grid, what is still to do."""

from __future__ import annotations

from typing import Final

TABLES: Final = (
    "CREATE TABLE islanding_state (community TEXT PRIMARY KEY, body TEXT NOT NULL, loads TEXT NOT NULL) STRICT",
    """CREATE TABLE islanding_act (
        number INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, by_whom TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT""",
    """CREATE TRIGGER islanding_act_stays BEFORE UPDATE ON islanding_act
        BEGIN SELECT RAISE(ABORT, 'what was done stays'); END""",
    """CREATE TRIGGER islanding_act_is_kept BEFORE DELETE ON islanding_act
        BEGIN SELECT RAISE(ABORT, 'what was done stays'); END""",
    """CREATE TABLE islanding_case (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, cause TEXT NOT NULL,
        phase TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER, minutes INTEGER
    ) STRICT""",
    "CREATE UNIQUE INDEX islanding_case_open ON islanding_case (subject) WHERE ended_at IS NULL",
    """CREATE TABLE islanding_step (
        number INTEGER PRIMARY KEY, of_case INTEGER REFERENCES islanding_case, subject TEXT NOT NULL,
        state TEXT NOT NULL, at INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX islanding_step_of ON islanding_step (of_case, number)",
    "CREATE TABLE islanding_unshown (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    """CREATE TABLE islanding_stop (
        number INTEGER PRIMARY KEY, at INTEGER NOT NULL, cause TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    """CREATE TABLE islanding_sent (
        entity TEXT NOT NULL, attribute TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (entity, attribute)
    ) STRICT, WITHOUT ROWID""",
)
