"""What the hub shows of the ledger: accounts with their balances, and transactions between two accounts.

A posting of more than two legs has no single pair of accounts: it is shown as its transactions are read from the
ledger itself, and not as an entity; the accounts that it changed are.
"""

from __future__ import annotations

from collections.abc import Callable

from broker.errors import ResourceNotFound, ServiceUnavailable
from broker.model.values import to_text
from broker.ports.hub import Fragment, Hub, HubAway
from datamodels.library import Library
from services.ledger.book import Ledger
from services.ledger.postings import UNITS, Account, Posted
from services.shaping import Shaper

PACKAGE = "misono-currency"
SUBJECT = "urn:misono:subject:"


class Projector:
    """Shows what changed, as it is by then: in any order, and as often as need be."""

    def __init__(self, hub: Hub, library: Callable[[], Library], ledger: Ledger) -> None:
        self._hub, self._library, self._ledger = hub, library, ledger

    def show(self, tenant: str, ids: tuple[str, ...]) -> None:
        """Show these accounts and postings. Raises ServiceUnavailable: they are kept, and shown later."""
        shapers = {
            name: Shaper(self._library(), PACKAGE, name)
            for name in ("LocalCurrencyAccount", "LocalCurrencyTransaction")
        }
        done = tuple(dict.fromkeys(ids))
        fragments = [one for entity_id in done if (one := self._fragment(shapers, tenant, entity_id)) is not None]
        try:
            refused = [one for one in self._hub.upsert(tenant, fragments) if one is not None] if fragments else []
        except HubAway as error:
            raise ServiceUnavailable("it is booked, and shown in the hub soon", remedy="Ask again.") from error
        if refused:
            raise ServiceUnavailable(f"it is booked, but the hub does not show it: {refused[0].detail}")
        self._ledger.was_shown(tenant, done)

    def _fragment(self, shapers: dict[str, Shaper], tenant: str, entity_id: str) -> Fragment | None:
        if ":LocalCurrencyAccount:" in entity_id:
            return _account(shapers["LocalCurrencyAccount"], self._ledger.account(tenant, entity_id))
        try:
            posted = self._ledger.find(tenant, entity_id)
        except ResourceNotFound:
            return None
        return _transaction(shapers["LocalCurrencyTransaction"], posted)


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


def _transaction(shaper: Shaper, posted: Posted) -> Fragment | None:
    legs = posted.posting.legs
    if len(legs) != 2:  # noqa: PLR2004  a pair
        return None
    giver, taker = sorted(legs, key=lambda leg: leg.amount)
    return shaper.entity(
        posted.id,
        {
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
