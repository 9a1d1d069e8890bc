"""The temporal query language: from texts to a `TemporalQuery` (clauses 4.11, 4.5.19, 5.2.21, 5.2.44).

timerel  = "before" / "after" / "between"
duration = "P" *( n "Y" / n "M" / n "W" / n "D" ) [ "T" *( n "H" / n "M" / n "S" ) ]      ; ISO 8601, each once
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, cast

from broker.errors import BadRequestData
from broker.model.values import Instant, to_instant
from broker.query.temporal import TIME_PROPERTIES, Aggregation, TemporalQuery

METHODS: Final = ("avg", "distinctCount", "max", "min", "stddev", "sum", "sumsq", "totalCount")
"""The aggregation methods of clause 4.5.19.1."""
TIMERELS: Final = ("before", "after", "between")

_DURATION: Final = re.compile(
    r"P(?=.)(?:(?P<Y>\d+)Y)?(?:(?P<M>\d+)M)?(?:(?P<W>\d+)W)?(?:(?P<D>\d+)D)?"
    r"(?:T(?=.)(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:[.,]\d{1,6})?)S)?)?"
)
_SECOND: Final = 1_000_000
_MICROS: Final = {"W": 604_800 * _SECOND, "D": 86_400 * _SECOND, "h": 3_600 * _SECOND, "m": 60 * _SECOND}
_DIGITS_MAX: Final = 9
_CHARACTERS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class TemporalTexts:
    """The parameters of a temporal query as they were sent, None where they were not."""

    timerel: str | None = None
    time_at: str | None = None
    end_time_at: str | None = None
    timeproperty: str | None = None
    last_n: int | None = None
    methods: tuple[str, ...] | None = None
    period: str | None = None


NO_TIMES: Final = TemporalTexts()


@lru_cache(maxsize=1024)
def parse_times(texts: TemporalTexts) -> TemporalQuery:
    """The query without names, datasets and a limit. Raises BadRequestData (clauses 4.11, 4.5.19)."""
    timerel = _timerel(texts)
    timeproperty = texts.timeproperty or TIME_PROPERTIES[0]
    if timeproperty not in TIME_PROPERTIES:
        raise _unfit("timeproperty", timeproperty, "one of " + ", ".join(TIME_PROPERTIES))
    at = 0 if texts.time_at is None else _instant("timeAt", texts.time_at)
    end = 0 if texts.end_time_at is None or timerel != "between" else _instant("endTimeAt", texts.end_time_at)
    return TemporalQuery(timerel, at, end, timeproperty, texts.last_n, aggregation=_aggregation(texts))


def _timerel(texts: TemporalTexts) -> Literal["before", "after", "between"] | None:
    if texts.timerel is None:
        if texts.time_at is not None:
            raise _missing("timerel", "timeAt is compared with the time of an instance")
        return None
    if texts.timerel not in TIMERELS:
        raise _unfit("timerel", texts.timerel, "before, after or between")
    if texts.time_at is None:
        raise _missing("timeAt", "timerel compares with a time")
    if texts.timerel == "between" and texts.end_time_at is None:
        raise _missing("endTimeAt", "between has an end")
    return cast('Literal["before", "after", "between"]', texts.timerel)


def _instant(name: str, text: str) -> Instant:
    instant = to_instant(text)
    if instant is None:
        raise _unfit(name, text, "a UTC DateTime such as 2026-01-01T00:00:00Z")
    return instant


def _aggregation(texts: TemporalTexts) -> Aggregation | None:
    if texts.methods is None:
        return None
    if not texts.methods:
        raise _missing("aggrMethods", "aggregated values need a method")
    for method in texts.methods:
        if method not in METHODS:
            raise _unfit("aggrMethods", method, "some of " + ", ".join(METHODS))
    return Aggregation(tuple(dict.fromkeys(texts.methods)), *parse_duration(texts.period or "PT0S"))


@lru_cache(maxsize=256)
def parse_duration(text: str, parameter: str = "aggrPeriodDuration") -> tuple[int, int]:
    """Whole months and microseconds: `P1Y2M` gives `(14, 0)`, `P1DT0.5S` gives `(0, 86400500000)`.

    Raises BadRequestData for what is no duration of clause 4.5.19.1.
    """
    found = _DURATION.fullmatch(text) if len(text) <= _CHARACTERS_MAX else None
    if found is None or any(len(part or "") > _DIGITS_MAX for name, part in found.groupdict().items() if name != "s"):
        raise _unfit(parameter, text, "an ISO 8601 duration such as PT1H, P1D or P1M")
    parts = {name: part for name, part in found.groupdict().items() if part}
    months = 12 * int(parts.pop("Y", 0)) + int(parts.pop("M", 0))
    seconds, _, fraction = parts.pop("s", "0").replace(",", ".").partition(".")
    micros = int(seconds[:_DIGITS_MAX]) * _SECOND + int(fraction.ljust(6, "0"))
    micros += sum(int(part) * _MICROS[name] for name, part in parts.items())
    return months, micros


def _unfit(name: str, text: str, remedy: str) -> BadRequestData:
    clause = "4.5.19" if name.startswith("aggr") else "4.11"
    return BadRequestData(f"{name} is '{text[:50]}'.", pointer=name, clause=clause, remedy=remedy)


def _missing(name: str, detail: str) -> BadRequestData:
    clause = "4.5.19" if name.startswith("aggr") else "4.11"
    return BadRequestData(f"There is no {name}: {detail}.", pointer=name, clause=clause, remedy=f"give {name}")
