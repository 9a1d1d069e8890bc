"""What meters said, kept: readings as they come, and from them the intervals, each correction another version.

meters.read(db, [("urn:…:h1-interchange", 1, at, 708_119)])     within a transaction; again and in any order alike
meters.work()                                                   make intervals of what is new; how many there are

`outward` is 1 for what flowed from the site into the line (the leg's energyIn: a leg's sign is that of what is
connected), 0 for what the site took.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, cast

from broker.keeping import Db, KeptFile
from broker.model.values import Instant
from broker.ports import Clock
from services.energy.metering.registers import Energy, Limits, Line, Reading, energy, unrolled
from services.energy.sites import Site
from services.energy.slots import Slots

ACTUAL, ESTIMATED, EDITED = "actual", "estimated", "edited"
TAKEN, GIVEN = 0, 1
ROLES: Final = ("interchange", "utility")
LEGS_AT_ONCE: Final = 50
Read: TypeAlias = tuple[str, int, Instant, int]
"""Leg, whether outward, instant, Wh."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What a leg metered in a slot, in a version."""

    slot: Instant
    leg: str
    version: int
    participant: str
    role: str
    imported: int
    exported: int
    quality: str
    received: Instant


class Meters:
    """See the module. `changed(db, slots)` is told within the transaction which slots are to be settled anew."""

    def __init__(self, file: KeptFile, clock: Clock, slots: Slots, limits: Limits) -> None:
        self._file, self._clock, self._slots, self._limits = file, clock, slots, limits
        self.changed: Callable[[Db, Iterable[Interval]], None] = _nobody

    def place(self, sites: Sequence[Site], subjects: Mapping[str, Sequence[str]]) -> None:
        """Who is metered where, by now; what was metered before stays theirs who were there then."""
        points = [(leg, one.participant, role) for one in sites for role, leg in one.legs.items() if role in ROLES]
        people = [(one, json.dumps(sorted(named))) for one, named in subjects.items()]
        if self._file.read("SELECT * FROM metering_point ORDER BY leg") == sorted(points) and (
            self._file.read("SELECT * FROM metering_participant ORDER BY participant") == sorted(people)
        ):
            return

        def work(db: Db) -> None:
            db.execute("DELETE FROM metering_point")
            db.executemany("INSERT INTO metering_point VALUES (?,?,?)", points)
            db.execute("DELETE FROM metering_participant")
            db.executemany("INSERT INTO metering_participant VALUES (?,?)", people)

        self._file.write(work).result()

    def subjects(self, participant: str) -> list[str]:
        """The persons of a participant."""
        rows = self._file.read("SELECT subjects FROM metering_participant WHERE participant = ?", (participant,))
        return cast("list[str]", json.loads(str(rows[0][0]))) if rows else []

    def participants(self) -> dict[str, list[str]]:
        """All of them, each with their persons."""
        rows = self._file.read("SELECT participant, subjects FROM metering_participant ORDER BY participant")
        return {str(one): json.loads(str(named)) for one, named in rows}

    def read(self, db: Db, readings: Sequence[Read]) -> None:
        """Take readings, within a transaction; those whose clock is ahead are refused, and counted."""
        latest = self._clock.now() + self._limits.skew
        for leg, _, at, _ in (one for one in readings if one[2] > latest):
            db.execute(
                "INSERT INTO metering_skewed VALUES (?, 1, ?)"
                " ON CONFLICT (leg) DO UPDATE SET times = times + 1, at = excluded.at",
                (leg, at),
            )
        taken = [one for one in readings if one[2] <= latest and one[3] >= 0]
        db.executemany(
            "INSERT INTO metering_reading VALUES (?,?,?,?)"
            " ON CONFLICT DO UPDATE SET wh = excluded.wh WHERE wh <> excluded.wh",
            taken,
        )
        spans: dict[str, tuple[Instant, Instant]] = {}
        for leg, _, at, _ in taken:
            first, last = spans.get(leg, (at, at))
            spans[leg] = min(first, at), max(last, at)
        for leg, (first, last) in spans.items():
            self._stale(db, leg, first, last)

    def correct(self, slot: Instant, leg: str, imported: int, exported: int) -> Interval | None:
        """Another version, said by people, which readings change no more; None where nothing is metered there."""

        def work(db: Db) -> Interval | None:
            point = [*db.execute("SELECT participant, role FROM metering_point WHERE leg = ?", (leg,))]
            if not point:
                return None
            participant, role = (str(one) for one in point[0])
            return self._keep(db, _Metered(leg, slot, participant, role), (imported, exported, EDITED))

        return self._file.write(work).result()

    def work(self) -> int:
        """Make the intervals of which something is new; how many were looked at."""
        rows = self._file.read(
            """SELECT stale.leg, slot, mark, participant, role FROM metering_stale AS stale
               JOIN metering_point AS point ON point.leg = stale.leg ORDER BY stale.leg, slot LIMIT 20000"""
        )
        by_leg: dict[str, list[_Stale]] = defaultdict(list)
        for leg, slot, mark, participant, role in rows:
            metered = _Metered(str(leg), cast("int", slot), str(participant), str(role))
            by_leg[str(leg)].append(_Stale(metered, cast("int", mark)))
        for stale in by_leg.values():
            lines = self._lines(stale[0].point.leg, stale[0].point.slot, stale[-1].point.slot + self._slots.length)
            self._file.write(partial(self._form, stale=stale, lines=lines)).result()
        return len(rows)

    def intervals(self, start: Instant, end: Instant, participants: Sequence[str]) -> list[Interval]:
        """Those of participants, the last version of each."""
        rows = self._file.read(
            """SELECT * FROM metering_interval AS one WHERE slot >= ? AND slot < ?
               AND participant IN (SELECT value FROM json_each(?)) AND version = (SELECT max(version) FROM
               metering_interval AS other WHERE other.slot = one.slot AND other.leg = one.leg) ORDER BY slot, leg""",
            (start, end, json.dumps([*participants])),
        )
        return [_interval(row) for row in rows]

    def interval(self, slot: Instant, leg: str) -> Interval | None:
        """The last version of one."""
        rows = self._file.read(_LAST, (slot, leg))
        return _interval(rows[0]) if rows else None

    def skewed(self) -> dict[str, int]:
        """How many readings of each leg were ahead of the clock."""
        return {
            str(leg): cast("int", times) for leg, times in self._file.read("SELECT leg, times FROM metering_skewed")
        }

    def last_reading(self, leg: str) -> Instant | None:
        """When the last one was."""
        rows = self._file.read("SELECT max(at) FROM metering_reading WHERE leg = ?", (leg,))
        return cast("int | None", rows[0][0])

    def forget(self, db: Db, participant: str) -> int:
        """Erase what was metered of a participant, within a transaction; how many rows."""
        return sum(len(list(db.execute(statement, (participant,)))) for statement in _FORGET)

    def thin(self, before: Instant) -> None:
        """Forget readings from which nothing can change any more."""
        self._file.write(lambda db: db.execute("DELETE FROM metering_reading WHERE at < ?", (before,))).result()

    def _stale(self, db: Db, leg: str, first: Instant, last: Instant) -> None:
        """Slots that readings between these touch: from the reading before to the one after."""
        rows = db.execute(
            """SELECT (SELECT max(at) FROM metering_reading WHERE leg = :leg AND at < :first),
                      (SELECT min(at) FROM metering_reading WHERE leg = :leg AND at > :last)""",
            {"leg": leg, "first": first, "last": last},
        )
        before, after = next(iter(rows))
        begin = first if before is None else cast("int", before)
        end = last if after is None else cast("int", after)
        touched = self._slots.between(begin - 1, end + 1)
        db.executemany(
            "INSERT OR REPLACE INTO metering_stale VALUES (?, ?, random())", [(leg, slot) for slot in touched]
        )

    def _lines(self, leg: str, start: Instant, end: Instant) -> tuple[Line, Line]:
        taken, given = (
            unrolled([Reading(cast("int", at), cast("int", wh)) for at, wh in self._around(leg, outward, start, end)],
                     self._limits)
            for outward in (TAKEN, GIVEN)
        )  # fmt: skip
        return taken, given

    def _around(self, leg: str, outward: int, start: Instant, end: Instant) -> list[tuple[object, ...]]:
        return [*self._file.read(_AROUND, (leg, outward, start, end))]

    def _form(self, db: Db, stale: Sequence[_Stale], lines: tuple[Line, Line]) -> None:
        formed = list[Interval]()
        for one in stale:
            end = one.point.slot + self._slots.length
            taken, given = (energy(line, one.point.slot, end) for line in lines)
            if taken is not None or given is not None:
                found = self._keep(db, one.point, _told(taken, given), quiet=True)
                formed += [found] if found is not None else []
            db.execute(
                "DELETE FROM metering_stale WHERE leg = ? AND slot = ? AND mark = ?",
                (one.point.leg, one.point.slot, one.mark),
            )
        if formed:
            self.changed(db, formed)

    def _keep(self, db: Db, point: _Metered, told: tuple[int, int, str], *, quiet: bool = False) -> Interval | None:
        """Another version where it differs; what people said stays but for what people say. None: nothing is new."""
        rows = [*db.execute(_LAST, (point.slot, point.leg))]
        last = _interval(rows[0]) if rows else None
        if last is not None and quiet and last.quality == EDITED:
            return None
        if last is not None and (last.imported, last.exported, last.quality) == told:
            return None if quiet else last
        version = 1 if last is None else last.version + 1
        made = Interval(
            point.slot, point.leg, version, point.participant, point.role, told[0], told[1], told[2], self._clock.now()
        )
        db.execute(
            "INSERT INTO metering_interval VALUES (?,?,?,?,?,?,?,?,?)",
            (
                made.slot, made.leg, made.version, made.participant, made.role, made.imported, made.exported,
                made.quality, made.received,
            ),
        )  # fmt: skip
        if not quiet:
            self.changed(db, [made])
        return made


