"""The resources of the standard that this release does not serve yet: 501, once all else is found right.

Registrations (6.8, 6.9, 6.12, 6.13), subscriptions (6.10, 6.11), temporal evolutions (6.18 to 6.22, 6.24), entity maps
(6.32, 6.34, 6.35), snapshots (6.36 to 6.38).
"""

from __future__ import annotations

from broker.errors import NotImplementedYet
from broker.http.exchange import Exchange
from broker.http.messages import Answer


def not_yet(exchange: Exchange) -> Answer:
    """Raises NotImplementedYet."""
    raise NotImplementedYet(
        f"{exchange.request.method} on this resource is not implemented in this release",
        remedy="/openapi.json marks what is still to come with x-later",
    )
