"""Which operations of the table are distributed, and by what."""

from __future__ import annotations

from collections.abc import Mapping

from federation import batch, consume, discover, maps, provide, provide_temporal, purge, subscribe, temporal
from federation.hub import FarHandler

HANDLERS: Mapping[str, FarHandler] = {
    **provide.HANDLERS,
    **consume.HANDLERS,
    **discover.HANDLERS,
    **maps.HANDLERS,
    **batch.HANDLERS,
    **purge.HANDLERS,
    **subscribe.HANDLERS,
    **temporal.HANDLERS,
    **provide_temporal.HANDLERS,
}
"""Operation name of the table -> its distributed handler."""
