"""The book of consents: every act is a row that stays; what a consent is now is the fold of its acts, kept beside them.

    book.transact(tenant, Who(subject="urn:misono:subject:hana"), lambda desk: desk.append(record.id, Act.WITHDRAW))

What was done is durable, in the audit and shown in the hub when `transact` returns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from broker.errors import Conflict, ResourceNotFound, ServiceUnavailable
from broker.keeping import KeptFile, NotKept, Row
from broker.model.values import Instant
from broker.ports import Clock
from services.consents.states import Act, Event, Impossible, Record, State, apply, due_of
from services.consents.tables import STEPS, Bound, Database

T = TypeVar("T")
Sql = str
_RECORD: Final = (
    "SELECT r.id, r.person, r.recipient, r.purpose, r.state, r.version, r.at, r.body, p.subject, r.epoch, r.number"
    " FROM consents_record r JOIN consents_person p ON p.number = r.person WHERE r.tenant = ? AND "
)
_EVENT: Final = (
    "SELECT e.number, e.record, e.version, e.at, e.act, e.by, e.actor, e.changed FROM consents_event e"
    " WHERE e.tenant = ? AND "
)


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts: a resident by their pseudonym, others by the name that access knows them by."""

    by: str = ""
    subject: str = ""


TIMER: Final = Who("misono:timer")


@dataclass(frozen=True, slots=True)
class Means:
    """What a transaction works with; `issue` notes the receipt of a consent, where its act gives one."""

    clock: Clock
    new_id: Callable[[], str]
    issue: Callable[[Desk, Record, Act], None]


@dataclass(frozen=True, slots=True)
class Done:
    """What a transaction did, for the audit and the hub: events and things to show, in their order."""

    events: tuple[tuple[Event, Record], ...]
    shown: tuple[tuple[str, str], ...]


class Desk:
    """The book within one transaction; `now` is its time."""

    def __init__(self, db: Database, tenant: str, who: Who, means: Means) -> None:
        self.db, self.tenant, self.who, self._means = db, tenant, who, means
        self.now: Instant = means.clock.now()
        self.actor = self.person(who.subject) if who.subject else 0
        self._events: list[tuple[Event, Record]] = []
        self._shown: dict[tuple[str, str], None] = {}

    def rows(self, sql: Sql, *bindings: Bound) -> list[Row]:
        """Rows, as this transaction sees them."""
        return [*self.db.execute(sql, bindings)]

    def new_id(self, type_: str) -> str:
        """`urn:ngsi-ld:ConsentRecord:…`."""
        return f"urn:ngsi-ld:{type_}:{self._means.new_id()}"

    def person(self, subject: str) -> int:
        """The number of a person, a new one where they were never heard of."""
        self.db.execute("INSERT OR IGNORE INTO consents_person (tenant, subject) VALUES (?, ?)", (self.tenant, subject))
        sql = "SELECT number FROM consents_person WHERE tenant = ? AND subject = ?"
        return number_of(self.rows(sql, self.tenant, subject))

    def record(self, record_id: str) -> Record | None:
        """A consent."""
        return next(map(record_of, self.rows(f"{_RECORD} r.id = ?", self.tenant, record_id)), None)

    def records(self, where: str, *bindings: Bound) -> list[Record]:
        """Consents (`r`) by a condition of ours, in the order of their making."""
        return [*map(record_of, self.rows(f"{_RECORD} {where} ORDER BY r.number", self.tenant, *bindings))]

    def append(self, record_id: str, act: Act, changed: Mapping[str, Any] | None = None) -> Record:
        """Write an act down, and what the consent is after it. Raises Impossible."""
        before = self.record(record_id)
        version = 1 if before is None else before.version + 1
        event = Event(record_id, version, self.now, act, self.who.by, self.actor, changed or {})
        after = apply(before, event)
        sql = (
            "INSERT INTO consents_event (tenant, record, version, at, act, by, actor, changed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING number"
        )
        values = (self.tenant, record_id, version, self.now, act, self.who.by, self.actor, text_of(event.changed))
        epoch = number_of([*self.db.execute(sql, values)])
        self._keep(replace(after, epoch=epoch))
        found = self.record(record_id)
        assert found is not None
        self._events.append((event, found))
        if act is Act.GIVE:  # who comes back has not left
            self.db.execute("DELETE FROM consents_left WHERE person = ?", (found.person,))
        if "notice" in event.changed:  # what was agreed to stays as it was shown
            shown = (self.tenant, str(event.changed["notice"]))
            self.db.execute("UPDATE consents_notice SET used = 1 WHERE tenant = ? AND id = ?", shown)
        self.show("record", record_id)
        self._means.issue(self, found, act)
        return found

    def note(self, kind: str, thing: str, act: str, changed: Mapping[str, Any]) -> None:
        """Write down what was done to something that is no consent, and have it shown."""
        sql = "INSERT INTO consents_log (tenant, kind, id, at, act, by, actor, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        self.db.execute(sql, (self.tenant, kind, thing, self.now, act, self.who.by, self.actor, text_of(changed)))

    def show(self, kind: str, thing: str) -> None:
        """Have the hub show it as it is now."""
        sql = (
            "INSERT INTO consents_show (tenant, kind, id, wanted, shown) VALUES (?, ?, ?, 1, 0)"
            " ON CONFLICT DO UPDATE SET wanted = wanted + 1"
        )
        self.db.execute(sql, (self.tenant, kind, thing))
        self._shown[kind, thing] = None

    def done(self) -> Done:
        """What was done."""
        return Done(tuple(self._events), tuple(self._shown))

    def _keep(self, record: Record) -> None:
        due = due_of(record)
        sql = (
            "INSERT INTO consents_record (tenant, id, person, recipient, purpose, state, version, at, epoch, due,"
            " joint, terms, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " state = excluded.state, version = excluded.version, at = excluded.at, epoch = excluded.epoch,"
            " due = excluded.due, joint = excluded.joint, terms = excluded.terms, body = excluded.body"
        )
        head = (self.tenant, record.id, record.person, record.recipient, record.purpose, record.state, record.version)
        found = (record.body.get("joint"), record.body.get("terms"), text_of(record.body))
        self.db.execute(sql, (*head, record.at, record.epoch, None if due is None else due[0], *found))


