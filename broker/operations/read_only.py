"""A broker whose data stay as they are: what would change them is refused, whoever asks and however.

The doors refuse operations that are writes; this is for what a read leaves, such as an entity map. Deliveries, their
counters and the marks of timers are not data, and go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, cast

from broker.errors import ReadOnly
from broker.operations.broker import Broker
from broker.ports import EntityStore
from broker.ports.evolution import EvolutionStore
from broker.ports.held import HeldStore
from broker.ports.outbox import Outbox
from broker.ports.places import Places

WRITES: Final = frozenset(
    {
        "apply", "apply_held", "apply_evolution", "erase", "erase_traces", "retain", "revive", "discard", "make_place",
        "fill_place", "copy_place", "drop_place",
    }
)  # fmt: skip
"""Methods of the ports that change what a tenant has."""


def frozen(broker: Broker, *, when: bool = True) -> Broker:
    """The same broker, to which every write of the ports is ReadOnly; itself where that is not asked."""
    if not when:
        return broker
    return replace(
        broker,
        entities=cast("EntityStore", _Frozen(broker.entities)),
        held=cast("HeldStore", _Frozen(broker.held)),
        history=cast("EvolutionStore", _Frozen(broker.history)),
        outbox=cast("Outbox", _Frozen(broker.outbox)),
        places=cast("Places", _Frozen(broker.places)),
    )


class _Frozen:
    """A part of the engine: what is no write is its own."""

    def __init__(self, part: object) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in WRITES:
            return _refuse
        found: Callable[..., Any] = getattr(self._part, name)
        return found


def _refuse(*_: object, **__: object) -> None:
    raise ReadOnly
