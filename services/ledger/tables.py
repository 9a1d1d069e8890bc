"""The ledger's tables. The database keeps the rules itself: legs sum to zero, what is booked stays, floors hold.

A posting's legs are written first, then the posting: with it they are checked, added to the balances, and closed.
"""

from __future__ import annotations

from typing import Final

TABLES: Final = (
    """CREATE TABLE ledger_account (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,
        kind TEXT NOT NULL, currency TEXT NOT NULL, balance INTEGER NOT NULL DEFAULT 0, floor INTEGER,
        state TEXT NOT NULL DEFAULT 'accountActive', opened_at INTEGER NOT NULL,
        CONSTRAINT floor_kept CHECK (floor IS NULL OR balance >= floor)
    ) STRICT""",
    "CREATE UNIQUE INDEX ledger_owner ON ledger_account (tenant, owner, currency) WHERE state != 'accountClosed'",
    """CREATE TABLE ledger_leg (
        posting INTEGER NOT NULL, place INTEGER NOT NULL, account INTEGER NOT NULL REFERENCES ledger_account,
        currency TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount <> 0), PRIMARY KEY (posting, place)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX ledger_statement ON ledger_leg (account, posting)",
    """CREATE TABLE ledger_posting (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL,
        reason TEXT NOT NULL, about TEXT NOT NULL, reverses INTEGER UNIQUE REFERENCES ledger_posting,
        at INTEGER NOT NULL, hash BLOB NOT NULL, UNIQUE (tenant, key)
    ) STRICT""",
    "CREATE TABLE ledger_booking (posting INTEGER PRIMARY KEY) STRICT",
    """CREATE TRIGGER ledger_leg_late BEFORE INSERT ON ledger_leg
       WHEN EXISTS (SELECT 1 FROM ledger_posting WHERE number = NEW.posting)
       BEGIN SELECT RAISE(ABORT, 'ledger: a booked posting gets no more legs'); END""",
    """CREATE TRIGGER ledger_leg_currency BEFORE INSERT ON ledger_leg
       WHEN NOT EXISTS (SELECT 1 FROM ledger_account WHERE number = NEW.account AND currency = NEW.currency
                        AND state = 'accountActive')
       BEGIN SELECT RAISE(ABORT, 'ledger: no such open account of the currency'); END""",
    """CREATE TRIGGER ledger_leg_kept BEFORE UPDATE ON ledger_leg
       BEGIN SELECT RAISE(ABORT, 'ledger: what is booked is not changed'); END""",
    """CREATE TRIGGER ledger_leg_stays BEFORE DELETE ON ledger_leg
       BEGIN SELECT RAISE(ABORT, 'ledger: what is booked is not deleted'); END""",
    """CREATE TRIGGER ledger_posting_kept BEFORE UPDATE ON ledger_posting
       BEGIN SELECT RAISE(ABORT, 'ledger: what is booked is not changed'); END""",
    """CREATE TRIGGER ledger_posting_stays BEFORE DELETE ON ledger_posting
       BEGIN SELECT RAISE(ABORT, 'ledger: what is booked is not deleted'); END""",
    """CREATE TRIGGER ledger_booked AFTER INSERT ON ledger_posting BEGIN
        SELECT RAISE(ABORT, 'ledger: the legs do not sum to zero') WHERE EXISTS
            (SELECT 1 FROM ledger_leg WHERE posting = NEW.number GROUP BY currency HAVING sum(amount) <> 0);
        SELECT RAISE(ABORT, 'ledger: a posting has two legs or more') WHERE
            (SELECT count(*) FROM ledger_leg WHERE posting = NEW.number) < 2;
        INSERT INTO ledger_booking VALUES (NEW.number);
        UPDATE ledger_account SET balance = balance +
            (SELECT sum(amount) FROM ledger_leg WHERE posting = NEW.number AND account = ledger_account.number)
        WHERE number IN (SELECT account FROM ledger_leg WHERE posting = NEW.number);
        DELETE FROM ledger_booking;
    END""",
    """CREATE TRIGGER ledger_balance_kept BEFORE UPDATE OF balance ON ledger_account
       WHEN NOT EXISTS (SELECT 1 FROM ledger_booking)
       BEGIN SELECT RAISE(ABORT, 'ledger: a balance changes with a posting only'); END""",
    """CREATE TABLE ledger_unshown (
        tenant TEXT NOT NULL, id TEXT NOT NULL, mark INTEGER NOT NULL, PRIMARY KEY (tenant, id)
    ) STRICT, WITHOUT ROWID""",
    "DROP TRIGGER ledger_booked",
    # as before; a posting's legs are read once for all of its accounts
    """CREATE TRIGGER ledger_booked AFTER INSERT ON ledger_posting BEGIN
        SELECT RAISE(ABORT, 'ledger: the legs do not sum to zero') WHERE EXISTS
            (SELECT 1 FROM ledger_leg WHERE posting = NEW.number GROUP BY currency HAVING sum(amount) <> 0);
        SELECT RAISE(ABORT, 'ledger: a posting has two legs or more') WHERE
            (SELECT count(*) FROM ledger_leg WHERE posting = NEW.number) < 2;
        INSERT INTO ledger_booking VALUES (NEW.number);
        UPDATE ledger_account SET balance = balance + booked.amount FROM
            (SELECT account, sum(amount) AS amount FROM ledger_leg WHERE posting = NEW.number
             GROUP BY account) AS booked
        WHERE ledger_account.number = booked.account;
        DELETE FROM ledger_booking;
    END""",
)