_AROUND: Final = """SELECT at, wh FROM metering_reading WHERE leg = ?1 AND outward = ?2
    AND at >= coalesce((SELECT min(at) FROM (SELECT at FROM metering_reading WHERE leg = ?1 AND outward = ?2
                        AND at <= ?3 ORDER BY at DESC LIMIT 3)), ?3)
    AND at <= coalesce((SELECT max(at) FROM (SELECT at FROM metering_reading WHERE leg = ?1 AND outward = ?2
                        AND at >= ?4 ORDER BY at LIMIT 3)), ?4) ORDER BY at"""
_FORGET: Final = (
    "DELETE FROM metering_reading WHERE leg IN (SELECT leg FROM metering_point WHERE participant = ?) RETURNING 1",
    "DELETE FROM metering_stale WHERE leg IN (SELECT leg FROM metering_point WHERE participant = ?) RETURNING 1",
    "DELETE FROM metering_interval WHERE participant = ? RETURNING 1",
    "DELETE FROM metering_point WHERE participant = ? RETURNING 1",
    "DELETE FROM metering_participant WHERE participant = ? RETURNING 1",
)
_LAST: Final = "SELECT * FROM metering_interval WHERE slot = ? AND leg = ? ORDER BY version DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class _Metered:
    leg: str
    slot: Instant
    participant: str
    role: str


@dataclass(frozen=True, slots=True)
class _Stale:
    point: _Metered
    mark: int


def _told(taken: Energy | None, given: Energy | None) -> tuple[int, int, str]:
    """Of a leg that counts in one direction only, the other one is nothing."""
    both = [one for one in (taken, given) if one is not None]
    quality = ESTIMATED if any(one.estimated for one in both) else ACTUAL
    return 0 if taken is None else taken.wh, 0 if given is None else given.wh, quality


def _interval(row: Sequence[object]) -> Interval:
    return Interval(*row)  # type: ignore[arg-type]  # the columns of the table


def _nobody(_db: Db, _intervals: Iterable[Interval]) -> None:
    """Before there is a settlement."""
