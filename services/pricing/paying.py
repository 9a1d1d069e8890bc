"""What a recipient pays for persons' data, booked in one transaction: to the persons, the community and the operator.

The price of each person is shared by the weights of the rules, exact to the thousandth; what is paid to many persons
is several postings of one transaction, under keys of one source: it is booked whole, once, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broker.keeping import Db
from broker.model.values import Instant
from services.ledger.postings import FUND, OPERATOR, Leg, Posting, shared
from services.ledger.room import LedgerRoom
from services.pricing.book import Book
from services.pricing.rules import Rules

PERSONS_A_POSTING: Final = 900


@dataclass(frozen=True, slots=True)
class Sale:
    """What is paid by whom, and by which rules; `source` is the quote, or what else it is for."""

    tenant: str
    source: str
    recipient: str
    rules: Rules
    month: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Paid:
    """How much, split; `shown` are the ids of what the ledger and the hub show of it."""

    people: int
    total: int
    persons: int
    community: int
    operator: int
    postings: tuple[str, ...]
    accounts: tuple[str, ...]
    payments: tuple[str, ...]
    numbers: tuple[int, ...]


def parts(rules: Rules, gross: int) -> tuple[int, int, int]:
    """Of the price of a person's data: to them, to the community, to the operator."""
    split = rules.split
    person, community, operator = shared(gross, (split.persons, split.community, split.operator))
    return person, community, operator


class Paying:
    """Books sales."""

    def __init__(self, book: Book, ledger: LedgerRoom, new_id: Callable[[], str]) -> None:
        self._book, self._ledger, self._new_id = book, ledger, new_id

    def pay(self, db: Db, sale: Sale, gross: Mapping[str, int]) -> Paid:
        """Within a transaction: `gross` is what each person's data cost; who cannot be paid is left out.

        Raises Conflict where the recipient has not enough.
        """
        accounts = self._accounts(db, sale, gross)
        people = [one for one in gross if one in accounts]
        numbers = self._book.numbers(db, sale.tenant, people)
        postings, split, rows = list[str](), [0, 0, 0], list[tuple[str | int, ...]]()
        for start in range(0, len(people), PERSONS_A_POSTING):
            some = people[start : start + PERSONS_A_POSTING]
            each = {one: parts(sale.rules, gross[one]) for one in some}
            sums = [sum(part[place] for part in each.values()) for place in range(3)]
            split = [before + more for before, more in zip(split, sums, strict=True)]
            posting = self._post(db, sale, {accounts[one]: each[one][0] for one in some}, sums)
            postings += [posting] if posting else []
            rows += [
                (
                    sale.tenant, f"urn:ngsi-ld:BenefitPayment:{self._new_id()}", sale.source, sale.recipient,
                    numbers[one], gross[one], each[one][0], sale.rules.currency, sale.month, sale.at, accounts[one],
                    posting,
                )
                for one in some
            ]  # fmt: skip
        db.executemany(_INSERT, rows)
        payments = tuple(str(row[1]) for row in rows)
        self._book.to_show(db, sale.tenant, payments)
        return Paid(
            len(people), sum(split), split[0], split[1], split[2], tuple(postings), tuple(accounts.values()), payments,
            tuple(numbers[one] for one in people),
        )  # fmt: skip

    def _accounts(self, db: Db, sale: Sale, people: Mapping[str, int]) -> dict[str, str]:
        opened = {one: self._ledger.account_within(db, sale.tenant, one, sale.rules.currency) for one in people}
        return {one: account.id for one, account in opened.items() if account.state == "accountActive"}

    def _post(self, db: Db, sale: Sale, persons: Mapping[str, int], sums: Sequence[int]) -> str:
        currency, total = sale.rules.currency, sum(sums)
        if not total:
            return ""
        payer = self._ledger.account_within(db, sale.tenant, sale.recipient, currency)
        taking = {
            **persons, self._ledger.own_within(db, sale.tenant, FUND, currency).id: sums[1],
            self._ledger.own_within(db, sale.tenant, OPERATOR, currency).id: sums[2],
        }  # fmt: skip
        legs = (Leg(payer.id, currency, -total), *(Leg(one, currency, part) for one, part in taking.items() if part))
        key = f"{sale.source}#{next(iter(persons))}"
        posted = self._ledger.ledger.post_within(
            db, sale.tenant, Posting(key, "dataBenefit", legs, {"source": sale.source})
        )
        return posted.id


_INSERT: Final = """INSERT INTO pricing_payment
    (tenant, id, source, recipient, person, gross, paid, currency, month, at, account, posting)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
