"""The audit of a hub: `audit.sqlite`, a chain of everything that was told of persons, and of acts about them.

    log = AuditLog(KeptFile(data / "audit.sqlite", "audit"), signer, clock, anchor=data / "keys" / "audit.head")
    log.record(Entry("disclosure", …)).result()       durable; what waits at the same time shares one sync
    log.disclosures("", "urn:misono:subject:…")       who got what of somebody

Each group of links ends with a signed head: who has not the hub's key can add nothing. The head also stands in a file
of its own (`anchor`): where the chain is shorter than what it says, an older file was put in the chain's place.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, cast
from zoneinfo import ZoneInfo

from broker.audit.bundling import bundled
from broker.audit.chain import SALT_BYTES
from broker.audit.days import ZONE, Days
from broker.audit.entries import Sealed, entry_of, part_digests, seal, told_of
from broker.audit.tables import OWNER, STEPS, TAIL, Tail, append, erased_digest, read_json, tail_of
from broker.errors import ServiceUnavailable
from broker.keeping import KeptFile, NotKept
from broker.model.values import Instant, Json
from broker.ports import Clock
from broker.ports.audit import Disclosure, Entry
from broker.signing import BadSignature, Signer

if TYPE_CHECKING:
    import apsw

log = logging.getLogger("misono.audit")

HEAD: Final = "audit-head+jwt"
SECTOR: Final = 512
"""Bytes that a disk writes as a whole: a signed head is shorter."""
TOLD_KINDS: Final = ("disclosure", "emergency")
"""Kinds of entries that say what somebody got."""


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as it is kept; `erased` counts persons of whom it no longer says anything."""

    number: int
    at: Instant
    entry: Entry
    erased: int = 0


