"""A settlement over a file of its own, without a hub: for its tests. Sites h0, h1, … and their interchange legs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast
from zoneinfo import ZoneInfo

from broker.keeping import KeptFile
from broker.model.values import Instant
from services.energy.metering.book import Meters, Read
from services.energy.metering.registers import Limits
from services.energy.settlement.book import Book
from services.energy.settlement.inputs import Agreed
from services.energy.settlement.runner import Hands, Runner
from services.energy.settlement.tables import METERING, SETTLEMENT
from services.energy.sites import Site
from services.energy.slots import Slots
from services.ledger.book import Ledger
from services.ledger.postings import JPY, WH
from services.ledger.room import LedgerRoom
from tests.fakes.clock import FakeClock

DAY: Final = "2026-11-24"
SLOTS: Final = Slots(30, ZoneInfo("Asia/Tokyo"))
MINUTE: Final = 60_000_000


@dataclass
class OnlyLedger:
    """The room of the ledger, as far as settlement asks it."""

    ledger: Ledger
    own_within = LedgerRoom.own_within


@dataclass
class Market:
    """Contracts as a list."""

    contracts: list[Agreed] = field(default_factory=list)

    def agreed(self, start: Instant, end: Instant) -> list[Agreed]:
        """As the port says."""
        return [one for one in self.contracts if start <= one.start < end]


@dataclass
class Settlement:
    """All of it; the clock stands at the end of DAY."""

    file: KeptFile
    clock: FakeClock
    ledger: Ledger
    meters: Meters
    book: Book
    market: Market
    runner: Runner

    def read(self, readings: Sequence[Read]) -> None:
        """Take readings, and make intervals of them."""
        self.file.write(lambda db: self.meters.read(db, readings)).result()
        while self.meters.work():
            pass

    def settle(self, day: str = DAY) -> None:
        """Gather and run a day."""
        self.runner.gather(day)
        self.runner.run(day)

    def balances(self) -> dict[tuple[str, str], int]:
        """By owner and currency; those with nothing are left out."""
        rows = self.file.read("SELECT owner, currency, balance FROM ledger_account WHERE balance <> 0")
        return {(str(owner), str(currency)): cast("int", balance) for owner, currency, balance in rows}

    def sums(self) -> dict[str, int]:
        """Of everything in a currency: 0 in books that balance."""
        return {one: sum(amount for (_, kind), amount in self.balances().items() if kind == one) for one in (JPY, WH)}

    def postings(self) -> int:
        """How many are booked."""
        return cast("int", self.file.read("SELECT count(*) FROM ledger_posting")[0][0])


def leg(name: str) -> str:
    """The interchange leg of a site."""
    return f"urn:ngsi-ld:DigitalGridLeg:misono:{name}-interchange"


def site(name: str) -> Site:
    """One that has nothing else."""
    return Site(name, f"router-{name}", {"interchange": leg(name)})


@contextmanager
def settlement(path: Path, *names: str, limits: Limits | None = None) -> Iterator[Settlement]:
    """It, of these sites."""
    numbers = itertools.count(1)
    file, clock = KeptFile(path / "services.sqlite", "services"), FakeClock(SLOTS.of_day(DAY)[-1] + 60 * MINUTE)
    try:
        file.tables("energy-metering", METERING)
        file.tables("energy-settlement", SETTLEMENT)
        ledger = Ledger(file, clock, lambda: f"{next(numbers):032x}")
        meters, book, market = Meters(file, clock, SLOTS, limits or Limits()), Book(file), Market()
        meters.changed = book.metered
        meters.place([site(name) for name in names], {})
        hands = Hands(
            "", SLOTS, clock, lambda: f"{next(numbers):032x}", cast("LedgerRoom", OnlyLedger(ledger)), market,
            10 * MINUTE,
        )  # fmt: skip
        yield Settlement(file, clock, ledger, meters, book, market, Runner(book, hands))
    finally:
        file.close()
