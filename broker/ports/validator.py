"""The gate that entities pass on their way into the store: what is said against one, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule of a model that an entity does not keep.

    `pointer` is a JSON pointer into the normalized form with the model's own names (`/ratedPower/value`), `rule` the
    keyword of JSON Schema or of ours (`minimum`, `unitCode`, `targets`), `model` the type with its version
    (`DigitalGridRouter 1.0.0`), `wanted` says what would do.
    """

    entity_id: str
    pointer: str
    rule: str
    model: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'} {self.rule}: {self.wanted} ({self.model})"


WARNED: ContextVar[Callable[[Violation], None] | None] = ContextVar("WARNED", default=None)
"""Who hears of what is let through with a warning: the request that is under way on this thread, if any."""
