"""What planning keeps: energy by slot, weather as forecast, wishes, plans, orders, indicators."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from broker.keeping import Db, KeptFile
from broker.model.values import Instant
from services.energy.planning.forecasting import Weather
from services.energy.planning.tables import TABLES

Rows = list[tuple[Any, ...]]
Flows = Mapping[str, tuple[int, int]]
"""Wh into what is connected to a leg, and out of it, by the role of the leg."""
PLANS_KEPT: Final = 60
DAILY: Final = "daily"


@dataclass(frozen=True, slots=True)
class Kept:
    """A plan that was made; `body` as it is told."""

    number: int
    id: str
    participant: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """A plan to be kept: `cause` is `daily` or what it was asked with; `orders` by their keys."""

    id: str
    participant: str
    day: str
    cause: str
    at: Instant
    body: Mapping[str, Any]
    orders: Mapping[str, Mapping[str, Any]]


class Book:
    """See the module."""

    def __init__(self, file: KeptFile) -> None:
        self.file: Final = file
        file.tables("energy.planning", TABLES)

    def read(self, sql: str, *bindings: str | float | None) -> Rows:
        """Rows of what is committed."""
        return cast("Rows", self.file.read(sql, bindings))

    def read_until(self, leg: str) -> Instant | None:
        """Until when a leg's registers were read; None: never."""
        rows = self.read("SELECT until FROM planning_read WHERE leg = ?", leg)
        return int(rows[0][0]) if rows else None

    def keep_energy(
        self, whose: tuple[str, str, str], flows: Mapping[Instant, tuple[int, int]], until: Instant
    ) -> None:
        """What passed a leg (participant, role, leg) by slot; what is there already stays as it is."""
        participant, role, leg = whose
        rows = [(participant, role, start, *flow) for start, flow in flows.items()]

        def work(db: Db) -> None:
            db.executemany("INSERT OR IGNORE INTO planning_energy VALUES (?, ?, ?, ?, ?)", rows)
            db.execute("INSERT OR REPLACE INTO planning_read VALUES (?, ?)", (leg, until))

        self.file.write(work).result()

    def energy(self, participant: str, since: Instant, until: Instant) -> dict[Instant, dict[str, tuple[int, int]]]:
        """By slot, of a participant."""
        sql = """SELECT start, role, into_it, out_of_it FROM planning_energy
            WHERE participant = ? AND start >= ? AND start < ?"""
        found: dict[Instant, dict[str, tuple[int, int]]] = {}
        for start, role, into, out in self.read(sql, participant, since, until):
            found.setdefault(int(start), {})[str(role)] = (int(into), int(out))
        return found

    def day(self, since: Instant, until: Instant) -> dict[tuple[str, str], tuple[int, int, int]]:
        """(slots, Wh in, Wh out) by participant and role."""
        sql = """SELECT participant, role, count(*), sum(into_it), sum(out_of_it) FROM planning_energy
            WHERE start >= ? AND start < ? GROUP BY 1, 2"""
        return {(str(who), str(role)): (int(n), int(into), int(out)) for who, role, n, into, out in
                self.read(sql, since, until)}  # fmt: skip

    def keep_weather(self, db: Db, rows: Iterable[tuple[Instant, float | None, float | None, Instant]]) -> None:
        """A forecast (slot, W/m², °C, issued): for a slot that began meanwhile what was known before stays."""
        db.executemany(
            """INSERT INTO planning_weather VALUES (?, ?, ?, ?) ON CONFLICT (start) DO UPDATE SET
            radiation = coalesce(excluded.radiation, radiation),
            temperature = coalesce(excluded.temperature, temperature),
            issued = excluded.issued WHERE excluded.issued >= issued AND excluded.issued <= start""",
            list(rows),
        )

    def weather(self, since: Instant, until: Instant) -> dict[Instant, Weather]:
        """What was forecast, by slot."""
        sql = "SELECT start, radiation, temperature FROM planning_weather WHERE start >= ? AND start < ?"
        return {int(start): Weather(sun, warmth) for start, sun, warmth in self.read(sql, since, until)}

    def wish(self, participant: str) -> dict[str, Any]:
        """What a house asked of its plans; empty where it said nothing."""
        rows = self.read("SELECT body FROM planning_wish WHERE participant = ?", participant)
        return cast("dict[str, Any]", json.loads(rows[0][0])) if rows else {}

    def set_wish(self, participant: str, body: Mapping[str, Any]) -> None:
        """In the place of the last."""
        row = (participant, json.dumps(body))
        self.file.write(lambda db: db.execute("INSERT OR REPLACE INTO planning_wish VALUES (?, ?)", row)).result()

    def keep_plan(self, made: Made) -> bool:
        """Keep it, with its orders; whether it is new: one daily plan a participant and day."""

        def work(db: Db) -> bool:
            row = (made.id, made.participant, made.day, made.cause, made.at, json.dumps(made.body))
            sql = """INSERT OR IGNORE INTO planning_plan (id, participant, day, cause, made_at, body)
                VALUES (?, ?, ?, ?, ?, ?) RETURNING number"""
            if not list(db.execute(sql, row)):
                return False
            orders = [(key, json.dumps(body)) for key, body in made.orders.items()]
            db.executemany("INSERT OR IGNORE INTO planning_order (key, body) VALUES (?, ?)", orders)
            db.execute(
                """DELETE FROM planning_plan WHERE participant = ?1 AND number <= (SELECT number FROM planning_plan
                WHERE participant = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)""",
                (made.participant, PLANS_KEPT),
            )
            return True

        return self.file.write(work).result()

    def has_daily(self, participant: str, day: str) -> bool:
        """Whether the plan of that day is made."""
        sql = "SELECT 1 FROM planning_plan WHERE participant = ? AND day = ? AND cause = 'daily'"
        return bool(self.read(sql, participant, day))

    def plans(self, participants: Sequence[str], before: int, limit: int) -> list[Kept]:
        """Theirs, the newest first, of those numbered below `before` (0: all)."""
        sql = """SELECT number, id, participant, body FROM planning_plan
            WHERE participant IN (SELECT value FROM json_each(?1)) AND (?2 = 0 OR number < ?2)
            ORDER BY number DESC LIMIT ?3"""
        rows = self.read(sql, json.dumps([*participants]), before, limit)
        return [Kept(int(number), str(id_), str(who), json.loads(body)) for number, id_, who, body in rows]

    def plan(self, plan_id: str) -> Kept | None:
        """One."""
        rows = self.read("SELECT number, id, participant, body FROM planning_plan WHERE id = ?", plan_id)
        return next((Kept(int(one), str(id_), str(who), json.loads(body)) for one, id_, who, body in rows), None)

    def keep_indicators(self, day: str, values: Mapping[str, float], at: Instant) -> bool:
        """Those of a day, once; they are to be shown."""

        def work(db: Db) -> bool:
            if not list(db.execute("INSERT OR IGNORE INTO planning_done VALUES (?) RETURNING 1", (day,))):
                return False
            rows = [(name, day, value, at) for name, value in values.items()]
            db.executemany("INSERT OR IGNORE INTO planning_indicator VALUES (?, ?, ?, ?)", rows)
            db.executemany("INSERT OR IGNORE INTO planning_unshown VALUES (?)", [(name,) for name in values])
            return True

        return self.file.write(work).result()

    def is_done(self, day: str) -> bool:
        """Whether the indicators of a day are worked out."""
        return bool(self.read("SELECT 1 FROM planning_done WHERE day = ?", day))

    def newest_indicators(self) -> Rows:
        """(name, day, value, when it was worked out) of the newest day of each."""
        return self.read(
            """SELECT name, day, value, at FROM planning_indicator AS one
            WHERE day = (SELECT max(day) FROM planning_indicator WHERE name = one.name) ORDER BY name"""
        )

    def thin(self, before: Instant) -> None:
        """Forget energy and weather from before then."""

        def work(db: Db) -> None:
            db.execute("DELETE FROM planning_energy WHERE start < ?", (before,))
            db.execute("DELETE FROM planning_weather WHERE start < ?", (before,))
            db.execute("DELETE FROM planning_order WHERE placed AND json_extract(body, '$.start') < ?", (before,))

        self.file.write(work).result()

    def forget(self, participant: str) -> int:
        """All of a participant; how many rows."""

        def work(db: Db) -> int:
            gone = 0
            for table in ("planning_energy", "planning_wish", "planning_plan"):
                db.execute(f"DELETE FROM {table} WHERE participant = ?", (participant,))  # noqa: S608  names of our own
                gone += db.changes()
            db.execute("DELETE FROM planning_order WHERE json_extract(body, '$.participant') = ?", (participant,))
            gone += db.changes()
            if gone:
                self.file.empty_log()
            return gone

        return self.file.write(work).result()
