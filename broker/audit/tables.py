"""The tables of `audit.sqlite`, and how links go in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from broker.audit.chain import START, link
from broker.audit.entries import Sealed
from broker.model.values import Instant, Json

if TYPE_CHECKING:
    import apsw

OWNER: Final = "audit"
STEPS: Final = (
    """CREATE TABLE link (
        number INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, tenant TEXT NOT NULL,
        digest BLOB NOT NULL, hash BLOB NOT NULL, salt BLOB NOT NULL, told TEXT NOT NULL) STRICT""",
    "CREATE INDEX link_at ON link (at)",
    """CREATE TABLE part (
        link INTEGER NOT NULL, place INTEGER NOT NULL, tenant TEXT NOT NULL, subject TEXT NOT NULL,
        salt BLOB, told TEXT, erased INTEGER, PRIMARY KEY (link, place)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX part_subject ON part (tenant, subject, link)",
    "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), token TEXT NOT NULL) STRICT",
    """CREATE TABLE root (
        number INTEGER PRIMARY KEY, size INTEGER NOT NULL, day TEXT NOT NULL, at INTEGER NOT NULL,
        token TEXT NOT NULL) STRICT""",
    """CREATE TABLE node (
        level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, place)
        ) STRICT, WITHOUT ROWID""",
)
_LINK: Final = "INSERT INTO link VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PART: Final = "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, NULL)"


@dataclass(frozen=True, slots=True)
class Tail:
    """Where the chain ends: the number of its last link, its time and its hash."""

    number: int = 0
    at: Instant = 0
    hash: bytes = START

    def said(self) -> dict[str, Json]:
        """For a signature."""
        return {"number": self.number, "at": self.at, "hash": self.hash.hex()}


def tail_of(rows: Iterable[Sequence[Any]]) -> Tail:
    """Of the rows of TAIL."""
    return next((Tail(number, at, bytes(hash_)) for number, at, hash_ in rows), Tail())


TAIL: Final = "SELECT number, at, hash FROM link ORDER BY number DESC LIMIT 1"


def append(db: apsw.Connection, sealed: Sequence[Sealed]) -> Tail:
    """Add links behind the last one, in one transaction with it; where the chain ends now."""
    tail = tail_of(db.execute(TAIL))
    links, parts = list[tuple[Any, ...]](), list[tuple[Any, ...]]()
    for one in sealed:
        number, at = tail.number + 1, max(tail.at, one.at)  # a clock that was put back makes no gap in a day
        tail = Tail(number, at, link(tail.hash, number, at, one.digest))
        links.append((number, at, one.kind, one.tenant, one.digest, tail.hash, one.salt, one.text))
        parts += [(number, place, one.tenant, it.subject, it.salt, it.text) for place, it in enumerate(one.parts)]
    db.executemany(_LINK, links)
    if parts:
        db.executemany(_PART, parts)
    return tail


def erased_digest(places: Iterable[tuple[int, int]]) -> str:
    """What the link of an erasure holds of which parts it took: `(link, place)` of each."""
    return hashlib.sha256(b"".join(b"%d %d\n" % one for one in sorted(places))).hexdigest()


def read_json(text: object) -> dict[str, Json]:
    """A head or a part as it was written."""
    return cast("dict[str, Json]", json.loads(cast(str, text)))