class AuditLog:
    """The port Audit. Any thread may call any method."""

    def __init__(
        self, file: KeptFile, signer: Signer, clock: Clock, *, anchor: Path, zone: ZoneInfo | None = None
    ) -> None:
        file.tables(OWNER, STEPS)
        self.file, self.signer, self.clock, self.anchor = file, signer, clock, anchor
        self.days: Final = Days(zone or ZoneInfo(ZONE))
        self._lock = Lock()
        self._open: _Group | None = None
        self._recorded = 0

    def begin(self) -> None:
        """Say in the chain that it is not the one it was, where so: before anything is added to it."""
        missing = self.missing()
        if missing:
            log.error("the audit is not what it was: %s", missing)
            self.record(Entry("rollback", "", "hub", self.clock.now(), more={"missing": missing})).result()

    def record(self, entry: Entry) -> Future[int]:
        """Write it; its number once it is durable. The future fails with ServiceUnavailable where it cannot be."""
        sealed, done = _sealed(entry), Future[int]()
        with self._lock:
            group = self._open
            if group is not None:
                group.add(sealed, done)
                return done
            group = self._open = _Group()
            group.add(sealed, done)
        self._submit(group)
        return done

    def disclosures(self, tenant: str, subject: str = "", since: Instant = 0) -> Sequence[Disclosure]:
        """Who got what of a person, or of everybody, by day, the newest first."""
        sql = (
            "SELECT link.number, link.at, link.told, part.told FROM part JOIN link ON link.number = part.link"
            " WHERE part.tenant = ? AND part.told IS NOT NULL AND link.at >= ? AND link.kind IN (?, ?)"
        )
        bindings = [tenant, since, *TOLD_KINDS]
        if subject:
            sql, bindings = sql + " AND part.subject = ?", [*bindings, subject]
        rows = cast("list[tuple[int, int, str, str]]", self.file.read(sql + " ORDER BY link.number", bindings))
        told = ((number, at, read_json(head), told_of(read_json(part))) for number, at, head, part in rows)
        return bundled(told, self.days)

    def erase(self, tenant: str, subject: str, why: str) -> int:
        """Forget what is said of a person; the chain says that it was forgotten, and why."""

        def work(db: apsw.Connection) -> tuple[str, int]:
            found = [*_parts_of(db, tenant, subject)]
            if not found:
                return "", 0
            more: dict[str, Json] = {"parts": len(found), "which": erased_digest(found), "why": why}
            entry = Entry("erasure", tenant, "hub", self.clock.now(), more=more)
            tail, token = self._append(db, [_sealed(entry)])
            db.executemany(
                "UPDATE part SET subject = '', salt = NULL, told = NULL, erased = ? WHERE link = ? AND place = ?",
                [(tail.number, *one) for one in found],
            )
            self.file.empty_log()
            return token, len(found)

        try:
            token, count = self.file.write(work).result()
        except NotKept as error:
            raise _unwritten(error) from error
        if count:
            self._anchored(token)
        return count

    def entries(self, tenant: str, after: int = 0, limit: int = 100, kind: str = "") -> list[Written]:
        """What is written of a tenant, in its order, after an entry with that number; of a kind, where one is named."""
        sql = "SELECT number, at, told FROM link WHERE tenant = ? AND number > ?"
        bindings: list[str | int] = [tenant, after]
        if kind:
            sql, bindings = sql + " AND kind = ?", [*bindings, kind]
        rows = self.file.read(sql + " ORDER BY number LIMIT ?", (*bindings, limit))
        return [self._written(cast("tuple[int, int, str]", row)) for row in rows]

    def entry(self, number: int) -> Written | None:
        """One of them, in whichever tenant."""
        rows = self.file.read("SELECT number, at, told FROM link WHERE number = ?", (number,))
        return next((self._written(cast("tuple[int, int, str]", row)) for row in rows), None)

    def said(self, number: int, subject: str = "") -> dict[str, Json]:
        """What a link says, salted as its digest has it: the head, and the parts of one person (of all: no subject)."""
        head = self.file.read("SELECT salt, told FROM link WHERE number = ?", (number,))[0]
        sql = "SELECT place, salt, told, subject FROM part WHERE link = ? AND told IS NOT NULL ORDER BY place"
        rows = cast("list[tuple[int, bytes, str, str]]", self.file.read(sql, (number,)))
        parts: list[Json] = [
            {"place": place, "salt": salt.hex(), "told": text}
            for place, salt, text, whose in rows
            if subject in ("", whose)
        ]
        return {"salt": cast(bytes, head[0]).hex(), "told": cast(str, head[1]), "parts": parts}

    def tail(self) -> Tail:
        """Where the chain ends."""
        return tail_of(self.file.read(TAIL))

    def recorded(self) -> int:
        """How many entries this process wrote."""
        return self._recorded

    def _written(self, row: tuple[int, int, str]) -> Written:
        number, at, text = row
        sql = "SELECT told FROM part WHERE link = ? AND told IS NOT NULL ORDER BY place"
        parts = [read_json(part[0]) for part in self.file.read(sql, (number,))]
        head = read_json(text)
        return Written(number, at, entry_of(head, parts), len(part_digests(head)) - len(parts))

    def _submit(self, group: _Group) -> None:
        def work(db: apsw.Connection) -> tuple[Tail, str]:
            with self._lock:
                if self._open is group:
                    self._open = None
            return self._append(db, group.sealed)

        def told(written: tuple[Tail, str]) -> None:
            self._recorded += len(group.sealed)
            group.finish(written[0])
            self._anchored(written[1])

        try:
            self.file.write(work, told).add_done_callback(group.ended)
        except NotKept as error:
            with self._lock:
                self._open = None
            group.fail(error)

    def _append(self, db: apsw.Connection, sealed: Sequence[Sealed]) -> tuple[Tail, str]:
        tail = append(db, sealed)
        token = self.signer.sign(tail.said(), HEAD)
        db.execute("INSERT OR REPLACE INTO head VALUES (1, ?)", (token,))
        return tail, token

    def _anchored(self, token: str) -> None:
        """Set the head down beside the file; it may be behind after a failure of the machine, never ahead.

        In place, within one sector: a new file by its name would have the file system write out all that waits.
        """
        try:
            place = os.open(self.anchor, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.pwrite(place, token.encode().ljust(SECTOR), 0)
            finally:
                os.close(place)
        except OSError as error:
            log.warning("the head of the audit is not set down in %s: %s", self.anchor, error)

    def missing(self) -> str:
        """What the anchor knows of and the chain does not have; nothing where all is well."""
        if not self.anchor.exists():
            return ""
        try:
            said = self.signer.verify(self.anchor.read_text().rstrip(), HEAD)
        except (BadSignature, ValueError, OSError) as error:
            return f"{self.anchor.name} cannot be read: {error}"
        rows = self.file.read("SELECT hash FROM link WHERE number = ?", (said["number"],))
        held = next((cast(bytes, row[0]).hex() for row in rows), "")
        return "" if held == said["hash"] else f"link {said['number']} with hash {said['hash']} was there"


class _Group:
    """Entries that become durable together."""

    def __init__(self) -> None:
        self.sealed: list[Sealed] = []
        self._waiting: list[Future[int]] = []

    def add(self, sealed: Sealed, done: Future[int]) -> None:
        self.sealed.append(sealed)
        self._waiting.append(done)

    def finish(self, tail: Tail) -> None:
        first = tail.number - len(self._waiting) + 1
        for number, done in enumerate(self._waiting, first):
            done.set_result(number)

    def ended(self, written: Future[tuple[Tail, str]]) -> None:
        error = written.exception()
        if error is not None:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        for done in self._waiting:
            if not done.done():
                done.set_exception(_unwritten(error))


def _parts_of(db: apsw.Connection, tenant: str, subject: str) -> Iterator[tuple[int, int]]:
    sql = "SELECT link, place FROM part WHERE tenant = ? AND subject = ? AND told IS NOT NULL"
    for found, place in db.execute(sql, (tenant, subject)):
        yield cast(int, found), cast(int, place)


def _unwritten(error: BaseException) -> ServiceUnavailable:
    log.error("the audit cannot be written: %s", error)
    return ServiceUnavailable("The audit cannot be written; nothing personal is given out.", remedy="Ask again later.")


def _sealed(entry: Entry) -> Sealed:
    """With salts for it and each of its parts, all drawn at once."""
    drawn = os.urandom(SALT_BYTES * (len(entry.told) + 1))
    salts = iter(range(0, len(drawn), SALT_BYTES))
    return seal(entry, lambda: drawn[(start := next(salts)) : start + SALT_BYTES])
