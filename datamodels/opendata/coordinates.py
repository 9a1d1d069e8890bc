"""Coordinates as tables give them, as longitude and latitude of the world's datum (JGD2011, which is WGS 84 here).

Japan lies between 20 and 46 degrees north and 122 and 154 east: what has changed places is seen. The old Tokyo datum
cannot be seen: the file's owner says so. Pure: PROJ reads no grid and asks no network, the parameters stand here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from datamodels.opendata.characters import plain, squeezed
from datamodels.opendata.repairs import Unreadable

if TYPE_CHECKING:
    from pyproj import Transformer

SOUTH, NORTH, WEST, EAST = 20.0, 46.0, 122.0, 154.0
ZONES: Final = range(1, 20)
_DIGITS: Final = 7
"""Of a degree: a centimetre."""
_TOKYO: Final = (
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=bessel"
    " +step +proj=helmert +x=-146.414 +y=507.337 +z=680.507 +step +inv +proj=cart +ellps=GRS80"
    " +step +proj=unitconvert +xy_in=rad +xy_out=deg"
)
"""The survey's three parameters for the whole country: within some metres; its grid file is within centimetres."""
_DMS: Final = re.compile(
    r"[NSEW北南東西]?[緯経]?\s*(\d{1,3})\s*[°度:º ]\s*(\d{1,2})\s*['′分:’ ]\s*(\d{1,2}(?:\.\d+)?)\s*"
    r"(?:[\"″秒”]|'')?\s*[NSEW]?"
)
_DEGREES: Final = re.compile(r"[NE北東]?[緯経]?(\d{1,3}(?:\.\d+)?)[°度]?[NE]?")
_PACKED: Final = re.compile(r"(\d{2,3})(\d{2})(\d{2}(?:\.\d+)?)")
_METRES: Final = re.compile(r"([-+]?\d{1,6}(?:\.\d+)?)m?")
_SIXTY: Final = 60
_FURTHEST_M: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A position in degrees, and the repairs that it took."""

    longitude: float
    latitude: float
    rules: tuple[str, ...] = ()


def read_degrees(text: str) -> tuple[float, str]:
    """Degrees: `35.9091`, `３５．９０９１`, `35°54'32.8"`, `北緯35度54分32.8秒` and `355432.8`. Raises Unreadable."""
    try:
        return float(text), ""
    except ValueError:
        pass
    told = plain(text)
    spelt = _DMS.fullmatch(told)
    if spelt:
        return _degrees(spelt), "dms"
    decimal = _DEGREES.fullmatch(squeezed(text).replace(",", "."))
    if decimal is None:
        raise Unreadable("degrees such as 35.9091")
    return float(decimal[1]), "full-width" if not text.isascii() else "code-format"


def _degrees(parts: re.Match[str]) -> float:
    degrees, minutes, seconds = int(parts[1]), int(parts[2]), float(parts[3])
    if minutes >= _SIXTY or seconds >= _SIXTY:
        raise Unreadable("minutes and seconds below 60")
    return degrees + minutes / 60 + seconds / 3600


def place_of(latitude: str, longitude: str, *, tokyo: bool = False) -> Place | None:
    """Where the two cells say; None for 0, 0. Raises Unreadable where that is not in Japan.

    `place_of("139.7094", "35.9033")` gives a place 35.9033 degrees north, repaired by `swapped`.
    """
    rules: list[str] = []
    values: list[float] = []
    for text in (latitude, longitude):
        value, rule = _unpacked(*read_degrees(text))
        values.append(value)
        rules += [rule] if rule and rule not in rules else []
    north, east = values
    if not north and not east:
        return None
    if not _in_japan(north, east) and _in_japan(east, north):
        north, east = east, north
        rules.append("swapped")
    if not _in_japan(north, east):
        raise Unreadable(f"a latitude of {SOUTH:g} to {NORTH:g} and a longitude of {WEST:g} to {EAST:g} degrees")
    if tokyo:
        east, north = _from_tokyo().transform(east, north)
        rules.append("tokyo-datum")
    return Place(round(east, _DIGITS), round(north, _DIGITS), tuple(rules))


def _unpacked(value: float, rule: str) -> tuple[float, str]:
    """`355432.8` is 35° 54′ 32.8″."""
    if value < 200_000:  # noqa: PLR2004 - 20° 00′ 00″
        return value, rule
    packed = _PACKED.fullmatch(f"{value:.4f}")
    return (value, rule) if packed is None else (_degrees(packed), "dms")


def _in_japan(north: float, east: float) -> bool:
    return SOUTH <= north <= NORTH and WEST <= east <= EAST


def plane_place(x: str, y: str, zone: int, *, tokyo: bool = False) -> Place | None:
    """A place of the plane rectangular system: `x` metres to the north, `y` to the east, of the zone's origin.

    Zone 9 has Saitama and Tokyo. Raises Unreadable.
    """
    if zone not in ZONES:
        raise Unreadable("a zone of 1 to 19 (平面直角座標系の系番号)")
    north, east = _metres(x), _metres(y)
    if not north and not east:
        return None
    longitude, latitude = _from_plane(zone, tokyo=tokyo).transform(east, north)
    if not _in_japan(latitude, longitude):
        raise Unreadable("metres that lie in Japan")
    rules = ("plane-rectangular", "tokyo-datum") if tokyo else ("plane-rectangular",)
    return Place(round(longitude, _DIGITS), round(latitude, _DIGITS), rules)


def to_plane(place: Place, zone: int) -> tuple[float, float]:
    """Metres to the north and to the east of the zone's origin, to the millimetre."""
    east, north = _from_plane(zone, tokyo=False).transform(place.longitude, place.latitude, direction="INVERSE")
    return round(north, 3), round(east, 3)


