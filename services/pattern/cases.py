"""What a service of the city keeps: cases with their states, the acts that made them so, and what is still to be shown.

    cases = Cases(ground, "lockers")
    ground.file.write(lambda db: cases.put(db, "", Case(id_, "delivery", hana, "parcelDeposited"), Act("deposit")))
    cases.show(render)           entities of what changed: any process, in any order, as often as need be

A case is about one person (`subject`) or nobody (""). `due` is when something is to be done about it by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias, cast

from broker.errors import ResourceNotFound
from broker.keeping import Db, Row, SqlValue
from broker.model.values import Instant
from broker.ports.hub import Fragment
from services.room import Ground
from services.showing import show

PAGE_MAX: Final = 500
AT_ONCE: Final = 200
_AGAIN: Final = 5
"""So often it is looked whether something moved while it was being shown; then the timer does it."""
Body: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One of them. `number` orders them by when they began; `key` finds it by something else than its id."""

    id: str
    kind: str
    subject: str
    state: str
    body: Body = field(default_factory=dict)
    due: Instant | None = None
    key: str = ""
    number: int = 0

    def now(self, state: str = "", *, due: Instant | None = None, **body: Any) -> Case:  # noqa: ANN401  JSON
        """As it is from now on: due anew, or not at all; a member of the body that is None goes."""
        told = {name: value for name, value in {**self.body, **body}.items() if value is not None}
        return replace(self, state=state or self.state, body=told, due=due)


@dataclass(frozen=True, slots=True)
class Act:
    """What was done, and by whom: a pseudonym, an organisation, a role; empty: by the service itself."""

    what: str
    by: str = ""


Render: TypeAlias = Callable[[str, Case], Iterable[Fragment]]
"""The entities that show a case of a tenant; the first is the case's own."""


def tables(name: str) -> tuple[str, ...]:
    """Those of a service, by its name."""
    return (
        f"""CREATE TABLE {name}_case (
            number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,
            subject TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL, due INTEGER, key TEXT NOT NULL,
            UNIQUE (tenant, id)
        ) STRICT""",
        f"CREATE INDEX {name}_of ON {name}_case (tenant, kind, subject)",
        f"CREATE INDEX {name}_key ON {name}_case (tenant, kind, key) WHERE key != ''",
        f"CREATE INDEX {name}_in ON {name}_case (tenant, kind, state)",
        f"CREATE INDEX {name}_due ON {name}_case (due) WHERE due IS NOT NULL",
        f"""CREATE TABLE {name}_act (
            number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
            what TEXT NOT NULL, state TEXT NOT NULL, by TEXT NOT NULL
        ) STRICT""",
        f"CREATE INDEX {name}_acts ON {name}_act (tenant, id)",
        f"""CREATE TRIGGER {name}_act_kept BEFORE UPDATE ON {name}_act
           BEGIN SELECT RAISE(ABORT, 'what was done is not changed'); END""",
        f"""CREATE TABLE {name}_unshown (
            number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, id TEXT NOT NULL, UNIQUE (tenant, id)
        ) STRICT""",
    )


