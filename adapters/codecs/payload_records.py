"""Payloads that are records, each begun by a key: read as a YAML file says. Pure.

records:
  key: 2                     # bytes of each key
  length: 0                  # bytes after the key that tell a record's length; unknown keys are then passed over
  of:
    "0175": {bytes: 1, fields: [{name: battery, byte: 0, unit: P1}]}
    "0367": {bytes: 2, fields: [{name: temperature, byte: 0, bytes: 2, little: true, signed: true, times: 0.1}]}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from adapters.codecs.payload_fields import PAYLOAD_BYTES_MAX, Fields, read_fields
from adapters.frame import BadFrame
from adapters.readings import Reading
from adapters.settings import Members
from broker.model.values import Json

_KEY_BYTES_MAX: Final = 4
_LENGTH_BYTES_MAX: Final = 2
_HEX: Final = re.compile(r"([0-9a-fA-F]{2})+")


class Records:
    """Records by key (hexadecimal digits), each with its length and fields."""

    def __init__(self, key: int, length: int, of: Mapping[str, tuple[int, Fields]]) -> None:
        self._key, self._length, self._of = key, length, of

    def read(self, payload: bytes) -> tuple[Reading, ...]:
        """The readings. Raises BadFrame."""
        found: list[Reading] = []
        at = 0
        while at < len(payload):
            key = payload[at : at + self._key].hex()
            at += self._key
            known = self._of.get(key)
            if known is None and not self._length:
                raise BadFrame("wrong_type", f"the key {key} at byte {at - self._key} is none of the records")
            if self._length:
                count = int.from_bytes(payload[at : at + self._length])
                at += self._length
            else:
                count = known[0] if known else 0
            if at + count > len(payload):
                raise BadFrame("truncated", f"{len(payload)} bytes, and the record {key} ends at {at + count}")
            if known is not None:
                found += known[1].read(payload[at : at + count])
            at += count
        return tuple(found)


def read_records(body: Json, where: str) -> Records:
    """The records that a file lists. Raises BadSettings."""
    given = Members(body, where)
    key = given.whole("key", 1, 1, _KEY_BYTES_MAX)
    length = given.whole("length", 0, 0, _LENGTH_BYTES_MAX)
    of = {}
    for name, one in given.below("of").items():
        if not _HEX.fullmatch(name) or len(name) != 2 * key:
            raise given.refuse("of", f"keys of {2 * key} hexadecimal digits")
        record = Members(one, f"{where}/of/{name}")
        count = record.whole("bytes", 0, 0, PAYLOAD_BYTES_MAX)
        of[name.lower()] = count, read_fields(record.rows("fields"), f"{where}/of/{name}/fields")
        record.done()
        if not count and not length:
            raise record.refuse("bytes", "how many bytes come after the key,")
    given.done()
    if not of:
        raise given.refuse("of", "at least one record")
    return Records(key, length, of)
