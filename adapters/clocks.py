"""Whether a device's clock can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapters.frame import BadFrame
from adapters.readings import Readings
from broker.model.values import Instant, to_text

EARLY_S: Final = 300.0
LATE_S: Final = 604_800.0
_SECOND: Final = 1_000_000
_FIRST, _LAST = 0, 253_402_300_799_999_999
"""1970 to 9999: what a DateTime of NGSI-LD can say."""


@dataclass(frozen=True, slots=True)
class Leeway:
    """How far a device's clock may be ahead of the hub's, and how old its readings may be."""

    early_s: float = EARLY_S
    late_s: float = LATE_S

    def check(self, readings: Readings, received_at: Instant) -> Instant:
        """The newest instant that the readings tell; when they were received where they tell none.

        Raises BadFrame (`clock`).
        """
        newest: Instant | None = None
        for at in (readings.at, *(reading.at for reading in readings.readings)):
            if at is None:
                continue
            self._check(at, received_at)
            newest = at if newest is None else max(newest, at)
        return received_at if newest is None else newest

    def _check(self, at: Instant, received_at: Instant) -> None:
        if received_at - self.late_s * _SECOND <= at <= received_at + self.early_s * _SECOND:
            return
        shown = to_text(at) if _FIRST <= at <= _LAST else f"{at} µs"
        far = abs(at - received_at) / _SECOND
        raise BadFrame(
            "clock",
            f"the device says that it is {shown}, {far:.0f} s {'before' if at < received_at else 'after'} it was"
            f" received; {self.late_s:.0f} s before and {self.early_s:.0f} s after are taken",
        )


USUAL: Final = Leeway()
