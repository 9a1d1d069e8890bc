"""What templates know of a message: its device, its part, what was provisioned, and what the wire says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.device import Device
from adapters.readings import Readings


class Known(Mapping[str, str]):
    """`Known(readings, device)["part"]`; the device's options come before the facts of the wire."""

    __slots__ = ("_facts", "_options", "_own")

    def __init__(self, readings: Readings, device: Device) -> None:
        self._own = {"device": device.id, "part": readings.part, "adapter": device.adapter, "group": device.group}
        self._options, self._facts = device.options, readings.facts

    def say(self, name: str, text: str) -> None:
        """Know this too: `entity`, the id of the first entity, and `value`, that a link is made of."""
        self._own[name] = text

    def __getitem__(self, name: str) -> str:
        own = self._own.get(name)
        if own is not None:
            return own
        option = self._options.get(name)
        if isinstance(option, str | int | float) and not isinstance(option, bool):
            return str(option)
        return self._facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._facts, **self._options, **self._own})

    def __len__(self) -> int:
        return len({**self._facts, **self._options, **self._own})
