"""A day is settled once, corrected by reversal in exactly the slot that changed, and adjusted after it is frozen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

from broker.errors import Conflict
from broker.keeping import Db
from services.energy.metering.book import GIVEN, TAKEN
from services.energy.settlement.book import FINAL, FROZEN, PRELIMINARY
from services.energy.settlement.inputs import Agreed, Tariff
from services.energy.settlement.runner import Runner
from services.ledger.postings import CITY_OWNED, CLEARING, GRID, IMBALANCE, JPY, WH
from tests.fakes.settling import DAY, MINUTE, SLOTS, Settlement, leg, settlement

TRADES = (("H1", "H3", 700), ("H1", "H4", 100), ("H2", "H4", 400), ("H2", "CVS", 200), ("MALL", "CVS", 1_300))
NAMES = ("H1", "H2", "H3", "H4", "CVS", "MALL")
FIRST, SECOND = SLOTS.of_day(DAY)[20:22]


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Settlement]:
    with settlement(tmp_path, *NAMES) as found:
        yield found


def trades(start: int) -> list[Agreed]:
    return [Agreed(f"{start}-{place}", one, other, start, wh, 15_000) for place, (one, other, wh) in enumerate(TRADES)]


def metered(it: Settlement, start: int, more: dict[str, int] | None = None) -> None:
    """Each site's registers at the start and the end of a slot, as it was agreed."""
    net = dict.fromkeys(NAMES, 0)
    for seller, buyer, wh in TRADES:
        net[seller] -= wh
        net[buyer] += wh
    for name, wh in (more or {}).items():
        net[name] += wh
    end = start + SLOTS.length
    nth = (start - FIRST) // SLOTS.length
    it.read([
        (leg(name), outward, at, 1_000_000 + (nth + int(at == end)) * wh)
        for name, taken in net.items()
        for outward, wh in ((TAKEN, max(taken, 0)), (GIVEN, max(-taken, 0)))
        for at in (start, start + 10 * MINUTE, start + 20 * MINUTE, end)
    ])  # fmt: skip


def test_the_vector_of_the_market_balances_exactly(it: Settlement) -> None:
    it.market.contracts = trades(FIRST)
    it.book.add_tariff(Tariff(wheeling=2_000), 0)
    metered(it, FIRST)
    it.settle()
    found = {owner: amount for (owner, currency), amount in it.balances().items() if currency == JPY}
    assert found == {
        "H1": 12_000, "H2": 9_000, "MALL": 19_500, CITY_OWNED[GRID]: 5_400, "H3": -11_900, "H4": -8_500,
        "CVS": -25_500,
    }  # fmt: skip
    assert it.sums() == {JPY: 0, WH: 0}
    assert it.ledger.verify() == it.postings() == 1


def test_settling_again_is_nothing(it: Settlement) -> None:
    it.market.contracts = trades(FIRST)
    metered(it, FIRST)
    it.settle()
    run, booked = it.book.last_run(DAY), it.postings()
    metered(it, FIRST)
    it.settle()
    assert it.book.last_run(DAY) == run
    assert it.postings() == booked


def test_a_corrected_value_changes_exactly_its_slot_by_reversal(it: Settlement) -> None:
    it.market.contracts = trades(FIRST) + trades(SECOND)
    it.book.take_imbalance(dict.fromkeys((FIRST, SECOND), (20_000, 20_000)), "test")
    metered(it, FIRST)
    metered(it, SECOND)
    it.settle()
    before, other = it.balances(), it.book.record(SECOND, "H3", adjusted=True)
    it.meters.correct(FIRST, leg("H3"), 800, 0)
    it.settle()
    assert it.balances()["H3", JPY] == before["H3", JPY] - 2_000
    assert it.balances()["H3", WH] == before["H3", WH] + 100
    assert it.balances()[CITY_OWNED[IMBALANCE], JPY] == 2_000
    assert it.book.record(SECOND, "H3", adjusted=True) == other
    rows = it.file.read("SELECT count(*) FROM ledger_posting WHERE reverses IS NOT NULL")
    assert (rows, it.postings()) == ([(1,)], 4)
    assert it.sums() == {JPY: 0, WH: 0}
    assert it.ledger.verify() == 4


