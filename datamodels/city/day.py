"""A simulated day: from the sample data and a moment to what has changed by then. Pure, without state and chance.

Every series begins with the value of the sample data and goes as its curve does: the same moment gives the same values,
whoever asks and however often the day was begun.

    curves: {sun: [0, 0, …]}       24 numbers, one for each full hour of the day, straight lines between them
    series:
      - {type: PhotovoltaicDevice, attribute: activePower, curve: sun, how: times}
      - {type: StorageBatteryDevice, attribute: stateOfCharge, curve: battery, by: 0.4, least: 0.1, most: 1, digits: 2}
      - {type: SmartMeteringObservation, attribute: totalActiveEnergyImport, curve: home, how: grow, by: 0.8}
    routes:
      - {id: "urn:…:bus-1", lap: 20, through: [[139.7299, 35.8715], …]}     minutes for one round
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from broker.model.entity import Document
from broker.model.values import Json

How: TypeAlias = Literal["plus", "times", "grow"]
_HOURS: Final = 24
_MINUTES: Final = 60
_LOCATION: Final = "https://uri.etsi.org/ngsi-ld/location"
_SERIES: Final = frozenset({"type", "attribute", "curve", "how", "by", "jitter", "least", "most", "digits"})


class BadDay(ValueError):
    """A day that cannot be read: the member, and what would do."""


@dataclass(frozen=True, slots=True)
class Series:
    """How one attribute of all entities of a type goes. Names are terms of the city's @context.

    `plus`: value + by * (curve - curve at the start). `times`: value * curve / curve at the start.
    `grow`: value + by * hours, weighed by the curve: a meter. `jitter` is added, at most that much up or down.
    """

    type: str
    attribute: str
    curve: tuple[float, ...]
    how: How = "plus"
    by: float = 1.0
    jitter: float = 0.0
    least: float = -math.inf
    most: float = math.inf
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Route:
    """A way round that one entity goes, a lap in so many minutes; it begins where the sample data have it."""

    id: str
    lap: float
    through: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Day:
    """The moment of the sample data, how much faster than a clock it goes, simulated minutes from step to step."""

    start: datetime
    zone: ZoneInfo
    speed: float
    step: float
    series: tuple[Series, ...]
    routes: tuple[Route, ...]

    @property
    def pause_s(self) -> float:
        """Real seconds from one step to the next."""
        return self.step * _MINUTES / self.speed

    @property
    def day_s(self) -> float:
        """Real seconds that a day takes."""
        return _HOURS * _MINUTES * _MINUTES / self.speed


def read_day(body: Mapping[str, Json]) -> Day:
    """What day.yaml says. Raises BadDay."""
    curves = {name: _curve(name, one) for name, one in _mapping(body, "curves").items()}
    try:
        start = datetime.fromisoformat(str(body.get("start")))
        zone = ZoneInfo(str(body.get("zone", "Asia/Tokyo")))
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise BadDay(f"start, zone: a moment such as 2026-11-23T03:00:00Z, and a zone's name: {error}") from error
    if start.tzinfo is None:
        raise BadDay("start: a moment with Z at its end")
    return Day(
        start.astimezone(UTC),
        zone,
        _positive(body, "speed", 60.0),
        _positive(body, "step", 5.0),
        tuple(_series(one, curves) for one in _list(body, "series")),
        tuple(_route(one) for one in _list(body, "routes")),
    )


@dataclass(frozen=True, slots=True)
class Moving:
    """One attribute of one entity that goes: the default instance in the sample data, and its series."""

    id: str
    type: Json
    attribute: str
    instance: Mapping[str, Json]
    series: Series


def moving(day: Day, documents: Iterable[Document], expand: Mapping[str, str]) -> list[Moving]:
    """What goes of these entities; `expand` gives the IRI of each term that the day names."""
    found = []
    for document in documents:
        types = document["type"] if isinstance(document["type"], list) else [document["type"]]
        for series in day.series:
            attribute = expand[series.attribute]
            instance = _default(document.get(attribute))
            if expand[series.type] in types and instance is not None:
                found.append(Moving(str(document["id"]), document["type"], attribute, instance, series))
    return found


def changes(day: Day, going: Sequence[Moving], step: int) -> list[Document]:
    """Fragments to merge, one an entity, as things are after this many steps."""
    now = day.start + timedelta(minutes=day.step * step)
    fragments: dict[str, Document] = {}
    for one in going:
        value = _value(day, one, step)
        fragment = fragments.setdefault(one.id, {"id": one.id, "type": one.type})
        fragment[one.attribute] = {**_kept(one.instance), "value": value, "observedAt": _text(now)}
    for route in day.routes:
        fragment = fragments.setdefault(route.id, {"id": route.id})
        place: Json = {"type": "Point", "coordinates": [*_place(route, day.step * step)]}
        fragment[_LOCATION] = {"type": "GeoProperty", "value": place, "observedAt": _text(now)}
    return [*fragments.values()]


def clock(day: Day, step: int) -> str:
    """The time of the day where the city is: `14:35`."""
    return (day.start + timedelta(minutes=day.step * step)).astimezone(day.zone).strftime("%H:%M")


def _value(day: Day, one: Moving, step: int) -> float:
    series, base = one.series, cast("float", one.instance["value"])
    begin = _hour(day)
    hour = begin + day.step * step / _MINUTES
    now, then = _at(series.curve, hour), _at(series.curve, begin)
    if series.how == "times":
        value = base * now / then if then else base * now
    elif series.how == "grow":
        value = base + series.by * _area(series.curve, begin, hour)
    else:
        value = base + series.by * (now - then)
    if step and series.jitter:
        value += series.jitter * _chance(one.id, one.attribute, step) * (1 if series.how == "plus" else value)
    value = round(min(max(value, series.least), series.most), series.digits)
    return int(value) if series.digits == 0 else value


def _hour(day: Day) -> float:
    local = day.start.astimezone(day.zone)
    return local.hour + local.minute / _MINUTES


def _at(curve: Sequence[float], hour: float) -> float:
    """The curve at an hour: a straight line from full hour to full hour."""
    whole = math.floor(hour)
    before, after = curve[whole % _HOURS], curve[(whole + 1) % _HOURS]
    return before + (after - before) * (hour - whole)


def _area(curve: Sequence[float], begin: float, end: float) -> float:
    """The area under it, whole days at once: a meter may go for years."""
    days, rest = divmod(end - begin, _HOURS)
    area, hour = days * sum(curve), begin
    while hour < begin + rest:
        upto = min(math.floor(hour) + 1, begin + rest)
        area += (_at(curve, hour) + _at(curve, upto)) / 2 * (upto - hour)
        hour = upto
    return area


def _chance(*of: object) -> float:
    """A number from -1 to 1 that is always the same for the same things."""
    digest = hashlib.sha256(repr(of).encode()).digest()
    return int.from_bytes(digest[:4]) / 0xFFFFFFFF * 2 - 1


def _place(route: Route, minutes: float) -> tuple[float, float]:
    """Where on its way round it is."""
    ends = [*route.through[1:], route.through[0]]
    lengths = [math.dist(a, b) for a, b in zip(route.through, ends, strict=True)]
    left = minutes / route.lap % 1 * sum(lengths)
    for (x, y), (to_x, to_y), length in zip(route.through, ends, lengths, strict=True):
        if left <= length and length:
            return round(x + (to_x - x) * left / length, 6), round(y + (to_y - y) * left / length, 6)
        left -= length
    return route.through[0]


def _default(held: Json) -> Mapping[str, Json] | None:
    """The instance without a datasetId, if it is a Property with a number."""
    for one in held if isinstance(held, list) else [held]:
        if isinstance(one, dict) and "datasetId" not in one:
            value = one.get("value")
            return one if isinstance(value, int | float) and not isinstance(value, bool) else None
    return None


def _kept(instance: Mapping[str, Json]) -> dict[str, Json]:
    return {member: instance[member] for member in ("type", "unitCode") if member in instance}


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _mapping(body: Mapping[str, Json], member: str) -> dict[str, Json]:
    value = body.get(member, {})
    if not isinstance(value, dict):
        raise BadDay(f"{member}: a mapping of names")
    return value


def _list(body: Mapping[str, Json], member: str) -> Iterator[dict[str, Json]]:
    value = body.get(member, [])
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            raise BadDay(f"{member}: a list of mappings")
        yield one


def _positive(body: Mapping[str, Json], member: str, default: float) -> float:
    value = body.get(member, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise BadDay(f"{member}: a number above 0")
    return float(value)


def _curve(name: str, value: Json) -> tuple[float, ...]:
    numbers = value if isinstance(value, list) else []
    if len(numbers) != _HOURS or not all(isinstance(one, int | float) for one in numbers):
        raise BadDay(f"curves.{name}: {_HOURS} numbers, one for each hour from 0 on")
    return tuple(cast("list[float]", numbers))


def _series(body: Mapping[str, Json], curves: Mapping[str, tuple[float, ...]]) -> Series:
    unknown = body.keys() - _SERIES
    if unknown:
        raise BadDay(f"series: no member {min(unknown)}; there are {', '.join(sorted(_SERIES))}")
    if body.get("curve") not in curves:
        raise BadDay(f"series: curve: one of {', '.join(sorted(curves)) or 'curves, which has none'}")
    if body.get("how", "plus") not in ("plus", "times", "grow"):
        raise BadDay("series: how: plus, times or grow")
    if not all(isinstance(body.get(member), str) for member in ("type", "attribute")):
        raise BadDay("series: type and attribute: terms of the @context")
    numbers = {name: body[name] for name in ("by", "jitter", "least", "most", "digits") if name in body}
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers.values()):
        raise BadDay(f"series: {', '.join(sorted(numbers))}: numbers")
    how = cast("How", body.get("how", "plus"))
    return Series(str(body["type"]), str(body["attribute"]), curves[str(body["curve"])], how, **numbers)  # type: ignore[arg-type]


def _route(body: Mapping[str, Json]) -> Route:
    through = body.get("through")
    if not isinstance(body.get("id"), str) or not isinstance(through, list) or len(through) < 2:  # noqa: PLR2004  a way
        raise BadDay("routes: id, lap (minutes), through: two places or more, [longitude, latitude]")
    places = [one for one in through if isinstance(one, list) and len(one) == 2]  # noqa: PLR2004  longitude, latitude
    if len(places) != len(through) or not all(isinstance(number, int | float) for one in places for number in one):
        raise BadDay("routes: through: places as [longitude, latitude]")
    return Route(str(body["id"]), _positive(body, "lap", 30.0), tuple((float(x), float(y)) for x, y in places))  # type: ignore[arg-type]
