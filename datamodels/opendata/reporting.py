"""What an import found: how often each repair was needed, which rows were refused and why; each one in a TSV file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from datamodels.opendata.repairs import REPAIRS, Refused, Repair

_COLUMNS: Final = ("row", "what", "column", "was", "became or wanted")
_SHOWN: Final = 3
_REFUSED_SHOWN: Final = 20
_CELL_CHARS: Final = 200
_BEGINS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(slots=True)
class Report:
    """Counts, some examples of each repair and refusal, and a line a finding in the file where there is one."""

    rows: int = 0
    entities: int = 0
    refused: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    _lines: Any = None

    def repaired(self, row: int, repair: Repair) -> None:
        """Note one repair; row 0 is the file."""
        self.counts[repair.rule] += 1
        shown = self.examples.setdefault(repair.rule, [])
        if len(shown) < _SHOWN:
            where = f"row {row}" if row else "the file"
            shown.append(f"{where} {repair.column}: {_short(repair.was)} -> {_short(repair.became)}")
        self._line(row, repair.rule, repair.column, repair.was, repair.became)

    def refuse(self, row: int, reasons: list[Refused]) -> None:
        """Note a row that does not go in."""
        self.refused += 1
        for one in reasons:
            if len(self.refusals) < _REFUSED_SHOWN:
                self.refusals.append(f"row {row} {one.column}: {_short(one.was)}: wanted {one.wanted}")
            self._line(row, "refused", one.column, one.was, one.wanted)

    def _line(self, row: int, *texts: str) -> None:
        if self._lines is not None:
            self._lines.writerow([row, *(_cell(text) for text in texts)])

    @contextmanager
    def written_to(self, path: Path | None) -> Iterator[None]:
        """Write each finding to the file while the block runs."""
        if path is None:
            yield
            return
        with path.open("w", newline="", encoding="utf-8") as file:
            self._lines = csv.writer(file, delimiter="\t", lineterminator="\n")
            self._lines.writerow(_COLUMNS)
            yield
        self._lines = None

    def summary(self) -> Iterator[str]:
        """The lines for whoever runs the import."""
        for heading in self.unknown:
            yield f"column {heading}: not in the mapping, passed over"
        for rule, count in sorted(self.counts.items()):
            text = REPAIRS[rule]
            yield f"{rule}: {count}  {text.ja} / {text.en}"
            yield from (f"    {example}" for example in self.examples[rule])
        yield from (f"refused: {refusal}" for refusal in self.refusals)
        if self.refused and len(self.refusals) == _REFUSED_SHOWN:
            yield "--report FILE writes every one"
        left = self.counts["closed"] + self.counts["duplicate"]
        yield f"{self.rows} rows = {self.entities} entities + {left} left out + {self.refused} refused"


def _short(text: str) -> str:
    return text if len(text) <= _CELL_CHARS else f"{text[:_CELL_CHARS]}…"


def _cell(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) else text
