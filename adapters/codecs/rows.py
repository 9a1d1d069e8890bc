"""Rows of tables, as a drop folder or a push brings them: CSV text with its headings, each row what one device said.

    codec:
      kind: csv
      columns:
        観測局: {is: device}
        日付: {is: date}                     # with `time`; or one column `{is: at}`
        時刻: {is: time}
        気温(℃): {quantity: t, as: number, unit: CEL, also: [気温]}
        通番: {is: sequence}
        地区: {fact: area}

Cells are read and repaired as municipal tables are (`as` is one of those readers; era dates, full-width digits), and
headings are found below titles, misspelt ones too. A time without an offset is Japan's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from adapters.codecs.json_body import READINGS_MAX, check_name, check_value, read_instant
from adapters.codecs.ultralight import read_text
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings
from adapters.readings import Reading, Readings
from adapters.settings import Members
from broker.model.values import Instant
from datamodels.opendata.cells import READ
from datamodels.opendata.characters import says_unknown
from datamodels.opendata.headings import LOOKED_AT, Headings, NoHeadings, find_headings
from datamodels.opendata.mapping import Column, Mapping
from datamodels.opendata.repairs import Unreadable

ROLES: Final = ("device", "part", "at", "date", "time", "sequence")
FACT: Final = "fact:"
_READERS: Final = {"at": "instant", "date": "date", "time": "time"}
_TEXT_MAX: Final = 256


@dataclass(slots=True)
class _Row:
    """One row while it is read."""

    told: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)


class Rows:
    """See the module; `find` and `decode` are what a drop folder needs too."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self.find = lru_cache(maxsize=64)(self._find)

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """As the port says."""
        rows = _rows_of(read_text(frame.payload))
        if len(rows) > READINGS_MAX + LOOKED_AT:
            raise BadFrame("oversized", f"{len(rows):,} rows; a frame has at most {READINGS_MAX:,}")
        # The last row is data: without it the first ones are the same for every row of a file.
        headings = self.find(tuple(tuple(row) for row in rows[: min(LOOKED_AT, len(rows) - 1)]))
        below = rows[headings.first :]
        if not below:
            raise BadFrame("truncated", "there is no row below the headings")
        return [self._readings(frame.device, headings, row) for row in below if any(cell.strip() for cell in row)]

    def _find(self, rows: tuple[tuple[str, ...], ...]) -> Headings:
        """Where the headings are among the first rows. Raises BadFrame."""
        try:
            return find_headings(rows, self._mapping)
        except NoHeadings as fault:
            raise BadFrame("wrong_type", str(fault)) from None

    def _readings(self, device: str, headings: Headings, cells: Sequence[str]) -> Readings:
        row = _Row()
        for column, cell in zip(headings.columns, cells, strict=False):
            if column is not None:
                _take(row, column, cell.strip())
        told = row.told
        name = told.get("device", device)
        at = _at(told)
        return Readings(name, tuple(row.readings), told.get("part", ""), at, told.get("sequence", ""), row.facts)


def make_codec(settings: object) -> Rows:
    """The codec of the member `codec`. Raises BadSettings."""
    members = Members(settings, "codec")
    given = members.below("columns")
    members.done()
    columns = tuple(_column(heading, Members(one, f"codec/columns/{heading}")) for heading, one in given.items())
    if not any(not _is_role(column.to) for column in columns):
        raise BadSettings("codec/columns: at least one column with a quantity would do")
    return Rows(Mapping("the columns", "", columns, {}))


def text_of(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as CSV text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _column(heading: str, members: Members) -> Column:
    role, quantity, fact = members.text("is", ""), members.text("quantity", ""), members.text("fact", "")
    if [bool(role), bool(quantity), bool(fact)].count(True) != 1:
        raise members.refuse("quantity", f"one of quantity, fact, and is: {', '.join(ROLES)},")
    if role:
        members.one_of("is", ROLES, "")
    reads = members.one_of("as", tuple(READ), _READERS.get(role, "text"))
    unit, also = members.text("unit", ""), members.texts("also")
    members.done()
    to = f"{FACT}{fact}" if fact else f"is:{role}" if role else quantity
    return Column(heading, to, reads, also=also, unit=unit)


def _is_role(to: str) -> bool:
    return to.startswith(("is:", FACT))


def _rows_of(text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    except csv.Error as fault:
        raise BadFrame("truncated", f"the payload is no CSV: {fault}") from None


def _take(row: _Row, column: Column, cell: str) -> None:
    """Read one cell. Raises BadFrame."""
    unknown = not cell or says_unknown(cell)
    if column.to.startswith(FACT):
        if not unknown:
            row.facts[column.to.removeprefix(FACT)] = cell[:_TEXT_MAX]
        return
    if unknown:
        if not _is_role(column.to):
            row.readings.append(Reading(column.to, None, column.unit, quality="bad"))
        return
    try:
        value, _ = READ[column.reads](column, cell, "")
    except (Unreadable, ValueError, OverflowError, ArithmeticError) as fault:
        raise BadFrame("wrong_type", f"{column.heading}: {cell[:80]!r} is not {fault}"[:300]) from None
    if _is_role(column.to):
        row.told[column.to.removeprefix("is:")] = str(value)[:_TEXT_MAX]
    else:
        row.readings.append(Reading(check_name(column.to), check_value(value), column.unit))


def _at(told: dict[str, str]) -> Instant | None:
    """The instant of a row: its own column, or day and time of day in Japan."""
    if "at" in told:
        return read_instant(told["at"])
    if "date" in told:
        return read_instant(f"{told['date']}T{told.get('time', '00:00')}:00+09:00")
    return None
