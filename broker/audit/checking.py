"""Is the audit as it was written? Every link, every part, the signed head, all signed roots, and the anchor.

    check(log).faults            [] where all is well; else what is wrong, and where
    check(log, [token]).faults   and the root that an auditor kept from last year is one of this chain

A part that is gone must be named by the link of an erasure: who takes one away on the quiet is found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from broker.audit.chain import START, link
from broker.audit.entries import digest_of, part_digests
from broker.audit.log import HEAD, AuditLog
from broker.audit.merkle import Growing
from broker.audit.roots import ROOT
from broker.audit.tables import Tail, erased_digest, read_json
from broker.model.values import Json
from broker.signing import BadSignature, Signer

READ_ROWS: Final = 1_000
FAULTS_MAX: Final = 100


@dataclass(slots=True)
class Checked:
    """What was found."""

    links: int = 0
    parts: int = 0
    erased: int = 0
    roots: int = 0
    faults: list[str] = field(default_factory=list)

    def fault(self, text: str) -> None:
        """One more, if there are not too many already."""
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(text)


def check(log: AuditLog, kept: Sequence[str] = ()) -> Checked:
    """Look all of it through; `kept` are signed roots that somebody has from before."""
    return _Check(log, kept).run()


class _Check:
    def __init__(self, log: AuditLog, kept: Sequence[str]) -> None:
        self._log, self._found = log, Checked()
        self._gone: dict[int, list[tuple[int, int]]] = {}
        self._erasures: dict[int, str] = {}
        self._expected = self._roots_of(kept)
        self._growing = Growing()

    def run(self) -> Checked:
        tail = self._chain()
        self._erased()
        self._head(tail)
        for size, roots in self._expected.items():
            if size > self._growing.size:
                self._found.fault(f"a root of {size} links was signed ({roots[0][1]}), and there are {tail.number}")
        missing = self._log.missing()
        if missing:
            self._found.fault(f"the anchor: {missing}")
        return self._found

    def _chain(self) -> Tail:
        tail = Tail()
        self._compare_roots(tail)
        for row, parts in self._rows():
            number, at, hash_ = row[0], row[1], row[5]
            if number != tail.number + 1:
                self._found.fault(f"link {tail.number + 1} is missing: {number} follows {tail.number}")
            if at < tail.at or link(tail.hash, number, at, row[4]) != hash_:
                self._found.fault(f"link {number} was changed, or the one before it")
            self._said(row, parts)
            tail = Tail(number, at, hash_)
            self._growing.add(hash_)
            self._compare_roots(tail)
            self._found.links += 1
        return tail

    def _rows(self) -> Iterator[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
        """Links, each with its parts."""
        file, after = self._log.file, -(2**62)
        while rows := file.read("SELECT * FROM link WHERE number > ? ORDER BY number LIMIT ?", (after, READ_ROWS)):
            last = cast(int, rows[-1][0])
            parts: dict[int, list[tuple[Any, ...]]] = {}
            sql = "SELECT * FROM part WHERE link > ? AND link <= ? ORDER BY link, place"
            for part in file.read(sql, (after, last)):
                parts.setdefault(cast(int, part[0]), []).append(part)
            for row in rows:
                yield row, parts.get(cast(int, row[0]), [])
            after = last

    def _said(self, row: tuple[Any, ...], parts: list[tuple[Any, ...]]) -> None:
        number, _, kind, tenant, digest, _, salt, text = row
        if digest_of(salt, text) != digest:
            self._found.fault(f"what link {number} says was changed")
            return
        head = read_json(text)
        if head["kind"] != kind or head.get("tenant", "") != tenant:
            self._found.fault(f"link {number} is filed under another kind or tenant")
        self._note_act(number, head)
        digests = part_digests(head)
        if [part[1] for part in parts] != list(range(len(digests))):
            self._found.fault(f"link {number} has {len(parts)} parts, and had {len(digests)}")
            return
        for part, expected in zip(parts, digests, strict=True):
            self._part(part, expected, tenant)

    def _note_act(self, number: int, head: dict[str, Json]) -> None:
        more = cast("dict[str, Any]", head.get("more", {}))
        if head["kind"] == "erasure" and "which" in more:
            self._erasures[number] = more["which"]
        if head["kind"] == "rollback":
            self._found.fault(f"link {number} says that the file was put back before: {more.get('missing', '')}")

    def _part(self, part: tuple[Any, ...], expected: str, of_tenant: str) -> None:
        number, place, tenant, subject, salt, text, erased = part
        if text is None or salt is None:
            self._gone.setdefault(erased or 0, []).append((number, place))
            self._found.erased += 1
            return
        self._found.parts += 1
        if digest_of(salt, text).hex() != expected:
            self._found.fault(f"part {place} of link {number} was changed")
        elif read_json(text)["subject"] != subject or tenant != of_tenant:
            self._found.fault(f"part {place} of link {number} is filed under another person or tenant")

    def _erased(self) -> None:
        for number in sorted({*self._gone, *self._erasures}):
            gone = self._gone.get(number, [])
            if self._erasures.get(number, "") != erased_digest(gone):
                first = f"part {gone[0][1]} of link {gone[0][0]}" if gone else "what it names"
                self._found.fault(f"{len(gone)} parts are gone that no erasure names ({first}, link {number})")

    def _head(self, tail: Tail) -> None:
        rows = self._log.file.read("SELECT token FROM head")
        if not rows:
            if tail.number:
                self._found.fault("the signed head is gone")
            return
        said = _verified(self._log.signer, cast(str, rows[0][0]), HEAD)
        if said is None:
            self._found.fault("the head was not signed by this hub")
        elif said != tail.said():
            self._found.fault(f"the chain ends with link {tail.number}, and the signed head says {said['number']}")

    def _roots_of(self, kept: Sequence[str]) -> dict[int, list[tuple[str, str]]]:
        """Roots by size, and where each of them is from."""
        own = [
            (cast(str, row[0]), "kept here") for row in self._log.file.read("SELECT token FROM root ORDER BY number")
        ]
        expected: dict[int, list[tuple[str, str]]] = {}
        for token, whence in [*own, *((one, "given") for one in kept)]:
            said = _verified(self._log.signer, token, ROOT)
            if said is None:
                self._found.fault(f"a root ({whence}) was not signed by this hub")
            else:
                self._found.roots += 1
                expected.setdefault(said["size"], []).append((said["root"] + said["hash"], whence))
        return expected

    def _compare_roots(self, tail: Tail) -> None:
        for content, whence in self._expected.get(self._growing.size, ()):
            last = "" if tail.hash == START else tail.hash.hex()
            if content != self._growing.root().hex() + last:
                self._found.fault(f"the first {tail.number} links are not those of the signed root ({whence})")


def _verified(signer: Signer, token: str, typ: str) -> dict[str, Any] | None:
    try:
        return signer.verify(token, typ)
    except BadSignature:
        return None
