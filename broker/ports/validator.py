"""The gate that entities pass on their way into the store: what is said against one, and who is told of it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from broker.ports import UNRESTRICTED, Restriction


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule of a model that an entity does not keep.

    `pointer` is a JSON pointer into the normalized form with the model's own names (`/ratedPower/value`), `rule` the
    keyword of JSON Schema or of ours (`minimum`, `unitCode`, `targets`), `model` the type with its version
    (`DigitalGridRouter 1.0.0`), `wanted` says what would do. `path` is the pointer with whole IRIs in it, which every
    client's @context can shorten.
    """

    entity_id: str
    pointer: str
    rule: str
    model: str
    wanted: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.pointer or '/'} {self.rule}: {self.wanted} ({self.model})"


@dataclass(slots=True)
class Asking:
    """The request that is under way: what its principal may see, and what was let in with a warning."""

    restriction: Restriction = UNRESTRICTED
    warnings: list[Violation] = field(default_factory=list)


ASKING: ContextVar[Asking | None] = ContextVar("ASKING", default=None)
"""That of this thread; None where nobody asked, as in timers."""
