"""All commands, durable: every change of one is a step (see states), written with its row of the audit.

book.take("", 41, [command]) -> [command]       what the follower found, and how far it is: one transaction
book.step("cmd-1", partial(states.sent, said={})) -> Commanded as it is then, None where nothing changed
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Final, TypeAlias

import apsw

from adapters.commands import audit, states
from adapters.commands.rows import INSERT, OPEN, SELECT, STEPS, UPDATE, changes_of, command_of, row_of
from adapters.commands.states import Commanded, Step
from adapters.device import Device
from adapters.readings import Answered
from adapters.store import AdapterStore
from broker.model.values import Instant, Json
from broker.ports import Clock

KEEP: Final = 100_000
"""Commands that are done and kept to be looked at; the audit has them longer."""
PENDING_MAX: Final = 1000
"""Commands that wait for one device at once: who sends more is told so by the status ERROR."""
_KEPT_SLICE: Final = 1000
_KEY_BYTES: Final = 32
_HEADS: Final = (
    "status = 'PENDING' AND number IN "
    "(SELECT min(number) FROM command WHERE status = 'PENDING' GROUP BY adapter, tenant, device)"
)
Change: TypeAlias = Callable[[Commanded, Instant], Step | None]
_DROP_OLD: Final = "DELETE FROM command WHERE number <= ? AND NOT open"


class CommandBook:
    """Commands in the adapters' file. Any thread may call any method; what changes something is durable on return."""

    def __init__(self, store: AdapterStore, clock: Clock) -> None:
        store.tables("commands", STEPS)
        self._store = store
        self._clock = clock
        self.audit = audit.Audit(store)
        self.key: Final = store.write(_key).result()

    def position(self, tenant: str) -> int | None:
        """How far the changes of a tenant were looked at; None: not yet."""
        found = self._store.read("SELECT position FROM command_position WHERE tenant = ?", (tenant,))
        return int(str(found[0][0])) if found else None

    def take(self, tenant: str, position: int, commands: Sequence[Commanded]) -> list[Commanded]:
        """Keep new commands and the position after them; those that were new, with their numbers."""

        def work(db: apsw.Connection) -> list[Commanded]:
            taken = [found for one in commands if (found := self._add(db, one)) is not None]
            db.execute("INSERT OR REPLACE INTO command_position VALUES (?, ?)", (tenant, position))
            return taken

        return self._store.write(work).result()

    def add(self, command: Commanded) -> Commanded:
        """Keep one command; the one that is there already where it is the same. Raises OtherCommand."""

        def work(db: apsw.Connection) -> Commanded:
            added = self._add(db, command)
            found = added or _find(db, command.id)
            assert found is not None
            if added is None and not found.same_as(command):
                raise OtherCommand(f"{command.id} is another command")
            return found

        return self._store.write(work).result()

    def lost(self, tenant: str, position: int, newest: int) -> None:
        """Changes were not seen, and are not kept: go on from the newest, and say so in the audit."""
        told: Mapping[str, Json] = {"event": "changes_lost", "tenant": tenant, "after": position, "upTo": newest}

        def work(db: apsw.Connection) -> None:
            audit.add(db, self._clock.now(), told, None)
            db.execute("INSERT OR REPLACE INTO command_position VALUES (?, ?)", (tenant, newest))

        self._store.write(work).result()

    def step(self, command_id: str, change: Change) -> Commanded | None:
        """Change one as it is now; what it became, or None where nothing did, or it was erased."""
        return self.steps([(command_id, change)])[0]

    def steps(self, changes: Sequence[tuple[str, Change]]) -> list[Commanded | None]:
        """Change several in one transaction."""

        def work(db: apsw.Connection) -> list[Commanded | None]:
            now, done = self._clock.now(), []
            for command_id, change in changes:
                found = _find(db, command_id)
                done.append(None if found is None else self._apply(db, change(found, now)))
            return done

        return self._store.write(work).result() if changes else []

    def expire(self, now: Instant) -> list[Commanded]:
        """End all whose time is up."""

        def work(db: apsw.Connection) -> list[Commanded]:
            rows = db.execute(f"{SELECT}{OPEN} AND expires_at <= ?", (now,)).fetchall()
            steps = [states.expired(command_of(row), now) for row in rows]
            return [found for step in steps if (found := self._apply(db, step)) is not None]

        if not self._store.read(f"{SELECT}{OPEN} AND expires_at <= ? LIMIT 1", (now,)):
            return []
        return self._store.write(work).result()

    def recover(self, reason: str) -> None:
        """After a start: what was being sent when the process before ended is in doubt."""
        doubtful = self._select("status = 'PENDING' AND sending", ())
        self.steps([(one.id, partial(states.in_doubt, reason=reason)) for one in doubtful])

    def restore(self) -> int:
        """Out of a backup: end what was open, and follow changes from where they are then; how many were open."""
        found = self._select(OPEN, ())
        self.steps([(one.id, states.restored) for one in found])
        self._store.write(lambda db: db.execute("DELETE FROM command_position")).result()
        return len(found)

    def heads(self) -> list[Commanded]:
        """Of each device the first command that is not sent yet, or not for sure."""
        return self._select(_HEADS, ())

    def answer(self, device: Device, answer: Answered) -> Future[Commanded | None]:
        """What a device said of a command; done when that is durable. None: of none that is known."""

        def work(db: apsw.Connection) -> Commanded | None:
            mine = f"{SELECT}adapter = ? AND device = ? AND tenant = ? AND "
            of = (device.adapter, device.id, device.tenant, answer.command)
            row = db.execute(f"{mine}id = ?", of).fetchone()
            row = row or db.execute(f"{mine}{OPEN} AND attempts > 0 AND name = ? ORDER BY number", of).fetchone()
            return None if row is None else self._apply(db, states.answered(command_of(row), self._clock.now(), answer))

        return self._store.write(work)

    def find(self, command_id: str) -> Commanded | None:
        """One command."""
        return next(iter(self._select("id = ?", (command_id,))), None)

    def listed(self, filters: Mapping[str, str], after: int = 0, limit: int = 100) -> list[Commanded]:
        """Commands after a number, of a tenant, an entity, a device, a status, where these are named."""
        names = [name for name in ("tenant", "entity", "adapter", "device", "status") if name in filters]
        where = " AND ".join([*(f"{name} = ?" for name in names), "number > ?"])
        return self._select(where, (*(filters[name] for name in names), after), limit)

    def given_before(self, command: Commanded, since: Instant) -> int:
        """How many commands for its attribute came before it, since then; those never sent do not count."""
        sql = (
            "SELECT count(*) FROM command WHERE tenant = ? AND entity = ? AND attribute = ? AND number < ? "
            "AND made_at >= ? AND attempts > 0"
        )
        of = (command.tenant, command.entity, command.attribute, command.number, since)
        return int(str(self._store.read(sql, of)[0][0]))

    def counted(self) -> dict[str, int]:
        """How many are kept of each status."""
        found = self._store.read("SELECT status, count(*) FROM command GROUP BY status ORDER BY status")
        return {str(status): int(str(number)) for status, number in found}

    def untold(self, limit: int) -> list[Commanded]:
        """Commands whose status their entity does not show yet; of each attribute only the newest is shown."""
        return self._select("told <> status", (), limit)

    def is_newest(self, command: Commanded) -> bool:
        """Whether no later command for the same attribute of the entity is there."""
        sql = "SELECT 1 FROM command WHERE tenant=? AND entity=? AND attribute=? AND number > ? LIMIT 1"
        of = (command.tenant, command.entity, command.attribute, command.number)
        return not self._store.read(sql, of)

    def told(self, commands: Sequence[Commanded]) -> None:
        """The entities show these states now."""

        def work(db: apsw.Connection) -> None:
            db.executemany("UPDATE command SET told = ? WHERE id = ?", [(one.status, one.id) for one in commands])

        self._store.write(work).result()

    def _select(self, where: str, bindings: Sequence[apsw.SQLiteValue], limit: int = -1) -> list[Commanded]:
        sql = f"{SELECT}{where} ORDER BY number LIMIT ?"
        return [command_of(row) for row in self._store.read(sql, (*bindings, limit))]

    def _add(self, db: apsw.Connection, command: Commanded) -> Commanded | None:
        """The command with its number; None where its id is known."""
        if _find(db, command.id) is not None:
            return None
        of = (command.adapter, command.device)
        older = db.execute(f"{SELECT}adapter = ? AND device = ? AND {OPEN}", of).fetchall()
        db.execute(INSERT, row_of(command))
        found = _find(db, command.id)
        assert found is not None
        audit.note(db, command.made_at, found, "made", {"name": found.name, "instance": dict(found.instance)})
        for one in map(command_of, older):
            if (one.tenant, one.entity, one.attribute) == (command.tenant, command.entity, command.attribute):
                self._apply(db, states.replaced(one, self._clock.now(), command.id))
        if len(older) >= PENDING_MAX:
            reason = f"{len(older)} commands wait for this device already"
            return self._apply(db, states.refused(found, self._clock.now(), reason))
        if found.number % _KEPT_SLICE == 0:
            db.execute(_DROP_OLD, (found.number - KEEP,))
        return found

    def _apply(self, db: apsw.Connection, step: Step | None) -> Commanded | None:
        if step is None:
            return None
        db.execute(UPDATE, changes_of(step.command))
        audit.note(db, self._clock.now(), step.command, step.event, step.details)
        return step.command


class OtherCommand(Exception):
    """The id of a command is that of another one."""


def _find(db: apsw.Connection, command_id: str) -> Commanded | None:
    row = db.execute(f"{SELECT}id = ?", (command_id,)).fetchone()
    return None if row is None else command_of(row)


def _key(db: apsw.Connection) -> bytes:
    """What commands are sealed with: made once."""
    row = db.execute("SELECT key FROM command_key").fetchone()
    if row is not None:
        assert isinstance(row[0], bytes)
        return row[0]
    made = secrets.token_bytes(_KEY_BYTES)
    db.execute("INSERT INTO command_key VALUES (?)", (made,))
    return made
