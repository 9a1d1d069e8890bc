"""Which operations of the table are distributed, and by what."""

from __future__ import annotations

from collections.abc import Mapping

from federation.hub import FarHandler

HANDLERS: Mapping[str, FarHandler] = {}
"""Operation name of the table -> its distributed handler."""
