"""Settling days: each slot in one transaction with its postings, so that what is half done goes on where it stopped.

A slot whose inputs have the hash that it was settled from is left alone: settling again is nothing. One with other
inputs has the postings that are otherwise taken back, and booked anew; of a frozen day only the difference is booked,
as an adjustment of the day on which it is found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final, cast

from broker.errors import BadRequestData, Conflict
from broker.keeping import Db
from broker.model.values import Instant, Json, to_text
from broker.ports import Clock
from services.energy.settlement.book import FROZEN, PRELIMINARY, STATUSES, Book, Held, Moved, Run
from services.energy.settlement.inputs import Contracts, SlotInputs, Tariff
from services.energy.settlement.legs import changes, chunks, digest
from services.energy.settlement.settling import Settled, settle
from services.energy.slots import Slots
from services.ledger.book import Opening
from services.ledger.postings import CITY_OWNED, ENERGY, JPY, WH, Leg, Posting, reversal
from services.ledger.room import LedgerRoom

REASON: Final = "energySettlement"
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Hands:
    """What a runner works with. `close` is how long after its end a slot is settled."""

    tenant: str
    slots: Slots
    clock: Clock
    new_id: Callable[[], str]
    ledger: LedgerRoom
    contracts: Contracts
    close: Instant


class Runner:
    """See the module."""

    def __init__(self, book: Book, hands: Hands) -> None:
        self._book, self._hands = book, hands
        self._accounts: dict[tuple[str, str], str] = {}

    def due(self) -> list[str]:
        """Days of which something is to be settled, or settled anew."""
        until = self._hands.clock.now() - self._hands.close - self._hands.slots.length + 1
        days = {self._hands.slots.named(slot)[0] for slot in self._book.changed(until)}
        rows = self._book.file.read("SELECT DISTINCT day FROM settlement_run WHERE state = 'settling'")
        return sorted(days | {str(row[0]) for row in rows})

    def gather(self, day: str) -> int:
        """Take the contracts of a day as they are by now; how many are new or changed."""
        starts = self._hands.slots.of_day(day)
        start, end = starts[0], starts[-1] + self._hands.slots.length
        return self._book.take_contracts(start, end, self._hands.contracts.agreed(start, end))

    def run(self, day: str) -> Run | None:
        """Settle a day as far as it is over; the run of before where nothing is new, None where there is none."""
        last = self._book.last_run(day)
        if last is not None and last.status == FROZEN:
            return self._settle_day(day, self._hands.slots.named(self._hands.clock.now())[0], adjusts=True)
        return self._settle_day(day, day, adjusts=False)

    def advance(self, day: str, status: str) -> Run:
        """The day's next stage. Raises Conflict where it is not there yet, or something is not metered or priced."""
        last = self._book.last_run(day)
        if last is None:
            raise Conflict("the day is not settled", pointer="/status", remedy="settle it first")
        if STATUSES.index(status) < STATUSES.index(last.status) or (status == FROZEN and last.status == PRELIMINARY):
            raise Conflict(f"the day is {last.status}", pointer="/status", remedy=" → ".join(STATUSES))
        held = self._book.held(self._hands.slots.of_day(day)).values()
        lacking = sum(1 for one in held if one.unmetered or one.unpriced)
        if lacking and status != PRELIMINARY:
            raise Conflict(
                f"{lacking} slots have no meter, or no imbalance price", pointer="/status",
                remedy="read or correct the meters, import the prices",
            )  # fmt: skip

        def work(db: Db) -> None:
            db.execute("UPDATE settlement_run SET status = ? WHERE number = ?", (status, last.number))
            self._book.to_show(db, [("run", day)])

        self._book.file.write(work).result()
        return cast("Run", self._book.last_run(day))

    def _settle_day(self, day: str, booked_on: str, *, adjusts: bool) -> Run | None:
        over = self._hands.clock.now() - self._hands.close - self._hands.slots.length
        slots = [one for one in self._hands.slots.of_day(day) if one <= over]
        marks = self._marks(slots)
        held = self._book.held(slots)
        tariffs, run = self._book.tariffs(), None
        due = [one for one in slots if one in marks and (one not in held or held[one].mark != marks[one])]
        for slot in due:
            one = _Slot(slot, held.get(slot), tariffs)
            run, done = self._start(one, _Wanted(run, booked_on, adjusts))
            self._finish(one, done, _Wanted(run, booked_on, adjusts))
        last = self._book.last_run(booked_on)
        if last is not None and last.state == "settling":  # this run, or one that was broken off
            self._end(last.number, booked_on)
        return self._book.last_run(booked_on if run is not None else day)

    def _start(self, one: _Slot, wanted: _Wanted) -> tuple[int | None, Future[None]]:
        """Work a slot out, and have it written; the run, made when it is needed first."""
        mark, inputs = self._book.inputs(one.start, one.tariffs)
        hashed = inputs.hash()
        if one.held is not None and one.held.hash == hashed:
            return wanted.run, self._book.file.write(partial(_seen, slot=one.start, mark=mark))
        run = self._begin(wanted.day) if wanted.run is None else wanted.run
        kept = _Kept(run, mark, hashed, wanted.day, one.held if wanted.adjusts else None)
        return run, self._book.file.write(self._keeping(inputs, kept))

    def _finish(self, one: _Slot, done: Future[None], wanted: _Wanted) -> None:
        """Wait until it is written; work it out again where its inputs moved meanwhile."""
        for _ in range(_TRIES):
            with suppress(Moved):
                done.result()
                return
            _, done = self._start(one, wanted)
        raise Moved(f"what the slot {to_text(one.start)} is settled from changes too often")

    def _keeping(self, inputs: SlotInputs, kept: _Kept) -> Callable[[Db], None]:
        settled = settle(inputs)
        self._open({one.participant for one in settled.records})
        before = [*self._book.records(inputs.start, kept.adjusted.run).values()] if kept.adjusted is not None else []
        found = chunks(settled, self._account) if kept.adjusted is None else changes(settled, before, self._account)

        def work(db: Db) -> None:
            _require_mark(db, inputs.start, kept.mark)
            self._post(db, inputs.start, kept, found)
            self._write(db, settled, kept)
            if kept.adjusted is not None:
                old = {one.participant: one.amount for one in before}
                now = {one.participant: one.amount for one in settled.records}
                db.executemany(
                    "INSERT INTO settlement_adjustment VALUES (?,?,?,?,?)",
                    [
                        (inputs.start, who, kept.run, kept.day, now.get(who, 0) - old.get(who, 0))
                        for who in sorted({*old, *now}) if now.get(who, 0) != old.get(who, 0)
                    ],
                )  # fmt: skip

        return work

    def _post(self, db: Db, slot: Instant, kept: _Kept, found: Sequence[tuple[Leg, ...]]) -> None:
        """Book what is new; take back what was booked otherwise, unless it is frozen."""
        ledger, tenant = self._hands.ledger.ledger, self._hands.tenant
        new = {digest(legs): (chunk, legs) for chunk, legs in enumerate(found)}
        if kept.adjusted is None:
            rows = [*db.execute("SELECT run, chunk, posting, legs FROM settlement_posting"
                                " WHERE slot = ? AND holds = 1", (slot,))]  # fmt: skip
            for run, chunk, posting, legs in rows:
                if cast("bytes", legs) in new:
                    del new[cast("bytes", legs)]
                    continue
                back = reversal(ledger.find(tenant, str(posting)), f"{posting}#back")
                ledger.post_many_within(db, tenant, [back])
                db.execute(
                    "UPDATE settlement_posting SET holds = 0 WHERE slot = ? AND run = ? AND chunk = ?",
                    (slot, run, chunk),
                )
        about: dict[str, Json] = {
            "slot": to_text(slot),
            "run": kept.run,
            **({"adjusts": True} if kept.adjusted else {}),
        }
        wanted = [
            Posting(f"energy#{kept.run}#{slot}#{kept.mark}#{chunk}", REASON, legs, about)
            for chunk, legs in new.values()
        ]
        posted = ledger.post_many_within(db, tenant, wanted)
        db.executemany(
            "INSERT INTO settlement_posting VALUES (?,?,?,?,?,?)",
            [
                (slot, kept.run, chunk, one.id, legs, int(kept.adjusted is None))
                for (legs, (chunk, _)), one in zip(new.items(), posted, strict=True)
            ],
        )

    def _write(self, db: Db, settled: Settled, kept: _Kept) -> None:
        slot, adjusts = settled.start, int(kept.adjusted is not None)
        db.executemany(
            "INSERT INTO settlement_record VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            [(slot, one.participant, kept.run, adjusts, *one.row()) for one in settled.records],
        )
        db.execute(
            "INSERT OR REPLACE INTO settlement_slot VALUES (?,?,?,?,?,?)",
            (slot, kept.run, kept.hash, kept.mark, len(settled.unmetered), int(settled.unpriced)),
        )
        self._book.to_show(db, [("slot", str(slot))])

    def _marks(self, slots: Sequence[Instant]) -> dict[Instant, int]:
        if not slots:
            return {}
        rows = self._book.file.read(
            "SELECT slot, mark FROM settlement_change WHERE slot >= ? AND slot <= ?", (slots[0], slots[-1])
        )
        return dict(cast("list[tuple[int, int]]", rows))

    def _begin(self, day: str) -> int:
        """A new run of a day; it takes over the stage of the one before."""
        made, now = f"urn:ngsi-ld:SettlementRun:{self._hands.new_id()}", self._hands.clock.now()

        def work(db: Db) -> int:
            rows = [*db.execute("SELECT version, status FROM settlement_run WHERE day = ?"
                                " ORDER BY version DESC LIMIT 1", (day,))]  # fmt: skip
            version, status = rows[0] if rows else (0, PRELIMINARY)
            db.execute(
                "INSERT INTO settlement_run (id, day, version, hash, status, state, at)"
                " VALUES (?,?,?,'',?,'settling',?)",
                (made, day, cast("int", version) + 1, status, now),
            )
            return db.last_insert_rowid()

        return self._book.file.write(work).result()

    def _end(self, run: int, day: str) -> None:
        """The run is settled, of all that the day's slots were settled from by then."""
        held = self._book.held(self._hands.slots.of_day(day))
        told = "\n".join(f"{slot} {one.hash}" for slot, one in sorted(held.items()))
        hashed = f"sha-256:{sha256(told.encode()).hexdigest()}"

        def work(db: Db) -> None:
            db.execute("UPDATE settlement_run SET hash = ?, state = 'settled' WHERE number = ?", (hashed, run))
            self._book.to_show(db, [("run", day)])

        self._book.file.write(work).result()

    def _account(self, owner: str, currency: str) -> str:
        return self._accounts[owner, currency]

    def _open(self, participants: set[str]) -> None:
        wanted = [(one, currency) for one in (*CITY_OWNED, *sorted(participants)) for currency in (JPY, WH)]
        new = [one for one in wanted if one not in self._accounts]
        ledger, tenant = self._hands.ledger, self._hands.tenant

        def work(db: Db) -> dict[tuple[str, str], str]:
            return {
                (owner, currency): (
                    ledger.own_within(db, tenant, owner, currency).id
                    if owner in CITY_OWNED
                    else ledger.ledger.open_within(db, tenant, Opening(owner, ENERGY, currency, None)).id
                )
                for owner, currency in new
            }

        if new:
            self._accounts |= self._book.file.write(work).result()


@dataclass(frozen=True, slots=True)
class _Slot:
    start: Instant
    held: Held | None
    tariffs: Sequence[Tariff]


@dataclass(frozen=True, slots=True)
class _Wanted:
    run: int | None
    day: str
    adjusts: bool


@dataclass(frozen=True, slots=True)
class _Kept:
    """`adjusted`: what held before, where its day is frozen."""

    run: int
    mark: int
    hash: str
    day: str
    adjusted: Held | None


def _require_mark(db: Db, slot: Instant, mark: int) -> None:
    if [*db.execute("SELECT mark FROM settlement_change WHERE slot = ?", (slot,))] != [(mark,)]:
        raise Moved


def _seen(db: Db, slot: Instant, mark: int) -> None:
    _require_mark(db, slot, mark)
    db.execute("UPDATE settlement_slot SET mark = ? WHERE slot = ?", (mark, slot))


def require_day(slots: Slots, day: str, pointer: str) -> list[Instant]:
    """The slots of a day. Raises BadRequestData."""
    try:
        return slots.of_day(day)
    except ValueError as error:
        raise BadRequestData("no such day", pointer=pointer, remedy="2026-11-24") from error
