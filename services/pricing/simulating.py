"""What persons would have earned under other versions of the rules: how incomes are spread, never whose they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from broker.model.values import Json
from datamodels.library import Library
from services.bank.items import read_items
from services.ledger.amounts import told
from services.pricing.book import Book, as_map
from services.pricing.configured import Experiment, Settings, Want
from services.pricing.paying import parts
from services.pricing.prices import Buyer, Line, price
from services.pricing.quotes import unpacked, wanted_of
from services.pricing.rules import Rules
from services.pricing.spans import Span, Wanted, lines_of

PEOPLE_FOR_QUARTILES: Final = 20
"""Of fewer, a quartile is somebody's income."""
SALES_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class _Sale:
    person: int
    month: str
    lines: Sequence[Line]
    buyer: Buyer


def simulated(
    book: Book, settings: Settings, experiment: Experiment, asked: tuple[str, date, Library]
) -> dict[str, Json]:
    """Each version's incomes over what was sold, and what a person who grants all that is wanted gets in a month.

    `asked` are the tenant, the city's day, and the models that say what needs special care.
    """
    tenant, today, library = asked
    sales = _sales(book, tenant)
    wanted = [(one, _items(library, one)) for one in experiment.wants]
    months = sorted({one.month for one in sales})
    return {
        "experiment": experiment.name, "current": settings.current, "months": [*months], "sales": len(sales),
        "versions": [
            {
                "version": name, "currency": settings.versions[name].currency,
                "sold": spread(earned(settings.versions[name], sales), settings.small_count),
                "wanted": _wanted(settings, settings.versions[name], wanted, today),
            }
            for name in experiment.versions
        ],
    }  # fmt: skip


def earned(rules: Rules, sales: Iterable[_Sale]) -> list[int]:
    """What each person would have got of these sales, in their order, under the caps of the months."""
    gross: dict[tuple[int, str], int] = defaultdict(int)
    income: dict[int, int] = defaultdict(int)
    for one in sales:
        amount = price(rules, one.lines, one.buyer, gross[one.person, one.month]).amount
        gross[one.person, one.month] += amount
        income[one.person] += parts(rules, amount)[0]
    return list(income.values())


def spread(incomes: Sequence[int], small: int) -> dict[str, Json]:
    """How incomes are spread: nothing of few people, no quartiles of some."""
    people = len(incomes)
    if people < small:
        return {"fewerThan": small}
    ordered, total = sorted(incomes), sum(incomes)
    found: dict[str, Json] = {"people": people, "total": told(total), "mean": told(total // people)}
    if people >= PEOPLE_FOR_QUARTILES:
        found["quartiles"] = [told(ordered[people * place // 4]) for place in (1, 2, 3)]
    return found


def _sales(book: Book, tenant: str) -> list[_Sale]:
    bodies: dict[str, tuple[list[Line], Buyer]] = {}
    rows: Mapping[str, str] = {
        str(one): str(body)
        for one, body in book.read(
            "SELECT id, body FROM pricing_quote WHERE tenant = ? AND accepted IS NOT NULL", tenant
        )
    }
    found = []
    paid = "SELECT source, person, month FROM pricing_payment WHERE tenant = ? AND NOT reversed ORDER BY number LIMIT ?"
    for source, person, month in book.read(paid, tenant, SALES_MAX):
        if source not in rows:
            continue
        if source not in bodies:
            bodies[source] = unpacked(as_map(rows[source]))
        lines, buyer = bodies[source]
        found.append(_Sale(person, month, lines, buyer))
    return found


def _items(library: Library, want: Want) -> list[Wanted]:
    return wanted_of(read_items(library, [f"{item}@{granularity}" for item, granularity in want.items], "/wants"))


def _wanted(settings: Settings, rules: Rules, wants: Sequence[tuple[Want, list[Wanted]]], today: date) -> Json:
    gross = income = 0
    for want, items in wants:
        span = Span(today - timedelta(days=want.days), today)
        found = price(rules, lines_of(items, span, today, settings.raw_per_day), want.buyer, gross)
        gross += found.amount
        income += parts(rules, found.amount)[0]
    return {"sales": len(wants), "price": told(gross), "income": told(income)} if wants else None