class Cases:
    """Those of one service. What ends in `within`, and `put`, is done in a transaction of the file."""

    def __init__(self, ground: Ground, name: str) -> None:
        self._ground, self._name = ground, name
        self._columns: Final = f"id, kind, subject, state, body, due, key, number FROM {name}_case"
        ground.file.tables(name, tables(name))

    def put(self, db: Db, tenant: str, case: Case, act: Act) -> Case:
        """Keep it as it is now, note the act, and have it shown."""
        row: tuple[SqlValue, ...] = (
            tenant, case.id, case.kind, case.subject, case.state,
            json.dumps(case.body, ensure_ascii=False, sort_keys=True), case.due, case.key,
        )  # fmt: skip
        db.execute(
            f"""INSERT INTO {self._name}_case (tenant, id, kind, subject, state, body, due, key)
                VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (tenant, id) DO UPDATE SET
                state = excluded.state, body = excluded.body, due = excluded.due, key = excluded.key""",  # noqa: S608
            row,
        )
        at = self._ground.clock.now()
        db.execute(
            f"INSERT INTO {self._name}_act (tenant, id, at, what, state, by) VALUES (?,?,?,?,?,?)",  # noqa: S608
            (tenant, case.id, at, act.what, case.state, act.by),
        )
        self.to_show(db, tenant, case.id)
        return case

    def to_show(self, db: Db, tenant: str, case_id: str) -> None:
        """Have it shown anew."""
        db.execute(
            f"INSERT OR REPLACE INTO {self._name}_unshown (tenant, id) VALUES (?, ?)",  # noqa: S608
            (tenant, case_id),
        )

    def within(self, db: Db, tenant: str, case_id: str, kind: str = "") -> Case | None:
        """As `get`, within a transaction."""
        sql = f"SELECT {self._columns} WHERE tenant = ? AND id = ?"
        return self._one(list(db.execute(sql, (tenant, case_id))), kind)

    def keyed_within(self, db: Db, tenant: str, kind: str, key: str) -> list[Case]:
        """Those of a key, within a transaction, oldest first."""
        sql = f"SELECT {self._columns} WHERE tenant = ? AND kind = ? AND key = ? ORDER BY number"
        return [_case(row) for row in db.execute(sql, (tenant, kind, key))]

    def get(self, tenant: str, case_id: str, kind: str = "") -> Case | None:
        """One, of that kind where one is said; None where there is none."""
        sql = f"SELECT {self._columns} WHERE tenant = ? AND id = ?"
        return self._one(self._ground.file.read(sql, (tenant, case_id)), kind)

    def find(self, tenant: str, case_id: str, kind: str) -> Case:
        """One. Raises ResourceNotFound."""
        found = self.get(tenant, case_id, kind)
        if found is None:
            raise ResourceNotFound(f"there is no such {kind}", pointer=f"/{kind}")
        return found

    def of(self, tenant: str, kind: str, subject: str, after: int = 0, limit: int = PAGE_MAX) -> list[Case]:
        """Those about a person, oldest first."""
        sql = f"""SELECT {self._columns} WHERE tenant = ? AND kind = ? AND subject = ? AND number > ?
            ORDER BY number LIMIT ?"""
        return [_case(row) for row in self._ground.file.read(sql, (tenant, kind, subject, after, limit))]

    def in_state(self, tenant: str, kind: str, state: str) -> list[Case]:
        """Those in a state, oldest first."""
        sql = f"SELECT {self._columns} WHERE tenant = ? AND kind = ? AND state = ? ORDER BY number LIMIT ?"
        return [_case(row) for row in self._ground.file.read(sql, (tenant, kind, state, PAGE_MAX))]

    def due(self, now: Instant) -> list[tuple[str, Case]]:
        """Those about which something is to be done by now, the longest due first."""
        sql = f"SELECT tenant, {self._columns} WHERE due <= ? ORDER BY due LIMIT ?"
        return [(str(row[0]), _case(row[1:])) for row in self._ground.file.read(sql, (now, PAGE_MAX))]

    def acts(self, tenant: str, case_id: str) -> list[tuple[Instant, str, str, str]]:
        """What was done about it: when, what, the state since then, by whom."""
        sql = f"SELECT at, what, state, by FROM {self._name}_act WHERE tenant = ? AND id = ? ORDER BY number"  # noqa: S608
        found = self._ground.file.read(sql, (tenant, case_id))
        return [(cast("int", at), str(what), str(state), str(by)) for at, what, state, by in found]

    def show(self, render: Render) -> None:
        """Show what changed, as it is by now. Raises ServiceUnavailable: it is kept, and shown later."""
        sql = f"SELECT number, tenant, id FROM {self._name}_unshown ORDER BY number LIMIT ?"  # noqa: S608
        waiting = self._ground.file.read(sql, (AT_ONCE,))
        for number, tenant, case_id in waiting:
            self._show(str(tenant), str(case_id), render)
            done = f"DELETE FROM {self._name}_unshown WHERE number = ?"  # noqa: S608
            self._ground.file.write(lambda db, number=number, done=done: db.execute(done, (number,))).result()  # type: ignore[misc]

    def forget(self, tenant: str, subject: str) -> int:
        """Forget all about a person, and take it out of the hub; how many cases."""
        return self._gone(tenant, "subject", subject)

    def forget_one(self, tenant: str, case_id: str) -> int:
        """Forget a case: its entity was erased; how many."""
        return self._gone(tenant, "id", case_id)

    def _gone(self, tenant: str, column: str, value: str) -> int:
        def work(db: Db) -> int:
            sql = f"DELETE FROM {self._name}_case WHERE tenant = ? AND {column} = ? AND subject != '' RETURNING id"  # noqa: S608
            gone = [str(row[0]) for row in db.execute(sql, (tenant, value)).fetchall()]
            for case_id in gone:
                db.execute(f"DELETE FROM {self._name}_act WHERE tenant = ? AND id = ?", (tenant, case_id))  # noqa: S608
                self.to_show(db, tenant, case_id)
            return len(gone)

        return self._ground.file.write(work).result()

    def _show(self, tenant: str, case_id: str, render: Render) -> None:
        shown = self._fragments(tenant, case_id, render)
        for _ in range(_AGAIN):
            show(self._ground.hub, tenant, shown, "kept")
            # what another process shows meanwhile may be older than what is so by now
            found = self._fragments(tenant, case_id, render)
            if found == shown:
                return
            shown = found

    def _fragments(self, tenant: str, case_id: str, render: Render) -> dict[str, Fragment | None]:
        case = self.get(tenant, case_id)
        return {case_id: None} if case is None else {str(one["id"]): one for one in render(tenant, case)}

    def _one(self, rows: Sequence[Row], kind: str) -> Case | None:
        found = _case(rows[0]) if rows else None
        return None if found is None or (kind and found.kind != kind) else found


def _case(row: Sequence[Any]) -> Case:
    id_, kind, subject, state, body, due, key, number = row
    return Case(id_, kind, subject, state, json.loads(body), due, key, number)
