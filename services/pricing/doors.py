"""The routes below /services/pricing. Amounts are numbers of points or yen, with three decimals at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from broker.encode.text import dump
from broker.errors import Forbidden, ResourceNotFound
from broker.http.messages import Response
from broker.http.rooms.route import Asked, Handler, Route
from broker.model.values import Json, to_text
from broker.ports.consents import Consents
from services.deciding import require_deciding
from services.ledger.amounts import told, units
from services.pricing.book import Book, Payment
from services.pricing.configured import Settings
from services.pricing.paying import Paid
from services.pricing.quotes import Quoting, day_of
from services.pricing.reading import FORMS
from services.pricing.rules import Rules
from services.pricing.simulating import simulated
from services.room import Ground

BASE: Final = "/services/pricing"
PAGE, PAGE_MAX = 50, 500
_PAGED: Final = frozenset({"limit", "after"})
_FOR: Final = frozenset({"for"})
_NUMBER_MAX: Final = 1 << 53
Show: TypeAlias = Callable[[str, str, Paid | None], None]
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))


class Doors:
    """The handlers; `show(tenant, ids, paid)` has the hub show quotes, and what was booked with them."""

    def __init__(self, ground: Ground, book: Book, quoting: Quoting, show: Show) -> None:
        self._ground, self._book, self._quoting, self._show = ground, book, quoting, show
        self._settings: Settings = quoting.settings
        self._consents: Consents = ground.consents

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return [
            _get("/rules", "pricing_list_rules", self.rules),
            _get("/rules/{version}", "pricing_retrieve_rules", self.rule),
            _post("/estimates", "pricing_estimate", self.estimate, asks=True),
            _get("/quotes", "pricing_list_quotes", self.quotes, _PAGED),
            _post("/quotes", "pricing_ask_quote", self.ask),
            _get("/quotes/{quote}", "pricing_retrieve_quote", self.quote),
            _post("/quotes/{quote}/acceptance", "pricing_accept_quote", self.accept),
            Route(
                "POST", f"{BASE}/quotes/verify", "pricing_verify_quote", self.verify, body=True, asks=True, open=True
            ),
            _get("/my/reserves", "pricing_my_reserves", self.reserves, _FOR),
            Route("PUT", f"{BASE}/my/reserves", "pricing_set_reserve", self.set_reserve, body=True, parameters=_FOR),
            _get("/my/income", "pricing_my_income", self.income, _FOR),
            _get("/my/payments", "pricing_my_payments", self.payments, _FOR | _PAGED),
            _get("/experiments", "pricing_list_experiments", self.experiments),
            _get("/experiments/{experiment}", "pricing_simulate", self.experiment),
        ]

    def rules(self, _: Asked) -> Response:
        """Which versions there are, and which one holds."""
        return _answer({"current": self._settings.current, "versions": [*self._settings.versions]})

    def rule(self, asked: Asked) -> Response:
        """One version, whole."""
        found = self._settings.versions.get(asked.path["version"])
        if found is None:
            raise ResourceNotFound("there is no such version", pointer="/version", remedy=self._settings.current)
        return _answer(_rules(found))

    def estimate(self, asked: Asked) -> Response:
        """What one person's data would cost, and why."""
        return _answer(self._quoting.estimate(FORMS.read("estimate", asked.body)))

    def ask(self, asked: Asked) -> Response:
        """A quote."""
        quote = self._quoting.make(asked.tenant, _recipient(asked), FORMS.read("quote", asked.body))
        self._show(asked.tenant, quote.id, None)
        return _answer(quote.told(), 201)

    def quotes(self, asked: Asked) -> Response:
        """A recipient's own; all for the operator and the auditor."""
        limit = asked.number("limit", PAGE, PAGE_MAX) or PAGE
        whose = "" if _staff(asked) else _recipient(asked)
        found = self._quoting.of(asked.tenant, whose, asked.number("after", 0, _NUMBER_MAX), limit)
        body: dict[str, Json] = {"quotes": [one.told() for one in found]}
        if len(found) == limit:
            body["after"] = found[-1].number
        return _answer(body)

    def quote(self, asked: Asked) -> Response:
        """One."""
        found = self._quoting.find(asked.tenant, asked.path["quote"])
        if not _staff(asked) and found.recipient != _recipient(asked):
            raise ResourceNotFound("there is no such quote", pointer="/quote")
        return _answer(found.told())

    def accept(self, asked: Asked) -> Response:
        """Pay for it; the same again answers the same."""
        FORMS.read("acceptance", asked.body)
        found, paid = self._quoting.accept(asked.tenant, _recipient(asked), asked.path["quote"])
        if paid is not None:
            self._show(asked.tenant, found.id, paid)
        return _answer(found.told(), 201 if paid is not None else 200)

    def verify(self, asked: Asked) -> Response:
        """Whether a quote is of this hub, and still valid."""
        return _answer(self._quoting.verify(FORMS.read("verification", asked.body)["quote"]))

    def reserves(self, asked: Asked) -> Response:
        """The least that a person asks for one provision, by item."""
        rows = self._book.reserves_of(asked.tenant, self._subject(asked))
        found: list[Json] = [{"item": item, "currency": money, "amount": told(amount)} for item, money, amount in rows]
        return _answer({"reserves": found})

    def set_reserve(self, asked: Asked) -> Response:
        """Ask for at least so much, or (0) for nothing."""
        body, subject = FORMS.read("reserve", asked.body), self._subject(asked)
        require_deciding(self._ground, asked.tenant, asked.principal.subject, subject)
        amount = units(body["amount"], "/amount") if body["amount"] else 0
        ask = (body["item"], body.get("currency", self._settings.rules.currency))
        self._book.set_reserve(asked.tenant, subject, ask, amount)
        return _answer({"item": ask[0], "currency": ask[1], "amount": told(amount)})

    def income(self, asked: Asked) -> Response:
        """What a person's data brought them, by month and recipient."""
        rows = self._book.income(asked.tenant, self._subject(asked))
        return _answer({
            "income": [
                {"month": month, "currency": currency, "recipient": recipient, "paid": told(paid), "times": times}
                for month, currency, recipient, paid, times in rows
            ]
        })  # fmt: skip

    def payments(self, asked: Asked) -> Response:
        """Each of them, oldest first."""
        limit = asked.number("limit", PAGE, PAGE_MAX) or PAGE
        after = asked.number("after", 0, _NUMBER_MAX)
        found = self._book.payments(asked.tenant, self._subject(asked), after, limit)
        body: dict[str, Json] = {"payments": [_payment(one) for one in found]}
        if len(found) == limit:
            body["after"] = found[-1].number
        return _answer(body)

    def experiments(self, _: Asked) -> Response:
        """Which there are."""
        found = self._settings.experiments.values()
        return _answer({"experiments": [{"name": one.name, "versions": [*one.versions]} for one in found]})

    def experiment(self, asked: Asked) -> Response:
        """What persons would have earned under each of its versions; nobody is named."""
        found = self._settings.experiments.get(asked.path["experiment"])
        if found is None:
            raise ResourceNotFound(
                "there is no such experiment", pointer="/experiment", remedy=f"GET {BASE}/experiments"
            )
        today = day_of(self._ground.clock.now())
        return _answer(simulated(self._book, self._settings, found, (asked.tenant, today, self._ground.library())))

    def _subject(self, asked: Asked) -> str:
        """Whose it is. Raises Forbidden."""
        own = asked.principal.subject
        if "resident" not in asked.principal.roles or not own:
            raise Forbidden("this is for residents", remedy="a token with the role resident and your pseudonym")
        subject = asked.query.get("for", "") or own
        if subject not in self._consents.acting_for(asked.tenant, own):
            raise Forbidden("you do not act for them", pointer="for", remedy="a delegation that says so")
        return subject


