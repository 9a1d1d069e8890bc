"""The purse of each account of points: what came in and went, by when it expires, read from the ledger's books.

Reading them, booking what expired and remembering both are one transaction of the file that the books are in: nothing
expires twice, and nothing that was spent just before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from broker.keeping import Db
from broker.ports.hub import HubChange
from services.currency.lots import Lots, expired, moved
from services.ledger.postings import ISSUER, POINT, Leg, Posting
from services.pattern.cases import Act, Case, Cases
from services.room import Ground

if TYPE_CHECKING:
    from services.ledger.room import LedgerRoom

PURSE, OPEN = "purse", "open"
DAY_US: Final = 86_400_000_000
OWNERS: Final = ("residentAccount", "merchantAccount")
TABLES: Final = (
    "CREATE TABLE currency_look (tenant TEXT NOT NULL, account TEXT NOT NULL, PRIMARY KEY (tenant, account)) STRICT",
)
_ALL: Final = "INSERT OR IGNORE INTO currency_look SELECT tenant, id FROM ledger_account WHERE currency = ?"
_ACCOUNT: Final = "SELECT owner, kind FROM ledger_account WHERE tenant = ? AND id = ? AND currency = ?"
_MOVED: Final = """SELECT one.number, one.at, one.reason, sum(leg.amount) FROM ledger_account AS account
    JOIN ledger_leg AS leg ON leg.account = account.number JOIN ledger_posting AS one ON one.number = leg.posting
    WHERE account.id = ? AND one.number > ? GROUP BY one.number ORDER BY one.number"""


@dataclass(frozen=True, slots=True)
class Purses:
    """See the module."""

    ground: Ground
    cases: Cases
    ledger: LedgerRoom
    life_days: int

    def took(self, tenant: str, db: Db, changes: Sequence[HubChange]) -> None:
        """Accounts changed: they are looked at."""
        for change in changes:
            db.execute("INSERT OR IGNORE INTO currency_look VALUES (?, ?)", (tenant, change.entity_id))

    def begin(self) -> None:
        """All accounts are looked at."""
        self.ground.file.write(lambda db: db.execute(_ALL, (POINT,))).result()

    def look(self) -> None:
        """Look at what changed."""
        for tenant, account in self.ground.file.read("SELECT tenant, account FROM currency_look LIMIT 500"):

            def work(db: Db, tenant: str = str(tenant), account: str = str(account)) -> None:
                db.execute("DELETE FROM currency_look WHERE tenant = ? AND account = ?", (tenant, account))
                for owner, kind in db.execute(_ACCOUNT, (tenant, account, POINT)).fetchall():
                    if kind in OWNERS:
                        self._to_look(db, tenant, account, str(owner))

            self.ground.file.write(work).result()

    def due(self, db: Db, tenant: str, purse: Case) -> None:
        """Read what moved, and book what expired."""
        lots: Lots = [(end, held) for end, held in purse.body["lots"]]
        account, after = purse.body["account"], int(purse.body["after"])
        rows: Sequence[Any] = db.execute(_MOVED, (account, after)).fetchall()
        for number, at, reason, amount in rows:
            after = number
            if reason != "pointsExpiry":
                lots = moved(lots, at + self.life_days * DAY_US, amount)
        lots, gone = expired(lots, self.ground.clock.now())
        if gone:
            issuer = self.ledger.own_within(db, tenant, ISSUER, POINT)
            legs = (Leg(account, POINT, -gone), Leg(issuer.id, POINT, gone))
            key = f"expiry#{account}#{after}#{self.ground.clock.now()}"
            self.ledger.ledger.post_within(db, tenant, Posting(key, "pointsExpiry", legs))
        due = min((end for end, _ in lots), default=None)
        kept = purse.now(due=due, lots=lots, after=after)
        self.cases.put(db, tenant, kept, Act("expire" if gone else "move"))

    def _to_look(self, db: Db, tenant: str, account: str, owner: str) -> None:
        purse = self.cases.within(db, tenant, purse_id(tenant, account), PURSE)
        new = Case(purse_id(tenant, account), PURSE, owner, OPEN, {"account": account, "lots": [], "after": 0})
        self.cases.put(db, tenant, (purse or new).now(due=self.ground.clock.now()), Act("look"))


def purse_id(tenant: str, account: str) -> str:
    """An account has one."""
    return f"urn:ngsi-ld:PointsPurse:{sha256(f'{tenant} {account}'.encode()).hexdigest()[:32]}"
