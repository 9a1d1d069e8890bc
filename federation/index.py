"""The registrations of a tenant as an index: those that can match a request are found without looking at the others.

`broker.query.sources.matched` says what matches; the index only leaves out what cannot (a test compares the two).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from broker.model.registration import EntityInfo, Registration
from broker.model.values import Instant
from broker.query.ast import And, HasType, Node, Or
from broker.query.pattern_set import pattern_set
from broker.query.sources import Specification, matched
from federation.messages import Match

REMEMBERED_MAX: Final = 4096
"""Requests whose matches are remembered; clients ask for the same again."""
STRANGERS_MAX: Final = 20_000
"""Entities of which it is remembered that no registration is about them: about 4 MB."""
_Rows = Mapping[str, list[int]]


@dataclass(slots=True)
class _Tables:
    """Row numbers, by what a registration says of its entities.

    `wide` are those with an EntityInfo without id and pattern, or with none at all, by the types of it; `any_type`
    beside a table are the rows for which it cannot be asked.
    """

    by_id: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_pattern: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    wide: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    wide_any_type: list[int] = field(default_factory=list)
    by_type: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    any_type: list[int] = field(default_factory=list)
    by_attribute: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    any_attribute: list[int] = field(default_factory=list)

    def put(self, row: int, registration: Registration) -> None:
        """Write a registration down."""
        for part in registration.information:
            for name in part.attributes:
                self.by_attribute[name].append(row)
            if not part.attributes:
                self.any_attribute.append(row)
            for info in part.entities or (EntityInfo(),):
                self._put_entity(row, info)

    def _put_entity(self, row: int, info: EntityInfo) -> None:
        for name in info.types:
            self.by_type[name].append(row)
        if not info.types:
            self.any_type.append(row)
        if info.id is not None:
            self.by_id[info.id].append(row)
        elif info.id_pattern is not None:
            self.by_pattern[info.id_pattern].append(row)
        elif info.types:
            for name in info.types:
                self.wide[name].append(row)
        else:
            self.wide_any_type.append(row)


class Index:
    """Registrations in their order, and which of them match; never changed once made."""

    def __init__(self, registrations: Sequence[Registration]) -> None:
        self._registrations = registrations
        self._supported = [one.supported for one in registrations]
        self._first_end = min((one.expires_at for one in registrations if one.expires_at is not None), default=None)
        self._tables = _Tables()
        for row, one in enumerate(registrations):
            self._tables.put(row, one)
        self._wide = sorted({*self._tables.wide_any_type, *_all_of(self._tables.wide)})
        self._pattern_rows = list(self._tables.by_pattern.values())
        self._found = pattern_set(list(self._tables.by_pattern)).found
        self._strangers: set[str] = set()
        self._remembered: dict[tuple[str | None, Specification], tuple[Match, ...]] = {}

    def matching(
        self, operation: str | None, wanted: Specification, via: frozenset[str], now: Instant
    ) -> Sequence[Match]:
        """The registrations that serve the operation (None: any) and match, in their order (clause 5.12).

        Those whose alias stands in `via` have been asked already, and those whose end has passed are none.
        """
        key = operation, wanted
        found = self._remembered.get(key)
        if found is None:
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            found = self._remembered[key] = tuple(self._find(operation, wanted))
        if found and (via or (self._first_end is not None and self._first_end <= now)):
            return [one for one in found if _may_be_asked(one.registration, via, now)]
        return found

    def may_match(self, entity_id: str) -> bool:
        """Whether any registration can match a request about this one entity: for most that are here, none does."""
        if self._wide:
            return True
        if entity_id in self._strangers:
            return False
        if self._named((entity_id,)):
            return True
        if len(self._strangers) >= STRANGERS_MAX:
            self._strangers.clear()
        self._strangers.add(entity_id)
        return False

    def _find(self, operation: str | None, wanted: Specification) -> Iterable[Match]:
        for row in self._candidates(wanted):
            if operation is None or operation in self._supported[row]:
                one = self._registrations[row]
                parts = matched(one, wanted)
                if parts:
                    yield Match(one, parts)

    def _candidates(self, wanted: Specification) -> Sequence[int]:
        """Rows in their order, each once, at least those that match."""
        tables = self._tables
        types = None if wanted.types is None else _types_in(wanted.types)
        if wanted.ids and wanted.id_pattern is None:
            named = self._named(wanted.ids)
            wide = self._wide if types is None else _rows_of(tables.wide, types, tables.wide_any_type)
            return sorted({*named, *wide}) if named else wide
        if types is not None:
            return _rows_of(tables.by_type, types, tables.any_type)
        if wanted.attributes:
            return _rows_of(tables.by_attribute, wanted.attributes, tables.any_attribute)
        return range(len(self._registrations))

    def _named(self, ids: tuple[str, ...]) -> set[int]:
        """The rows that name one of the entities, or have a pattern for one."""
        found: set[int] = set()
        by_id = self._tables.by_id
        for one in ids:
            if one in by_id:
                found.update(by_id[one])
            for at in self._found(one):
                found.update(self._pattern_rows[at])
        return found


def _rows_of(table: _Rows, names: Iterable[str], beside: Iterable[int]) -> list[int]:
    found = set(beside)
    for name in names:
        found.update(table.get(name, ()))
    return sorted(found)


def _all_of(table: _Rows) -> Iterable[int]:
    for rows in table.values():
        yield from rows


def _types_in(wanted: Node | None) -> frozenset[str] | None:
    """Types of which an entity has one if it satisfies the selection; None where there is no saying."""
    match wanted:
        case HasType(name):
            return frozenset((name,))
        case And(terms) | Or(terms) if terms:
            parts = [_types_in(term) for term in terms]
            return None if None in parts else frozenset().union(*(part for part in parts if part is not None))
        case _:
            return None


def _may_be_asked(registration: Registration, via: frozenset[str], now: Instant) -> bool:
    if registration.alias is not None and registration.alias in via:
        return False
    return registration.expires_at is None or registration.expires_at > now
