"""What the hub shows of pricing: quotes without persons, and each person's payments, which they alone see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from broker.model.values import to_text
from broker.ports.hub import Fragment, Hub
from datamodels.library import Library
from services.ledger.amounts import told
from services.pricing.book import FORGOTTEN, Book, Payment
from services.pricing.configured import Settings
from services.pricing.quotes import Quote, Quoting, quote_hash, unpacked
from services.pricing.rules import SENSITIVITIES, Rules
from services.shaping import Shaper
from services.showing import show

PACKAGE: Final = "misono-consent"
AT_ONCE: Final = 500
_FACTORS: Final = {
    "sensitivity": "sensitivityFactor", "granularity": "granularityFactor", "freshness": "freshnessFactor",
    "recipientClass": "recipientFactor", "exclusivity": "exclusivityFactor",
}  # fmt: skip


class Projector:
    """Shows what changed; what could not be shown waits for the timer."""

    def __init__(self, hub: Hub, library: Callable[[], Library], book: Book, quoting: Quoting) -> None:
        self._hub, self._library, self._book, self._quoting = hub, library, book, quoting

    def show(self, tenant: str, ids: Sequence[str]) -> None:
        """Show these. Raises ServiceUnavailable: they are kept, and shown later."""
        for start in range(0, len(ids), AT_ONCE):
            self._show(tenant, ids[start : start + AT_ONCE])

    def catch_up(self) -> None:
        """Show what could not be shown before. Raises ServiceUnavailable."""
        for tenant, ids in self._book.unshown().items():
            self.show(tenant, ids)

    def _show(self, tenant: str, ids: Sequence[str]) -> None:
        show(self._hub, tenant, self._fragments(tenant, ids), "kept")
        self._book.was_shown(tenant, ids)

    def _fragments(self, tenant: str, ids: Sequence[str]) -> Mapping[str, Fragment | None]:
        library = self._library()
        payments, quotes = Shaper(library, PACKAGE, "BenefitPayment"), Shaper(library, PACKAGE, "DataPriceQuote")
        found: dict[str, Fragment | None] = dict.fromkeys(ids)
        for payment in self._book.payments_in(ids):
            if not payment.subject.startswith(FORGOTTEN):
                found[payment.id] = payments.entity(payment.id, _payment(payment))
        for entity_id in ids:
            if ":DataPriceQuote:" in entity_id:
                quote = self._quoting.find(tenant, entity_id)
                found[entity_id] = quotes.entity(entity_id, _quoted(quote, self._quoting.settings))
        return found


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "dataSubject": payment.subject, "quote": payment.source if payment.source.startswith("urn:") else None,
        "paidAmount": told(payment.paid), "priceCurrency": payment.currency,
        "paymentState": "reversed" if payment.reversed else "paid", "paidAt": to_text(payment.at),
        "account": payment.account, "transactionId": payment.posting,
    }  # fmt: skip


def _quoted(quote: Quote, settings: Settings) -> dict[str, Any]:
    body, rules = quote.body, settings.versions.get(quote.body["priceRuleVersion"])
    return {
        "offer": body.get("offer"), "price": body["price"], "priceCurrency": body["priceCurrency"],
        "priceRuleVersion": body["priceRuleVersion"], "validFrom": body["validFrom"],
        "validUntil": body["validUntil"], "quoteHash": quote_hash(quote.token),
        **({} if rules is None else _reasons(rules, quote)),
    }  # fmt: skip


def _reasons(rules: Rules, quote: Quote) -> dict[str, Any]:
    """Shares, and the factors that all of its lines have alike."""
    lines, _ = unpacked(quote.body)
    levels = [rules.level_of(one.item, special=one.special) for one in lines]
    split, explained = rules.split, quote.body["explanation"]["lines"]
    whole = split.persons + split.community + split.operator
    alike: dict[str, Any] = {}
    for place, name in enumerate(_FACTORS.values()):
        words = {one["factors"][place]["word"] for one in explained}
        if len(words) == 1:
            table = explained[0]["factors"][place]["name"]
            alike[name] = float(rules.factor(table, words.pop()))
    bases = {rules.base_of(one.item) for one in lines}
    return {
        **alike, "sensitivityLevel": max(levels, key=SENSITIVITIES.index),
        "basePrice": told(bases.pop()) if len(bases) == 1 else None, "personShare": split.persons / whole,
        "communityShare": split.community / whole, "operatorShare": split.operator / whole,
    }  # fmt: skip
