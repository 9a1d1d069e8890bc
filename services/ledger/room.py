"""The room of the ledger: its routes, what other rooms call in Python, and the timer that shows what waits.

room.ledger.post("", Posting(…))                       whole thousandths; see `book`
room.account_of("", "urn:misono:subject:hana", POINT)   a resident's account, opened where there is none
room.own("", FUND, POINT)                               the city's own: its fund, its operator, who issues
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from broker.errors import ResourceNotFound
from broker.http.rooms.route import Route
from broker.keeping import Db
from broker.model.values import Json
from services.ledger.book import Ledger, Opening
from services.ledger.doors import Doors
from services.ledger.postings import CITY_OWNED, FLOORLESS, Account
from services.ledger.projecting import SUBJECT, Projector
from services.looking import Looking
from services.room import Ground

LOOK_S: Final = 1.0


class LedgerRoom:
    """See the module."""

    def __init__(self, ground: Ground) -> None:
        self.ledger = Ledger(ground.file, ground.clock, ground.new_id)
        self._projector = Projector(ground.hub, ground.library, self.ledger)
        self.ledger.shown = self._projector.show
        self._doors = Doors(self.ledger, ground)
        self._looking = Looking("ledger", LOOK_S, self.tick, "what was booked is shown later")

    def account_of(self, tenant: str, owner: str, currency: str) -> Account:
        """The account of a resident (a pseudonym) or an organisation in a currency, opened where there is none."""
        return self.ledger.open(tenant, opening_of(owner, currency))

    def account_within(self, db: Db, tenant: str, owner: str, currency: str) -> Account:
        """As `account_of`, within a transaction of the same file."""
        return self.ledger.open_within(db, tenant, opening_of(owner, currency))

    def own(self, tenant: str, kind: str, currency: str) -> Account:
        """An account of the city's own. Raises KeyError for a kind that is none of them."""
        return self.ledger.open(tenant, city_opening(kind, currency))

    def own_within(self, db: Db, tenant: str, kind: str, currency: str) -> Account:
        """As `own`, within a transaction of the same file."""
        return self.ledger.open_within(db, tenant, city_opening(kind, currency))

    def forget(self, tenant: str, subject: str) -> Mapping[str, int]:
        """Take a person off their accounts, by place; the books stay."""
        return {"services/ledger/accounts": self.ledger.forget(tenant, subject)}

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        return self._doors.routes()

    def start(self) -> None:
        """As the port says."""
        self._looking.start()

    def stop(self) -> None:
        """As the port says."""
        self._looking.stop()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:
        """As the port says: whose an account was goes, what was booked stays."""
        try:
            owner = self.ledger.account(tenant, entity_id).owner
        except ResourceNotFound:
            return {}
        return self.forget(tenant, owner) if owner.startswith(SUBJECT) else {}

    def state(self) -> Json:
        """As the port says."""
        return self._looking.state()

    def tick(self) -> None:
        """Show what could not be shown before. Raises ServiceUnavailable."""
        self._projector.catch_up()


def opening_of(owner: str, currency: str) -> Opening:
    """How the account of a resident or an organisation is opened."""
    return Opening(owner, "residentAccount" if owner.startswith(SUBJECT) else "merchantAccount", currency)


def city_opening(kind: str, currency: str) -> Opening:
    """How an account of the city's own is opened: who issues has no floor. Raises KeyError."""
    return Opening(CITY_OWNED[kind], kind, currency, None if kind in FLOORLESS else 0)


def open_room(ground: Ground) -> LedgerRoom:
    """The ledger."""
    return LedgerRoom(ground)
