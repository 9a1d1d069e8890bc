"""How fast a device may speak: so many messages a second on the average, in bursts of ten seconds' worth, or one."""

from __future__ import annotations

from typing import Final

from broker.model.values import Instant

BURST_S: Final = 10.0
DEVICES_MAX: Final = 100_000
_SECOND: Final = 1_000_000


class Rates:
    """A bucket for each device that spoke lately."""

    def __init__(self) -> None:
        self._empty_at: dict[tuple[str, str], Instant] = {}

    def admits(self, device: tuple[str, str], per_s: float, now: Instant) -> bool:
        """Whether one more message of a device (tenant, id) is taken; it counts then.

        What is kept of a device is when its debt will be paid: each message adds the time that one is worth.
        """
        paid = max(self._empty_at.get(device, now), now)
        if paid - now > max(0.0, BURST_S - 1.0 / per_s) * _SECOND:
            return False
        if len(self._empty_at) >= DEVICES_MAX:
            self._empty_at = {name: at for name, at in self._empty_at.items() if at > now}
        self._empty_at[device] = paid + round(_SECOND / per_s)
        return True
