"""What network servers of LoRaWAN say of an uplink, in one form; and how its payload is read. Pure.

codec:
  kind: ttn                       # or chirpstack
  device: device_id               # or dev_eui, name: which of its names the device goes by
  radio: true                     # radio.rssi, radio.snr, … are readings too
  payloads:                       # the first that fits reads the payload; none: what the network server decoded
    - {device: "door-*", port: [10], read: cayenne-lpp}
    - {profile: "LHT65*", fields: […]}          # payload_fields.py
    - {port: [85], records: {…}}                # payload_records.py
    - {read: decoded}
"""

from __future__ import annotations

import re
from binascii import Error as NoBase64
from binascii import a2b_base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Final, TypeAlias

from adapters.codecs.cayenne import read_cayenne
from adapters.codecs.json_body import READINGS_MAX, readings_of
from adapters.codecs.payload_fields import PAYLOAD_BYTES_MAX, read_fields
from adapters.codecs.payload_records import read_records
from adapters.frame import BadFrame
from adapters.readings import Reading, Readings
from adapters.settings import Members
from broker.model.values import Instant, Json

Read: TypeAlias = Callable[[bytes], tuple[Reading, ...]]
NAMES: Final = ("device_id", "dev_eui", "name")
PORTS_MAX: Final = 255
RULES_MAX: Final = 500
FACT_CHARS_MAX: Final = 256
GATEWAYS_MAX: Final = 500
DECIBELS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Uplink:
    """An uplink as any network server tells it; `names` are the device's, `radio` what the gateways measured."""

    names: Mapping[str, str]
    payload: bytes
    port: int
    at: Instant | None
    sequence: str
    profile: str = ""
    decoded: Json = None
    radio: tuple[Reading, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PayloadRule:
    """Which payloads are read so: `read` is None where the network server decodes them."""

    device: re.Pattern[str]
    profile: re.Pattern[str]
    ports: frozenset[int]
    read: Read | None


@dataclass(frozen=True, slots=True)
class Reader:
    """The settings of a codec of LoRaWAN."""

    name: str
    radio: bool
    rules: tuple[PayloadRule, ...]

    def readings(self, uplink: Uplink) -> Readings:
        """The readings of an uplink. Raises BadFrame."""
        device = self.device(uplink.names)
        found = self._payload(uplink, device)
        if self.radio:
            found += uplink.radio
        if len(found) > READINGS_MAX:
            raise BadFrame("oversized", f"{len(found):,} readings; a frame has at most {READINGS_MAX:,}")
        return Readings(device, found, at=uplink.at, sequence=uplink.sequence, facts=uplink.facts)

    def device(self, names: Mapping[str, str]) -> str:
        """The name that the device goes by. Raises BadFrame."""
        device = names.get(self.name, "")
        if not device:
            raise BadFrame("wrong_type", f"the uplink names no {self.name}")
        return device

    def _payload(self, uplink: Uplink, device: str) -> tuple[Reading, ...]:
        for rule in self.rules:
            if (
                rule.device.match(device)
                and rule.profile.match(uplink.profile)
                and (not rule.ports or uplink.port in rule.ports)
            ):
                return _decoded(uplink.decoded) if rule.read is None else rule.read(uplink.payload)
        return _decoded(uplink.decoded)


def reader_of(settings: object, name: str) -> Reader:
    """The settings, read; `name` is the usual one of NAMES. Raises BadSettings."""
    given = Members(settings, "codec")
    rows = given.rows("payloads")
    if len(rows) > RULES_MAX:
        raise given.refuse("payloads", f"at most {RULES_MAX}")
    reader = Reader(
        given.one_of("device", NAMES, name),
        given.flag("radio", default=True),
        tuple(_rule(Members(row, f"codec/payloads/{place}"), place) for place, row in enumerate(rows)),
    )
    given.done()
    return reader


def _rule(given: Members, place: int) -> PayloadRule:
    where = f"codec/payloads/{place}"
    fields, records = given.rows("fields"), given.below("records")
    said = given.one_of("read", ("", "decoded", "cayenne-lpp"), "")
    if bool(fields) + bool(records) + bool(said) != 1:
        raise given.refuse("read", "one of `read: decoded`, `read: cayenne-lpp`, `fields` and `records`")
    read: Read | None = read_cayenne if said == "cayenne-lpp" else None
    if fields:
        read = read_fields(fields, f"{where}/fields").read
    elif records:
        read = read_records(records, f"{where}/records").read
    ports = given.numbers("port")
    if not all(isinstance(port, int) and 0 <= port <= PORTS_MAX for port in ports):
        raise given.refuse("port", f"whole numbers from 0 to {PORTS_MAX}")
    rule = PayloadRule(
        _glob(given.text("device", "*")), _glob(given.text("profile", "*")), frozenset(map(int, ports)), read
    )
    given.done()
    return rule


def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


def _decoded(decoded: Json) -> tuple[Reading, ...]:
    """What the network server made of the payload. Raises BadFrame."""
    if not isinstance(decoded, dict) or not decoded:
        raise BadFrame("unmapped", "the network server decoded nothing, and no rule of `payloads` fits")
    return readings_of(_flat(decoded, ""))


def _flat(members: Mapping[str, Json], before: str) -> Iterator[tuple[str, Json]]:
    for name, value in members.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def object_in(members: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """An object; empty where it is not there. Raises BadFrame."""
    found = members.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadFrame("wrong_type", f"{name} is no object")
    return found


def text_in(members: Mapping[str, Json], name: str) -> str:
    """A text; empty where it is not there. Raises BadFrame."""
    found = members.get(name, "")
    if not isinstance(found, str) or len(found) > FACT_CHARS_MAX:
        raise BadFrame("wrong_type", f"{name} is no text of at most {FACT_CHARS_MAX} characters")
    return found


def whole_in(members: Mapping[str, Json], name: str) -> int:
    """A whole number, 0 where it is not there: network servers leave zeros out. Raises BadFrame."""
    found = members.get(name, 0)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 1 << 32:
        raise BadFrame("wrong_type", f"{name} is no whole number")
    return found


def payload_in(members: Mapping[str, Json], name: str) -> bytes:
    """The bytes of a member in Base64; none where it is not there. Raises BadFrame."""
    found = members.get(name, "")
    if not isinstance(found, str):
        raise BadFrame("wrong_type", f"{name} is no text")
    try:
        payload = a2b_base64(found, strict_mode=True)
    except (NoBase64, ValueError) as fault:
        raise BadFrame("wrong_type", f"{name} is no Base64: {fault}") from None
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise BadFrame("oversized", f"{name} has {len(payload):,} bytes, more than {PAYLOAD_BYTES_MAX:,}")
    return payload


def radio_of(gateways: Json, gateway_id: Callable[[Mapping[str, Json]], str]) -> tuple[tuple[Reading, ...], str]:
    """What the gateway that heard it best measured, and its id. Raises BadFrame."""
    if gateways is None:
        return (), ""
    if not isinstance(gateways, list) or len(gateways) > GATEWAYS_MAX:
        raise BadFrame("wrong_type", f"what gateways measured is a list of at most {GATEWAYS_MAX}")
    heard = [one for one in gateways if isinstance(one, dict) and _is_number(one.get("rssi"))]
    if not heard:
        return (), ""
    best = max(heard, key=_strength)
    found = [Reading("radio.rssi", best["rssi"], "DBM"), Reading("radio.gateways", len(heard))]
    if _is_number(best.get("snr")):
        found.append(Reading("radio.snr", best["snr"], "2N"))
    return tuple(found), gateway_id(best)


def _strength(gateway: Mapping[str, Json]) -> float:
    rssi = gateway["rssi"]
    return float(rssi) if isinstance(rssi, int | float) else 0.0


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= DECIBELS_MAX


def said(texts: Mapping[str, str]) -> dict[str, str]:
    """Those that say something."""
    return {name: text for name, text in texts.items() if text}
