"""Who writes without seeing what is there: nothing is hidden from the write, and its answer tells what they may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from broker.model.entity import Entity
from broker.ports import Restriction


@dataclass(frozen=True, slots=True)
class Blind(Restriction):
    """Writes over everything that is there; `sees` is the view that they have where they read (None: of all)."""

    sees: Callable[[Entity], Entity | None] | None = None


def seen_by(restriction: Restriction, entity: Entity) -> Entity | None:
    """The entity as an answer to its writer may tell of it; None where it does not exist for them."""
    if isinstance(restriction, Blind) and restriction.sees is not None:
        return restriction.sees(entity)
    return entity