def _recipient(asked: Asked) -> str:
    if "recipient" not in asked.principal.roles or not asked.principal.recipient:
        raise Forbidden("this is for recipients", remedy="a token with the role recipient and your organisation")
    return asked.principal.recipient


def _staff(asked: Asked) -> bool:
    return bool(asked.principal.roles & {"operator", "auditor"})


def _rules(rules: Rules) -> dict[str, Json]:
    split = rules.split
    return {
        "version": rules.version, "currency": rules.currency,
        "base": {item: told(amount) for item, amount in rules.base.items()},
        "factors": {
            name: {word: str(factor) for word, factor in table.items()} for name, table in rules.tables.items()
        },
        "levels": dict(rules.levels), "capMonth": told(rules.cap_month), "epsilon": told(rules.epsilon),
        "split": {"persons": split.persons, "community": split.community, "operator": split.operator},
        "validSeconds": rules.valid_s,
    }  # fmt: skip


def _payment(payment: Payment) -> dict[str, Json]:
    return {
        "id": payment.id, "for": payment.source, "recipient": payment.recipient, "paid": told(payment.paid),
        "currency": payment.currency, "at": to_text(payment.at), "account": payment.account,
        "transaction": payment.posting or None, "state": "reversed" if payment.reversed else "paid",
    }  # fmt: skip


def _get(path: str, operation: str, handler: Handler, parameters: frozenset[str] = frozenset()) -> Route:
    return Route("GET", BASE + path, operation, handler, parameters=parameters)


def _post(path: str, operation: str, handler: Handler, *, asks: bool = False) -> Route:
    return Route("POST", BASE + path, operation, handler, body=True, asks=asks)


def _answer(body: Json, status: int = 200) -> Response:
    return Response(status, _JSON, dump(body))
