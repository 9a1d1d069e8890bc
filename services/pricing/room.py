"""The room of prices: its routes, its timer, and what other rooms call in Python.

room.noise_price("", recipient, ("HeartRateObservation/heartRate",), Fraction(1, 2))   thousandths for one person
room.pay_noise("", Noise("safe-17", recipient, items, Fraction(1, 2)), subjects)        paid once by its key
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

from broker.errors import BadRequestData
from broker.http.rooms.route import Route
from broker.keeping import Db
from broker.model.values import Json
from services.bank.items import read_items
from services.bank.moments import city_day
from services.bank.room import BankRoom
from services.ledger.room import LedgerRoom
from services.looking import Looking
from services.pricing.book import Book
from services.pricing.configured import read_settings
from services.pricing.doors import Doors
from services.pricing.offered import Offered
from services.pricing.paying import Paid, Paying, Sale
from services.pricing.prices import EPSILON_MAX, Buyer, price_of_noise, within_cap
from services.pricing.projecting import Projector
from services.pricing.quotes import Quoting
from services.pricing.rules import SENSITIVITIES
from services.room import Ground

LOOK_S: Final = 1.0
KEY_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Noise:
    """An aggregate with differential privacy that a recipient gets: of which items, at which budget; paid by `key`."""

    key: str
    recipient: str
    items: tuple[str, ...]
    epsilon: Fraction


class PricingRoom:
    """See the module."""

    def __init__(self, ground: Ground) -> None:
        self.settings = read_settings(ground.city)
        self._ground, self._ledger = ground, cast("LedgerRoom", ground.rooms["ledger"])
        self._offered = Offered(cast("BankRoom", ground.rooms["bank"]))
        self._book = Book(ground.file)
        self._paying = Paying(self._book, self._ledger, ground.new_id)
        self.quoting = Quoting(ground, self.settings, self._book, self._offered, self._paying)
        self._projector = Projector(ground.hub, ground.library, self._book, self.quoting)
        self._doors = Doors(ground, self._book, self.quoting, self._show)
        self._looking = Looking("pricing", LOOK_S, self.tick, "what is due waits")

    def noise_price(self, tenant: str, recipient: str, items: Sequence[str], epsilon: Fraction) -> int:
        """What a share in such an aggregate costs for each person, in thousandths. Raises BadRequestData, Forbidden."""
        if not 0 < epsilon <= EPSILON_MAX:
            raise BadRequestData("there is no such budget", pointer="/epsilon", remedy=f"more than 0, to {EPSILON_MAX}")
        rules, library = self.settings.rules, self._ground.library()
        levels = [rules.level_of(one.text.partition("@")[0], special=one.special) for one in read_items(library, items)]
        level = max(levels, key=SENSITIVITIES.index, default=SENSITIVITIES[0])
        return price_of_noise(rules, epsilon, level, Buyer(self._offered.class_of(tenant, recipient)))

    def pay_noise(self, tenant: str, noise: Noise, subjects: Sequence[str]) -> Paid | None:
        """Pay the persons in an aggregate, under the month's cap, once by its key: None where that was done before.

        Raises BadRequestData, Forbidden; Conflict where the recipient has not enough.
        """
        paid = self._ground.file.write(self.paying_noise(tenant, noise, subjects)).result()
        self.noise_paid(tenant, paid)
        return paid

    def paying_noise(self, tenant: str, noise: Noise, subjects: Sequence[str]) -> Callable[[Db], Paid | None]:
        """As `pay_noise`, to be done within a transaction of the same file; `noise_paid` is called after it.

        Raises BadRequestData, Forbidden; what is given back raises Conflict where the recipient has not enough.
        """
        if not 1 <= len(noise.key) <= KEY_MAX:
            raise BadRequestData("a payment needs a key", pointer="/key", remedy=f"1 to {KEY_MAX} characters")
        each = self.noise_price(tenant, noise.recipient, noise.items, noise.epsilon)
        rules, now = self.settings.rules, self._ground.clock.now()
        sale = Sale(tenant, f"noise#{noise.key}", noise.recipient, rules, city_day(now)[:7], now)

        def work(db: Db) -> Paid | None:
            there = "SELECT 1 FROM pricing_payment WHERE tenant = ? AND source = ? LIMIT 1"
            if list(db.execute(there, (tenant, sale.source))):
                return None
            paid = self._book.paid(db, tenant, sale.month, rules.currency)
            gross = {one: within_cap(rules, each, paid.get(one, 0)) for one in dict.fromkeys(subjects)}
            return self._paying.pay(db, sale, gross)

        return work

    def noise_paid(self, tenant: str, paid: Paid | None) -> None:
        """Show what was paid for noise, once it is durable."""
        if paid is not None:
            self._show(tenant, "", paid)

    def forget(self, tenant: str, subject: str) -> Mapping[str, int]:
        """Take a person off what they were paid, and forget what they asked for; how much, by place."""
        return {"services/pricing": self._book.forget(tenant, subject, self._ground.new_id())}

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
        """As the port says: whom a payment was to goes, what was booked stays."""
        found = [one for one in self._book.payments_in([entity_id]) if one.subject.startswith("urn:misono:subject:")]
        return self.forget(tenant, found[0].subject) if found else {}

    def state(self) -> Json:
        """As the port says."""
        return self._looking.state()

    def tick(self) -> None:
        """Follow what was taken back, forget quotes that are over, show what waits. Raises ServiceUnavailable."""
        self._follow()
        self.quoting.thin()
        self._projector.catch_up()

    def _show(self, tenant: str, quote_id: str, paid: Paid | None) -> None:
        if paid is None:
            self._projector.show(tenant, [quote_id])
            return
        self._ledger.ledger.shown(tenant, (*paid.postings, *paid.accounts))
        self._projector.show(tenant, [*([quote_id] if quote_id else []), *paid.payments])

    def _follow(self) -> None:
        rows = self._book.read("SELECT posting FROM pricing_followed")
        after = int(rows[0][0]) if rows else 0
        for number, tenant, was in self._ledger.ledger.reversals(after):

            def work(db: Db, number: int = number, tenant: str = tenant, was: str = was) -> None:
                sql = "UPDATE pricing_payment SET reversed = 1 WHERE tenant = ? AND posting = ? RETURNING id"
                self._book.to_show(db, tenant, [str(row[0]) for row in list(db.execute(sql, (tenant, was)))])
                db.execute("INSERT OR REPLACE INTO pricing_followed VALUES (1, ?)", (number,))

            self._ground.file.write(work).result()


def open_room(ground: Ground) -> PricingRoom:
    """The room. Raises BadCity."""
    return PricingRoom(ground)
