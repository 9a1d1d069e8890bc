"""The resources of the standard that this release does not serve yet: 501, once all else is found right.

Registrations and what subscribes to them (6.8, 6.9, 6.12, 6.13).
"""

from __future__ import annotations

from collections.abc import Callable

from broker.errors import NotImplementedYet
from broker.http.exchange import Exchange
from broker.http.messages import Answer


def not_yet(clause: str) -> Callable[[Exchange], Answer]:
    """The handler of an operation that comes later: it raises NotImplementedYet, naming its clause."""

    def refuse(exchange: Exchange) -> Answer:
        raise NotImplementedYet(
            f"{exchange.request.method} on this resource is not implemented in this release",
            clause=clause,
            remedy="/openapi.json marks what is still to come with x-later",
        )

    return refuse
