"""The temporal evolution of an entity: every instance its attributes had (clause 4.5.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from broker.model.entity import Instance
from broker.model.values import Instant, Json


class Period(NamedTuple):
    """One bucket of an aggregation: `[start, end)` and what the method makes of the values in it."""

    start: Instant
    end: Instant
    value: Json


@dataclass(frozen=True, slots=True)
class Evolution:
    """What there is of an entity's history, or the part of it that a query asked for.

    `attributes` holds instances by attribute IRI, each as in a stored document and with `instanceId`, `createdAt`,
    `modifiedAt` and, where it was deleted, `deletedAt` (texts); newest first where the query said lastN, else oldest
    first. `aggregated` holds periods by attribute and method (`avg`), and `kinds` the kind (`Property`) of those
    attributes, and of those of which a cut page shows nothing. `scopes` are those it has now; their history is under
    the name `scope` in `attributes`. `cut` names the attributes that have more instances than were asked for at once.
    """

    id: str
    types: tuple[str, ...]
    created_at: Instant
    modified_at: Instant
    deleted_at: Instant | None = None
    scopes: tuple[str, ...] = ()
    attributes: Mapping[str, Sequence[Instance]] = field(default_factory=dict)
    aggregated: Mapping[str, Mapping[str, Sequence[Period]]] = field(default_factory=dict)
    cut: frozenset[str] = frozenset()
    kinds: Mapping[str, str] = field(default_factory=dict)
