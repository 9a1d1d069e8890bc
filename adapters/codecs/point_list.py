"""Points of a building as a link asked for them: `{"points": [{"q": "power", "v": 10.5, "s": 0, "at": "…"}]}`. Pure.

`q` is the quantity, `v` the value, `s` what the protocol says of it, `u` its unit there, `at` when it was so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.codecs.json_body import check_name, check_value, parse, read_instant
from adapters.frame import BadFrame, Frame
from adapters.readings import Quality, Reading, Readings
from broker.model.values import Json

POINTS_MAX: Final = 1000
_MEMBERS: Final = frozenset({"q", "v", "s", "u", "at"})


@dataclass(frozen=True, slots=True)
class Words:
    """What a protocol's status and unit mean here. Both may raise BadFrame."""

    quality: Callable[[Json], Quality]
    unit: Callable[[Json], str]


def read_points(frame: Frame, words: Words) -> Sequence[Readings]:
    """The readings of one frame. Raises BadFrame."""
    body = parse(frame.payload)
    points = body.get("points") if isinstance(body, dict) else None
    if not isinstance(points, list):
        raise BadFrame("wrong_type", "points: a list would do")
    if len(points) > POINTS_MAX:
        raise BadFrame("oversized", f"{len(points)} points; at most {POINTS_MAX} are taken")
    return [Readings(frame.device, tuple(_readings(points, words)))]


def _readings(points: Sequence[Json], words: Words) -> Iterator[Reading]:
    for point in points:
        if not isinstance(point, dict) or not point.keys() <= _MEMBERS or not isinstance(point.get("q"), str):
            raise BadFrame("wrong_type", "a point has q, v, s, u and at")
        value = check_value(point.get("v"))
        quality = "bad" if value is None else words.quality(point.get("s"))
        at = read_instant(point["at"]) if point.get("at") is not None else None
        yield Reading(check_name(str(point["q"])), value, words.unit(point.get("u")), at, quality)
