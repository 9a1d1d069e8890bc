"""What a process is among those that deliver from one store."""

from __future__ import annotations

from dataclasses import dataclass

from broker.notify.partitions import LEASE_S
from broker.notify.slots import Slot
from broker.ports.outbox import Bell


@dataclass(frozen=True, slots=True)
class Among:
    """`holder` is its name, of which there is one; about so many `processes` there are; `bell` tells them of rows.

    `lease_s` after its death its work is another's. `slot` is let go of at its end.
    """

    holder: str
    processes: int = 1
    bell: Bell | None = None
    slot: Slot | None = None
    lease_s: float = LEASE_S


SERVER_LEASE_S = 6.0
"""On a server a process that was started again has another name, and what it held waits for the end of the lease."""
