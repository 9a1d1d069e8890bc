"""The words of `q`: values as clause 4.9 spells them, and the refusals that say the column (counted from 0)."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Final

from broker.errors import BadRequestData
from broker.model.values import to_instant
from broker.query.ast import DateTimeValue, DateValue, TimeValue, UriValue, Value
from broker.query.scalars import to_date, to_time

_END: Final = r"(?=[;|,(){}]|\.\.|$)"
_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_DATETIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?Z" + _END)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d" + _END)
_TIME: Final = re.compile(r"\d\d:\d\d:\d\d(?:[.,]\d+)?Z" + _END)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?" + _END, re.ASCII)
_WORD: Final = re.compile(r'[^;|,(){}\[\]"<>=~\s][^;|,(){}\[\]"<>\s]*')
_LEGAL_WORD: Final = re.compile(r"[^\W\d_]\w*|[A-Za-z][A-Za-z0-9+.-]*:.+")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_EXCERPT: Final = 40

_REMEDY: Final = 'speed>50;brandName!="Mercedes"|address[city]=="Berlin"|temperature==10..20'
_A_VALUE: Final = 'a number, a "text", true, false, a date, a time or a URI'
_AN_ORDERED_VALUE: Final = 'a number, a "text", a date or a time'


class Scanner:
    """Where in the text of `q` the parser stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.column = 0

    def at_end(self) -> bool:
        """Whether all is read."""
        return self.column == len(self._text)

    def skip(self, mark: str) -> bool:
        """Whether `mark` stood here; it is read then."""
        if not self._text.startswith(mark, self.column):
            return False
        self.column += len(mark)
        return True

    def need(self, mark: str, expected: str) -> None:
        """Read `mark`, or refuse."""
        if not self.skip(mark):
            raise self.refusal(expected)

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """The text that the pattern finds here, which is read then."""
        found = pattern.match(self._text, self.column)
        if found is None:
            return None
        self.column = found.end()
        return found.group()

    def refusal(self, expected: str, column: int | None = None) -> BadRequestData:
        """The refusal of what stands here (or at `column`)."""
        at = self.column if column is None else column
        got = self._text[at : at + _EXCERPT]
        return BadRequestData(
            f"q, column {at}: expected {expected}, got {got or 'the end'!r}.", pointer="q", clause="4.9", remedy=_REMEDY
        )

    def value(self) -> Value:
        """Any one value."""
        column = self.column
        found = self._comparable()
        if found is not None:
            return found
        word = self.take(_WORD)
        if word in ("true", "false"):
            return word == "true"
        if word is None or not _LEGAL_WORD.fullmatch(word):
            raise self.refusal(_A_VALUE, column)
        return UriValue(word)

    def ordered(self) -> Value:
        """A value that has an order: no boolean, no URI."""
        found = self._comparable()
        if found is None:
            raise self.refusal(_AN_ORDERED_VALUE)
        return found

    def range_from(self, low: Value) -> tuple[Value, Value]:
        """Both ends, once `low..` is read; they have one type."""
        column = self.column
        high = self.ordered()
        kinds = {float if isinstance(value, int | float) else type(value) for value in (low, high)}
        if isinstance(low, bool | UriValue) or len(kinds) > 1:
            raise self.refusal("a range of two numbers, two texts, two dates or two times", column)
        return low, high

    def pattern(self) -> str:
        """A regular expression, quoted or bare; bare, it ends at `;`, `|` or `)` outside of its own groups."""
        quoted = self.take(_STRING)
        if quoted is not None:
            return _unquoted_pattern(quoted)
        column, depth = self.column, 0
        while not self.at_end():
            character = self._text[self.column]
            if depth == 0 and character in ";|)}":
                break
            depth += (character == "(") - (character == ")")
            self.column += 2 if character == "\\" else 1
        self.column = min(self.column, len(self._text))
        if self.column == column:
            raise self.refusal('a regular expression, best as "text"')
        return self._text[column : self.column]

    def _comparable(self) -> Value | None:
        if self._text.startswith('"', self.column):
            return self._string()
        column = self.column
        moment = self._moment()
        if moment is not None:
            return moment
        digits = self.take(_NUMBER)
        if digits is None:
            return None
        number = json.loads(digits)
        if not isfinite(float(number) if isinstance(number, float) else 0):
            raise self.refusal("a finite number", column)
        return int(number) if isinstance(number, int) else float(number)

    def _string(self) -> str:
        column = self.column
        text = self.take(_STRING)
        try:
            found = json.loads(text or "")
        except ValueError:
            raise self.refusal("a text as in JSON, closed by a quote", column) from None
        if _SURROGATE.search(found):
            raise self.refusal("a text without lone surrogates", column)
        return str(found)

    def _moment(self) -> Value | None:
        """A DateTime, Date or Time (clause 4.6.3)."""
        column = self.column
        for pattern, read in ((_DATETIME, _datetime), (_DATE, _date), (_TIME, _time)):
            text = self.take(pattern)
            if text is not None:
                found = read(text)
                if found is None:
                    raise self.refusal("a moment that exists, in UTC, such as 2026-01-01T09:00:00Z", column)
                return found
        return None


def _datetime(text: str) -> Value | None:
    instant = to_instant(text)
    return None if instant is None else DateTimeValue(instant)


def _date(text: str) -> Value | None:
    return None if to_date(text) is None else DateValue(text)


def _time(text: str) -> Value | None:
    microseconds = to_time(text)
    return None if microseconds is None else TimeValue(microseconds, text)


def _unquoted_pattern(quoted: str) -> str:
    r"""The pattern inside the quotes; `"a\.b"`, which is no JSON text, is taken as it stands."""
    try:
        return str(json.loads(quoted))
    except ValueError:
        return quoted[1:-1].replace('\\"', '"')
