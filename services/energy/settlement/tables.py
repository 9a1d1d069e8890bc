"""The tables of metering and settlement: readings, versions of what a slot is settled from, and what came of it."""

from __future__ import annotations

from typing import Final

METERING: Final = (
    """CREATE TABLE metering_point (
        leg TEXT PRIMARY KEY, participant TEXT NOT NULL, role TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE metering_participant (
        participant TEXT PRIMARY KEY, subjects TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE metering_reading (
        leg TEXT NOT NULL, outward INTEGER NOT NULL, at INTEGER NOT NULL, wh INTEGER NOT NULL,
        PRIMARY KEY (leg, outward, at)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE metering_stale (
        leg TEXT NOT NULL, slot INTEGER NOT NULL, mark INTEGER NOT NULL, PRIMARY KEY (leg, slot)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE metering_skewed (leg TEXT PRIMARY KEY, times INTEGER NOT NULL, at INTEGER NOT NULL) STRICT""",
    """CREATE TABLE metering_interval (
        slot INTEGER NOT NULL, leg TEXT NOT NULL, version INTEGER NOT NULL, participant TEXT NOT NULL,
        role TEXT NOT NULL, imported INTEGER NOT NULL, exported INTEGER NOT NULL, quality TEXT NOT NULL,
        received INTEGER NOT NULL, PRIMARY KEY (slot, leg, version)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER metering_interval_kept BEFORE UPDATE OF imported, exported, quality, version ON metering_interval
       BEGIN SELECT RAISE(ABORT, 'metering: what was metered gets another version'); END""",
)
SETTLEMENT: Final = (
    "CREATE TABLE settlement_change (slot INTEGER PRIMARY KEY, mark INTEGER NOT NULL) STRICT",
    """CREATE TABLE settlement_contract (
        slot INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, seller TEXT NOT NULL, buyer TEXT NOT NULL,
        wh INTEGER NOT NULL, price INTEGER NOT NULL, stopped INTEGER NOT NULL, PRIMARY KEY (slot, id, version)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE settlement_tariff (
        version INTEGER PRIMARY KEY, since INTEGER NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE settlement_imbalance (
        slot INTEGER NOT NULL, version INTEGER NOT NULL, shortage INTEGER NOT NULL, surplus INTEGER NOT NULL,
        source TEXT NOT NULL, PRIMARY KEY (slot, version)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE settlement_slot (
        slot INTEGER PRIMARY KEY, run INTEGER NOT NULL, hash TEXT NOT NULL, mark INTEGER NOT NULL,
        unmetered INTEGER NOT NULL, unpriced INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE settlement_record (
        slot INTEGER NOT NULL, participant TEXT NOT NULL, run INTEGER NOT NULL, adjusts INTEGER NOT NULL,
        sold INTEGER NOT NULL, bought INTEGER NOT NULL, lost INTEGER NOT NULL, taken INTEGER NOT NULL,
        imbalance_wh INTEGER NOT NULL, energy INTEGER NOT NULL, wheeling INTEGER NOT NULL, fee INTEGER NOT NULL,
        imbalance INTEGER NOT NULL, tax INTEGER NOT NULL, estimated INTEGER NOT NULL,
        PRIMARY KEY (slot, participant, run)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER settlement_record_kept BEFORE UPDATE OF slot, run, sold, bought, lost, taken, imbalance_wh,
       energy, wheeling, fee, imbalance, tax ON settlement_record
       BEGIN SELECT RAISE(ABORT, 'settlement: what was settled gets another record'); END""",
    """CREATE TABLE settlement_posting (
        slot INTEGER NOT NULL, run INTEGER NOT NULL, chunk INTEGER NOT NULL, posting TEXT NOT NULL,
        legs BLOB NOT NULL, holds INTEGER NOT NULL, PRIMARY KEY (slot, run, chunk)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE settlement_run (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, day TEXT NOT NULL, version INTEGER NOT NULL,
        hash TEXT NOT NULL, status TEXT NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (day, version)
    ) STRICT""",
    """CREATE TABLE settlement_adjustment (
        slot INTEGER NOT NULL, participant TEXT NOT NULL, run INTEGER NOT NULL, day TEXT NOT NULL,
        amount INTEGER NOT NULL, PRIMARY KEY (day, participant, slot, run)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE settlement_unshown (
        what TEXT NOT NULL, key TEXT NOT NULL, mark INTEGER NOT NULL, PRIMARY KEY (what, key)
    ) STRICT, WITHOUT ROWID""",
)
