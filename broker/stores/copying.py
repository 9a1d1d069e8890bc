"""Everything of one store into another: what is there already stays, what differs is written anew, what is gone goes.

So a copy that was cut off, at whatever moment, goes on when it is begun again, and one that is begun again while the
source is written to takes up what came since. Nothing is kept in memory but one batch, and the keys of one page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, TypeAlias

from broker.model.values import Json
from broker.ports.places import snapshot_of
from broker.stores.moving import (
    COPY_ID,
    COPY_KIND,
    DOCUMENTS,
    PARTS,
    Key,
    Row,
    Source,
    Target,
    Vanished,
    digest,
    digest_of,
)

ITEMS: Final = 100
ROWS: Final = 500
SHOWN: Final = 20
_SUM: Final = 1 << 128

Told: TypeAlias = Callable[[str, int, int], None]
"""Gets what is copied, how many records are done, and how many there are in all (0: not known)."""


@dataclass(slots=True)
class Tally:
    """What became of the records of one tenant (None: the hub): how many were looked at, written and taken away."""

    tenant: str | None
    seen: int = 0
    written: int = 0
    gone: int = 0


@dataclass(slots=True)
class Verdict:
    """One of two stores side by side: records, instances and their digest.

    That of the source names the ids (`items`) and keys (`rows`) that are not the same in both.
    """

    tenant: str | None
    records: int = 0
    instances: int = 0
    digest: int = 0
    items: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)

    @property
    def differ(self) -> list[str]:
        """Everything that is not the same in both, as the source has it."""
        return self.items + self.rows

    def add(self, number: int, instances: int = 0) -> None:
        """One record."""
        self.records += 1
        self.instances += instances
        self.digest = (self.digest + number) % _SUM


class NoTarget(Exception):
    """A store that cannot take a copy: it holds something else."""


def begin(target: Target, source_name: str) -> None:
    """Make sure that the target is empty or a copy of the same store, and say that a copy is under way there.

    Raises NoTarget.
    """
    found = target.copy_of()
    if found is None:
        empty = target.tenants() == [""] and not any(target.counts("").values())
        if not empty or next(target.rows(None, DOCUMENTS), None) is not None:
            raise NoTarget("it holds data that came from no copy, or a broker has worked in it since")
    elif found["from"] != source_name:
        raise NoTarget(f"it holds a copy of {found['from']}")
    _say(target, source_name, whole=False)


def end(target: Target, source_name: str) -> None:
    """Say that all of it is there."""
    _say(target, source_name, whole=True)


def _say(target: Target, source_name: str, *, whole: bool) -> None:
    body: dict[str, Json] = {"from": source_name, "whole": whole}
    target.put_rows(None, DOCUMENTS, [Row((COPY_KIND, COPY_ID), [body, 0, 0])])


def copy_all(source: Source, target: Target, told: Told, *, quick: bool = False) -> list[Tally]:
    """Bring the target to where the source is; what changes there meanwhile may be in it or not.

    `quick`: rows of the change log that are there already are not looked at again, unless something was erased.
    """
    there = set(source.tenants())
    for place in target.tenants():
        if place not in there and snapshot_of(place) is not None:
            target.unmake(place)
    tallies = [Tally(None)]
    _copy_rows(source, target, tallies[0], DOCUMENTS)
    for tenant in source.tenants():
        tally = Tally(tenant)
        try:
            _copy_tenant(source, target, tally, told, quick=quick)
        except Vanished:
            target.unmake(tenant)
        else:
            tallies.append(tally)
    return tallies


def compare_all(source: Source, target: Target, told: Told) -> list[tuple[Verdict, Verdict]]:
    """Read both from end to end: of each tenant (None: the hub) what the source has, and what the target."""
    found = [_compare_rows(source, target, None, (DOCUMENTS,))]
    for tenant in dict.fromkeys([*source.tenants(), *target.tenants()]):
        one = Verdict(tenant), Verdict(tenant)
        try:
            _compare_items(source, target, one, told)
            _compare_rows(source, target, tenant, PARTS, one)
        except Vanished:
            one[0].rows.append("the tenant")
        found.append(one)
    return found


def mend(source: Source, target: Target, verdicts: Sequence[tuple[Verdict, Verdict]]) -> None:
    """Copy the ids that were found to differ whatever their marks say; rows are compared by every copy."""
    for verdict, _ in verdicts:
        tenant = verdict.tenant or ""
        for chunk in _chunks(verdict.items, ITEMS):
            there = source.marks_of(tenant, chunk)
            target.drop(tenant, [iri for iri in chunk if iri not in there])
            _put(source, target, tenant, chunk)


def _put(source: Source, target: Target, tenant: str, iris: Sequence[str]) -> int:
    with source.moment(tenant):
        items = source.items(tenant, iris)
        target.put(tenant, [(item, source.spans(tenant, item)) for item in items])
    return len(items)


def _copy_tenant(source: Source, target: Target, tally: Tally, told: Told, *, quick: bool) -> None:
    tenant = tally.tenant or ""
    total = sum(source.counts(tenant).values())
    target.make(tenant)
    _drop_gone(source, target, tally)
    for batch in source.marks(tenant):
        there = target.marks_put(tenant, [iri for iri, _ in batch])
        stale = [iri for iri, mark in batch if there.get(iri) != mark]
        if snapshot_of(tenant) is not None:  # what fills one leaves versions as they are
            stale += _differing(source, target, tenant, [iri for iri, mark in batch if there.get(iri) == mark])
        for chunk in _chunks(stale, ITEMS):
            tally.written += _put(source, target, tenant, chunk)
        tally.seen += len(batch)
        told(tenant, tally.seen, total)
    for part in PARTS:
        if part == "log" and quick and not tally.gone:
            _copy_new(source, target, tally)
        else:
            _copy_rows(source, target, tally, part)
        told(tenant, tally.seen, total)
    target.finish(tenant, source.trimmed(tenant))


def _drop_gone(source: Source, target: Target, tally: Tally) -> None:
    tenant = tally.tenant or ""
    for iris in target.ids(tenant):
        there = source.marks_of(tenant, iris)
        gone = [iri for iri in iris if iri not in there]
        if gone:
            target.drop(tenant, gone)
            tally.gone += len(gone)


def _differing(source: Source, target: Target, tenant: str, iris: Sequence[str]) -> list[str]:
    """Those of the ids that are not the same in both."""
    one, other = (_digests(store, tenant, iris) for store in (source, target))
    return [iri for iri in iris if one.get(iri) != other.get(iri)]


def _digests(store: Source, tenant: str, iris: Sequence[str]) -> dict[str, tuple[int, int]]:
    with store.moment(tenant):
        return {item.iri: digest_of(item, store.spans(tenant, item)) for item in store.items(tenant, iris)}


def _copy_new(source: Source, target: Target, tally: Tally) -> None:
    """Rows that were added to the log."""
    tenant = tally.tenant or ""
    found = source.logged(tenant, target.newest(tenant))
    while rows := list(islice(found, ROWS)):
        target.put_rows(tenant, "log", rows)
        tally.seen, tally.written = tally.seen + len(rows), tally.written + len(rows)


def _copy_rows(source: Source, target: Target, tally: Tally, part: str) -> None:
    put: list[Row] = []
    drop: list[Key] = []
    for ours, theirs in _side_by_side(source.rows(tally.tenant, part), target.rows(tally.tenant, part)):
        tally.seen += ours is not None
        if ours is None:
            assert theirs is not None
            drop.append(theirs.key)
        elif theirs is None or digest(ours.body) != digest(theirs.body):
            put.append(ours)
        if len(put) >= ROWS:
            target.put_rows(tally.tenant, part, put)
            tally.written, put = tally.written + len(put), []
        if len(drop) >= ROWS:
            target.drop_rows(tally.tenant, part, drop)
            tally.gone, drop = tally.gone + len(drop), []
    if drop:
        target.drop_rows(tally.tenant, part, drop)
    if put:
        target.put_rows(tally.tenant, part, put)
    tally.written, tally.gone = tally.written + len(put), tally.gone + len(drop)


def _compare_items(source: Source, target: Target, found: tuple[Verdict, Verdict], told: Told) -> None:
    tenant = found[0].tenant or ""
    total = sum(source.counts(tenant).values())
    for batch in source.marks(tenant):
        for chunk in _chunks([iri for iri, _ in batch], ITEMS):
            one, other = (_digests(store, tenant, chunk) for store in (source, target))
            for verdict, digests in zip(found, (one, other), strict=True):
                for number, instances in digests.values():
                    verdict.add(number, instances)
            found[0].items += [iri for iri in chunk if one.get(iri) != other.get(iri)]
        told(tenant, found[0].records, total)
    for iris in target.ids(tenant):
        there = source.marks_of(tenant, iris)
        for chunk in _chunks([iri for iri in iris if iri not in there], ITEMS):
            for number, instances in _digests(target, tenant, chunk).values():
                found[1].add(number, instances)
            found[0].items += chunk


def _compare_rows(
    source: Source,
    target: Target,
    tenant: str | None,
    parts: Sequence[str],
    found: tuple[Verdict, Verdict] | None = None,
) -> tuple[Verdict, Verdict]:
    found = found or (Verdict(tenant), Verdict(tenant))
    for part in parts:
        for rows in _side_by_side(source.rows(tenant, part), target.rows(tenant, part)):
            numbers = [None if row is None else digest(part, row.key, row.body) for row in rows]
            for verdict, number in zip(found, numbers, strict=True):
                if number is not None:
                    verdict.add(number)
            if numbers[0] != numbers[1]:
                found[0].rows.append(f"{part} {next(row.key for row in rows if row is not None)}")
    return found


def _side_by_side(ones: Iterator[Row], others: Iterator[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows of both by their keys, None where one lacks it."""
    one, other = next(ones, None), next(others, None)
    while one is not None or other is not None:
        if other is None or (one is not None and _before(one.key, other.key)):
            yield one, None
            one = next(ones, None)
        elif one is None or _before(other.key, one.key):
            yield None, other
            other = next(others, None)
        else:
            yield one, other
            one, other = next(ones, None), next(others, None)


def _before(one: Any, other: Any) -> bool:  # noqa: ANN401 - keys of one part are of one kind
    return bool(one < other)


def _chunks(iris: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (iris[start : start + size] for start in range(0, len(iris), size))
