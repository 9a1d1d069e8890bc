"""A table into a hub, as a whole or not at all: every row is checked before the first one is written.

    rows ─ check ─> documents in a spool ─ load ─> journal of what stood there ─> batches into the place
                                                   └ one refused, or cut off ─ take_back ─> as it was before

The journal outlives a crash: `take_back` of its file puts back what an import that was killed had written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, Protocol

import orjson

from broker.encode.text import dump
from broker.errors import NgsiError
from broker.model.entity import Document
from broker.model.values import Json
from broker.ports.validator import Violation
from datamodels.opendata.headings import LOOKED_AT, Headings, find_headings
from datamodels.opendata.mapping import Mapping
from datamodels.opendata.repairs import Refused, Repair
from datamodels.opendata.reporting import Report
from datamodels.opendata.rows import Choices, Outcome, RowReader
from datamodels.opendata.tables import Row, Table

BATCH: Final = 500


class Place(Protocol):
    """A hub that entities go to: a store, or a broker over HTTP."""

    def held(self, documents: Sequence[Document]) -> dict[str, Json]:
        """Those that are there already, by id, in the form that `put_back` takes."""

    def put(self, documents: Sequence[Document]) -> list[NgsiError | None]:
        """Create or replace; at each place None, or why it was refused."""

    def put_back(self, held: Sequence[Json]) -> list[NgsiError | None]:
        """What `held` gave, as it was."""

    def remove(self, ids: Sequence[str]) -> list[NgsiError | None]:
        """Delete those that there are."""


class NotLoaded(Exception):
    """An import that did not go in; the text says why. `taken_back` says whether all is as it was."""

    def __init__(self, text: str, *, taken_back: bool) -> None:
        super().__init__(text)
        self.taken_back = taken_back


@dataclass(slots=True)
class Checking:
    """Turns rows into documents, refuses what is wrong and notes what was repaired.

    `dress` gives the document of an entity in normalized form, `violations` what its model says against it.
    """

    mapping: Mapping
    choices: Choices
    dress: Callable[[dict[str, Json]], Document]
    violations: Callable[[Document], Sequence[Violation]]
    report: Report
    headings: Headings | None = None
    _seen: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def documents(self, table: Table) -> Iterator[Document]:
        """The documents of all rows that are right. Raises NoHeadings and BadTable."""
        top = list(islice(table.rows, LOOKED_AT))
        self.headings = headings = find_headings(top, self.mapping)
        for repair in (*table.repairs, *headings.repairs):
            self.report.repaired(0, repair)
        self.report.unknown = headings.unknown
        reader = RowReader(self.mapping, headings, self.choices)
        for at, row in enumerate(_from(top[headings.first :], table.rows), headings.first + 1):
            document = self._row(reader, at, row)
            if document is not None:
                yield document

    def _row(self, reader: RowReader, at: int, row: Row) -> Document | None:
        outcome = reader.read(row)
        if outcome is None:
            return None
        self.report.rows += 1
        document = self._document(at, outcome)
        for repair in outcome.repairs:
            self.report.repaired(at, repair)
        if outcome.refused:
            self.report.refuse(at, outcome.refused)
            return None
        self.report.entities += document is not None
        return document

    def _document(self, at: int, outcome: Outcome) -> Document | None:
        if outcome.entity is None or self._is_twice(at, outcome):
            return None
        try:
            document = self.dress(outcome.entity)
        except NgsiError as fault:
            outcome.refused.append(Refused(fault.pointer, fault.detail, fault.remedy))
            return None
        for one in self.violations(document):
            outcome.refused.append(Refused(one.pointer, one.rule, one.wanted))
        return None if outcome.refused else document

    def _is_twice(self, at: int, outcome: Outcome) -> bool:
        """Whether the id was there already: the same row again is left out, another one refused."""
        entity = outcome.entity or {}
        digest = hashlib.blake2b(dump(entity), digest_size=12).digest()
        first, same = self._seen.setdefault(str(entity["id"]), (at, digest))
        if first == at:
            return False
        if same == digest:
            outcome.repairs.append(Repair("duplicate", "", f"row {first}", ""))
        else:
            outcome.refused.append(Refused("ID", str(entity["id"]), f"an id of its own: row {first} has it"))
        return True


def _from(first: list[Row], rest: Iterator[Row]) -> Iterator[Row]:
    yield from first
    yield from rest


def spool(documents: Iterator[Document], file: IO[bytes]) -> int:
    """Write documents a line each; how many."""
    count = 0
    for document in documents:
        file.write(dump(document) + b"\n")
        count += 1
    return count


def load(file: IO[bytes], place: Place, journal: Path, told: Callable[[int], None]) -> int:
    """Put every document of the spool into the place; how many. `told` gets the number of each batch.

    Raises NotLoaded where one was refused or the place does not answer: then all is taken back. The journal is kept
    until that is done.
    """
    file.seek(0)
    with journal.open("xb") as notes, ThreadPoolExecutor(1) as writing:
        try:
            count = _written(file, place, notes, (writing, told))
        except (_Refused, NgsiError, KeyboardInterrupt) as fault:
            writing.shutdown()  # what is on its way arrives, and is taken back with the rest
            notes.flush()
            take_back(journal, place)
            raise NotLoaded(str(fault) or "interrupted", taken_back=True) from fault
    journal.unlink()
    return count


def _written(
    file: IO[bytes], place: Place, notes: IO[bytes], beside: tuple[ThreadPoolExecutor, Callable[[int], None]]
) -> int:
    """Write batch after batch; the next one is read and noted while one is on its way. Raises _Refused."""
    writing, told = beside
    count = 0
    sent: Future[list[NgsiError | None]] | None = None
    while lines := [*islice(file, BATCH)]:
        documents = [orjson.loads(line) for line in lines]
        _note(notes, documents, place)
        _arrived(sent)
        sent = writing.submit(place.put, documents)
        count += len(documents)
        told(len(documents))
    _arrived(sent)
    return count


def _arrived(sent: Future[list[NgsiError | None]] | None) -> None:
    refused = [fault for fault in sent.result() if fault is not None] if sent else []
    if refused:
        raise _Refused(len(refused), refused[0])


class _Refused(Exception):
    def __init__(self, count: int, first: NgsiError) -> None:
        remedy = f" Would work: {first.remedy}." if first.remedy else ""
        super().__init__(f"{count} of a batch refused: {first.pointer} {first.detail}{remedy}")


def _note(notes: IO[bytes], documents: list[Document], place: Place) -> None:
    """Write down what the batch is about to change, and see it on the disk."""
    held = place.held(documents)
    made = [str(document["id"]) for document in documents if document["id"] not in held]
    notes.write(dump({"made": made, "before": list(held.values())}) + b"\n")
    notes.flush()
    os.fsync(notes.fileno())


def take_back(journal: Path, place: Place) -> int:
    """Undo what the journal has, the newest batch first; how many entities. Removes the journal once all is done.

    Raises NotLoaded where the place refuses: the journal stays, and the same call goes on.
    """
    undone = 0
    for line in reversed(journal.read_bytes().splitlines()):
        try:
            batch: dict[str, Any] = orjson.loads(line)
        except ValueError:
            continue  # cut off while it was written: nothing of that batch was sent
        faults = [*place.remove(batch["made"]), *(place.put_back(batch["before"]) if batch["before"] else [])]
        refused = [fault for fault in faults if fault is not None]
        if refused:
            raise NotLoaded(
                f"{len(refused)} entities could not be taken back ({refused[0].detail}); the journal {journal} stays",
                taken_back=False,
            )
        undone += len(batch["made"]) + len(batch["before"])
    journal.unlink()
    return undone
