"""What safe outputs remember: budgets that were spent, answers with what they were over, methods of views."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from broker.errors import Conflict
from broker.keeping import Db, KeptFile
from broker.model.values import Instant, Json
from services.safe.differences import ENTRY_BYTES, Told, near, packed, too_close, unpacked, without

STEPS: Final = (
    "CREATE TABLE safe_key (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL) STRICT",
    """CREATE TABLE safe_spent (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, dataset TEXT NOT NULL, recipient TEXT NOT NULL,
        at INTEGER NOT NULL, micro INTEGER NOT NULL CHECK (micro > 0), measure TEXT NOT NULL) STRICT""",
    "CREATE INDEX safe_spent_of ON safe_spent (tenant, dataset, recipient)",
    """CREATE TRIGGER safe_spent_stays BEFORE UPDATE ON safe_spent
        BEGIN SELECT raise(ABORT, 'what is spent is spent'); END""",
    """CREATE TRIGGER safe_spent_remains BEFORE DELETE ON safe_spent
        BEGIN SELECT raise(ABORT, 'what is spent is spent'); END""",
    """CREATE TABLE safe_set (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, dataset TEXT NOT NULL, recipient TEXT NOT NULL,
        members BLOB NOT NULL, UNIQUE (tenant, dataset, recipient, members)) STRICT""",
    """CREATE TABLE safe_method (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, dataset TEXT NOT NULL, recipient TEXT NOT NULL,
        at INTEGER NOT NULL, kind TEXT NOT NULL, rows INTEGER NOT NULL, told TEXT NOT NULL) STRICT""",
    "DROP TABLE safe_set",
    """CREATE TABLE safe_answer (
        number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, dataset TEXT NOT NULL, recipient TEXT NOT NULL,
        question TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT""",
    "CREATE INDEX safe_answer_of ON safe_answer (tenant, dataset, recipient)",
    """CREATE TABLE safe_answer_set (
        number INTEGER PRIMARY KEY, answer INTEGER NOT NULL REFERENCES safe_answer, members BLOB NOT NULL) STRICT""",
    "CREATE INDEX safe_answer_set_of ON safe_answer_set (answer)",
    """CREATE TABLE safe_noisy (
        tenant TEXT NOT NULL, recipient TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (tenant, recipient, key)) STRICT, WITHOUT ROWID""",
)
_OF: Final = "tenant = ? AND dataset = ? AND recipient = ?"


@dataclass(frozen=True, slots=True)
class Of:
    """Whose budget and sets: a recipient's, of a data set in a tenant."""

    tenant: str
    dataset: str
    recipient: str

    def row(self) -> tuple[str, str, str]:
        """As columns."""
        return self.tenant, self.dataset, self.recipient


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a question, when, and over whom with what: a set for each total that can be read from it."""

    question: str
    at: Instant
    sets: Sequence[Told]
    body: Mapping[str, Json]


class SafeBook:
    """The tables, in the file of the services."""

    def __init__(self, file: KeptFile) -> None:
        file.tables("safe", STEPS)
        self._file = file

        def work(db: Db) -> bytes:
            db.execute("INSERT OR IGNORE INTO safe_key VALUES (1, ?)", (secrets.token_bytes(32),))
            return cast(bytes, db.execute("SELECT key FROM safe_key").fetchall()[0][0])

        self.key: Final[bytes] = file.write(work).result()

    def spent(self, of: Of) -> int:
        """How much of the budget is gone, in millionths of ε."""
        found = self._file.read(f"SELECT total(micro) FROM safe_spent WHERE {_OF}", of.row())  # noqa: S608  our own
        return int(cast(float, found[0][0]))

    def spend(
        self, of: Of, micro: int, budget: int, what: tuple[Instant, str],
        within: Callable[[Db, int], None] | None = None,
    ) -> bool:  # fmt: skip
        """Spend so much, before anything is said: whether there was enough.

        `within` is done in the same transaction, and told what is left then; where it raises, nothing is spent.
        """

        def work(db: Db) -> bool:
            gone = db.execute(f"SELECT total(micro) FROM safe_spent WHERE {_OF}", of.row()).fetchall()[0][0]  # noqa: S608
            left = budget - int(cast(float, gone)) - micro
            if left < 0:
                return False
            sql = "INSERT INTO safe_spent (tenant, dataset, recipient, at, micro, measure) VALUES (?, ?, ?, ?, ?, ?)"
            db.execute(sql, (*of.row(), what[0], micro, what[1]))
            if within is not None:
                within(db, left)
            return True

        return self._file.write(work).result()

    def answered(self, of: Of, answer: Answer, k: int) -> Answer | None:
        """What may be answered: this, and it is kept; what was before, where too little changed; None for neither."""

        def work(db: Db) -> Answer | None:
            if not answer.sets:
                return answer
            if too_close(answer.sets, k):
                return None
            before = _answers(db, of)
            close = [one for one in before if any(near(new, old, k) for new in answer.sets for old in one.sets)]
            same = [one for one in before if {*one.sets} == {*answer.sets}]
            again = [one for one in close or same if one.question == answer.question]
            if again or close:
                return again[-1] if again else None
            _keep(db, of, answer)
            return answer

        return self._file.write(work).result()

    def noisy(self, of: Of, key: str, request: str) -> dict[str, Json] | None:
        """What was answered to that key before. Raises Conflict where it was asked something else."""
        sql = "SELECT request, body FROM safe_noisy WHERE tenant = ? AND recipient = ? AND key = ?"
        for was, body in self._file.read(sql, (of.tenant, of.recipient, key)):
            if was != request:
                raise Conflict("another request had that key", pointer="Idempotency-Key", remedy="a key of its own")
            return cast("dict[str, Json]", json.loads(cast(str, body)))
        return None

    def keep_noisy(self, db: Db, of: Of, key: str, answer: tuple[str, Mapping[str, Json]]) -> None:
        """Keep the request and what was answered to it, within `spend`. Raises Conflict where the key has an answer."""
        sql = "INSERT OR IGNORE INTO safe_noisy VALUES (?, ?, ?, ?, ?)"
        db.execute(sql, (of.tenant, of.recipient, key, answer[0], json.dumps(answer[1], ensure_ascii=False)))
        if not db.changes():
            raise Conflict("that key was answered just now", pointer="Idempotency-Key", remedy="ask again")

    def note_method(self, of: Of, at: Instant, kind: str, rows: int, told: Mapping[str, Json]) -> None:
        """Record how a view was made."""
        sql = "INSERT INTO safe_method (tenant, dataset, recipient, at, kind, rows, told) VALUES (?, ?, ?, ?, ?, ?, ?)"
        text = json.dumps(told, ensure_ascii=False, sort_keys=True)
        self._file.write(lambda db: db.execute(sql, (*of.row(), at, kind, rows, text))).result()

    def methods(self, tenant: str, after: int, limit: int) -> list[tuple[int, str, str, Instant, str, int, Any]]:
        """Number, data set, recipient, time, kind, rows and method of views, in their order."""
        sql = "SELECT number, dataset, recipient, at, kind, rows, told FROM safe_method WHERE tenant = ? AND number > ?"
        rows = cast("list[Any]", self._file.read(sql + " ORDER BY number LIMIT ?", (tenant, after, limit)))
        return [(*row[:6], json.loads(row[6])) for row in rows]

    def forget(self, tenant: str, person: bytes) -> int:
        """Put nobody in the place of a contributor in every set: its size stays; how many sets changed."""

        def work(db: Db) -> int:
            changed = 0
            sql = """SELECT one.number, one.members FROM safe_answer_set AS one
                JOIN safe_answer AS whole ON whole.number = one.answer WHERE whole.tenant = ?"""
            nobody = secrets.token_bytes(ENTRY_BYTES)
            for number, text in db.execute(sql, (tenant,)).fetchall():
                held = unpacked(cast(bytes, text))
                left = without(held, person, nobody)
                if left != held:
                    db.execute("UPDATE safe_answer_set SET members = ? WHERE number = ?", (packed(left), number))
                    changed += 1
            return changed

        return self._file.write(work).result()


def _answers(db: Db, of: Of) -> list[Answer]:
    """All that were given, oldest first."""
    sets: dict[int, list[Told]] = {}
    sql = "SELECT answer, members FROM safe_answer_set WHERE answer IN (SELECT number FROM safe_answer WHERE "
    for number, members in db.execute(f"{sql}{_OF})", of.row()):
        sets.setdefault(int(cast(int, number)), []).append(unpacked(cast(bytes, members)))
    rows = cast(
        "list[Any]", db.execute(f"SELECT number, question, at, body FROM safe_answer WHERE {_OF} ORDER BY number",  # noqa: S608
                                of.row()).fetchall()
    )  # fmt: skip
    return [Answer(question, at, sets.get(number, []), json.loads(body)) for number, question, at, body in rows]


def _keep(db: Db, of: Of, answer: Answer) -> None:
    sql = "INSERT INTO safe_answer (tenant, dataset, recipient, question, at, body) VALUES (?, ?, ?, ?, ?, ?)"
    db.execute(sql, (*of.row(), answer.question, answer.at, json.dumps(answer.body, ensure_ascii=False)))
    number = db.last_insert_rowid()
    db.executemany(
        "INSERT INTO safe_answer_set (answer, members) VALUES (?, ?)", [(number, packed(one)) for one in answer.sets]
    )
