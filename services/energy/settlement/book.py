"""The book of settlement: versions of contracts, tariffs and imbalance prices, and what holds for each slot.

Every change of something that a slot is settled from moves the slot's mark on: what was worked out from older inputs is
not kept (`Moved`), and what has another mark than it was settled with is settled anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from broker.keeping import Db, KeptFile
from broker.model.values import Instant
from services.energy.metering.book import Interval
from services.energy.settlement.inputs import Agreed, Imbalance, Metered, SlotInputs, Tariff
from services.energy.settlement.settling import Record

FORGOTTEN: Final = "urn:misono:forgotten:"
PRELIMINARY, FINAL, FROZEN = "preliminary", "final", "frozen"
STATUSES: Final = (PRELIMINARY, FINAL, FROZEN)
_MEMBERS: Final = "sold, bought, lost, taken, imbalance_wh, energy, wheeling, fee, imbalance, tax, estimated"
_METERS: Final = """SELECT participant, sum(imported), sum(exported), sum(version), max(quality = 'estimated')
    FROM metering_interval AS one WHERE slot = ? AND role = 'interchange' AND version = (SELECT max(version)
    FROM metering_interval AS other WHERE other.slot = one.slot AND other.leg = one.leg) GROUP BY participant"""
_CONTRACTS: Final = """SELECT id, seller, buyer, slot, wh, price, stopped, version FROM settlement_contract AS one
    WHERE slot = ? AND version = (SELECT max(version) FROM settlement_contract AS other
    WHERE other.slot = one.slot AND other.id = one.id)"""


class Moved(Exception):
    """What the slot is settled from changed meanwhile: work it out again."""


@dataclass(frozen=True, slots=True)
class Run:
    """One computation of a day. `hash` is that of all its inputs."""

    number: int
    id: str
    day: str
    version: int
    hash: str
    status: str
    state: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Held:
    """What holds for a slot."""

    run: int
    hash: str
    mark: int
    unmetered: int
    unpriced: bool


class Book:
    """See the module."""

    def __init__(self, file: KeptFile) -> None:
        self.file = file

    def metered(self, db: Db, intervals: Iterable[Interval]) -> None:
        """Intervals have another version: their slots are to be settled, and they to be shown."""
        found = [*intervals]
        self.change(db, {one.slot for one in found if one.role == "interchange"})
        self.to_show(db, [("interval", f"{one.slot} {one.leg}") for one in found])

    def change(self, db: Db, slots: Iterable[Instant]) -> None:
        """These are to be settled anew."""
        db.executemany(
            "INSERT INTO settlement_change VALUES (?, 1) ON CONFLICT DO UPDATE SET mark = mark + 1",
            [(slot,) for slot in sorted(slots)],
        )

    def take_contracts(self, start: Instant, end: Instant, agreed: Sequence[Agreed]) -> int:
        """Keep them as they are by now, where that is another version; how many are new or changed.

        One that is not among them any more stays with nothing in it.
        """
        rows = self.file.read(
            """SELECT id, seller, buyer, slot, wh, price, stopped, max(version) FROM settlement_contract
               WHERE slot >= ? AND slot < ? GROUP BY slot, id""",
            (start, end),
        )
        kept = {(one.start, one.id): (one, version) for one, version in map(_contract, rows)}
        now = {(one.start, one.id): one for one in agreed if start <= one.start < end}
        gone = [
            Agreed(one.id, one.seller, one.buyer, one.start, 0, one.price, one.stopped)
            for key, (one, _) in kept.items() if key not in now and one.wh
        ]  # fmt: skip
        new = [(one, 1) for key, one in now.items() if key not in kept]
        new += [(one, kept[key][1] + 1) for key, one in now.items() if key in kept and kept[key][0] != one]
        new += [(one, kept[one.start, one.id][1] + 1) for one in gone]
        if not new:
            return 0

        def work(db: Db) -> None:
            db.executemany(
                "INSERT OR IGNORE INTO settlement_contract VALUES (?,?,?,?,?,?,?,?)",
                [
                    (one.start, one.id, version, one.seller, one.buyer, one.wh, one.price, int(one.stopped))
                    for one, version in new
                ],
            )
            self.change(db, {one.start for one, _ in new})

        self.file.write(work).result()
        return len(new)

    def add_tariff(self, tariff: Tariff, at: Instant) -> Tariff:
        """Another version; slots from its beginning on are settled anew."""

        def work(db: Db) -> Tariff:
            rows = [*db.execute("SELECT coalesce(max(version), 0) + 1 FROM settlement_tariff")]
            made = Tariff(**{**asdict(tariff), "version": rows[0][0]})
            db.execute(
                "INSERT INTO settlement_tariff VALUES (?,?,?,?)",
                (made.version, made.since, json.dumps(asdict(made)), at),
            )
            slots = db.execute("SELECT slot FROM settlement_change WHERE slot >= ?", (made.since,))
            self.change(db, [cast("int", row[0]) for row in list(slots)])
            return made

        return self.file.write(work).result()

    def tariffs(self) -> list[Tariff]:
        """All versions."""
        rows = self.file.read("SELECT body FROM settlement_tariff ORDER BY version")
        return [Tariff(**json.loads(str(row[0]))) for row in rows]

    def take_imbalance(self, prices: Mapping[Instant, tuple[int, int]], source: str) -> int:
        """Prices by slot; those that differ from what is kept are another version; how many did."""

        def work(db: Db) -> int:
            rows = db.execute("SELECT slot, shortage, surplus, max(version) FROM settlement_imbalance GROUP BY slot")
            kept = {row[0]: row[1:] for row in list(rows)}
            new = {slot: both for slot, both in prices.items() if slot not in kept or kept[slot][:2] != both}
            db.executemany(
                "INSERT INTO settlement_imbalance VALUES (?,?,?,?,?)",
                [
                    (slot, kept[slot][2] + 1 if slot in kept else 1, shortage, surplus, source)
                    for slot, (shortage, surplus) in new.items()
                ],
            )
            known = {row[0] for row in list(db.execute("SELECT slot FROM settlement_change"))}
            self.change(db, known & new.keys())
            return len(new)

        return self.file.write(work).result()

    def imbalances(self, start: Instant, end: Instant) -> dict[Instant, Imbalance]:
        """The last version of each."""
        rows = self.file.read(
            """SELECT slot, shortage, surplus, max(version) FROM settlement_imbalance
               WHERE slot >= ? AND slot < ? GROUP BY slot ORDER BY slot""",
            (start, end),
        )
        return {cast("int", slot): Imbalance(*cast("tuple[int, int, int]", told)) for slot, *told in rows}

    def changed(self, until: Instant) -> list[Instant]:
        """Slots that begin before, of which something is otherwise than it was settled."""
        rows = self.file.read(
            """SELECT one.slot FROM settlement_change AS one LEFT JOIN settlement_slot AS held ON held.slot = one.slot
               WHERE one.slot < ? AND held.mark IS NOT one.mark ORDER BY one.slot LIMIT 2000""",
            (until,),
        )
        return [cast("int", row[0]) for row in rows]

    def inputs(self, slot: Instant, tariffs: Sequence[Tariff]) -> tuple[int, SlotInputs]:
        """The slot's mark, and what it is settled from: read after the mark, so that it is no older."""
        rows = self.file.read("SELECT mark FROM settlement_change WHERE slot = ?", (slot,))
        mark = cast("int", rows[0][0]) if rows else 0
        contracts = tuple(_contract(row)[0] for row in self.file.read(_CONTRACTS, (slot,)))
        meters = {
            str(who): Metered(*cast("tuple[int, int, int]", (taken, given, version)), bool(estimated))
            for who, taken, given, version, estimated in self.file.read(_METERS, (slot,))
        }
        holding = [one for one in tariffs if one.since <= slot]
        tariff = max(holding, key=lambda one: (one.since, one.version), default=Tariff())
        return mark, SlotInputs(slot, contracts, meters, tariff, self.imbalances(slot, slot + 1).get(slot))

    def held(self, slots: Sequence[Instant]) -> dict[Instant, Held]:
        """What holds for slots."""
        rows = self.file.read(
            """SELECT slot, run, hash, mark, unmetered, unpriced FROM settlement_slot
               WHERE slot IN (SELECT value FROM json_each(?))""",
            (json.dumps([*slots]),),
        )
        return {
            cast("int", slot): Held(*cast("tuple[int, str, int, int]", told), bool(unpriced))
            for slot, *told, unpriced in rows
        }

    def records(self, slot: Instant, run: int) -> dict[str, Record]:
        """Those of a slot by a run."""
        rows = self.file.read(
            f"SELECT participant, {_MEMBERS} FROM settlement_record WHERE slot = ? AND run = ?",  # noqa: S608
            (slot, run),
        )
        return {str(row[0]): record_of(row) for row in rows}

    def record(self, slot: Instant, participant: str, *, adjusted: bool) -> tuple[Record, int] | None:
        """The participant's last one of a slot, and its run; with or without what was adjusted after the freeze."""
        rows = self.file.read(
            f"""SELECT participant, {_MEMBERS}, run FROM settlement_record WHERE slot = ? AND participant = ?
                AND adjusts <= ? ORDER BY run DESC LIMIT 1""",  # noqa: S608
            (slot, participant, int(adjusted)),
        )
        return (record_of(rows[0][:-1]), cast("int", rows[0][-1])) if rows else None

    def runs(self, day: str = "", after: int = 0, limit: int = 100) -> list[Run]:
        """Those of a day, or all, oldest first."""
        rows = self.file.read(
            """SELECT number, id, day, version, hash, status, state, at FROM settlement_run
               WHERE (day = ?1 OR ?1 = '') AND number > ?2 ORDER BY number LIMIT ?3""",
            (day, after, limit),
        )
        return [Run(*cast("Any", row)) for row in rows]

    def last_run(self, day: str) -> Run | None:
        """The newest of a day."""
        rows = self.file.read(
            """SELECT number, id, day, version, hash, status, state, at FROM settlement_run WHERE day = ?
               ORDER BY version DESC LIMIT 1""",
            (day,),
        )
        return Run(*cast("Any", rows[0])) if rows else None

    def adjustments(self, day: str, participant: str) -> list[tuple[Instant, int]]:
        """(slot, amount) of what was adjusted on that day, of slots that were frozen."""
        rows = self.file.read(
            "SELECT slot, amount FROM settlement_adjustment WHERE day = ? AND participant = ? ORDER BY slot",
            (day, participant),
        )
        return cast("list[tuple[int, int]]", rows)

    def to_show(self, db: Db, what: Iterable[tuple[str, str]]) -> None:
        """Remember, within a transaction, that these are to be shown."""
        db.executemany("INSERT OR REPLACE INTO settlement_unshown VALUES (?, ?, random())", [*what])

    def forget(self, db: Db, participant: str, name: str) -> int:
        """Take a participant off what was settled, within a transaction: the numbers stay, of nobody."""
        nobody, gone = f"{FORGOTTEN}{name}", 0
        for statement in (
            "UPDATE settlement_record SET participant = ?2 WHERE participant = ?1 RETURNING 1",
            "UPDATE settlement_adjustment SET participant = ?2 WHERE participant = ?1 RETURNING 1",
            "UPDATE settlement_contract SET seller = ?2 WHERE seller = ?1 RETURNING 1",
            "UPDATE settlement_contract SET buyer = ?2 WHERE buyer = ?1 RETURNING 1",
        ):
            gone += len(list(db.execute(statement, (participant, nobody))))
        return gone


def record_of(row: Sequence[object]) -> Record:
    """A row: participant, then the members."""
    sold, bought, lost, taken, imbalance_wh, energy, wheeling, fee, imbalance, tax, estimated = cast(
        "list[int]", row[1:]
    )
    return Record(
        str(row[0]), sold, bought, lost, taken, imbalance_wh, energy, wheeling, fee, imbalance, tax, bool(estimated)
    )


def _contract(row: Sequence[Any]) -> tuple[Agreed, int]:
    contract_id, seller, buyer, slot, wh, price, stopped, version = row
    return Agreed(contract_id, seller, buyer, slot, wh, price, bool(stopped)), version