def _metres(text: str) -> float:
    found = _METRES.fullmatch(squeezed(text).replace(",", ""))
    if not found or abs(float(found[1])) > _FURTHEST_M:
        raise Unreadable("metres such as -12034.56")
    return float(found[1])


@cache
def _from_tokyo() -> Transformer:
    from pyproj import Transformer  # noqa: PLC0415 - large; only files with old coordinates need it

    return Transformer.from_pipeline(_TOKYO)


_ORIGINS: Final = (
    (33, 0, 129, 30), (33, 0, 131, 0), (36, 0, 132, 10), (33, 0, 133, 30), (36, 0, 134, 20), (36, 0, 136, 0),
    (36, 0, 137, 10), (36, 0, 138, 30), (36, 0, 139, 50), (40, 0, 140, 50), (44, 0, 140, 15), (44, 0, 142, 15),
    (44, 0, 144, 15), (26, 0, 142, 0), (26, 0, 127, 30), (26, 0, 124, 0), (26, 0, 131, 0), (20, 0, 136, 0),
    (26, 0, 154, 0),
)  # fmt: skip
"""Degrees and minutes, north and east, of the nineteen origins (平成14年国土交通省告示第9号)."""


@cache
def _from_plane(zone: int, *, tokyo: bool) -> Transformer:
    from pyproj import Transformer  # noqa: PLC0415 - as above

    north, north_minutes, east, east_minutes = _ORIGINS[zone - 1]
    plane = (
        f"+proj=tmerc +lat_0={north + north_minutes / 60:.12f} +lon_0={east + east_minutes / 60:.12f} +k=0.9999"
        f" +ellps={'bessel' if tokyo else 'GRS80'}"
    )
    degrees = "+step +proj=unitconvert +xy_in=rad +xy_out=deg"
    pipeline = f"+proj=pipeline +step +inv {plane} {degrees}"
    return Transformer.from_pipeline(f"{pipeline} {_TOKYO.removeprefix('+proj=pipeline')}" if tokyo else pipeline)


def mesh_of(place: Place, level: int = 3) -> str:
    """地域メッシュ (JIS X 0410) of level 1 (80 km), 2 (10 km) or 3 (1 km): `53397675`."""
    south, west = place.latitude * 1.5, place.longitude - 100
    code = f"{int(south):02}{int(west):02}"
    if level > 1:
        south, west = south % 1 * 8, west % 1 * 8
        code += f"{int(south)}{int(west)}"
    if level > 2:  # noqa: PLR2004 - the level's number
        south, west = south % 1 * 10, west % 1 * 10
        code += f"{int(south)}{int(west)}"
    return code
