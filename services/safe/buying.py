"""Noisy answers: what noise costs of a recipient's budget and, where the data set has a price, in money.

The budget is spent, the persons are paid and the answer is kept in one transaction: all of it, or none. Who asks again
with the same Idempotency-Key gets the same answer, and pays once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Any, Final, cast

from broker.errors import BadRequestData, Forbidden
from broker.http.rooms.route import Asked
from broker.keeping import Db
from broker.model.values import Json
from services.pricing.paying import Paid
from services.pricing.room import Noise, PricingRoom
from services.room import Ground
from services.safe import noise
from services.safe.book import Of, SafeBook
from services.safe.configured import MICRO, Dataset
from services.safe.people import Person
from services.safe.telling import DIGITS

KEY_MAX: Final = 200
METHOD: Final = "Laplace (OpenDP), one value a contributor, held to the bounds"


@dataclass(frozen=True, slots=True)
class Wish:
    """A noisy answer that a recipient wants: for `micro` millionths of ε."""

    of: Of
    measure: str
    micro: int
    key: str = ""

    @property
    def request(self) -> str:
        """What is the same where the same is asked again."""
        return json.dumps([self.of.dataset, self.measure, self.micro])

    @property
    def epsilon(self) -> float:
        """As a number."""
        return self.micro / MICRO


class Buying:
    """See the module."""

    def __init__(self, ground: Ground, book: SafeBook) -> None:
        self._ground, self._book = ground, book

    def before(self, wish: Wish) -> dict[str, Json] | None:
        """What was answered to the same key. Raises Conflict where it was asked something else."""
        return self._book.noisy(wish.of, wish.key, wish.request) if wish.key else None

    def buy(self, wish: Wish, dataset: Dataset, people: Sequence[Person]) -> dict[str, Json]:
        """The answer, paid. Raises Forbidden where the budget is spent, Conflict where there is not enough money."""
        if dataset.priced and len(people) < dataset.rules.k:
            raise Forbidden("too few contribute for a price", pointer="/dataset", remedy="another data set")
        found = _noised(wish, [one.value for one in people], dataset)
        answer: dict[str, Json] = {
            "measure": wish.measure, "value": found, "epsilon": wish.epsilon, "left": 0.0, "method": METHOD,
        }  # fmt: skip
        pricing = cast("PricingRoom", self._ground.rooms["pricing"]) if dataset.priced else None
        pay = pricing.paying_noise(wish.of.tenant, self._noise(wish, dataset), _subjects(people)) if pricing else None
        paid: list[Paid] = []

        def within(db: Db, left: int) -> None:
            answer["left"] = left / MICRO
            if pay is not None and (done := pay(db)) is not None:
                paid.append(done)
                answer["paid"] = done.total / 1_000
            if wish.key:
                self._book.keep_noisy(db, wish.of, wish.key, (wish.request, answer))

        if not self._book.spend(wish.of, wish.micro, dataset.budget, (self._ground.clock.now(), wish.measure), within):
            left = (dataset.budget - self._book.spent(wish.of)) / MICRO
            raise Forbidden(f"of the budget {left:g} is left", pointer="/epsilon", remedy=f"epsilon: {left:g} at most")
        if pricing is not None and paid:
            pricing.noise_paid(wish.of.tenant, paid[0])
        return answer

    def _noise(self, wish: Wish, dataset: Dataset) -> Noise:
        named = sha256(f"{wish.of.recipient}\n{wish.key}".encode()).hexdigest() if wish.key else self._ground.new_id()
        return Noise(f"safe-{named}", wish.of.recipient, (dataset.item,), Fraction(wish.micro, MICRO))


def key_of(asked: Asked, *, needed: bool) -> str:
    """The Idempotency-Key, empty where there is none. Raises BadRequestData."""
    given = asked.request.headers.get("idempotency-key", "").strip().strip('"')
    if (needed and not given) or len(given) > KEY_MAX or not given.isprintable():
        raise BadRequestData(
            "the same request must not be paid twice", pointer="Idempotency-Key",
            remedy=f"Idempotency-Key: 1 to {KEY_MAX} characters of your own",
        )  # fmt: skip
    return given


def micro_of(given: Any) -> int:  # noqa: ANN401  whatever stands in the body
    """A number as millionths of ε. Raises BadRequestData."""
    if not isinstance(given, int | float) or isinstance(given, bool) or not 1 <= given * MICRO <= 100 * MICRO:
        raise BadRequestData("epsilon is a number above 0", pointer="/epsilon", remedy="epsilon: 0.1")
    return int(given * MICRO)


def _noised(wish: Wish, values: Sequence[float], dataset: Dataset) -> float:
    if wish.measure == "count":
        return noise.count(len(values), wish.epsilon)
    made = noise.total if wish.measure == "sum" else noise.mean
    return round(made(values, dataset.bounds, wish.epsilon), DIGITS)


def _subjects(people: Sequence[Person]) -> list[str]:
    return [subject for one in people for subject in one.who.split()]
