"""Who asks: from a request to a principal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from broker.ports import Principal


class Asking(Protocol):
    """What an identity reads of a request; header names are in lower case."""

    @property
    def method(self) -> str:
        """`GET`."""

    @property
    def raw_path(self) -> str:
        """As it was sent, percent-encoded."""

    @property
    def query_string(self) -> str:
        """As it was sent."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""

    @property
    def body(self) -> bytes:
        """Whole; empty where it was not read."""


class Identity(Protocol):
    """Tells who asks. None of it where no access is configured: everybody is ANYONE then."""

    def identify(self, asking: Asking) -> Principal:
        """Who this is; ANYONE where they do not say.

        Raises Unauthorized for what they say and cannot show, and OverBudget on the event loop where somebody's keys
        must be fetched first.
        """
