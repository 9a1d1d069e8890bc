"""The tables of the market. What happened to a contract stays: events are written, never changed."""

from __future__ import annotations

from typing import Final

TABLES: Final = (
    """CREATE TABLE market_order (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT UNIQUE, participant TEXT NOT NULL,
        side TEXT NOT NULL CHECK (side IN ('buy', 'sell')), start INTEGER NOT NULL, wh INTEGER NOT NULL CHECK (wh > 0),
        price INTEGER NOT NULL CHECK (price >= 0), priority INTEGER NOT NULL, divisible INTEGER NOT NULL,
        all_in INTEGER NOT NULL, source TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'open',
        filled INTEGER NOT NULL DEFAULT 0 CHECK (filled BETWEEN 0 AND wh), placed_at INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX market_order_open ON market_order (start) WHERE status = 'open'",
    "CREATE INDEX market_order_of ON market_order (participant, number)",
    """CREATE TABLE market_run (
        start INTEGER PRIMARY KEY, id TEXT NOT NULL, mechanism TEXT NOT NULL, at INTEGER NOT NULL, price INTEGER,
        wh INTEGER NOT NULL, orders INTEGER NOT NULL, trades INTEGER NOT NULL, why TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE market_contract (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run TEXT NOT NULL, seller TEXT NOT NULL,
        buyer TEXT NOT NULL, start INTEGER NOT NULL, until INTEGER NOT NULL, wh INTEGER NOT NULL CHECK (wh > 0),
        price INTEGER NOT NULL, sold TEXT NOT NULL, bought TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,
        stopped_at INTEGER, delivered INTEGER, received INTEGER
    ) STRICT""",
    "CREATE INDEX market_contract_start ON market_contract (start)",
    "CREATE INDEX market_contract_seller ON market_contract (seller, number)",
    "CREATE INDEX market_contract_buyer ON market_contract (buyer, number)",
    """CREATE INDEX market_contract_open ON market_contract (start)
       WHERE state NOT IN ('deactivated', 'failed')""",
    """CREATE TABLE market_event (
        number INTEGER PRIMARY KEY, contract TEXT NOT NULL, word TEXT NOT NULL, at INTEGER NOT NULL, why TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX market_event_of ON market_event (contract)",
    """CREATE TRIGGER market_event_kept BEFORE UPDATE ON market_event
       BEGIN SELECT RAISE(ABORT, 'market: what happened is not changed'); END""",
    """CREATE TABLE market_site (
        participant TEXT PRIMARY KEY, router TEXT NOT NULL, line TEXT NOT NULL, utility TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE market_told (
        entity TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (entity, name)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE market_register (
        leg TEXT NOT NULL, slot INTEGER NOT NULL, name TEXT NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
        PRIMARY KEY (leg, slot, name)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE market_sample (
        leg TEXT NOT NULL, at INTEGER NOT NULL, watts INTEGER NOT NULL, PRIMARY KEY (leg, at)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE market_sent (leg TEXT PRIMARY KEY, command TEXT NOT NULL, watts INTEGER NOT NULL) STRICT",
    """CREATE TABLE market_state (
        one INTEGER PRIMARY KEY CHECK (one = 1), suspended INTEGER NOT NULL, near INTEGER NOT NULL, why TEXT NOT NULL,
        at INTEGER NOT NULL
    ) STRICT""",
    "INSERT INTO market_state VALUES (1, 0, 0, '', 0)",
    "CREATE TABLE market_unshown (id TEXT PRIMARY KEY, mark INTEGER NOT NULL) STRICT",
)
