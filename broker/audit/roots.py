"""Signed roots of the audit: one for every day of the city in which something was written, and on request.

    roots.sign_days()             the days that are over
    roots.sign()                  all there is by now
    roots.proof(17)               that link 17 is in the newest root, and what it says of itself
    roots.consistency(90, 120)    that the first 90 links are the beginning of the 120

A root that somebody outside has kept (an auditor, the ethics board, a newspaper) is what no one with the file and the
key can go behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from broker.audit.log import AuditLog
from broker.audit.merkle import Tree
from broker.errors import BadRequestData, ResourceNotFound
from broker.model.values import Instant, Json, to_text

if TYPE_CHECKING:
    import apsw

ROOT: Final = "audit-root+jwt"
_COLUMNS: Final = "number, size, day, at, token"


@dataclass(frozen=True, slots=True)
class Root:
    """A signed root of the first `size` links; `day` is empty where it was made on request."""

    number: int
    size: int
    day: str
    at: Instant
    token: str

    def shown(self) -> dict[str, Json]:
        """As JSON."""
        return {"number": self.number, "size": self.size, "day": self.day, "at": to_text(self.at), "root": self.token}


class Roots:
    """See the module."""

    def __init__(self, log: AuditLog) -> None:
        self._log, self._file = log, log.file
        self._new: dict[tuple[int, int], bytes] = {}

    def sign_days(self) -> int:
        """Sign the days that are over and have none yet; how many there were."""
        today, signed = self._log.days.of(self._log.clock.now()), 0
        while True:
            last = self._file.read("SELECT max(size) FROM root WHERE day <> ''")[0][0] or 0
            rows = self._file.read("SELECT at FROM link WHERE number = ?", (cast(int, last) + 1,))
            day = self._log.days.of(cast(int, rows[0][0])) if rows else today
            if day >= today:
                return signed
            self._sign(self._size_before(self._log.days.end(day)), day)
            signed += 1

    def sign(self) -> Root:
        """Sign all there is."""
        return self._sign(self._log.tail().number, "")

    def all(self, after: int = 0, limit: int = 100) -> list[Root]:
        """In the order of their making, after one with that number."""
        sql = f"SELECT {_COLUMNS} FROM root WHERE number > ? ORDER BY number LIMIT ?"  # noqa: S608  our own columns
        return [_root(row) for row in self._file.read(sql, (after, limit))]

    def newest(self, least: int = 0) -> Root | None:
        """The newest one, of that many links at least."""
        sql = f"SELECT {_COLUMNS} FROM root WHERE size >= ? ORDER BY number DESC LIMIT 1"  # noqa: S608  as above
        return next((_root(row) for row in self._file.read(sql, (least,))), None)

    def of_size(self, size: int) -> Root:
        """The one of so many links. Raises ResourceNotFound."""
        sql = f"SELECT {_COLUMNS} FROM root WHERE size = ? ORDER BY number LIMIT 1"  # noqa: S608  as above
        found = next((_root(row) for row in self._file.read(sql, (size,))), None)
        if found is None:
            raise ResourceNotFound(
                f"no root of {size} links was signed", pointer="size", remedy="the size of one of /services/audit/roots"
            )
        return found

    def proof(self, number: int, size: int = 0) -> dict[str, Json]:
        """That a link is in a signed root (the newest where no size is given), and how its hash is made.

        Raises ResourceNotFound where there is no such link, or it is in no signed root yet.
        """
        rows = self._file.read("SELECT number, at, digest, hash FROM link WHERE number IN (?, ?)", (number - 1, number))
        by_number = {cast(int, row[0]): row for row in rows}
        root = self.of_size(size) if size else self.newest(number)
        if number not in by_number or root is None or root.size < number:
            raise ResourceNotFound(
                f"link {number} is in no signed root yet", pointer="number",
                remedy="ask again tomorrow, or have one signed: POST /admin/audit/roots",
            )  # fmt: skip
        _, at, digest, hash_ = cast("tuple[int, int, bytes, bytes]", by_number[number])
        before = cast(bytes, by_number[number - 1][3]).hex() if number > 1 else ""
        path = self._tree().inclusion(number - 1, root.size)
        link: Json = {"before": before, "at": at, "digest": digest.hex(), "hash": hash_.hex()}
        return {"number": number, "size": root.size, "link": link, "path": _hex(path), "root": root.token}

    def consistency(self, old: int, size: int) -> dict[str, Json]:
        """That the links of one signed root are the first of another. Raises ResourceNotFound, BadRequestData."""
        first, second = self.of_size(old), self.of_size(size)
        if old > size:
            raise BadRequestData(f"{old} are no beginning of {size}", pointer="from", remedy="from the smaller one")
        path = _hex(self._tree().consistency(old, size))
        return {"from": old, "to": size, "path": path, "old": first.token, "new": second.token}

    def _sign(self, size: int, day: str) -> Root:
        root, at = self._tree().root(size), self._log.clock.now()
        rows = self._file.read("SELECT hash FROM link WHERE number = ?", (size,))
        last = cast(bytes, rows[0][0]).hex() if rows else ""
        said = {"size": size, "root": root.hex(), "hash": last, "day": day, "at": at}
        token, nodes = self._log.signer.sign(said, ROOT), [(*place, hash_) for place, hash_ in self._new.items()]

        def work(db: apsw.Connection) -> int:
            db.executemany("INSERT OR IGNORE INTO node VALUES (?, ?, ?)", nodes)
            known = db.execute("SELECT number FROM root WHERE day = ? AND day <> ''", (day,)).fetchall()
            if known:  # another process was first
                return cast(int, known[0][0])
            db.execute("INSERT INTO root (size, day, at, token) VALUES (?, ?, ?, ?)", (size, day, at, token))
            return db.last_insert_rowid()

        return Root(self._file.write(work).result(), size, day, at, token)

    def _size_before(self, at: Instant) -> int:
        rows = self._file.read("SELECT number FROM link WHERE at < ? ORDER BY at DESC, number DESC LIMIT 1", (at,))
        return cast(int, rows[0][0]) if rows else 0

    def _tree(self) -> Tree:
        self._new = {}

        def read(start: int, end: int) -> Sequence[bytes]:
            sql = "SELECT hash FROM link WHERE number > ? AND number <= ? ORDER BY number"
            return [cast(bytes, row[0]) for row in self._file.read(sql, (start, end))]

        def kept(level: int, place: int) -> bytes | None:
            rows = self._file.read("SELECT hash FROM node WHERE level = ? AND place = ?", (level, place))
            return cast(bytes, rows[0][0]) if rows else None

        def keep(level: int, place: int, hash_: bytes) -> None:
            self._new[level, place] = hash_

        return Tree(read, kept, keep)


def _hex(path: Sequence[bytes]) -> list[Json]:
    return [one.hex() for one in path]


def _root(row: Sequence[Any]) -> Root:
    return Root(*row)
