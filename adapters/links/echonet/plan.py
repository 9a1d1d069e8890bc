"""What is asked of which objects, and how often: the members `poll` and `history_days` of a link's settings.

poll: {every_s: 60, "0288": {every_s: 10, codes: ["E7", "E8", "E0"]}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from adapters.codecs.echonet.half_hours import digits_code, logged
from adapters.codecs.echonet.tables import Property, properties
from adapters.codecs.echonet.values import PRIVATE
from adapters.settings import Members

EVERY_S: Final = 60.0
HISTORY_DAYS_MAX: Final = 99
OWN: Final = 0xA0
"""From here on properties are those of a class; below are those that every device has."""
COMMON: Final = frozenset({0x80, 0x84, 0x85, 0x88})
"""Of those that every device has: whether it is on, what it draws and has drawn, whether something is wrong."""
TODAY: Final = 0x98
_DAY_OF_LOGS: Final = "dayForTheHistoricalData"
CODES: Final = range(0x80, 0x100)
PER_REQUEST: Final = 20
_KIND_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Turn:
    """How one class is asked: `codes` None means all that can be understood and read."""

    every_s: float = EVERY_S
    codes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Logs:
    """The counters of past days: `day` sets of which one `kept` are told; `dated`: the device says what day it is."""

    day: int
    kept: tuple[int, ...]
    dated: bool
    days: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How all are asked. `per_request` properties at once: small devices have small buffers."""

    usual: Turn = field(default_factory=Turn)
    kinds: Mapping[str, Turn] = field(default_factory=dict)
    per_request: int = PER_REQUEST
    history_days: int = 0

    def turn(self, kind: str) -> Turn:
        """How a class is asked."""
        return self.kinds.get(kind, self.usual)

    def requests(self, kind: str, readable: Iterable[int]) -> list[tuple[int, ...]]:
        """The lists of properties that one turn asks for, of those that the device has."""
        there, wanted = set(readable), self.turn(kind).codes
        codes = _understood(kind, there) if wanted is None else [code for code in wanted if code in there]
        return [tuple(codes[at : at + self.per_request]) for at in range(0, len(codes), self.per_request)]

    def once(self, kind: str, readable: Iterable[int]) -> tuple[int, ...]:
        """What has to be known of an object before its numbers can be read: units, coefficients, digits."""
        there = set(readable)
        times = {code for one in properties(kind).values() for field in one.fields for code in field.times}
        digits = digits_code(kind)
        return tuple(sorted((times | {digits} if digits is not None else times) & there))

    def logs(self, kind: str, readable: Iterable[int]) -> Logs | None:
        """Where an object keeps the half hours of past days; None where it does not, or nobody wants them."""
        there = set(readable)
        mine = [one for one in properties(kind).values() if one.code in there]
        days = [one for one in mine if one.fields[0].quantity.startswith(_DAY_OF_LOGS) and one.fields[0].size == 1]
        kept = [one.code for one in mine if one.fields[-1].columns == 1 and logged(one)]
        if not days or not kept or not self.history_days:
            return None
        return Logs(days[0].code, tuple(kept), TODAY in there, self.history_days)


def read_plan(members: Members) -> Plan:
    """The plan of a link's settings. Raises BadSettings."""
    poll = members.below("poll")
    usual = Members({name: value for name, value in poll.items() if len(name) != _KIND_DIGITS}, "link/poll")
    every_s = usual.number("every_s", EVERY_S, 0.1, 86_400)
    usual.done()
    kinds = {
        name.upper(): _turn(Members(value, f"link/poll/{name}"), every_s)
        for name, value in poll.items()
        if len(name) == _KIND_DIGITS
    }
    return Plan(
        Turn(every_s),
        kinds,
        members.whole("per_request", PER_REQUEST, 1, 100),
        members.whole("history_days", 0, 0, HISTORY_DAYS_MAX),
    )


def _turn(members: Members, every_s: float) -> Turn:
    codes = members.texts("codes")
    turn = Turn(members.number("every_s", every_s, 0.1, 86_400), tuple(_code(members, code) for code in codes) or None)
    members.done()
    return turn


def _code(members: Members, text: str) -> int:
    try:
        code = int(text, 16)
    except ValueError:
        code = 0
    if code not in CODES:
        raise members.refuse("codes", f'{text!r} is no property; codes such as "E7"')
    return code


def _understood(kind: str, there: set[int]) -> list[int]:
    return sorted(one.code for one in properties(kind).values() if one.code in there and _worth(kind, one))


def _worth(kind: str, one: Property) -> bool:
    if (kind, one.code) in PRIVATE or not (one.code in COMMON or one.code >= OWN):
        return False
    return "g" in one.access.lower() and all(field.kind != "raw" and not field.columns for field in one.fields)
