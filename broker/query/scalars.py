"""One value of a query against one JSON value: equality and order by type (clause 4.9).

A number never equals a text, True is not 1, 1 equals 1.0 and integers are exact however long. Texts are compared by
code point. A DateTime, Date or Time is compared in time, with texts that are one (clause 4.6.3).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final, TypeAlias, assert_never

from broker.model.values import Json, to_instant
from broker.query.ast import DateTimeValue, DateValue, Op, TimeValue, UriValue, Value

Test: TypeAlias = Callable[[Json], bool]

NUMBERS: Final = frozenset({int, float})
_ORDER: Final[dict[Op, Callable[[Any, Any], bool]]] = {
    Op.GE: operator.ge,
    Op.GT: operator.gt,
    Op.LE: operator.le,
    Op.LT: operator.lt,
}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:[.,](\d{1,6}))?Z")


def to_date(text: str) -> str | None:
    """The text where it is a Date (`2026-01-01`); dates stand in the order of time as texts."""
    if not _DATE.fullmatch(text):
        return None
    try:
        date.fromisoformat(text)
    except ValueError:
        return None
    return text


def to_time(text: str) -> int | None:
    """Microseconds of the day where the text is a Time (`09:00:00.5Z`)."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds, fraction = found.groups()
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1_000_000 + int((fraction or "0").ljust(6, "0"))


def equal_to(value: Value) -> Test:
    """Whether a JSON value equals `value`."""
    match value:
        case bool():
            return lambda target: target is value
        case int() | float():
            return lambda target: type(target) in NUMBERS and target == value
        case str() | UriValue() | DateValue():
            text = value if isinstance(value, str) else value.uri if isinstance(value, UriValue) else value.text
            return lambda target: target == text
        case DateTimeValue(instant):
            return lambda target: type(target) is str and to_instant(target) == instant
        case TimeValue(microseconds):
            return lambda target: type(target) is str and to_time(target) == microseconds
        case _:
            assert_never(value)


def ordered_to(op: Op, value: Value) -> Test:
    """Whether a JSON value stands in `op` (one of `< <= > >=`) to `value`; other types never do."""
    holds = _ORDER[op]
    match value:
        case bool() | UriValue():
            return lambda _: False
        case int() | float():
            return lambda target: type(target) in NUMBERS and holds(target, value)
        case str():
            return lambda target: type(target) is str and holds(target, value)
        case DateTimeValue(instant):
            return _converted(to_instant, holds, instant)
        case DateValue(text):
            return _converted(to_date, holds, text)
        case TimeValue(microseconds):
            return _converted(to_time, holds, microseconds)
        case _:
            assert_never(value)


def between(low: Value, high: Value) -> Test:
    """Whether a JSON value is of the type of both and neither below `low` nor above `high`."""
    above, below = ordered_to(Op.GE, low), ordered_to(Op.LE, high)
    return lambda target: above(target) and below(target)


def _converted(convert: Callable[[str], Any], holds: Callable[[Any, Any], bool], value: object) -> Test:
    def test(target: Json) -> bool:
        if type(target) is not str:
            return False
        converted = convert(target)
        return converted is not None and holds(converted, value)

    return test
