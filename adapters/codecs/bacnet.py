"""BACnet: present values of a controller's objects, with their engineering units and status flags (ASHRAE 135).

The link asks for present-value, status-flags and units; a fault makes a value bad, an override, an alarm or an object
out of service an uncertain one. Units that have no UN/CEFACT code here leave a value without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.codecs.point_list import Words, read_points
from adapters.frame import BadFrame, Frame
from adapters.readings import Quality, Readings
from adapters.settings import Members
from broker.model.values import Json

UNITS: Final = {
    "amperes": "AMP",
    "bars": "BAR",
    "cubic-meters": "MTQ",
    "cubic-meters-per-hour": "MQH",
    "days": "DAY",
    "degrees-angular": "DD",
    "degrees-celsius": "CEL",
    "degrees-fahrenheit": "FAH",
    "degrees-kelvin": "KEL",
    "hertz": "HZ",
    "hours": "HUR",
    "joules": "JOU",
    "kilowatt-hours": "KWH",
    "kilowatts": "KWT",
    "kilovolts": "KVT",
    "kilovolt-amperes": "KVA",
    "kilovolt-amperes-reactive": "K5",
    "kilograms": "KGM",
    "kilometers-per-hour": "KMH",
    "kilopascals": "KPA",
    "liters": "LTR",
    "liters-per-hour": "E32",
    "luxes": "LUX",
    "megawatts": "MAW",
    "megawatt-hours": "MWH",
    "megajoules": "3B",
    "meters": "MTR",
    "meters-per-second": "MTS",
    "minutes": "MIN",
    "no-units": "C62",
    "parts-per-million": "59",
    "pascals": "PAL",
    "percent": "P1",
    "percent-relative-humidity": "P1",
    "seconds": "SEC",
    "square-meters": "MTK",
    "volt-amperes": "VA",
    "volts": "VLT",
    "watt-hours": "WHR",
    "watts": "WTT",
    "watts-per-square-meter": "D54",
}
"""BACnetEngineeringUnits -> UN/CEFACT."""
FLAGS: Final = ("in-alarm", "fault", "overridden", "out-of-service")


class BacnetCodec:
    """See the module."""

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """Raises BadFrame."""
        return read_points(frame, Words(_quality, _unit))


def make_codec(settings: object) -> BacnetCodec:
    """The codec; it has no settings. Raises BadSettings."""
    Members(settings, "codec").done()
    return BacnetCodec()


def _quality(flags: Json) -> Quality:
    if flags is None:
        return "good"
    if not isinstance(flags, list) or not all(one in FLAGS for one in flags):
        raise BadFrame("wrong_type", f"{str(flags)[:60]!r} are no status flags: of {', '.join(FLAGS)}")
    return "bad" if "fault" in flags else "uncertain" if flags else "good"


def _unit(unit: Json) -> str:
    return UNITS.get(unit, "") if isinstance(unit, str) else ""
