"""Whom to ask: a provisioned device's address and options, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from adapters.device import Device
from adapters.link import BadSettings
from adapters.settings import Members

PORT: Final = 502
_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?")
_PORT_MOST: Final = 65_535


@dataclass(frozen=True, slots=True)
class Target:
    """A device and how it is asked: `Target(device, ("192.0.2.7", 502), unit=1, …)`.

    `map` names its register map (`""`: the only one). `limits` hold its set-points besides those that the device has
    itself. A set-point that runs out by itself does so after `revert_s`.
    """

    device: Device
    place: tuple[str, int]
    unit: int
    every_s: float
    map: str
    limits: dict[str, tuple[float, float]]
    revert_s: int
    start: int | None


def read_target(device: Device, every_s: float) -> Target:
    """The target; other options are for the templates of mappings. Raises BadSettings, which names the member."""
    options = Members(dict(device.options), f"devices/{device.id}/options")
    found = _ADDRESS.fullmatch(device.address)
    if found is None or not 0 < int(found[2] or PORT) <= _PORT_MOST:
        raise BadSettings(f"devices/{device.id}/address: a host with or without a port would do, 192.0.2.7:502")
    return Target(
        device=device,
        place=(found[1].strip("[]"), int(found[2] or PORT)),
        unit=options.whole("unit", 1, 0, 255),
        every_s=options.number("every_s", every_s, 0.05, 86_400),
        map=options.text("map", ""),
        limits=_limits(options, device.id),
        revert_s=options.whole("revert_s", 900, 1, 86_400),
        start=options.whole("start", 0, 0, _PORT_MOST) if "start" in device.options else None,
    )


def _limits(options: Members, device_id: str) -> dict[str, tuple[float, float]]:
    """`limits: {WSet: [-3000, 5000]}`."""
    given = options.below("limits")
    below = Members(given, f"devices/{device_id}/options/limits")
    limits = {}
    for name in given:
        pair = below.numbers(name)
        if len(pair) != 2 or pair[0] > pair[1]:  # noqa: PLR2004  a pair
            raise below.refuse(name, "a pair of numbers, the lesser first,")
        limits[name] = (pair[0], pair[1])
    return limits
