"""Where a table's headings stand and which column of the mapping each of them is. Pure.

Titles and dates stand above them, they spread over two rows with merged cells, are misspelt and full of spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from datamodels.opendata.characters import squeezed
from datamodels.opendata.mapping import Column, Mapping
from datamodels.opendata.repairs import Repair

LOOKED_AT: Final = 30
"""Rows at the top in which the headings are looked for."""
_LEAST_FOUND: Final = 2
_LONGEST: Final = 60
_LEAST_LENGTH: Final = 4
"""Of a heading that may have a misspelt sign: of shorter ones too many are alike."""
_SAME: Final = str.maketrans({"(": "", ")": "", "-": "_", "・": "", "、": "", ",": "", "標": "表", "カ": "ヵ"})
_NOTE: Final = re.compile(r"[※*【\[].*$|\((?:必須|任意|推奨)\)")


class NoHeadings(ValueError):
    """No row of the table has the mapping's headings; the text says what was looked for."""


@dataclass(frozen=True, slots=True)
class Headings:
    """The columns of a table by their place, None where the mapping has none; `first` is the first row of data."""

    first: int
    columns: tuple[Column | None, ...]
    texts: tuple[str, ...]
    repairs: tuple[Repair, ...] = ()

    @property
    def unknown(self) -> list[str]:
        """Headings that no column of the mapping is."""
        return [text for text, column in zip(self.texts, self.columns, strict=True) if column is None and text]


@dataclass(slots=True)
class _Known:
    """The mapping's headings in the spelling that comparisons use."""

    exact: dict[str, Column] = field(default_factory=dict)
    written: dict[str, Column] = field(default_factory=dict)
    _found: dict[str, tuple[Column | None, str]] = field(default_factory=dict)

    def find(self, text: str) -> tuple[Column | None, str]:
        """The column of a heading, and the repair that it took to see it."""
        if text not in self._found:
            self._found[text] = self._find(text) if len(text) <= _LONGEST else (None, "")
        return self._found[text]

    def _find(self, text: str) -> tuple[Column | None, str]:
        if text in self.exact:
            return self.exact[text], ""
        plain = written(text)
        if plain in self.written:
            rule = "heading-misspelt" if "標" in text and "標" not in self.written[plain].heading else "heading-written"
            return self.written[plain], rule
        near = [column for known, column in self.written.items() if _near(plain, known)]
        return (near[0], "heading-misspelt") if len(near) == 1 else (None, "")


def find_headings(rows: Sequence[Sequence[str]], mapping: Mapping) -> Headings:
    """The headings among the first rows. Raises NoHeadings."""
    known = _known(mapping)
    found = [headings for at in range(min(len(rows), LOOKED_AT)) for headings in _tried(rows, at, known)]
    best = max(found, key=lambda one: (_count(one), -one.first), default=None)
    if best is None or _count(best) < min(_LEAST_FOUND, len(mapping.columns)):
        wanted = ", ".join(column.heading for column in mapping.columns[:8])
        raise NoHeadings(f"no row of the first {LOOKED_AT} has the headings of {mapping.dataset}: {wanted}, …")
    missing = [one.heading for one in mapping.columns if one.required and one not in best.columns and not one.part]
    if missing and not _given_elsewhere(missing, mapping, best):
        raise NoHeadings(f"there is no column {', '.join(missing)} (found: {', '.join(filter(None, best.texts))})")
    return best


def _given_elsewhere(missing: list[str], mapping: Mapping, found: Headings) -> bool:
    """Whether another column brings the same attribute."""
    there = {(one.to, one.lang) for one in found.columns if one}
    wanted = {(one.to, one.lang) for one in mapping.columns if one.heading in missing}
    return wanted <= there


def _known(mapping: Mapping) -> _Known:
    known = _Known()
    for column in mapping.columns:  # a column's own heading goes before another's second one
        known.exact[column.heading] = column
        known.written[written(column.heading)] = column
    for column in mapping.columns:
        for text in column.also:
            known.exact.setdefault(text, column)
            known.written.setdefault(written(text), column)
    return known


def _tried(rows: Sequence[Sequence[str]], at: int, known: _Known) -> Iterator[Headings]:
    """The headings of this row alone, and of it and the row above it together."""
    yield _headings(rows[at], at, known, [])
    if at:
        yield _headings(_joined(rows[at - 1], rows[at], known), at, known, ["two-row-heading"])


def _joined(above: Sequence[str], below: Sequence[str], known: _Known) -> list[str]:
    """`["名称", "災害種別", ""]` over `["", "洪水", "地震"]` gives `["名称", "災害種別_洪水", "災害種別_地震"]`."""
    joined, group = [], ""
    for at in range(max(len(above), len(below))):
        top, bottom = (row[at].strip() if at < len(row) else "" for row in (above, below))
        group = top or (group if bottom else "")
        whole = f"{group}_{bottom}" if group and bottom and group != bottom else bottom or top
        joined.append(bottom if known.find(bottom)[0] and not known.find(whole)[0] else whole)
    return joined


def _headings(texts: Sequence[str], at: int, known: _Known, rules: list[str]) -> Headings:
    columns: list[Column | None] = []
    repairs = [Repair("title-rows", "", f"{at}", "")] if at > len(rules) else []
    repairs += [Repair(rule, "", "", "") for rule in rules]
    for text in texts:
        column, rule = known.find(text.strip()) if text.strip() else (None, "")
        if column in columns:  # of two such columns the first holds
            column = None
        columns.append(column)
        repairs += [Repair(rule, column.heading, text.strip(), column.heading)] if rule and column else []
    return Headings(at + 1, tuple(columns), tuple(text.strip() for text in texts), tuple(repairs))


def _count(headings: Headings) -> int:
    return sum(column is not None for column in headings.columns)


def written(text: str) -> str:
    """A heading without what writers differ in: `所在地＿連結 標記` gives `所在地_連結表記`."""
    return _NOTE.sub("", squeezed(text)).translate(_SAME).casefold()


def _near(text: str, known: str) -> bool:
    """Whether one sign is another one, too many or missing."""
    if min(len(text), len(known)) < _LEAST_LENGTH or abs(len(text) - len(known)) > 1:
        return False
    at = next((at for at, (one, other) in enumerate(zip(text, known, strict=False)) if one != other), None)
    if at is None:
        return len(text) != len(known)
    shorter, longer = sorted((text[at:], known[at:]), key=len)
    return longer[1:] == (shorter[1:] if len(shorter) == len(longer) else shorter)
