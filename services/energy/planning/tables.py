"""The tables of planning. Participants stand in them by the ids of their entities, which name nobody."""

from __future__ import annotations

from typing import Final

TABLES: Final = (
    """CREATE TABLE planning_energy (
        participant TEXT NOT NULL, role TEXT NOT NULL, start INTEGER NOT NULL, into_it INTEGER NOT NULL,
        out_of_it INTEGER NOT NULL, PRIMARY KEY (participant, start, role)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX planning_energy_by ON planning_energy (start, role)",
    """CREATE TABLE planning_read (leg TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (leg))
    STRICT, WITHOUT ROWID""",
    """CREATE TABLE planning_weather (
        start INTEGER PRIMARY KEY, radiation REAL, temperature REAL, issued INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE planning_wish (participant TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL)
    STRICT, WITHOUT ROWID""",
    """CREATE TABLE planning_plan (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, participant TEXT NOT NULL, day TEXT NOT NULL,
        cause TEXT NOT NULL, made_at INTEGER NOT NULL, body TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX planning_plan_of ON planning_plan (participant, number)",
    "CREATE UNIQUE INDEX planning_plan_daily ON planning_plan (participant, day) WHERE cause = 'daily'",
    """CREATE TABLE planning_order (
        key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL, placed INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE planning_indicator (
        name TEXT NOT NULL, day TEXT NOT NULL, value REAL NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (name, day)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE planning_done (day TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID",
    "CREATE TABLE planning_unshown (name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID",
)
