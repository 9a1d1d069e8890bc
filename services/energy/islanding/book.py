"""What islanding keeps: events go in within a transaction, and what they come to is there once, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from broker.keeping import Db, KeptFile
from broker.model.values import Instant
from services.energy.islanding.fold import Act, Event, Policy, State, fold
from services.energy.islanding.kept import act_body, packed, unpacked
from services.energy.islanding.states import CONNECTED, FAULT
from services.energy.islanding.tables import TABLES
from services.energy.islanding.telling import Step

_CASE: Final = "SELECT number, id, subject, cause, phase, started_at, ended_at, minutes FROM islanding_case"
_EVENT: Final = "urn:ngsi-ld:IslandingEvent:"


@dataclass(frozen=True, slots=True)
class Case:
    """One time that a router or the community was without the grid; `minutes` is what was left when last asked."""

    number: int
    id: str
    subject: str
    cause: str
    phase: str
    started_at: Instant
    ended_at: Instant | None
    minutes: int | None


class Book:
    """See the module. Methods with a `db` work within a transaction."""

    def __init__(self, file: KeptFile, start: State, policy: Policy) -> None:
        self._file, self._start, self.policy = file, start, policy
        file.tables("islanding", TABLES)

    def state(self, db: Db | None = None) -> State:
        """Where everything is by now."""
        sql, whose = "SELECT body FROM islanding_state WHERE community = ?", (self._start.subject,)
        rows = self._file.read(sql, whose) if db is None else list(db.execute(sql, whose))
        return unpacked(str(rows[0][0]), self._start) if rows else self._start

    def take(self, db: Db, events: Iterable[Event]) -> State:
        """Fold these in."""
        before = state = self.state(db)
        for event in events:
            if isinstance(event, Act):
                row = (event.at, event.kind, event.by, act_body(event))
                db.execute("INSERT INTO islanding_act (at, kind, by_whom, body) VALUES (?, ?, ?, ?)", row)
            folded = fold(state, event, self.policy)
            for step in folded.steps:
                self._step(db, step, folded.state)
            if folded.stop:
                row_ = (folded.state.number, folded.state.begun, folded.state.cause)
                db.execute("INSERT OR IGNORE INTO islanding_stop (number, at, cause) VALUES (?, ?, ?)", row_)
            if folded.state.cause != state.cause:
                self._because(db, folded.state.cause)
            state = folded.state
        if replace(state, at=before.at) != before:  # that time went by alone is not worth a write
            db.execute(
                """INSERT INTO islanding_state VALUES (?, ?, '{}')
                ON CONFLICT (community) DO UPDATE SET body = excluded.body""",
                (state.subject, packed(state)),
            )
        return state

    def act(self, make: Callable[[State], Act]) -> State:
        """Do what an operator asks; `make` raises the refusal, and nothing is done then."""
        return self._file.write(lambda db: self.take(db, [make(self.state(db))])).result()

    def follow(self, events: Iterable[Event]) -> State:
        """Fold these in, in a transaction of their own."""
        return self._file.write(lambda db: self.take(db, events)).result()

    def loads(self) -> dict[str, int]:
        """How many loads each router was asked to keep on last."""
        rows = self._file.read("SELECT loads FROM islanding_state WHERE community = ?", (self._start.subject,))
        return cast("dict[str, int]", json.loads(str(rows[0][0]))) if rows else {}

    def keep_loads(self, loads: Mapping[str, int]) -> None:
        """Remember them."""
        sql, row = "UPDATE islanding_state SET loads = ? WHERE community = ?", (json.dumps(dict(loads)),)
        self._file.write(lambda db: db.execute(sql, (*row, self._start.subject))).result()

    def cases(self, after: int, limit: int, subject: str = "") -> list[Case]:
        """Times without the grid, oldest first."""
        sql = f"{_CASE} WHERE number > ?1 AND (?2 = '' OR subject = ?2) ORDER BY number LIMIT ?3"
        return [Case(*row) for row in self._rows(sql, after, subject, limit)]

    def steps(self, case: int) -> list[tuple[str, Instant]]:
        """The states that one went through, and when."""
        sql = "SELECT state, at FROM islanding_step WHERE of_case = ? ORDER BY number"
        return [(str(state), int(at)) for state, at in self._rows(sql, case)]

    def open_of(self, subject: str) -> Case | None:
        """The one that goes on."""
        rows = self._rows(f"{_CASE} WHERE subject = ? AND ended_at IS NULL", subject)
        return Case(*rows[0]) if rows else None

    def keep_minutes(self, left: Mapping[str, int]) -> None:
        """Remember how long those that go on can go on; whoever's changed is shown."""

        def work(db: Db) -> None:
            for subject, minutes in left.items():
                sql = """UPDATE islanding_case SET minutes = ?1 WHERE subject = ?2 AND ended_at IS NULL
                    AND (minutes IS NULL OR minutes <> ?1) RETURNING id"""
                self._to_show(db, [str(row[0]) for row in list(db.execute(sql, (minutes, subject)))])

        self._file.write(work).result()

    def unshown(self, limit: int = 500) -> list[Case]:
        """Those that the hub does not show as they are."""
        sql = f"{_CASE} WHERE id IN (SELECT id FROM islanding_unshown) ORDER BY number LIMIT ?"  # noqa: S608
        return [Case(*row) for row in self._rows(sql, limit)]

    def was_shown(self, cases: Iterable[Case]) -> None:
        """These are, unless they changed meanwhile."""

        def work(db: Db) -> None:
            for one in cases:
                now = list(db.execute(f"{_CASE} WHERE number = ?", (one.number,)))
                if [Case(*cast("Any", row)) for row in now] == [one]:
                    db.execute("DELETE FROM islanding_unshown WHERE id = ?", (one.id,))

        self._file.write(work).result()

    def to_stop(self) -> list[tuple[int, Instant, str]]:
        """Times at which deals are to stop, and were not yet: (number, when, why)."""
        found = self._rows("SELECT number, at, cause FROM islanding_stop WHERE NOT done ORDER BY number")
        return [(int(number), int(at), str(cause)) for number, at, cause in found]

    def stopped(self, number: int) -> None:
        """They are."""
        sql = "UPDATE islanding_stop SET done = 1 WHERE number = ?"
        self._file.write(lambda db: db.execute(sql, (number,))).result()

    def sent(self) -> dict[tuple[str, str], tuple[str, Instant]]:
        """What was asked last of each attribute of an entity, and when."""
        rows = self._rows("SELECT entity, attribute, body, at FROM islanding_sent")
        return {(entity, attribute): (body, at) for entity, attribute, body, at in rows}

    def keep_sent(self, asked: Mapping[tuple[str, str], str], at: Instant) -> None:
        """These were asked."""
        rows = [(entity, attribute, body, at) for (entity, attribute), body in asked.items()]
        sql = "INSERT OR REPLACE INTO islanding_sent VALUES (?, ?, ?, ?)"
        self._file.write(lambda db: db.executemany(sql, rows)).result()

    def _step(self, db: Db, step: Step, state: State) -> None:
        found = list(db.execute(f"{_CASE} WHERE subject = ? AND ended_at IS NULL", (step.subject,)))
        case = Case(*cast("Any", found[0])) if found else None
        if case is None and step.state in (CONNECTED, FAULT):
            return
        number = case.number if case is not None else self._begin(db, step, state)
        row = (number, step.subject, step.state, step.at)
        db.execute("INSERT INTO islanding_step (of_case, subject, state, at) VALUES (?, ?, ?, ?)", row)
        ended = step.at if step.state == CONNECTED else None
        sql = "UPDATE islanding_case SET phase = ?, ended_at = ? WHERE number = ? RETURNING id"
        self._to_show(db, [str(one[0]) for one in list(db.execute(sql, (step.state, ended, number)))])

    def _begin(self, db: Db, step: Step, state: State) -> int:
        drilled = state.drill.cause if state.drill is not None else "gridOutage"
        cause = drilled if state.state == CONNECTED else state.cause
        number = int(str(next(iter(db.execute("SELECT coalesce(max(number), 0) + 1 FROM islanding_case")))[0]))
        name = ":".join(step.subject.split(":")[3:]) or step.subject
        row = (number, f"{_EVENT}{name}-{number}", step.subject, cause, step.state, step.at)
        db.execute(
            "INSERT INTO islanding_case (number, id, subject, cause, phase, started_at) VALUES (?, ?, ?, ?, ?, ?)", row
        )
        return number

    def _because(self, db: Db, cause: str) -> None:
        sql = "UPDATE islanding_case SET cause = ?1 WHERE ended_at IS NULL AND cause <> ?1 RETURNING id"
        self._to_show(db, [str(row[0]) for row in list(db.execute(sql, (cause,)))])

    def _to_show(self, db: Db, ids: Iterable[str]) -> None:
        db.executemany("INSERT OR IGNORE INTO islanding_unshown VALUES (?)", [(one,) for one in ids])

    def _rows(self, sql: str, *bindings: str | int) -> list[tuple[Any, ...]]:
        return cast("list[tuple[Any, ...]]", self._file.read(sql, bindings))
