"""The port Audit, kept in a list: what was told of whom, bundled by day as the port says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future

from broker.keeping import NotKept
from broker.model.values import Instant
from broker.ports.audit import Disclosure, Entry, Told
from services.bank.moments import city_day


class Recorded:
    """`every` entry in order, its number is its place from 1; `entries` are those that tell of persons."""

    def __init__(self) -> None:
        self.every: list[Entry] = []
        self.fails = False

    @property
    def entries(self) -> list[Entry]:
        """Those that tell of persons."""
        return [one for one in self.every if one.told]

    def record(self, entry: Entry) -> Future[int]:
        """Kept at once; where it `fails`, nothing is."""
        done: Future[int] = Future()
        if self.fails:
            done.set_exception(NotKept("the disk is full"))
            return done
        self.every.append(entry)
        done.set_result(len(self.every))
        return done

    def disclosures(self, tenant: str, subject: str = "", since: Instant = 0) -> Sequence[Disclosure]:
        """One for each day, person, recipient and set of purposes, newest first."""
        bundles: dict[tuple[str, ...], list[tuple[int, Entry, Told]]] = {}
        for number, entry in enumerate(self.every, 1):
            if entry.tenant == tenant and entry.at >= since:
                for told in entry.told:
                    if subject in ("", told.subject):
                        key = (city_day(entry.at), told.subject, entry.recipient, *sorted(entry.purposes))
                        bundles.setdefault(key, []).append((number, entry, told))
        return sorted(map(_bundled, bundles.values()), key=lambda one: -one.last)

    def erase(self, tenant: str, subject: str, why: str) -> int:
        """Nothing more is said of the person."""
        before = len(self.every)
        self.every = [
            one for one in self.every if one.tenant != tenant or all(told.subject != subject for told in one.told)
        ]
        return before - len(self.every) if why else 0


def _bundled(rows: list[tuple[int, Entry, Told]]) -> Disclosure:
    _, entry, told = rows[0]
    return Disclosure(
        entry.kind, city_day(entry.at), told.subject, entry.principal, entry.recipient, entry.purposes,
        _items(one.items.items() for _, _, one in rows), frozenset().union(*(one.records for _, _, one in rows)),
        frozenset(one.operation for _, one, _ in rows), len(rows), sum(one.values for _, _, one in rows),
        min(one.at for _, one, _ in rows), max(one.at for _, one, _ in rows),
        entries=tuple(number for number, _, _ in rows),
    )  # fmt: skip


def _items(rows: Iterable[Iterable[tuple[str, frozenset[str]]]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        for type_, names in row:
            found[type_] = found.get(type_, frozenset()) | names
    return found
