"""What the hub shows of the ledger: accounts with their balances, and transactions between two accounts.

A posting of more than two legs has no single pair of accounts, and one between two persons would be about both, so
that neither could have it erased: these are read from the ledger itself, and are no entities; the accounts that they
changed are. What belonged to somebody who was forgotten is not shown any more. Amounts are whole points and yen here;
the ledger's own answers have their thousandths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from broker.model.values import to_text
from broker.ports.hub import Fragment, Hub
from datamodels.library import Library
from services.ledger.book import FORGOTTEN, Ledger
from services.ledger.postings import ENERGY, UNITS, WH, Account, Posted
from services.shaping import Shaper
from services.showing import show

PACKAGE: Final = "misono-currency"
SUBJECT: Final = "urn:misono:subject:"
AT_ONCE: Final = 500
_AGAIN: Final = 5
"""So often it is looked whether something moved while it was being shown; then the timer does it."""


@dataclass(frozen=True, slots=True)
class _Shapers:
    account: Shaper
    transaction: Shaper


class Projector:
    """Shows what changed, as it is by then: in any order, by any process, and as often as need be."""

    def __init__(self, hub: Hub, library: Callable[[], Library], ledger: Ledger) -> None:
        self._hub, self._library, self._ledger = hub, library, ledger

    def show(self, tenant: str, ids: tuple[str, ...]) -> None:
        """Show these accounts and postings. Raises ServiceUnavailable: they are kept, and shown later."""
        done = tuple(dict.fromkeys(ids))
        for start in range(0, len(done), AT_ONCE):
            self._show(tenant, done[start : start + AT_ONCE])

    def catch_up(self) -> None:
        """Show what could not be shown before. Raises ServiceUnavailable."""
        waiting: dict[str, list[str]] = {}
        for tenant, entity_id in self._ledger.unshown():
            waiting.setdefault(tenant, []).append(entity_id)
        for tenant, ids in waiting.items():
            self.show(tenant, tuple(ids))

    def _show(self, tenant: str, ids: tuple[str, ...]) -> None:
        marks, shapers = self._ledger.marks(tenant, ids), self._shapers()
        left: Mapping[str, Fragment | None] = {one: self._fragment(shapers, tenant, one) for one in ids}
        for _ in range(_AGAIN):
            show(self._hub, tenant, left, "booked")
            # what another process shows meanwhile may be older than what is so by now
            found = {one: self._fragment(shapers, tenant, one) for one in left}
            left = {one: fragment for one, fragment in found.items() if fragment != left[one]}
            if not left:
                self._ledger.was_shown(tenant, marks)
                return

    def _shapers(self) -> _Shapers:
        library = self._library()
        return _Shapers(
            Shaper(library, PACKAGE, "LocalCurrencyAccount"), Shaper(library, PACKAGE, "LocalCurrencyTransaction")
        )

    def _fragment(self, shapers: _Shapers, tenant: str, entity_id: str) -> Fragment | None:
        if ":LocalCurrencyAccount:" in entity_id:
            account = self._ledger.account(tenant, entity_id)
            hidden = account.owner.startswith(FORGOTTEN) or account.kind == ENERGY or account.currency == WH
            return None if hidden else _account(shapers.account, account)
        posted = self._ledger.find(tenant, entity_id)
        if len(posted.posting.legs) != 2:  # noqa: PLR2004  a pair
            return None
        owners = [self._ledger.account(tenant, leg.account).owner for leg in posted.posting.legs]
        if any(owner.startswith(FORGOTTEN) for owner in owners):
            return None
        people = {owner for owner in owners if owner.startswith(SUBJECT)}
        return _transaction(shapers.transaction, posted, min(people, default=None)) if len(people) <= 1 else None


def _account(shaper: Shaper, account: Account) -> Fragment:
    person = account.owner.startswith(SUBJECT)
    return shaper.entity(
        account.id,
        {
            "dataSubject": account.owner if person else None,
            "holder": None if person else account.owner,
            "accountType": account.kind,
            "accountState": account.state,
            "priceCurrency": account.currency,
            "balance": account.balance // UNITS,
            "openedAt": to_text(account.opened_at),
        },
    )


def _transaction(shaper: Shaper, posted: Posted, person: str | None) -> Fragment:
    giver, taker = sorted(posted.posting.legs, key=lambda leg: leg.amount)
    return shaper.entity(
        posted.id,
        {
            "dataSubject": person,
            "transactionId": posted.id,
            "fromAccount": giver.account,
            "toAccount": taker.account,
            "transferredAmount": taker.amount // UNITS or None,
            "priceCurrency": taker.currency,
            "transactionReason": posted.posting.reason,
            "transactionState": "transactionBooked",
            "bookedAt": to_text(posted.at),
            "reverses": posted.posting.reverses,
        },
    )
