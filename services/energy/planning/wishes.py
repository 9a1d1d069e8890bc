"""What a house asks of its plans: what matters most to it, and when its car is there and what it needs.

{"goal": "selfConsumption", "car": {"capacity": 40, "atArrival": 20, "needed": 32, "power": 6, "arrives": "18:30",
 "leaves": "07:30"}}                      kWh and kW, times of the city's day
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from broker.errors import BadRequestData
from broker.model.values import Instant
from services.energy.planning.houses import GOALS, Car
from services.forms import Forms

_TIME: Final = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_KWH: Final = {"type": "number", "minimum": 0, "maximum": 2_000}
_KW: Final = {"type": "number", "minimum": 0.1, "maximum": 500}
_WHO: Final = {"type": "string", "maxLength": 300}
_CAR: Final = {
    "type": "object", "additionalProperties": False,
    "required": ["capacity", "atArrival", "needed", "power", "arrives", "leaves"],
    "properties": {
        "capacity": _KWH, "atArrival": _KWH, "needed": _KWH, "power": _KW,
        "arrives": _TIME, "leaves": _TIME,
    },
}  # fmt: skip
FORMS: Final = Forms({
    "wish": {
        "type": "object", "additionalProperties": False, "required": ["goal"],
        "properties": {"goal": {"enum": [*GOALS]}, "car": _CAR, "participant": _WHO},
    },
    "request": {
        "type": "object", "additionalProperties": False, "required": [],
        "properties": {"goal": {"enum": [*GOALS]}, "participant": _WHO},
    },
    "run": {"type": "object", "additionalProperties": False, "required": [], "properties": {}},
})  # fmt: skip


def read_wish(body: object) -> dict[str, Any]:
    """The wish. Raises BadRequestData for what cannot be."""
    wish = FORMS.read("wish", body)  # type: ignore[arg-type]  # the form looks
    car = wish.get("car")
    if car is not None and not max(car["needed"], car["atArrival"]) <= car["capacity"]:
        raise BadRequestData("a car holds no more than it can", pointer="/car/needed", remedy="at most its capacity")
    if car is not None and car["arrives"] == car["leaves"]:
        raise BadRequestData("it leaves when it arrives", pointer="/car/leaves", remedy="another time of the day")
    return wish


def car_of(wish: Mapping[str, Any], starts: Sequence[Instant], zone: ZoneInfo) -> Car | None:
    """The car in the slots ahead, the first time that it is there; None where it is not."""
    given = wish.get("car")
    if given is None:
        return None
    arrives, leaves = (_minute(given[name]) for name in ("arrives", "leaves"))
    there = [_between(_minute_of(start, zone), arrives, leaves) for start in starts]
    if True not in there:
        return None
    first = there.index(True)
    last = there.index(False, first) if False in there[first:] else len(there)
    capacity, held, needed, power = (
        round(given[name] * 1_000) for name in ("capacity", "atArrival", "needed", "power")
    )
    return Car(capacity, held, needed, power, first, last)


def _between(minute: int, arrives: int, leaves: int) -> bool:
    if arrives < leaves:
        return arrives <= minute < leaves
    return minute >= arrives or minute < leaves


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _minute_of(at: Instant, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone)
    return local.hour * 60 + local.minute
