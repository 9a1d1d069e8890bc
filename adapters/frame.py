"""What came in from a device, as it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.model.values import Instant


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of a device: `Frame(b'{"t": 21}', 1763…, device="sensor-1", channel="/json/k1/sensor-1/attrs")`.

    `received_at` is the hub's clock. `device` is the name a device goes by in its protocol, `""` where only the codec
    can tell. `channel` says where it came in (topic, path, ECHONET object, OCPP action): the codec knows what of.
    `key` is the API key that came with it; never logged, never kept in quarantine. `about` is anything else the link
    knows (content type, unit id, …).
    """

    payload: bytes
    received_at: Instant
    device: str = ""
    channel: str = ""
    key: str = ""
    about: Mapping[str, str] = field(default_factory=dict)


class BadFrame(Exception):
    """A frame that a codec or a mapping can make nothing of: the only thing that they raise.

    `reason` is a word that is counted (`truncated`, `oversized`, `not_json`, `wrong_type`, `unknown_device`,
    `wrong_key`, `replayed`, `clock`, `unmapped`, `refused`, …), the message tells a person what is wrong and where.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
