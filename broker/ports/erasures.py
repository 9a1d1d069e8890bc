"""The ledger of erasures: what was erased, so that a backup that still has it does not bring it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from broker.model.values import Instant, Json


class Erasures(Protocol):
    """Kept apart from the data and from its backups (ARCHITECTURE 6)."""

    def note(self, tenant: str, at: Instant, *names: str, keep: frozenset[str] = frozenset()) -> None:
        """Remember what is to be erased: ids of entities, or a person's pseudonym, for all that is about them.

        `keep`: but for entities of these types (IRIs).
        Durable on return. Raises OSError where that fails: nothing is erased.
        """


class Due(Protocol):
    """The erasures that something restored has not seen."""

    def covers(self, tenant: str, name: str) -> bool:
        """Whether this entity, or all that is about this person, was erased from this tenant."""

    def keeps(self, tenant: str, name: str) -> frozenset[str]:
        """The types of what is about this person that is not to be erased."""

    def __len__(self) -> int:
        """How many there are."""


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """What was erased: rows by snapshot id (`""`: the tenant itself) and table, entities, and of which only instances.

    `kept` are entities by id that stay by their type, with their types; `joint` those that are about others too.
    """

    id: str
    subject: str
    at: Instant
    gone: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    erased: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    joint: tuple[str, ...] = ()
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entity_maps: int = 0


Beside: TypeAlias = Callable[[str, str], Mapping[str, int]]
"""Erases what somebody beside the store keeps of an entity (tenant, id); rows by table. Durable on return.

Raises ServiceUnavailable where that is not possible now.
"""


class Unrecorded:
    """Where nothing is ever restored: data in memory is gone with its process."""

    def note(self, tenant: str, at: Instant, *names: str, keep: frozenset[str] = frozenset()) -> None:
        """Remember nothing."""


UNRECORDED = Unrecorded()
