"""Kinds of held documents about context sources, beside the registrations themselves."""

from __future__ import annotations

from typing import Final

SOURCE_SUBSCRIPTION: Final = "source_subscription"
"""Subscriptions to registrations (clause 5.11)."""
RELAY: Final = "relay"
"""Which sources have a copy of a subscription (clause 5.8.1.4), by the subscription's id; of no use to its reader."""
