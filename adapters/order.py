"""A command on its way to a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from adapters.device import Device
from broker.model.values import Instant, Json


@dataclass(frozen=True, slots=True)
class Order:
    """What a device shall do: `Order("cmd-17", device, "setPoint", -500, "WTT", expires_at=1763…)`.

    `name` and `value` are the device's own, as the mapping's `commands` made them of the attribute. `part` is the part
    of the device that the commanded entity stands for (connector 2), as in Readings; `""` for the whole.
    """

    id: str
    device: Device
    name: str
    value: Json
    unit: str = ""
    expires_at: Instant = 0
    part: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """How far a link got with it. `OK` and `ERROR` where the protocol answers at once; else an Answered comes later."""

    status: Literal["DELIVERED", "OK", "ERROR"]
    result: Json = None


class NotReached(Exception):
    """The device is not there now: the order waits until it is, or expires."""
