"""A value of a query as keys between two bounds: what follows the head of a path (`keys.value_key`).

    number > 20       "nk2" < key < "o"            every number's key begins with n, and o is what comes after n
    text == "on"      the key "son"
    text < "…" * 99   "s" <= key <= "s" + its first 48 characters and the last of all

A span may hold more than the value means, never less: numbers of more than 53 bits are rounded, long texts cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from broker.model.values import to_instant, to_text
from broker.query.ast import DateTimeValue, DateValue, Op, TimeValue, UriValue, Value
from broker.stores.mongo.keys import TEXT_MAX, number_key, value_key

_LAST: Final = "\U0010ffff"
_SECONDS: Final = 19  # characters of a DateTime down to the second
_CLOCK: Final = 8
_EXACT: Final = 2**53
_NUMBERS: Final = ("n", "o")
_TEXTS: Final = ("s", "t")
_DIGITS: Final = ("s0", "s:")  # DateTimes, Dates and Times begin with a digit
_LITERAL: Final = re.compile(r"\^((?:[A-Za-z0-9_/:#@%,;&=~!\"'<> -](?![*?{]))+)")
"""What a pattern begins with, if all that it matches begins with it: characters without a meaning of their own."""


@dataclass(frozen=True, slots=True)
class Span:
    """Keys from `low` to `high`, with the operators of its ends; one key where `high` is empty.

    `all_texts`: a server has to have all characters in order, not those of ASCII alone. `everything`: any value may
    be meant.
    """

    low: str
    high: str = ""
    from_: str = "$gte"
    to: str = "$lt"
    all_texts: bool = False
    everything: bool = False

    @property
    def is_one(self) -> bool:
        """Whether it is a single key."""
        return not self.high


ANY: Final = Span("", everything=True)


def equal(value: Value, *, instants: bool) -> Span | None:
    """Keys of what may equal the value; None where nothing can. `instants`: those of observedAt, which are numbers."""
    at = instant_in(value) if instants else None
    if at is not None:
        return Span(value_key(at))
    match value:
        case bool() | int() | float() | str():
            return None if instants and not isinstance(value, str) else Span(value_key(value))
        case UriValue() | DateValue():
            return Span(value_key(_text(value)))
        case DateTimeValue() | TimeValue():
            return _starting(_start(value))


def ordered(op: Op, value: Value, *, instants: bool) -> Span | None:
    """Keys of what may stand in `op` (one of `< <= > >=`) to the value; None where nothing can."""
    if isinstance(value, bool | UriValue):
        return None
    if instants:
        return _of_instants(op, value)
    match value:
        case int() | float():
            exact = -_EXACT < value < _EXACT
            return _beyond(op if exact else _loose(op), "n" + number_key(value), _NUMBERS)
        case str():
            return _of_text(op, value)
        case DateTimeValue() | DateValue() | TimeValue():
            start = "s" + _start(value)
            if op in (Op.GE, Op.GT):
                return Span(start, _DIGITS[1])
            return Span(_DIGITS[0], next_text(start))


def between(low: Value, high: Value, *, instants: bool) -> Span | None:
    """Keys of what may lie from `low` to `high`; None where nothing can."""
    above, below = ordered(Op.GE, low, instants=instants), ordered(Op.LE, high, instants=instants)
    if above is None or below is None:
        return None
    if above.everything or below.everything:
        return ANY
    if above.low[0] != below.low[0]:
        return None
    return Span(above.low, below.high, above.from_, below.to, above.all_texts or below.all_texts)


def texts(start: str) -> Span:
    """Keys of texts that begin so."""
    return Span("s" + start, next_text("s" + start)) if len(start) <= TEXT_MAX else texts(start[:TEXT_MAX])


def literal_prefix(regex: str) -> str:
    """What every text that matches begins with: "urn:x:" of `^urn:x:[0-9]`; empty where nothing is known."""
    found = None if "|" in regex else _LITERAL.match(regex)
    return "" if found is None else found[1]


def next_text(start: str) -> str:
    """What comes right after all texts that begin so; the last character is one of ASCII."""
    return start[:-1] + chr(ord(start[-1]) + 1)


def _of_instants(op: Op, value: Value) -> Span | None:
    """On observedAt other texts than DateTimes are compared by `match` alone."""
    at = instant_in(value)
    if at is not None:
        return _beyond(op, value_key(at), _NUMBERS)
    return None if isinstance(value, int | float) else ANY


def _beyond(op: Op, bound: str, kind: tuple[str, str]) -> Span:
    if op in (Op.GE, Op.GT):
        return Span(bound, kind[1], "$gte" if op is Op.GE else "$gt")
    return Span(kind[0], bound, to="$lte" if op is Op.LE else "$lt")


def _of_text(op: Op, text: str) -> Span:
    """Of a long text its beginning, below which all that is cut there stands too."""
    if len(text) > TEXT_MAX or op in (Op.LE, Op.LT):
        op = _loose(op)
    start = "s" + text[:TEXT_MAX]
    bound = start if op in (Op.GE, Op.GT) else start + _LAST
    return replace(_beyond(op, bound, _TEXTS), all_texts=True)


def _starting(start: str) -> Span:
    return Span("s" + start, next_text("s" + start))


def _start(value: DateTimeValue | DateValue | TimeValue) -> str:
    """What texts that are equal in time start with; such starts stand in the order of time."""
    match value:
        case DateTimeValue(at):
            return to_text(at)[:_SECONDS]
        case DateValue(text):
            return text
        case TimeValue(_, text):
            return text[:_CLOCK]


def _text(value: UriValue | DateValue) -> str:
    return value.uri if isinstance(value, UriValue) else value.text


def instant_in(value: Value) -> int | None:
    """The instant that a value is, also as a quoted text; None for others."""
    if isinstance(value, DateTimeValue):
        return value.instant
    return to_instant(value) if isinstance(value, str) else None


def _loose(op: Op) -> Op:
    return Op.GE if op in (Op.GE, Op.GT) else Op.LE
