"""The market's book: orders, runs and contracts in tables; every method with `db` is done within a transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from broker.errors import Conflict, ResourceNotFound
from broker.keeping import Db, KeptFile, SqlValue
from broker.model.values import Instant
from services.energy.market.agreed import Contract, Happened, moved
from services.energy.market.orders import CANCELLED, OPEN, Order
from services.energy.market.tables import TABLES

LIMIT_MAX: Final = 1_000
FORGOTTEN: Final = "urn:misono:forgotten:"
T = TypeVar("T")
_ORDER: Final = """SELECT id, participant, side, start, wh, price, number, priority, divisible, all_in, source, status,
    filled, placed_at FROM market_order"""
_CONTRACT: Final = """SELECT id, run, seller, buyer, start, until, wh, price, sold, bought, state, why, stopped_at,
    delivered, received, number FROM market_contract"""
_SIDES: Final = (("market_order", "participant"), ("market_contract", "seller"), ("market_contract", "buyer"))
_NAMED: Final = f"({{0}} = ? OR id = ?) AND {{0}} NOT LIKE '{FORGOTTEN}%'"
_RUN: Final = "SELECT start, id, mechanism, at, price, wh, orders, trades, why FROM market_run"


@dataclass(frozen=True, slots=True)
class Kept:
    """An order as it is by now."""

    order: Order
    status: str = OPEN
    filled: int = 0
    placed_at: Instant = 0


@dataclass(frozen=True, slots=True)
class Run:
    """How a slot was cleared; `why` where it could not be."""

    start: Instant
    id: str
    mechanism: str
    at: Instant
    price: int | None
    wh: int
    orders: int
    trades: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """`suspended`: nothing is cleared nor carried out. `near`: disaster is, and batteries keep more."""

    suspended: bool = False
    near: bool = False
    why: str = ""
    at: Instant = 0


class Book:
    """See the module."""

    def __init__(self, file: KeptFile) -> None:
        self.file: Final = file
        file.tables("energy.market", TABLES)

    def write(self, work: Callable[[Db], T]) -> T:
        """Do it in a transaction; durable on return."""
        return self.file.write(work).result()

    def place(self, db: Db, order: Order, key: str | None, now: Instant) -> Kept:
        """Take an order in; the one that the key placed before is given back, where it asks the same.

        Raises Conflict.
        """
        if key is not None and (there := self.orders(db, "key = ?", (key,))):
            if _said(there[0].order) != _said(order):
                raise Conflict("the key placed another order", pointer="Idempotency-Key", remedy="another key")
            return there[0]
        if rows(db, "SELECT 1 FROM market_run WHERE start = ?", (order.start,)):
            raise Conflict("this slot was cleared", pointer="/deliveryStart", remedy="a later slot")
        db.execute(
            """INSERT INTO market_order (id, key, participant, side, start, wh, price, priority, divisible, all_in,
               source, placed_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)""",
            (
                order.id, key, order.participant, order.side, order.start, order.wh, order.price, order.priority,
                int(order.divisible), int(order.all_in), order.source, now,
            ),
        )  # fmt: skip
        self.to_show(db, order.id)
        return self.orders(db, "id = ?", (order.id,))[0]

    def cancel(self, db: Db, order_id: str) -> Kept:
        """Take an open order back; one that is taken back stays so. Raises Conflict."""
        found = self.orders(db, "id = ?", (order_id,))[0]
        if found.status not in (OPEN, CANCELLED):
            raise Conflict(f"it is {found.status}", pointer="/order", remedy="only what is open is taken back")
        self.set_order(db, order_id, CANCELLED, 0)
        return self.orders(db, "id = ?", (order_id,))[0]

    def set_order(self, db: Db, order_id: str, status: str, filled: int) -> None:
        """What has become of it."""
        db.execute("UPDATE market_order SET status = ?, filled = ? WHERE id = ?", (status, filled, order_id))
        self.to_show(db, order_id)

    def orders(self, db: Db | None, where: str, bindings: Sequence[SqlValue]) -> list[Kept]:
        """Those, within a transaction or (None) of what is durable."""
        return [_kept(row) for row in self._rows(db, f"{_ORDER} WHERE {where}", bindings)]

    def order(self, order_id: str) -> Kept:
        """One. Raises ResourceNotFound."""
        if found := self.orders(None, "id = ?", (order_id,)):
            return found[0]
        raise ResourceNotFound("there is no such order", pointer="/order")

    def add_run(self, db: Db, run: Run) -> bool:
        """Whether the slot was not cleared before."""
        return bool(rows(
            db, "INSERT INTO market_run VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING RETURNING 1",
            (run.start, run.id, run.mechanism, run.at, run.price, run.wh, run.orders, run.trades, run.why),
        ))  # fmt: skip

    def runs(self, after: Instant, limit: int) -> list[Run]:
        """Of slots that begin after an instant, in their order."""
        sql = f"{_RUN} WHERE start > ? ORDER BY start LIMIT ?"
        return [Run(*row) for row in self._rows(None, sql, (after, min(limit, LIMIT_MAX)))]

    def run(self, start: Instant) -> Run | None:
        """That of a slot."""
        found = self._rows(None, f"{_RUN} WHERE start = ?", (start,))
        return Run(*found[0]) if found else None

    def add_contract(self, db: Db, contract: Contract) -> None:
        """A new one."""
        db.execute(
            """INSERT INTO market_contract (id, run, seller, buyer, start, until, wh, price, sold, bought, state, why)
               VALUES (?,?,?,?,?,?,?,?,?,?,?,?)""",
            (
                contract.id, contract.run, contract.seller, contract.buyer, contract.start, contract.end, contract.wh,
                contract.price, contract.sold, contract.bought, contract.state, contract.why,
            ),
        )  # fmt: skip
        self.to_show(db, contract.id)

    def contracts(self, db: Db | None, where: str, bindings: Sequence[SqlValue]) -> list[Contract]:
        """Those, within a transaction or (None) of what is durable."""
        return [Contract(*row) for row in self._rows(db, f"{_CONTRACT} WHERE {where}", bindings)]

    def contract(self, contract_id: str) -> Contract:
        """One. Raises ResourceNotFound."""
        if found := self.contracts(None, "id = ?", (contract_id,)):
            return found[0]
        raise ResourceNotFound("there is no such contract", pointer="/contract")

    def happen(self, db: Db, contract_id: str, happened: Happened) -> bool:
        """Move a contract on; whether it was moved. What does not concern it any more changes nothing."""
        found = self.contracts(db, "id = ?", (contract_id,))
        after = moved(found[0], happened) if found else None
        if after is None or after == found[0]:
            return False
        db.execute(
            "UPDATE market_contract SET state = ?, why = ?, stopped_at = ?, delivered = ?, received = ? WHERE id = ?",
            (after.state, after.why, after.stopped_at, after.delivered, after.received, contract_id),
        )
        db.execute(
            "INSERT INTO market_event (contract, word, at, why) VALUES (?,?,?,?)",
            (contract_id, happened.word, happened.at, happened.why),
        )
        self.to_show(db, contract_id)
        return True

    def state(self, db: Db | None = None) -> State:
        """As the market stands."""
        suspended, near, why, at = self._rows(db, "SELECT suspended, near, why, at FROM market_state", ())[0]
        return State(bool(suspended), bool(near), why, at)

    def set_state(self, db: Db, state: State) -> None:
        """Have it stand so."""
        db.execute(
            "UPDATE market_state SET suspended = ?, near = ?, why = ?, at = ?",
            (int(state.suspended), int(state.near), state.why, state.at),
        )

    def forget(self, entity_id: str, new_id: Callable[[], str]) -> int:
        """Take a participant's name off all that is kept, or that of one order's, one contract's; how much it was."""
        both = [f"SELECT 1 FROM {table} WHERE {_NAMED.format(side)}" for table, side in _SIDES]  # noqa: S608  own names
        if not any(self.read(f"{sql} LIMIT 1", entity_id, entity_id) for sql in both):
            return 0

        def work(db: Db) -> int:
            name, gone = FORGOTTEN + new_id(), 0
            for table, side in _SIDES:
                sql = f"UPDATE {table} SET {side} = ? WHERE {_NAMED.format(side)} RETURNING id"  # noqa: S608  own names
                found = rows(db, sql, (name, entity_id, entity_id))
                gone += len(found)
                for (one,) in found:
                    self.to_show(db, one)
            if gone:
                db.execute("UPDATE market_order SET key = NULL WHERE participant = ?", (name,))
                self.file.empty_log()
            return gone

        return self.write(work)

    def to_show(self, db: Db, shown: str) -> None:
        """Remember, within a transaction, that it is to be shown."""
        db.execute("INSERT OR REPLACE INTO market_unshown VALUES (?, random())", (shown,))

    def unshown(self) -> dict[str, int]:
        """What is not shown as it is now, each with the mark of its last change."""
        return dict(self._rows(None, "SELECT id, mark FROM market_unshown LIMIT ?", (LIMIT_MAX,)))

    def was_shown(self, marks: Mapping[str, int]) -> None:
        """These are, unless they changed since the mark."""

        def work(db: Db) -> None:
            db.executemany("DELETE FROM market_unshown WHERE id = ? AND mark = ?", [*marks.items()])

        if marks:
            self.write(work)

    def read(self, sql: str, *bindings: SqlValue) -> list[tuple[Any, ...]]:
        """Rows of what is durable."""
        return self._rows(None, sql, bindings)

    def _rows(self, db: Db | None, sql: str, bindings: Sequence[SqlValue]) -> list[tuple[Any, ...]]:
        return self.file.read(sql, bindings) if db is None else rows(db, sql, bindings)


def rows(db: Db, sql: str, bindings: Sequence[SqlValue]) -> list[tuple[Any, ...]]:
    """Rows within a transaction."""
    return list(db.execute(sql, tuple(bindings)))


def listed(names: Sequence[str]) -> str:
    """For `IN (SELECT value FROM json_each(?))`."""
    return json.dumps([*names])


def _said(order: Order) -> tuple[object, ...]:
    return (
        order.participant, order.side, order.start, order.wh, order.price, order.priority, order.divisible,
        order.all_in, order.source,
    )  # fmt: skip


def _kept(row: Sequence[Any]) -> Kept:
    said = [*row[:8], bool(row[8]), bool(row[9]), row[10]]
    return Kept(Order(*said), *row[11:])
