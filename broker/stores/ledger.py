"""The ledger of erasures as a file: one line an erasure, appended and synced before anything is erased.

    {"format": 1, "salt": "9f86…"}
    {"at": "2026-11-23T09:00:00.000000Z", "about": "5c1d…"}

`keep` names types of what is about a person that stay. Whom a line is about stands there as a keyed hash only: the
ledger would else be the place that still names them. Every process on the machine may append.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from broker.model.values import Instant, to_instant, to_text

FORMAT: Final = 1
NAME: Final = "erasures.ndjson"
"""The ledger's name in a data directory, where no other place is named; backups leave it out."""
_SALT_BYTES: Final = 32


class UnusableLedger(Exception):
    """A ledger that cannot be read; the message says which line."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Erasures out of a ledger (`broker.ports.erasures.Due`)."""

    salt: bytes
    about: Mapping[str, frozenset[str]]
    """The types that are not to be erased, by what a line is about."""

    def covers(self, tenant: str, name: str) -> bool:
        """Whether this entity, or all that is about this person, was erased from this tenant."""
        return _about(self.salt, tenant, name) in self.about

    def keeps(self, tenant: str, name: str) -> frozenset[str]:
        """The types of what is about this person that is not to be erased."""
        return self.about.get(_about(self.salt, tenant, name), frozenset())

    def __len__(self) -> int:
        """How many there are."""
        return len(self.about)


class Ledger:
    """The file (`broker.ports.erasures.Erasures`); it is made with the first erasure."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, tenant: str, at: Instant, *names: str, keep: frozenset[str] = frozenset()) -> None:
        """Append a line for each; durable on return."""
        if not self._path.exists():
            self._begin()
        salt, more = self._salt(), {"keep": sorted(keep)} if keep else {}
        rows = [orjson.dumps({"at": to_text(at), "about": _about(salt, tenant, one), **more}) + b"\n" for one in names]
        with self._path.open("ab") as file:
            file.write(b"".join(rows))  # one write: lines of several processes do not mix
            file.flush()
            os.fsync(file.fileno())

    def since(self, at: Instant) -> Erased:
        """What was erased from that instant on. Raises UnusableLedger."""
        about: dict[str, frozenset[str]] = {}
        for number, line in enumerate(_lines(self._path)[1:], 2):
            try:
                row = orjson.loads(line)
                if _instant(row["at"]) >= at:
                    about[str(row["about"])] = frozenset(row.get("keep", ()))
            except (ValueError, KeyError, TypeError) as error:
                raise UnusableLedger(f"{self._path}, line {number}, is no erasure: {error!r}.") from error
        return Erased(self._salt(), about)

    def _begin(self) -> None:
        """Make the file whole at once: of two processes that begin it, one wins."""
        fresh = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with fresh.open("xb") as file:
                fresh.chmod(0o600)
                file.write(orjson.dumps({"format": FORMAT, "salt": secrets.token_hex(_SALT_BYTES)}) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(fresh, self._path)
            except FileExistsError:
                return
        finally:
            fresh.unlink(missing_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _salt(self) -> bytes:
        try:
            head = orjson.loads(next(iter(_lines(self._path)), b""))
            if head["format"] != FORMAT:
                raise UnusableLedger(f"{self._path} has format {head['format']}; this release knows {FORMAT}.")
            return bytes.fromhex(head["salt"])
        except (ValueError, KeyError, TypeError) as error:
            raise UnusableLedger(f"{self._path} is no ledger of erasures: {error!r}.") from error


def _instant(text: str) -> Instant:
    found = to_instant(text)
    if found is None:
        raise ValueError(f"{text} is no instant")
    return found


def _lines(path: Path) -> list[bytes]:
    """The whole lines; what a power cut left of the last one was never acknowledged."""
    whole: Iterable[bytes] = path.read_bytes().split(b"\n")[:-1]
    return list(whole)


def _about(salt: bytes, tenant: str, name: str) -> str:
    return hmac.digest(salt, f"{tenant}\n{name}".encode(), "sha256").hex()
