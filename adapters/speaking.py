"""Who speaks in a frame: asked of the registry with the frame's key, or, in a replay, by whom it had opened then.

Keys are not kept. What is kept with a frame are the devices that its key had opened; only as those it is taken again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from adapters.device import Device, Registry
from adapters.frame import BadFrame, Frame

NAME_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Given:
    """A frame that came in, or is taken once more; `opened` are the devices that its key opened, and their tenants."""

    frame: Frame
    opened: dict[str, str] = field(default_factory=dict)
    again: bool = False


def speaker(adapter: str, registry: Registry, given: Given, device_id: str) -> Device:
    """The device, by its name in the readings or else in the frame. Raises BadFrame."""
    name = device_id or given.frame.device
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise BadFrame("unknown_device", f"a device's name has 1 to {NAME_MAX} printable characters")
    if given.again:
        return _as_then(adapter, registry, name, given.opened)
    device = registry.find(adapter, name, given.frame.key)
    if device.key_digest:
        given.opened[name] = device.tenant
    return device


def opened_anyway(adapter: str, registry: Registry, given: Given) -> None:
    """Note whose key came with a frame that cannot be read, so that it can be taken again once it can."""
    if given.frame.device and given.frame.key and not given.again:
        with suppress(BadFrame):
            speaker(adapter, registry, given, "")


def _as_then(adapter: str, registry: Registry, name: str, opened: Mapping[str, str]) -> Device:
    if name in opened:
        of_then = (name, opened[name])
        known = next((one for one in registry.of_adapter(adapter) if (one.id, one.tenant) == of_then), None)
        if known is None:
            raise BadFrame("unknown_device", f"the device {name[:100]!r} whose key came with it is gone")
        return known
    try:
        return registry.find(adapter, name)
    except BadFrame as bad:
        if bad.reason != "wrong_key":
            raise
        why = f"it came without the key of {name[:100]!r}, and keys are not kept: the device has to send it again"
        raise BadFrame("wrong_key", why) from bad
