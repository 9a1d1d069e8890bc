"""Writes of history itself: the steps of one command, in a job of the writer (clauses 5.6.11 to 5.6.16)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, assert_never

import orjson

from broker.model.values import Instant
from broker.ports.evolution import (
    AddInstances,
    AddTypes,
    Begin,
    DropAll,
    DropAttribute,
    DropInstance,
    EndAttribute,
    EvolutionStep,
    ReplaceInstance,
)
from broker.stores.past import SCOPE, Past, copied, corrected, ended, given, scope_past, times
from broker.stores.recall import union
from broker.stores.refusals import no_attribute, no_instance
from broker.stores.sqlite.history_rows import KEEP, HistoryRows, Kept
from broker.stores.sqlite.instances import COLUMNS, CURRENT, DROPPED, Key, parse_id
from broker.stores.sqlite.known import Known
from broker.stores.sqlite.reading import Forms, past_of

_OF_PATH: Final = f"SELECT {COLUMNS} FROM instance WHERE entity = ? AND path = ?"  # noqa: S608 - constants of ours
_DROP_PATH: Final = f"DELETE FROM instance WHERE entity = ? AND path = ? AND observed <> {DROPPED}"  # noqa: S608
_DROP_DATASET: Final = f"{_DROP_PATH} AND dataset = ?"
_DROP_ALL: Final = "DELETE FROM instance WHERE entity = ?"
_DROP_TIME: Final = """DELETE FROM instance
    WHERE entity = ? AND path = ? AND time = ? AND observed = 1 AND dataset = ?"""
_DROP_TIMES: Final = """DELETE FROM instance WHERE entity = ?1 AND path = ?2 AND observed = 1
    AND time IN (SELECT value->>0 FROM json_each(?3)) AND (time, dataset) IN (
        SELECT value->>0, value->>1 FROM json_each(?3))"""
_DROP_KEY: Final = """DELETE FROM instance
    WHERE entity = ? AND path = ? AND time = ? AND number = ? AND dataset = ?"""
_BY_NUMBER: Final = f"{_OF_PATH} AND number = ? AND dataset = ? AND observed <> {DROPPED}"
_FIRST_FREE: Final = "SELECT min(0, ifnull(min(number), 0)) - 1 FROM history"
_TOUCH: Final = "UPDATE history SET modified_at = ? WHERE number = ?"


class Steps:
    """The steps of one command, on the history of one entity; `known` is None where there is nothing of it."""

    def __init__(self, rows: HistoryRows, iri: str, known: Known | None, now: Instant) -> None:
        self._rows, self._db, self._now, self._iri = rows, rows.db, now, iri
        self._known = known
        self._new = known is None
        if known is None:
            number = int(self._db.execute(_FIRST_FREE).get)
            known = Known(iri, number, (), (), now, now, None, dropped=False, kept=False, entity=None)
        self._of = known
        self._changed = not known.kept
        self._gone = False

    def take(self, steps: Iterable[EvolutionStep]) -> None:
        """Take them all, and keep the head. Raises ResourceNotFound; what is written then is rolled back."""
        for step in steps:
            self._take(step)
        self._rows.flush()
        of = self._of
        if self._gone:
            self._db.execute("DELETE FROM history WHERE number = ?", (of.number,))
        elif self._changed:
            kept = Kept(of.number, of.created_at)
            kept.types, kept.scopes = of.types, of.scopes
            kept.deleted_at, kept.dropped = of.deleted_at, of.dropped
            self._db.execute(KEEP, (orjson.dumps([kept.row(self._iri, self._now)]).decode(),))
        else:
            self._db.execute(_TOUCH, (self._now, of.number))

    def _take(self, step: EvolutionStep) -> None:
        match step:
            case Begin(types, scopes) | AddTypes(types, scopes):
                self._begin(types, scopes)
                if isinstance(step, Begin) and step.created_at is not None:
                    of, self._changed = self._of, True
                    of.created_at, of.deleted_at = step.created_at, step.deleted_at
            case AddInstances():
                self._add(step)
            case DropAttribute():
                self._drop(step)
            case EndAttribute():
                self._end(step)
            case ReplaceInstance() | DropInstance():
                self._replace(step)
            case DropAll():
                self._drop_all()
            case _:
                assert_never(step)

    def _begin(self, types: Sequence[str], scopes: Sequence[str]) -> None:
        of = self._of
        both = union(of.types, types), union(of.scopes, scopes)
        if of.dropped:
            of.created_at, of.dropped, self._changed = self._now, False, True
        if both != (of.types, of.scopes):
            (of.types, of.scopes), self._changed = both, True

    def _add(self, step: AddInstances) -> None:
        """Instances, in place of those of the same dataset and time."""
        entity, path = self._of.number, self._path(step.name)
        if step.name == SCOPE and self._of.entity is not None:
            self._rows.begin_scope(entity, self._of.entity, self._now)
        if step.copied:
            self._copy(step, path)
            return
        found: dict[Any, tuple[Key, Past]] = {}
        for instance in step.instances:
            past = given(instance, self._rows.number(self._now), self._now)
            key = self._rows.instances.key(entity, path, past)
            seen = past.number if past.observed_at is None else (key.time, key.dataset)
            found.pop(seen, None)
            found[seen] = (key, past)
        observed = [(key.time, key.dataset) for key, past in found.values() if past.observed_at is not None]
        if observed and not self._new:
            self._make_way(step.name, path, observed)
        for _, past in found.values():
            self._rows.add(entity, step.name, past)

    def _copy(self, step: AddInstances, path: int) -> None:
        """Instances of another history, but for those that are there."""
        self._rows.flush()
        there = {times(past) for _, past in self._all(step.name, path)}
        for instance in step.instances:
            past = copied(instance, self._rows.number(self._now), self._now)
            if times(past) not in there:
                self._rows.add(self._of.number, step.name, past)

    def _make_way(self, name: str, path: int, observed: list[tuple[Instant, int]]) -> None:
        self._rows.flush()
        if len(observed) == 1:
            self._db.execute(_DROP_TIME, (self._of.number, path, *observed[0]))
        else:
            self._db.execute(_DROP_TIMES, (self._of.number, path, orjson.dumps(observed).decode()))
        for key, past in self._current(name, path):
            if past.observed_at is not None and (key.time, key.dataset) in observed:
                self._rows.drop(key)

    def _drop(self, step: DropAttribute) -> None:
        path, concerned = self._path(step.name), self._concerned(step)
        self._rows.flush()
        only = step.only
        if only is not None:
            keys = [key for key, past in self._all(step.name, path) if concerned(key) and only(past.body)]
            for key in keys:
                self._forget(key)
            gone = len(keys)
        else:
            gone = len([key for key, _ in self._current(step.name, path) if concerned(key)])
            sql, values = _DROP_PATH, [self._of.number, path]
            if not step.everything:
                sql, values = _DROP_DATASET, [*values, self._dataset(step.dataset_id)]
            self._db.execute(sql, values)
            gone += self._db.changes()
            self._drop_current(step.name, path, concerned)
        if not gone:
            raise no_attribute(step.name)
        self._seal(step.name)

    def _seal(self, name: str) -> None:
        """Where nothing is left in history about the scope: not that which the entity has, either."""
        entity = self._of.entity
        if name == SCOPE and entity is not None and not self._rows.any(self._of.number, SCOPE):
            self._drop_current(SCOPE, self._path(SCOPE), lambda _: True)

    def _drop_current(self, name: str, path: int, concerned: Callable[[Key], bool]) -> None:
        """Say of what the entity has now that history has it no more."""
        if not self._new:
            for past in self._of.current(name):
                key = self._rows.instances.key(self._of.number, path, past)
                if concerned(key) and not self._rows.there(key):
                    self._rows.drop(key)

    def _end(self, step: EndAttribute) -> None:
        path, concerned = self._path(step.name), self._concerned(step)
        self._rows.flush()
        held = self._all(step.name, path)
        if step.name == SCOPE and (held or self._of.scopes):
            self._of.scopes, self._changed = (), True
            self._rows.add(self._of.number, SCOPE, scope_past(None, self._rows.number(self._now), self._now))
            return
        last: dict[int, Past] = {}
        for key, past in held:
            if concerned(key) and (key.dataset not in last or last[key.dataset].number < past.number):
                last[key.dataset] = past
        live = [past for past in last.values() if past.deleted_at is None and (not step.only or step.only(past.body))]
        if not live:
            raise no_attribute(step.name)
        for past in live:
            number = self._rows.number(self._now)
            self._rows.add(self._of.number, step.name, ended(past.body, number, past.created_at, self._now))

    def _replace(self, step: ReplaceInstance | DropInstance) -> None:
        path = self._path(step.name)
        self._rows.flush()
        key, past = self._find(step, path)
        if isinstance(step, DropInstance):
            if step.guard is not None:
                step.guard(past.body)
            self._forget(key)
            self._seal(step.name)
            return
        new = corrected(past, step, self._now)
        self._forget(key)
        place = key._replace(time=new.time, dataset=self._rows.instances.dataset(new))
        if self._rows.there(place):
            self._db.execute(_DROP_KEY, place)
        self._rows.put(place, new)

    def _find(self, step: ReplaceInstance | DropInstance, path: int) -> tuple[Key, Past]:
        parsed = parse_id(step.instance_id)
        held: list[tuple[Key, Past]] = []
        if parsed is not None and parsed[0] == self._of.number and parsed[1] in (0, path):
            held = [one for one in self._current(step.name, path) if one[0][3:] == parsed[2:]]
            held += self._read(_BY_NUMBER, path, *parsed[2:])
        if held:
            return held[0]
        raise no_instance(step.name, step.instance_id) if self._all(step.name, path) else no_attribute(step.name)

    def _forget(self, key: Key) -> None:
        """An instance goes; one that its entity still has leaves a row that says so."""
        self._db.execute(_DROP_KEY, key)
        if key.number & CURRENT == CURRENT:
            self._rows.drop(key)

    def _drop_all(self) -> None:
        self._rows.flush()
        of = self._of
        self._db.execute(_DROP_ALL, (of.number,))
        of.types, of.scopes, of.dropped, self._changed = (), (), True, True
        self._gone = of.entity is None
        if of.entity is not None:
            for name in (*(name for name, _ in of.entity.attributes()), SCOPE):
                self._drop_current(name, self._path(name), lambda _: True)

    def _all(self, name: str, path: int) -> list[tuple[Key, Past]]:
        """Every instance that history has of an attribute."""
        current = self._current(name, path)
        return self._read(f"{_OF_PATH} AND observed <> {DROPPED}", path) + current

    def _current(self, name: str, path: int) -> list[tuple[Key, Past]]:
        """Those that the entity has now, as far as no row says otherwise."""
        if self._new or self._of.entity is None:
            return []
        if name == SCOPE:
            self._rows.begin_scope(self._of.number, self._of.entity, self._now)
            self._rows.flush()
            return []
        keyed = [(self._rows.instances.key(self._of.number, path, past), past) for past in self._of.current(name)]
        return [(key, past) for key, past in keyed if not self._rows.there(key)]

    def _read(self, sql: str, path: int, *more: int) -> list[tuple[Key, Past]]:
        forms = Forms()
        rows: list[tuple[Any, ...]] = self._db.execute(sql, (self._of.number, path, *more)).fetchall()
        found = [(row, past_of(self._db, row, forms)) for row in rows]
        return [(Key(self._of.number, path, row[0], row[1], row[2]), past) for row, past in found]

    def _concerned(self, step: DropAttribute | EndAttribute) -> Callable[[Key], bool]:
        if step.everything:
            return lambda _: True
        dataset = self._dataset(step.dataset_id)
        return lambda key: key.dataset == dataset

    def _dataset(self, dataset_id: str | None) -> int:
        return 0 if dataset_id is None else self._rows.instances.names[dataset_id]

    def _path(self, name: str) -> int:
        return self._rows.instances.names[name]