class Book:
    """The book; any thread may ask it. `finish(tenant, who, done)` audits and shows what was done."""

    def __init__(self, file: KeptFile, means: Means, finish: Callable[[str, Who, Done], None]) -> None:
        file.tables("consents", STEPS)
        self.file, self._means, self._finish = file, means, finish

    def now(self) -> Instant:
        """The time."""
        return self._means.clock.now()

    def transact(self, tenant: str, who: Who, work: Callable[[Desk], T]) -> T:
        """Do it in one transaction; durable, audited and shown on return. Raises what `work` raises."""

        def run(db: Database) -> tuple[T, Done]:
            desk = Desk(db, tenant, who, self._means)
            return work(desk), desk.done()

        try:
            result, done = self.file.write(run).result()
        except NotKept as error:
            raise ServiceUnavailable("nothing is written now", remedy="Ask again.") from error
        except Impossible as error:
            raise impossible(error) from error
        self._finish(tenant, who, done)
        return result

    def rows(self, sql: Sql, *bindings: Bound) -> list[Row]:
        """Rows of what is committed."""
        return self.file.read(sql, bindings)

    def person(self, tenant: str, subject: str) -> int:
        """The number of a person; 0 where they were never heard of."""
        sql = "SELECT number FROM consents_person WHERE tenant = ? AND subject = ?"
        return number_of(self.rows(sql, tenant, subject))

    def subjects(self, numbers: Iterable[int]) -> dict[int, str]:
        """The pseudonyms of persons by their numbers."""
        sql = "SELECT number, subject FROM consents_person WHERE number IN (SELECT value FROM json_each(?))"
        return {int(str(row[0])): str(row[1]) for row in self.rows(sql, json.dumps([*numbers]))}

    def record(self, tenant: str, record_id: str) -> Record | None:
        """A consent as it is now."""
        return next(map(record_of, self.rows(f"{_RECORD} r.id = ?", tenant, record_id)), None)

    def records(self, tenant: str, where: str, *bindings: Bound, limit: int = -1) -> list[Record]:
        """Consents (`r`) by a condition of ours, in the order of their making."""
        sql = f"{_RECORD} {where} ORDER BY r.number LIMIT {limit}"
        return [*map(record_of, self.rows(sql, tenant, *bindings))]

    def of_person(self, tenant: str, subject: str) -> list[Record]:
        """A person's consents, oldest first."""
        return self.records(tenant, "p.subject = ?", subject)

    def mine(self, tenant: str, subject: str, record_id: str) -> Record:
        """A person's consent. Raises ResourceNotFound, alike for another's and for none."""
        return owned(self.record(tenant, record_id), subject)

    def events(self, tenant: str, where: str, *bindings: Bound) -> list[tuple[int, Event]]:
        """Events (`e`) by a condition of ours with their numbers, in their order."""
        sql = f"{_EVENT} {where} ORDER BY e.number"
        return [(int(str(row[0])), _event(row[1:])) for row in self.rows(sql, tenant, *bindings)]


def owned(record: Record | None, subject: str) -> Record:
    """The record. Raises ResourceNotFound where it is None or another's."""
    if record is None or record.subject != subject:
        raise ResourceNotFound("there is no such consent", remedy="/services/consents/records lists yours")
    return record


def impossible(error: Impossible) -> Conflict:
    """The refusal of what a consent in its state does not do."""
    return Conflict(
        f"a consent that is {error.state} is not one to {error.act}", remedy="a new one, from what is shown now"
    )


def number_of(rows: Iterable[Row]) -> int:
    """The number in the first row; 0 where there is none."""
    return next((int(str(row[0])) for row in rows), 0)


def text_of(value: object) -> str:
    """JSON, the same for the same."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def record_of(row: Row) -> Record:
    """A row of _RECORD."""
    person, version, at, epoch, number = (int(str(row[place])) for place in (1, 5, 6, 9, 10))
    recipient, purpose, state, subject = (str(row[place]) for place in (2, 3, 4, 8))
    body = json.loads(str(row[7]))
    return Record(str(row[0]), person, recipient, purpose, State(state), version, at, body, subject, epoch, number)


def _event(row: tuple[Any, ...]) -> Event:
    return Event(str(row[0]), int(row[1]), int(row[2]), Act(str(row[3])), str(row[4]), int(row[5]), json.loads(row[6]))
