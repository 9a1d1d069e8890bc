"""Which role may do what at the doors of the city (energy, watch-over, lockers, …): a part of the table in `rights`."""

from __future__ import annotations

from typing import Final

from broker.access.roles import Rows

CITY: Final[Rows] = {}
