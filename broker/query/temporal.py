"""The temporal part of a query: which instances, of which attributes, by which of their times (clause 4.11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from broker.model.values import Instant

TIME_PROPERTIES = ("observedAt", "createdAt", "modifiedAt", "deletedAt")


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Methods (clause 4.5.19) and the length of a period; None: one period over everything.

    A period is whole months and microseconds apart: `P1M` is (1, 0), `PT1H` is (0, 3_600_000_000).
    """

    methods: tuple[str, ...]
    months: int = 0
    micros: int = 0


@dataclass(frozen=True, slots=True)
class TemporalQuery:
    """What a temporal consumer asks of each attribute.

    `before`: time < at; `after`: time >= at; `between`: at <= time < end; an instance without the timeproperty is in
    none of them. None: all instances, and one that was never observed counts by its modifiedAt; but by deletedAt only
    those that have it. `names` are attribute IRIs and `scope` (empty: all), `dataset_ids` likewise ("@none": the
    default instance). `instances_max` is how many of an attribute one answer may hold; those of one instant are not
    torn apart. Without `sys_attrs` instances come without createdAt and modifiedAt, but for the timeproperty. `by_id`
    orders evolutions by their ids, not in creation order.
    """

    timerel: Literal["before", "after", "between"] | None = None
    at: Instant = 0
    end: Instant = 0
    timeproperty: str = "observedAt"
    last_n: int | None = None
    names: frozenset[str] = frozenset()
    dataset_ids: tuple[str, ...] = ()
    aggregation: Aggregation | None = None
    instances_max: int = 1_000
    sys_attrs: bool = True
    by_id: Literal["ascending", "descending"] | None = None
