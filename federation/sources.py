"""Asking context sources: concurrently, each within its time and size, hostile answers included (clause 6.3.17)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.http.exchange import Exchange
from federation.messages import Answered, Forward


class Sources(Protocol):
    """The remote world."""

    def send(self, tenant: str, forwards: Sequence[Forward]) -> list[Answered]:
        """As `ask`, for work that no request waits for: nothing to pass on but this hub's own name."""

    def ask(self, exchange: Exchange, forwards: Sequence[Forward]) -> list[Answered]:
        """What each source answered, in the order of `forwards`; blocks until all have, or their time is up.

        Sends Via with this broker's alias added, tenant, contextSourceInfo with `urn:ngsi-ld:request` filled in from
        `exchange.request`, credentials, and counts successes and failures. Never raises for what a source does.
        """
