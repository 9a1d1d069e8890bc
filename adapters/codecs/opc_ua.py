"""OPC UA: values of a server's nodes, as the link was told of them (OPC 10000-4, StatusCode).

The two highest bits of a status code say whether a value is good, uncertain or bad. OPC UA's engineering units are not
asked for: `units` of the codec's settings names them by quantity, in UN/CEFACT codes.

    codec: {kind: opc-ua, units: {power: KWT}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from adapters.codecs.point_list import Words, read_points
from adapters.frame import BadFrame, Frame
from adapters.readings import Quality, Reading, Readings
from adapters.settings import Members
from broker.model.values import Json

_QUALITIES: Final[tuple[Quality, ...]] = ("good", "uncertain", "bad", "bad")
_CODE_MAX: Final = 0xFFFF_FFFF


class OpcUaCodec:
    """See the module."""

    def __init__(self, units: Mapping[str, str]) -> None:
        self._units = units

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """Raises BadFrame."""
        found = read_points(frame, Words(_quality, lambda _unit: ""))
        return [replace(one, readings=tuple(self._measured(one))) for one in found] if self._units else found

    def _measured(self, one: Readings) -> Iterator[Reading]:
        return (replace(reading, unit=self._units.get(reading.quantity, "")) for reading in one.readings)


def make_codec(settings: object) -> OpcUaCodec:
    """The codec. Raises BadSettings."""
    members = Members(settings, "codec")
    units = members.pairs("units")
    members.done()
    return OpcUaCodec(units)


def _quality(status: Json) -> Quality:
    if isinstance(status, bool) or not isinstance(status, int) or not 0 <= status <= _CODE_MAX:
        raise BadFrame("wrong_type", f"{str(status)[:40]!r} is no status code: a number of 32 bits would do")
    return _QUALITIES[status >> 30]
