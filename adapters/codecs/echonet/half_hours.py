"""What flowed in each half hour, from what a smart meter's counters stood at when it began and when it ended.

A meter keeps its counters of every full and half hour: the last one (EA, EB; it announces them when they are new), and
those of a day (E2, E4). Where both ends of a half hour are known, it is told as one set of readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Final

from adapters.codecs.echonet.tables import Field, Property, properties
from adapters.codecs.echonet.values import Known, factor, read_instant, scaled
from adapters.readings import Reading, Readings
from broker.model.values import Instant

START: Final = "halfHourStart"
QUANTITIES: Final = {"normalDirection": "halfHourImport", "reverseDirection": "halfHourExport"}
"""By what the names of the meter's own quantities begin with: normal is into the house."""
_DIGITS, _DIGITS_USUAL = "numberOfEffectiveDigitsCumulative", 8
_CURRENT_DATE: Final = 0x98
_HALF_HOUR: Final = 30 * 60 * 1_000_000
_SECOND: Final = 1_000_000
HALF_HOURS_OF_A_DAY: Final = 48
_NO_DAY: Final = 0xFF


@dataclass(slots=True)
class Counter:
    """One direction: where its counter stood at which instants, `new` those that this very message told."""

    quantity: str
    of: Field
    stands: dict[Instant, int] = field(default_factory=dict)
    new: set[Instant] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Said:
    """What one object said: `told` in this message, `remembered` before."""

    device: str
    part: str
    told: Known
    remembered: Known
    received_at: Instant

    @property
    def known(self) -> Known:
        """All of it."""
        return {**self.remembered, **self.told}


def read_half_hours(said: Said, zone: tzinfo) -> Iterator[Readings]:
    """Every half hour of which this message told an end, the oldest first."""
    kind = said.part.partition("-")[0]
    counters = [counter for counter in _counters(kind, said, zone) if counter.new]
    ends = sorted({end for counter in counters for end in _ends(counter)})
    for end in ends:
        read = tuple(_flowed(counter, end, kind, said.known) for counter in counters if _whole(counter, end))
        start = datetime.fromtimestamp((end - _HALF_HOUR) // _SECOND, UTC)
        when = Reading(START, start.strftime("%Y-%m-%dT%H:%M:%SZ"))
        facts = {"slot": start.strftime("%Y%m%dT%H%MZ")}
        yield Readings(said.device, (when, *read), said.part, end, facts=facts)


def logged(one: Property) -> bool:
    """Whether a property tells where a counter stood, and when."""
    when, of = one.fields[0], one.fields[-1]
    told = when.kind == "instant" or when.quantity.endswith("Day")
    return (
        told and len(one.fields) == len((when, of)) and of.unit == "KWH" and of.quantity.startswith(tuple(QUANTITIES))
    )


def logs_of(kind: str, told: Known) -> frozenset[int]:
    """The counters of whole days in a message, and what day it is: they are told as half hours, not as they are."""
    logs = {code for code in told if (one := properties(kind).get(code)) and one.fields[-1].columns and logged(one)}
    return frozenset(logs | {_CURRENT_DATE} if logs else logs)


def _ends(counter: Counter) -> Iterator[Instant]:
    for instant in counter.new:
        yield from (end for end in (instant, instant + _HALF_HOUR) if _whole(counter, end))


def _whole(counter: Counter, end: Instant) -> bool:
    return end in counter.stands and end - _HALF_HOUR in counter.stands


def _flowed(counter: Counter, end: Instant, kind: str, known: Known) -> Reading:
    """How far the counter went; where it began again, once round; `bad` where it went back otherwise."""
    went = counter.stands[end] - counter.stands[end - _HALF_HOUR]
    if went < 0:
        digits = _digits(kind, known)
        around = went + 10**digits
        went = around if around < 10 ** (digits - 1) else went
    by = factor(counter.of, kind, known)
    if went < 0 or by is None:
        return Reading(counter.quantity, None, counter.of.unit, end, "bad")
    return Reading(counter.quantity, scaled(went, by), counter.of.unit, end)


@cache
def digits_code(kind: str) -> int | None:
    """The property that says how many digits a meter's counters have before they begin again."""
    return next((one.code for one in properties(kind).values() if one.fields[0].quantity.startswith(_DIGITS)), None)


def _digits(kind: str, known: Known) -> int:
    code = digits_code(kind)
    said = known.get(code, b"") if code is not None else b""
    return said[0] if len(said) == 1 and 0 < said[0] <= _DIGITS_USUAL else _DIGITS_USUAL


def _counters(kind: str, said: Said, zone: tzinfo) -> Iterator[Counter]:
    for begin, quantity in QUANTITIES.items():
        counter: Counter | None = None
        for one in properties(kind).values():
            of = one.fields[-1]
            if of.quantity.startswith(begin) and logged(one):
                counter = counter or Counter(quantity, of)
                for source, new in ((said.remembered, False), (said.told, True)):
                    stands = _stands(one, source, said, zone)
                    counter.stands.update(stands)
                    if new:
                        counter.new.update(stands)
        if counter:
            yield counter


def _stands(one: Property, source: Known, said: Said, zone: tzinfo) -> Mapping[Instant, int]:
    """Where a counter stood, as one property says."""
    edt, of = source.get(one.code), one.fields[-1]
    if not edt:
        return {}
    if one.fields[0].kind == "instant" and not of.columns:
        at = read_instant(edt[:7], zone)
        rows = [] if at is None else [(at, edt[7:])]
    elif of.columns == 1 and one.fields[0].quantity.endswith("Day"):
        rows = _of_day(edt, _today(source, said, zone), zone)
    else:
        return {}
    stood = ((at, int.from_bytes(row, "big")) for at, row in rows if len(row) == of.size and not at % _HALF_HOUR)
    return {at: raw for at, raw in stood if raw not in (of.words or {}) and of.least <= raw <= of.most}


def _of_day(edt: bytes, today: datetime, zone: tzinfo) -> list[tuple[Instant, bytes]]:
    """The 48 counters of a day, which is said as so many days ago."""
    ago = int.from_bytes(edt[:2], "big")
    if ago >= _NO_DAY or len(edt) != 2 + 4 * HALF_HOURS_OF_A_DAY:
        return []
    first = (today - timedelta(days=ago)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=zone)
    begin = round(first.timestamp()) * _SECOND
    return [(begin + nth * _HALF_HOUR, edt[2 + 4 * nth : 6 + 4 * nth]) for nth in range(HALF_HOURS_OF_A_DAY)]


def _today(source: Known, said: Said, zone: tzinfo) -> datetime:
    """The meter's own day where it says one in the same breath, else ours."""
    edt = source.get(_CURRENT_DATE, b"")
    at = read_instant(edt + bytes(3), zone) if len(edt) == len(b"YYMD") else None
    return datetime.fromtimestamp((said.received_at if at is None else at) / _SECOND, zone)
