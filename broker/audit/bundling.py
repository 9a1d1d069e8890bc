"""Disclosures bundled by day, as records of provision may be (APPI article 29, rules article 19) (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from broker.audit.days import Days
from broker.model.values import Instant, Json
from broker.ports.audit import Disclosure, Told

ENTRIES_MAX: Final = 100
"""Numbers of links that a bundle names."""


@dataclass(slots=True)
class _Bundle:
    first: Instant
    last: Instant = 0
    items: dict[str, set[str]] = field(default_factory=dict)
    records: set[str] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)
    times: int = 0
    values: int = 0
    oldest: list[Instant] = field(default_factory=list)
    newest: list[Instant] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)

    def add(self, number: int, at: Instant, operation: str, told: Told) -> None:
        self.last, self.times, self.values = at, self.times + 1, self.values + told.values
        self.operations.add(operation)
        self.records |= told.records
        for type_, names in told.items.items():
            self.items.setdefault(type_, set()).update(names)
        if told.first is not None:
            self.oldest = [min([told.first, *self.oldest])]
        if told.last is not None:
            self.newest = [max([told.last, *self.newest])]
        if len(self.entries) < ENTRIES_MAX:
            self.entries.append(number)


def bundled(rows: Iterable[tuple[int, Instant, Mapping[str, Json], Told]], days: Days) -> list[Disclosure]:
    """The bundles of (number, time, head, what was told), which come in their order; the newest first."""
    found: dict[tuple[str, ...], _Bundle] = {}
    for number, at, head, told in rows:
        said = cast("dict[str, Any]", head)
        purposes = "\n".join(said.get("purposes", ()))
        key = (said["kind"], days.of(at), told.subject, said.get("principal", ""), said.get("recipient", ""), purposes)
        bundle = found.get(key)
        if bundle is None:
            bundle = found[key] = _Bundle(at)
        bundle.add(number, at, said.get("operation", ""), told)
    made = [_disclosure(key, bundle) for key, bundle in found.items()]
    return sorted(made, key=lambda one: (one.day, one.last), reverse=True)


def _disclosure(key: tuple[str, ...], bundle: _Bundle) -> Disclosure:
    kind, day, subject, principal, recipient, purposes = key
    return Disclosure(
        kind=kind,
        day=day,
        subject=subject,
        principal=principal,
        recipient=recipient,
        purposes=frozenset(purposes.split("\n") if purposes else ()),
        items={type_: frozenset(names) for type_, names in bundle.items.items()},
        records=frozenset(bundle.records),
        operations=frozenset(bundle.operations - {""}),
        times=bundle.times,
        values=bundle.values,
        first=bundle.first,
        last=bundle.last,
        oldest=bundle.oldest[0] if bundle.oldest else None,
        newest=bundle.newest[0] if bundle.newest else None,
        entries=tuple(bundle.entries),
    )
