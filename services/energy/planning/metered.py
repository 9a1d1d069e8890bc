"""What passed a leg in each slot, out of what its register read: differences between the ends of slots.

A slot of which an end is not known to within one slot's length is left out, and so is one in which the register fell.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from broker.model.entity import instances
from broker.model.values import Instant, Json, to_instant
from services.energy.slots import Slots

Reading: TypeAlias = "tuple[Instant, int]"


def readings_of(attribute: Json) -> list[Reading]:
    """(when, Wh) of an attribute's history, oldest first, each moment once; what is no number is left out."""
    found: dict[Instant, int] = {}
    for one in instances(attribute):
        at, value = to_instant(str(one.get("observedAt", ""))), one.get("value")
        if at is not None and isinstance(value, int | float) and not isinstance(value, bool):
            found[at] = round(value)
    return sorted(found.items())


def by_slot(readings: Sequence[Reading], slots: Slots) -> dict[Instant, int]:
    """Wh by the start of the slot, of whole slots alone."""
    if len(readings) < 2:  # noqa: PLR2004  one reading has no difference
        return {}
    found: dict[Instant, int] = {}
    for start in slots.between(readings[0][0], readings[-1][0]):
        begun, ended = (_at(readings, end, slots.length) for end in (start, start + slots.length))
        if begun is not None and ended is not None and ended >= begun:
            found[start] = ended - begun
    return found


def _at(readings: Sequence[Reading], at: Instant, near: Instant) -> int | None:
    """What the register read then, on the line between the readings around; None where these are far apart."""
    place = bisect_left(readings, (at, -1))
    if place < len(readings) and readings[place][0] == at:
        return readings[place][1]
    if place in (0, len(readings)):
        return None
    (before, low), (after, high) = readings[place - 1], readings[place]
    if after - before > near:
        return None
    return low + (high - low) * (at - before) // (after - before)


def load_of(legs: Mapping[str, tuple[int, int]]) -> int | None:
    """Wh that a site used, of (into, out of what is connected) by the role of the leg; None where that is not known.

    By the leg of its loads, or by what came over the others.
    """
    if "load" in legs:
        return legs["load"][0]
    if "utility" not in legs:
        return None
    return max(sum(out - into for into, out in legs.values()), 0)
