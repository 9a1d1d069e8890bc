"""What the properties of ECHONET Lite's classes are: names, sizes, units, ranges and words, from the tables beside.

`properties.tsv` and `classes.tsv` are made by tools/echonet_table.py; `more*.tsv` hold classes that its source lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Final

from broker.model.values import Json

COMMON: Final = "0000"
"""The class whose properties every device has."""
_CODE: Final = "code"


@dataclass(frozen=True, slots=True)
class Field:
    """One value within a property's bytes.

    `kind`: `number` and `code` (a word for each number), `time`, `date`, `instant`, `raw`; `size` in bytes, 0: all that
    is left. `columns` is not 0 where the rest of the bytes is a row of such values, so many at a time. `times` are
    other properties that the number is multiplied with. `words` are what numbers mean that are no values.
    """

    quantity: str
    kind: str
    size: int
    signed: bool = False
    columns: int = 0
    unit: str = ""
    scale: float = 1
    least: int = 0
    most: int = 0
    words: Mapping[int, Json] | None = None
    times: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a class: `access` has g, s, i: it may be read, set, is announced; capital where it must."""

    code: int
    access: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One class of devices."""

    code: str
    name: str
    ja: str
    en: str


@cache
def kinds() -> dict[str, Kind]:
    """All classes that are known, by their codes."""
    return {row[0]: Kind(*row) for row in _rows("classes.tsv", 1) + _rows("more_classes.tsv", 0)}


@cache
def properties(kind: str) -> dict[int, Property]:
    """The properties of a class, those that all devices have among them: `properties("0288")[0xE7]`."""
    own = {} if kind == COMMON else properties(COMMON)
    return {**own, **{one.code: one for one in _all().get(kind, ())}}


@cache
def named(kind: str) -> dict[str, Property]:
    """The properties of a class by the names of their quantities."""
    return {field.quantity: one for one in properties(kind).values() for field in one.fields}


@cache
def _all() -> dict[str, tuple[Property, ...]]:
    rows = _rows("properties.tsv", 1) + _rows("more.tsv", 0)
    return {
        kind: tuple(
            Property(int(code, 16), access, tuple(_field(row[3:]) for row in fields))
            for (code, access), fields in groupby(of_kind, lambda row: (row[1], row[2]))
        )
        for kind, of_kind in groupby(rows, lambda row: row[0])
    }


def _field(row: list[str]) -> Field:
    quantity, kind, unit, scale, least, most, words, times = row
    columns, _, one = kind.rpartition("x")
    number = one[0] in "us"
    return Field(
        quantity,
        "number" if number else one.rstrip("0123456789"),
        int(one[len(one.rstrip("0123456789")) :] or 0),
        signed=one[0] == "s",
        columns=int(columns or 0),
        unit=unit,
        scale=float(scale or 1),
        least=int(least or 0),
        most=int(most or 0),
        words={int(code, 16): _word(word) for code, word in _pairs(words)} if words else None,
        times=tuple(int(one, 16) for one in times.split("|") if one),
    )


def _pairs(words: str) -> list[tuple[str, str]]:
    return [(code, word) for code, _, word in (one.partition("=") for one in words.split("|"))]


def _word(word: str) -> Json:
    if word in {"true", "false"}:
        return word == "true"
    try:
        return int(word) if word.isdecimal() else float(word)
    except ValueError:
        return word


def _rows(name: str, first: int) -> list[list[str]]:
    text = files("adapters.codecs.echonet").joinpath(name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()[first:]]
