"""What a change of attributes came to (clauses 5.2.18, 5.2.19)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NotUpdated:
    """One attribute (its IRI) that was not changed, and why."""

    name: str
    reason: str


@dataclass(slots=True)
class UpdateResult:
    """The IRIs that were appended, updated or deleted, in the fragment's order, and those that were not."""

    updated: list[str] = field(default_factory=list)
    not_updated: list[NotUpdated] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all that was asked for was done (204, otherwise 207)."""
        return not self.not_updated
