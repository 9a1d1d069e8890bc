"""Which operations of the table are distributed, and by what."""

from __future__ import annotations

from collections.abc import Mapping

from federation import temporal
from federation.hub import FarHandler

HANDLERS: Mapping[str, FarHandler] = {**temporal.HANDLERS}
"""Operation name of the table -> its distributed handler."""
