"""How long much takes, durable: a month of seven sites, and very many participants. Bigger ones by the environment.

SETTLE_PARTICIPANTS and SETTLE_SLOTS (400 and 4 by themselves), SETTLE_DAYS (1), in which 7 sites are read each minute.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from services.energy.metering.book import GIVEN, TAKEN, Read
from services.energy.metering.registers import Limits
from services.energy.settlement.inputs import Agreed, Tariff
from services.ledger.postings import JPY, WH
from tests.fakes.settling import DAY, MINUTE, SLOTS, Settlement, leg, settlement

PARTICIPANTS, COUNT = int(os.environ.get("SETTLE_PARTICIPANTS", "400")), int(os.environ.get("SETTLE_SLOTS", "4"))
DAYS = int(os.environ.get("SETTLE_DAYS", "1"))
NAMES = ("h1", "h2", "h3", "h4", "h5", "store", "mall")
TARIFF = Tariff(wheeling=2_000, fee=100, loss=30_000, tax=100_000)


def test_very_many_participants_settle_in_time(tmp_path: Path) -> None:
    names = [f"p{place:05d}" for place in range(PARTICIPANTS)]
    slots, chance = SLOTS.of_day(DAY)[:COUNT], random.Random(5)
    with settlement(tmp_path, *names) as it:
        it.book.add_tariff(TARIFF, 0)
        it.book.take_imbalance(dict.fromkeys(slots, (31_000, 9_000)), "test")
        for slot in slots:
            metered(it, slot, {one: chance.randrange(-900, 900) for one in names})
            it.market.contracts += [
                Agreed(f"{slot}-{seller}", seller, buyer, slot, chance.randrange(1, 900), 15_000)
                for seller, buyer in zip(names[::2], names[1::2], strict=True)
            ]
        begun = time.monotonic()
        it.settle()
        took = time.monotonic() - begun
        assert len(it.book.held(slots)) == COUNT
        assert it.sums() == {JPY: 0, WH: 0}
        booked = it.postings()
        it.settle()
        assert it.postings() == booked
    print(f"\nfigure settle_participants_s {took:.2f} {PARTICIPANTS * COUNT}")
    assert took <= 60


def metered(it: Settlement, slot: int, taken: dict[str, int]) -> None:
    """What everybody took, as the meters' own intervals."""
    rows = [(slot, leg(one), one, max(wh, 0), max(-wh, 0)) for one, wh in taken.items()]
    it.file.write(
        lambda db: db.executemany("INSERT INTO metering_interval VALUES (?,?,1,?,'interchange',?,?,'actual',0)", rows)
    ).result()
    it.file.write(lambda db: it.book.change(db, [slot])).result()


def test_days_of_a_reading_each_minute_settle_in_time_and_a_correction_changes_its_slot(tmp_path: Path) -> None:
    first, chance = SLOTS.of_day(DAY)[0], random.Random(6)
    slots = [*SLOTS.between(first, first + DAYS * 86_400_000_000)]
    with settlement(tmp_path, *NAMES, limits=Limits(modulus=10_000_000)) as it:
        it.clock.set(slots[-1] + 3 * SLOTS.length)
        it.book.add_tariff(TARIFF, 0)
        it.book.take_imbalance(dict.fromkeys(slots, (31_000, 9_000)), "test")
        days = sorted({SLOTS.named(slot)[0] for slot in slots})
        readings = minutes(first, DAYS * 1_440, chance)
        it.market.contracts = [
            Agreed(f"{slot}-{buyer}", seller, buyer, slot, 200, 15_000)
            for slot in slots for seller, buyer in (("h1", "h3"), ("h2", "h4"), ("mall", "store"))
        ]  # fmt: skip
        begun = time.monotonic()
        it.read(readings)
        for day in days:
            it.settle(day)
        took = time.monotonic() - begun
        assert len(it.book.held(slots)) == len(slots)
        booked, kept = it.postings(), it.file.read("SELECT slot, hash FROM settlement_slot")
        assert it.sums() == {JPY: 0, WH: 0}
        for day in days:
            it.settle(day)
        assert it.postings() == booked
        it.meters.correct(slots[7], leg("h3"), 999, 0)
        it.settle(days[0])
        now = it.file.read("SELECT slot, hash FROM settlement_slot")
        assert [one[0] for one in set(now) - set(kept)] == [slots[7]]
        assert it.postings() == booked + 2
        assert it.sums() == {JPY: 0, WH: 0}
        assert it.ledger.verify() == booked + 2
    print(f"\nfigure settle_days_s {took:.2f} {len(readings)}")
    assert took <= 60


def minutes(first: int, count: int, chance: random.Random) -> list[Read]:
    """Registers of all sites, each minute; they begin again at ten million."""
    found: list[Read] = []
    for name in NAMES:
        shown = {TAKEN: 9_999_000, GIVEN: 500_000}
        for minute in range(count + 1):
            for outward in (TAKEN, GIVEN):
                shown[outward] = (shown[outward] + chance.randrange(40)) % 10_000_000
                found.append((leg(name), outward, first + minute * MINUTE, shown[outward]))
    return found
