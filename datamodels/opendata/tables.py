"""A file as rows of texts: CSV in whatever encoding, and workbooks (.xlsx, .xls, .ods). Reads files.

Encodings are found out, merged cells filled, numbers written as their digits and dates as dates.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias
from zipfile import BadZipFile, ZipFile

from datamodels.opendata.repairs import Repair

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

Row: TypeAlias = list[str]

FILE_BYTES_MAX: Final = 512 << 20
WORKBOOK_BYTES_MAX: Final = 1 << 30
"""Of a workbook unpacked: one of some kilobytes may say that it has terabytes."""
ROWS_MAX: Final = 2_000_000
MERGED_MAX: Final = 1_000_000
CELL_CHARS_MAX: Final = 100_000
_CHUNK: Final = 1 << 20
_SNIFFED: Final = 64 << 10
_WORKBOOKS: Final = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


class BadTable(ValueError):
    """A file that cannot be read as a table; the text says why and what would do."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as they come, each read once; `repairs` is what it took to read them."""

    rows: Iterator[Row]
    repairs: tuple[Repair, ...] = ()
    sheet: str = ""


@contextmanager
def open_table(path: Path, *, sheet: str = "", encoding: str = "") -> Iterator[Table]:
    """The table of a file. Raises BadTable, while its rows are read too."""
    if not path.is_file():
        raise BadTable(f"{path} is no file")
    if path.stat().st_size > FILE_BYTES_MAX:
        raise BadTable(f"{path} is larger than {FILE_BYTES_MAX >> 20} MiB: divide it")
    if path.suffix.lower() in _WORKBOOKS:
        yield _workbook(path, sheet)
        return
    found = encoding or encoding_of(path)
    with path.open(encoding=found, errors="replace", newline="") as file:
        repairs = () if found == "utf-8" else (Repair("encoding", "", found, "utf-8"),)
        yield Table(_limited(_lines(file, _delimiter(file.read(_SNIFFED)), path)), repairs)


def encoding_of(path: Path) -> str:
    """`utf-8`, `utf-8-sig`, `utf-16…` or `cp932`: by its mark, its zeros, or by what can be read as it whole."""
    with path.open("rb") as file:
        head = file.read(_SNIFFED)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    zeros = Counter(at % 2 for at, byte in enumerate(head) if not byte)
    if zeros:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return "utf-8" if _reads(path, "utf-8") else "cp932"


def _reads(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _delimiter(head: str) -> str:
    lines = head.splitlines()[:10]
    return max(",\t;", key=lambda sign: sum(line.count(sign) for line in lines))


def _lines(file: object, delimiter: str, path: Path) -> Iterator[Row]:
    file.seek(0)  # type: ignore[attr-defined]
    csv.field_size_limit(CELL_CHARS_MAX)
    reader = csv.reader(file, delimiter=delimiter)  # type: ignore[arg-type]
    try:
        yield from reader
    except csv.Error as fault:
        raise BadTable(f"{path}, line {reader.line_num}: {fault}") from fault


def _limited(rows: Iterator[Row]) -> Iterator[Row]:
    yield from islice(rows, ROWS_MAX)
    if next(rows, None) is not None:
        raise BadTable(f"more than {ROWS_MAX:,} rows: divide the file")


def _workbook(path: Path, wanted: str) -> Table:
    """The sheet of that name, or the first one that has more than one column."""
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - only workbooks need it

    _check_size(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        names = book.sheet_names
        if wanted and wanted not in names:
            raise BadTable(f"{path} has no sheet {wanted}; there are {', '.join(names)}")
        name = wanted or next((one for one in names if book.get_sheet_by_name(one).width > 1), names[0])
        sheet = book.get_sheet_by_name(name)
    except (CalamineError, IndexError, OSError) as fault:
        raise BadTable(f"{path} is no workbook that can be read: {fault}") from fault
    filled = _merged(sheet)
    repairs = (Repair("merged-cells", "", f"{len(sheet.merged_cell_ranges or [])}", ""),) if filled else ()
    return Table(_limited(_cells(sheet, filled)), repairs, name)


def _check_size(path: Path) -> None:
    """Refuse what would unpack to more than a workbook has."""
    if path.suffix.lower() == ".xls":
        return
    try:
        with ZipFile(path) as packed:
            size = sum(one.file_size for one in packed.infolist())
    except BadZipFile as fault:
        raise BadTable(f"{path} is no workbook: {fault}") from fault
    if size > WORKBOOK_BYTES_MAX:
        raise BadTable(f"{path} unpacks to more than {WORKBOOK_BYTES_MAX >> 20} MiB")


_Place: TypeAlias = tuple[int, int]


def _merged(sheet: CalamineSheet) -> dict[_Place, _Place]:
    """Each cell of a merged range that is not its first one, with that first one; whole rows of titles are left.

    Raises BadTable.
    """
    places: dict[_Place, _Place] = {}
    cells = sum((1 + last[0] - first[0]) * (1 + last[1] - first[1]) for first, last in sheet.merged_cell_ranges or [])
    if cells > MERGED_MAX:
        raise BadTable(f"{cells:,} cells are merged; at most {MERGED_MAX:,} are taken")
    for first, last in sheet.merged_cell_ranges or []:
        for row in range(first[0], min(last[0], first[0] + ROWS_MAX) + 1):
            for column in range(first[1], last[1] + 1):
                places[row, column] = (first[0], first[1])
        places.pop((first[0], first[1]), None)
    return places


def _cells(sheet: CalamineSheet, filled: dict[_Place, _Place]) -> Iterator[Row]:
    """The rows, the first ones that are empty included, so that places are those of the sheet."""
    firsts = dict.fromkeys(filled.values(), "")
    for at, cells in enumerate(sheet.iter_rows()):
        row = [_text(cell) for cell in cells]
        for column in range(len(row)) if filled else ():
            if (at, column) in firsts:
                firsts[at, column] = row[column]
            elif (at, column) in filled:
                row[column] = firsts[filled[at, column]]
        yield row


def _text(cell: float | str | bool | time | date | datetime | timedelta) -> str:  # noqa: FBT001 - what a cell may be
    """The text of a cell: 170000000000.0 is `170000000000`, a day `2026-11-23`, a time `09:00`."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return str(cell.date()) if cell.time() == time() else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, timedelta):
        minutes = int(cell.total_seconds() // 60)
        return f"{minutes // 60}:{minutes % 60:02}"
    return cell.isoformat(timespec="minutes") if isinstance(cell, time) else str(cell)
