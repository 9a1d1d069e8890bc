"""What an import did, said to whoever runs it: progress while it goes, and at the end what was refused and why."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from broker.errors import NgsiError

SHOWN_MAX = 50
_COLUMNS = ("file", "position", "entity", "error", "pointer", "detail", "clause", "remedy")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One entity that did not go in: where it stands and why."""

    file: str
    position: int
    entity: str
    error: NgsiError

    def sentence(self) -> str:
        """`houses.jsonld[3] urn:a:1, /speed/value: … (clause 4.5.2). Would work: …`."""
        error = self.error
        where = f"{self.file}[{self.position}]" + (f" {self.entity}" if self.entity else "")
        place = f", {error.pointer}" if error.pointer else ""
        clause = f" (clause {error.clause})" if error.clause else ""
        remedy = f" Would work: {error.remedy}." if error.remedy else ""
        return f"{where}{place}: {error.detail.rstrip('.')}{clause}.{remedy}"

    def row(self) -> tuple[str | int, ...]:
        """The line of the report file."""
        error = self.error
        name = type(error).__name__
        return (self.file, self.position, self.entity, name, error.pointer, error.detail, error.clause, error.remedy)


@dataclass(slots=True)
class Report:
    """How many of each file went in, and every refusal."""

    loaded: Counter[str] = field(default_factory=Counter)
    refused: list[Refusal] = field(default_factory=list)

    def summary(self) -> Iterator[str]:
        """The lines that stand at the end."""
        for refusal in self.refused[:SHOWN_MAX]:
            yield "refused: " + refusal.sentence()
        if len(self.refused) > SHOWN_MAX:
            yield f"and {len(self.refused) - SHOWN_MAX} more; --report FILE writes them all"
        total = sum(self.loaded.values())
        yield f"{total + len(self.refused)} entities = {total} loaded + {len(self.refused)} refused"

    def write(self, path: Path) -> None:
        """All refusals as TSV, a line each under a head."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter="\t", lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows(refusal.row() for refusal in self.refused)


class Watch:
    """Progress over the bytes of all files: a bar on a terminal, a line a file elsewhere. To stderr."""

    def __init__(self, report: Report, progress: Progress | None, task: TaskID | None) -> None:
        self._report = report
        self._progress = progress
        self._task = task

    def lines(self, raw: BinaryIO, lines: Iterator[bytes] | BinaryIO) -> Iterator[bytes]:
        """The lines as they come, the bar moving as `raw`, the file on the disk below them, is read."""
        seen = 0
        for line in lines:
            yield line
            if self._progress is not None and self._task is not None:
                position = raw.tell() if raw.seekable() else seen + len(line)
                self._progress.update(self._task, advance=position - seen, entities=sum(self._report.loaded.values()))
                seen = position

    def done(self, file: str) -> None:
        """A file is through."""
        if self._progress is None:
            refused = sum(refusal.file == file for refusal in self._report.refused)
            print(f"{file}: {self._report.loaded[file]} loaded, {refused} refused", file=sys.stderr)


@contextmanager
def watching(report: Report, total_bytes: int) -> Iterator[Watch]:
    """Show progress while the block runs."""
    if not sys.stderr.isatty():
        yield Watch(report, None, None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[entities]} entities"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Watch(report, progress, progress.add_task("import", total=total_bytes or None, entities=0))