def test_after_the_freeze_only_the_difference_is_booked_on_the_day_it_is_found(it: Settlement) -> None:
    it.market.contracts = trades(FIRST)
    it.book.take_imbalance({FIRST: (20_000, 20_000)}, "test")
    metered(it, FIRST)
    it.settle()
    with pytest.raises(Conflict):
        it.runner.advance(DAY, FROZEN)
    it.runner.advance(DAY, FINAL)
    assert it.runner.advance(DAY, FROZEN).status == FROZEN
    before = it.balances()
    it.clock.advance(86_400)
    it.meters.correct(FIRST, leg("H3"), 800, 0)
    it.settle()
    it.settle()
    assert it.balances()["H3", JPY] == before["H3", JPY] - 2_000
    assert it.book.adjustments(DAY, "H3") == []
    assert it.book.adjustments("2026-11-26", "H3") == [(FIRST, -2_000)]
    assert not it.file.read("SELECT 1 FROM ledger_posting WHERE reverses IS NOT NULL")
    frozen, adjusted = (it.book.record(FIRST, "H3", adjusted=one) for one in (False, True))
    assert frozen is not None
    assert adjusted is not None
    assert (frozen[0].taken, adjusted[0].taken) == (700, 800)
    run = it.book.last_run(DAY)
    assert run is not None
    assert (run.status, run.version) == (FROZEN, 1)
    assert it.sums() == {JPY: 0, WH: 0}


def test_what_is_not_metered_or_priced_is_not_final(it: Settlement) -> None:
    it.market.contracts = trades(FIRST)
    it.settle()
    run = it.book.last_run(DAY)
    assert run is not None
    assert run.status == PRELIMINARY
    with pytest.raises(Conflict) as refused:
        it.runner.advance(DAY, FINAL)
    assert refused.value.pointer == "/status"
    metered(it, FIRST, {"H3": 50})
    it.settle()
    with pytest.raises(Conflict):
        it.runner.advance(DAY, FINAL)
    it.book.take_imbalance({FIRST: (20_000, 20_000)}, "test")
    it.settle()
    assert it.runner.advance(DAY, FINAL).status == FINAL


def test_very_many_are_booked_in_parts_that_balance_by_themselves(tmp_path: Path) -> None:
    names = [f"h{place:04d}" for place in range(1_200)]
    with settlement(tmp_path, *names) as it:
        pairs = zip(names[::2], names[1::2], strict=True)
        it.market.contracts = [Agreed(f"c-{seller}", seller, buyer, FIRST, 333, 17_777) for seller, buyer in pairs]
        it.book.add_tariff(Tariff(wheeling=2_001, fee=77, loss=30_000, tax=100_000), 0)
        it.settle()
        assert it.sums() == {JPY: 0, WH: 0}
        assert (CITY_OWNED[CLEARING], JPY) not in it.balances()
        assert it.ledger.verify() == it.postings() == 4


def test_what_moves_while_it_is_worked_out_is_worked_out_again(it: Settlement) -> None:
    it.market.contracts = trades(FIRST)
    metered(it, FIRST)
    it.runner.gather(DAY)
    go = Event()

    def moves(db: Db) -> None:
        go.wait(5)
        it.book.change(db, [FIRST])

    moved, late = it.file.write(moves), Timer(0.2, go.set)
    late.start()
    it.runner.run(DAY)
    moved.result()
    late.join()
    assert it.book.held([FIRST])[FIRST].mark == it.book.inputs(FIRST, [])[0]
    assert it.book.changed(FIRST + 1) == []
    assert it.postings() == 1


def test_a_run_that_was_broken_off_is_ended_by_the_next_look(it: Settlement) -> None:
    it.market.contracts = trades(FIRST)
    metered(it, FIRST)
    it.settle()
    run = it.book.last_run(DAY)
    assert run is not None
    it.file.write(lambda db: db.execute("UPDATE settlement_run SET state = 'settling', hash = ''")).result()
    assert it.runner.due() == [DAY]
    it.settle()
    assert it.book.last_run(DAY) == run
    assert (it.runner.due(), it.postings()) == ([], 1)


def test_two_processes_settle_once(it: Settlement) -> None:
    it.market.contracts = trades(FIRST) + trades(SECOND)
    metered(it, FIRST)
    metered(it, SECOND)
    it.runner.gather(DAY)
    other = Runner(it.book, it.runner._hands)
    both = [Thread(target=one.run, args=(DAY,)) for one in (it.runner, other)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert it.postings() == 2
    assert it.sums() == {JPY: 0, WH: 0}
    held = it.balances()["H1", JPY]
    it.settle()
    assert (it.postings(), it.balances()["H1", JPY]) == (2, held)


def test_a_contract_that_was_stopped_is_settled_as_it_was_metered(it: Settlement) -> None:
    it.market.contracts = [replace(one, stopped=True) for one in trades(FIRST) if one.seller == "H1"]
    it.read([
        (leg(name), outward, at, 5_000 + (wh if at > FIRST else 0))
        for name, outward, wh in (("H1", GIVEN, 400), ("H3", TAKEN, 350), ("H4", TAKEN, 50))
        for at in (FIRST, FIRST + 10 * MINUTE, FIRST + 20 * MINUTE, FIRST + SLOTS.length)
    ])  # fmt: skip
    it.book.take_imbalance({FIRST: (20_000, 20_000)}, "test")
    it.settle()
    found = {owner: amount for (owner, currency), amount in it.balances().items() if currency == JPY}
    assert found == {"H1": 6_000, "H3": -5_250, "H4": -750}
