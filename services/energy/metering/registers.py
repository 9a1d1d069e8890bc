"""Energy of each slot, from cumulative registers. Pure: integers only, no clock.

    line = unrolled([Reading(t0, 100), Reading(t1, 160)], Limits())
    energy(line, start, end)     -> Energy(wh=60, estimated=False), None where the end of the slot is not known yet

A register never falls. Where a reading does: it rolled over, if that is plausible; it was a glitch, if the next one
goes on from before; otherwise the meter was replaced, and nothing is claimed for the time between. Readings may come in
any order and more than once. Between two readings further apart than `gap` energy is spread evenly, and said to be
estimated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from broker.model.values import Instant

HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What is plausible: `modulus` is where the register begins again, `most_w` what can flow at most."""

    modulus: int = 0
    most_w: int = 1_000_000
    gap: Instant = 600_000_000
    skew: Instant = 60_000_000
    """So far ahead of the hub a meter's clock may be."""

    def plausible(self, wh: int, us: Instant) -> bool:
        """Whether so much can have flowed in so long."""
        return 0 <= wh * HOUR_US <= self.most_w * us + HOUR_US


@dataclass(frozen=True, slots=True, order=True)
class Reading:
    """What a register showed."""

    at: Instant
    wh: int


@dataclass(frozen=True, slots=True)
class Line:
    """Points of a sum that never falls; `unsure[n]` says that what flowed between n-1 and n is not known."""

    at: tuple[Instant, ...]
    wh: tuple[int, ...]
    unsure: tuple[bool, ...]
    gap: Instant


@dataclass(frozen=True, slots=True)
class Energy:
    """Of one register, between two instants."""

    wh: int
    estimated: bool = False


def unrolled(readings: Iterable[Reading], limits: Limits) -> Line:
    """The line through readings, each instant once; of two at the same instant the higher one is taken."""
    ordered = [*{one.at: one.wh for one in sorted(readings)}.items()]
    at, wh, unsure = list[Instant](), list[int](), list[bool]()
    shown = total = 0
    for place, (instant, value) in enumerate(ordered):
        if not at:
            at, wh, unsure, shown = [instant], [0], [False], value
            continue
        step, sure = _step(shown, value, instant - at[-1], limits)
        if not sure and _glitch(shown, ordered[place + 1 : place + 2], at[-1], limits):
            continue
        total, shown = total + step, value
        at.append(instant)
        wh.append(total)
        unsure.append(not sure)
    return Line(tuple(at), tuple(wh), tuple(unsure), limits.gap)


def energy(line: Line, start: Instant, end: Instant) -> Energy | None:
    """What flowed; None where there is no reading at or before the start, or none at or after the end."""
    first, last = _at(line, start), _at(line, end)
    if first is None or last is None:
        return None
    doubtful = any(line.unsure[bisect_left(line.at, start) + 1 : bisect_left(line.at, end) + 1])
    return Energy(last[0] - first[0], doubtful or first[1] or last[1] or _gaps(line, start, end))


def _step(shown: int, value: int, us: Instant, limits: Limits) -> tuple[int, bool]:
    """What flowed between two readings, and whether that is sure."""
    if limits.plausible(value - shown, us):
        return value - shown, True
    if limits.modulus and value < shown and limits.plausible(value + limits.modulus - shown, us):
        return value + limits.modulus - shown, True
    return 0, False


def _glitch(shown: int, after: Sequence[tuple[Instant, int]], since: Instant, limits: Limits) -> bool:
    """Whether the reading after goes on from before."""
    return bool(after) and limits.plausible(after[0][1] - shown, after[0][0] - since)


def _at(line: Line, instant: Instant) -> tuple[int, bool] | None:
    """The sum at an instant, and whether it is worked out over too long a time."""
    place = bisect_left(line.at, instant)
    if place == len(line.at):
        return None
    if line.at[place] == instant:
        return line.wh[place], False
    if not place:
        return None
    before, after = line.at[place - 1], line.at[place]
    flowed = (line.wh[place] - line.wh[place - 1]) * (instant - before) // (after - before)
    return line.wh[place - 1] + flowed, line.unsure[place] or after - before > line.gap


def _gaps(line: Line, start: Instant, end: Instant) -> bool:
    inside = line.at[bisect_left(line.at, start) : bisect_left(line.at, end)]
    return any(after - before > line.gap for before, after in pairwise(inside))
