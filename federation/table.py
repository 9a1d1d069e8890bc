"""Which operations of the table are distributed, and by what."""

from __future__ import annotations

from collections.abc import Mapping

from federation import consume, maps, provide_temporal, temporal
from federation.batch import BATCHES
from federation.hub import FarHandler
from federation.provide import PROVIDED

HANDLERS: Mapping[str, FarHandler] = {
    **PROVIDED,
    **consume.HANDLERS,
    **maps.HANDLERS,
    **BATCHES,
    **temporal.HANDLERS,
    **provide_temporal.HANDLERS,
}
"""Operation name of the table -> its distributed handler."""
