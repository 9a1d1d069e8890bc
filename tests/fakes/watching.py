"""Watches without a language: a subscription's body names the entity types it wants, or `"*"`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from broker.model.entity import Entity
from broker.ports.held import Held
from broker.ports.outbox import EntityChange


class TypeWatch:
    """The port Watch: subscriptions by the type in their body's member `watches`."""

    def __init__(self, subscriptions: Sequence[Held]) -> None:
        self._types = {one.id: cast(str, one.body["watches"]) for one in subscriptions}

    def matched(self, change: EntityChange, linked: Callable[[str], Entity | None]) -> Sequence[str]:
        """Those whose type the entity has; a type that begins with `->` is asked of the entity it links to."""
        return [one for one, wanted in self._types.items() if _wants(wanted, change, linked)]


class TypeWatches:
    """The port Watches; `compiled` counts its watches."""

    def __init__(self) -> None:
        self.compiled = 0

    def compile(self, subscriptions: Sequence[Held]) -> TypeWatch:
        """A watch over them."""
        self.compiled += 1
        return TypeWatch(subscriptions)


def _wants(wanted: str, change: EntityChange, linked: Callable[[str], Entity | None]) -> bool:
    if not wanted.startswith("->"):
        return wanted == "*" or wanted in change.entity.types
    found = linked(wanted.removeprefix("->"))
    return found is not None
