"""The tables of pricing. Persons stand in them by number: who takes a number's pseudonym away has forgotten them."""

from __future__ import annotations

from typing import Final

TABLES: Final = (
    """CREATE TABLE pricing_person (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, subject TEXT NOT NULL, UNIQUE (tenant, subject)
    ) STRICT""",
    """CREATE TABLE pricing_quote (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL UNIQUE, recipient TEXT NOT NULL,
        body TEXT NOT NULL, token TEXT NOT NULL, made_at INTEGER NOT NULL, valid_until INTEGER NOT NULL,
        accepted_at INTEGER, accepted TEXT, CHECK ((accepted_at IS NULL) = (accepted IS NULL))
    ) STRICT""",
    "CREATE INDEX pricing_quote_of ON pricing_quote (tenant, recipient, number)",
    "CREATE INDEX pricing_quote_open ON pricing_quote (valid_until) WHERE accepted IS NULL",
    """CREATE TABLE pricing_share (
        quote INTEGER NOT NULL REFERENCES pricing_quote, person INTEGER NOT NULL REFERENCES pricing_person,
        gross INTEGER NOT NULL CHECK (gross >= 0), PRIMARY KEY (quote, person)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE pricing_payment (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL,
        recipient TEXT NOT NULL, person INTEGER NOT NULL REFERENCES pricing_person, gross INTEGER NOT NULL,
        paid INTEGER NOT NULL, currency TEXT NOT NULL, month TEXT NOT NULL, at INTEGER NOT NULL,
        account TEXT NOT NULL, posting TEXT NOT NULL, reversed INTEGER NOT NULL DEFAULT 0,
        UNIQUE (tenant, source, person), CHECK (0 <= paid AND paid <= gross)
    ) STRICT""",
    "CREATE INDEX pricing_payment_of ON pricing_payment (person, month)",
    "CREATE INDEX pricing_payment_by ON pricing_payment (posting)",
    """CREATE TABLE pricing_reserve (
        person INTEGER NOT NULL REFERENCES pricing_person, item TEXT NOT NULL, currency TEXT NOT NULL,
        amount INTEGER NOT NULL CHECK (amount > 0), PRIMARY KEY (person, currency, item)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE pricing_exclusive (
        person INTEGER NOT NULL REFERENCES pricing_person, item TEXT NOT NULL, quote INTEGER NOT NULL,
        recipient TEXT NOT NULL, first TEXT NOT NULL, after TEXT NOT NULL, until INTEGER NOT NULL,
        PRIMARY KEY (person, item, quote)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE pricing_unshown (tenant TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (tenant, id)) STRICT",
    "CREATE TABLE pricing_followed (only INTEGER PRIMARY KEY CHECK (only = 1), posting INTEGER NOT NULL) STRICT",
)
