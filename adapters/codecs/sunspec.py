"""SunSpec: a device's information models as they lie in its registers, to readings.

A frame's payload is `SunS`, then models one after another, each with its number and length, as on the wire; the end
marker may follow. Each model is a part (`103`; a second of its kind `103.2`; the ports of model 714 `714.1`, …).

Points keep SunSpec's names and signs. Power and current that have a direction come a second time with `_in` behind
the name, positive into the asset: a battery that charges, a house that takes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from adapters.codecs.sunspec_models import HEADER, MEASURING, Group, model
from adapters.codecs.sunspec_reading import Said, read_model
from adapters.frame import BadFrame, Frame
from adapters.link import BadSettings
from adapters.readings import Reading, Readings
from adapters.settings import Members
from broker.model.values import Json

MARK: Final = b"SunS"
END: Final = 0xFFFF
READINGS_MOST: Final = 1000
PAYLOAD_BYTES_MOST: Final = 1 << 17
"""All registers that an address can name."""
DIRECTED: Final[Mapping[int, frozenset[str]]] = {
    **dict.fromkeys((101, 102, 103), frozenset({"W"})),
    **dict.fromkeys((201, 202, 203, 204), frozenset({"W", "WphA", "WphB", "WphC"})),
    701: frozenset({"W", "WL1", "WL2", "WL3"}),
    714: frozenset({"DCW", "DCA"}),
    802: frozenset({"W", "A"}),
}
"""Points with a direction. Inverters, DER and their ports count what they give as positive, meters what is taken."""
INTO: Final = {101: -1, 102: -1, 103: -1, 201: 1, 202: 1, 203: 1, 204: 1, 701: -1, 714: -1, 802: -1}
_FACTS: Final = {"Mn": "manufacturer", "Md": "model", "SN": "serial", "Vr": "version"}


def make_codec(settings: Json) -> SunSpecCodec:
    """The codec for the models wanted. Raises BadSettings."""
    return SunSpecCodec(*wanted(settings))


def wanted(settings: Json) -> tuple[frozenset[int], dict[int, int]]:
    """Which models are read, and for each with a direction which sign goes into the asset. Raises BadSettings."""
    members = Members(settings, "codec")
    numbers = members.numbers("models") or MEASURING
    signs = {**INTO, **_signs(members)}
    members.done()
    for number in numbers:
        if not isinstance(number, int) or not 0 < number < END:
            raise BadSettings(f"codec/models: numbers of SunSpec models would do: {', '.join(map(str, MEASURING))}")
        model(number)
    return frozenset(int(number) for number in numbers), signs


def _signs(members: Members) -> dict[int, int]:
    """`into: {"802": "+"}`: of devices that go by the other sign."""
    given = members.pairs("into")
    if not given.keys() <= {str(number) for number in INTO} or not set(given.values()) <= {"+", "-"}:
        raise members.refuse("into", f'an object from {", ".join(map(str, INTO))} in quotes to "+" or "-"')
    return {int(number): 1 if sign == "+" else -1 for number, sign in given.items()}


class SunSpecCodec:
    """Reads the models wanted, passes over others."""

    def __init__(self, models: frozenset[int], into: Mapping[int, int]) -> None:
        self._models = {number: model(number) for number in {1, *models}}
        self._silent = frozenset({1}) - models
        self._into = into

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """One Readings for each model, and each port of model 714, that says something; model 1 is told as facts."""
        facts: dict[str, str] = {}
        found: list[Readings] = []
        seen: dict[int, int] = {}
        for number, data in models_of(frame.payload):
            group = self._models.get(number)
            if group is None:
                continue
            seen[number] = seen.get(number, 0) + 1
            part = f"{number}.{seen[number]}" if seen[number] > 1 else str(number)
            said = list(self._said(number, group, data))
            if number == 1:
                facts = {_FACTS[one.name]: str(one.reading.value) for one in said if one.name in _FACTS}
            if number not in self._silent:
                found += _parts(frame.device, part, said)
            if sum(len(readings.readings) for readings in found) > READINGS_MOST:
                raise BadFrame("oversized", f"more than {READINGS_MOST:,} readings")
        return [_with(readings, facts) for readings in found]

    def _said(self, number: int, group: Group, data: bytes) -> Iterator[Said]:
        directed = DIRECTED.get(number, frozenset())
        for said in read_model(number, group, data):
            yield said
            value = said.reading.value
            if said.name in directed and isinstance(value, int | float):
                turned = value if self._into[number] > 0 else -value or 0
                reading = said.reading
                yield Said(
                    said.port, "", Reading(f"{reading.quantity}_in", turned, reading.unit, None, reading.quality)
                )


def models_of(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and registers (header and all) of each model that a payload holds. Raises BadFrame."""
    if len(payload) > PAYLOAD_BYTES_MOST:
        raise BadFrame("oversized", f"{len(payload):,} bytes; SunSpec has at most {PAYLOAD_BYTES_MOST:,}")
    if not payload.startswith(MARK):
        raise BadFrame("wrong_type", "the payload does not begin with SunS")
    place = len(MARK)
    while place + 2 * HEADER <= len(payload):
        number, length = struct.unpack_from(">HH", payload, place)
        if number == END:
            return
        end = place + 2 * (HEADER + length)
        if end > len(payload):
            raise BadFrame(
                "truncated", f"model {number} has {length} registers, {(len(payload) - place) // 2} are there"
            )
        yield number, payload[place:end]
        place = end
    if place != len(payload):
        raise BadFrame("truncated", "the payload ends within the header of a model")


def _parts(device: str, part: str, said: Sequence[Said]) -> Iterator[Readings]:
    ports: dict[str, list[Reading]] = {}
    for one in said:
        ports.setdefault(one.port, []).append(one.reading)
    for port, readings in ports.items():
        facts = {"port": port} if port else {}
        yield Readings(device, tuple(readings), f"{part}.{port}" if port else part, facts=facts)


def _with(readings: Readings, facts: Mapping[str, str]) -> Readings:
    return Readings(readings.device, readings.readings, readings.part, facts={**facts, **readings.facts})
