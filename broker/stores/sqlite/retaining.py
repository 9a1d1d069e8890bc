"""Retention in this engine: entities with old instances are found by reads, and each is a job of the writer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import apsw
import orjson

from broker.model.values import Instant
from broker.ports.evolution import Retention
from broker.query.ast import EVERYTHING
from broker.stores.past import SCOPE
from broker.stores.sqlite.candidates import candidates
from broker.stores.sqlite.history_rows import HistoryRows
from broker.stores.sqlite.instances import COLUMNS, DROPPED, Key
from broker.stores.sqlite.known import Known, find
from broker.stores.sqlite.names import ReadNames
from broker.stores.sqlite.reading import PATHS, Forms, past_of
from broker.stores.thinning import Thinned, cutoff, rule_for, thin

_OLD: Final = f"SELECT {COLUMNS} FROM instance WHERE entity = ? AND path = ? AND time < ? AND observed <> {DROPPED}"  # noqa: S608
_IS_OLD: Final = f"SELECT 1 FROM instance WHERE entity = ? AND path = ? AND time < ? AND observed <> {DROPPED} LIMIT 1"  # noqa: S608
_DELETE: Final = """DELETE FROM instance WHERE entity = ?1 AND path = ?2 AND (time, number, dataset) IN (
    SELECT value->>0, value->>1, value->>2 FROM json_each(?3))"""
_LEFT: Final = "SELECT 1 FROM instance WHERE entity = ? LIMIT 1"


def due(db: apsw.Connection, names: ReadNames, rules: Sequence[Retention], now: Instant) -> Iterator[str]:
    """Ids of entities that have old instances."""
    for known in candidates(db, names, EVERYTHING, None):
        before = _before(known, rules, now)
        if before is not None and any(
            db.execute(_IS_OLD, (known.number, path, before)).get for _, path in _paths(db, known.number)
        ):
            yield known.iri


def retain(rows: HistoryRows, iri: str, rules: Sequence[Retention], now: Instant) -> int:
    """Apply the rule for one entity, inside the transaction; how many instances went."""
    known = find(rows.db, iri)
    before = None if known is None else _before(known, rules, now)
    rule = None if known is None else rule_for(known.story().types, rules)
    if known is None or rule is None or before is None:
        return 0
    gone = 0
    for name, path in _paths(rows.db, known.number):
        held = _old(rows, known, (name, path), before)
        done = thin([past for _, past in held], rule)
        gone += len(done.gone) - len(done.put)
        _apply(rows, (known.number, path), held, done)
    if known.entity is None and known.deleted_at is not None and rows.db.execute(_LEFT, (known.number,)).get is None:
        rows.db.execute("DELETE FROM history WHERE number = ?", (known.number,))
    return gone


def _before(known: Known, rules: Sequence[Retention], now: Instant) -> Instant | None:
    rule = rule_for(known.story().types, rules)
    return None if rule is None else cutoff(rule, now)


def _paths(db: apsw.Connection, entity: int) -> list[tuple[str, int]]:
    found: list[tuple[Any, ...]] = db.execute(PATHS, (entity,)).fetchall()
    return [(str(name), int(path)) for name, path in found if name != SCOPE]


def _old(rows: HistoryRows, known: Known, attribute: tuple[str, int], before: Instant) -> list[tuple[Key, Any]]:
    """The old instances; those that are corrections of what the entity still has are not among them."""
    name, path = attribute
    forms = Forms()
    current = {rows.instances.key(known.number, path, past) for past in known.current(name)}
    found: list[tuple[Any, ...]] = rows.db.execute(_OLD, (known.number, path, before)).fetchall()
    keyed = [(Key(known.number, path, row[0], row[1], row[2]), past_of(rows.db, row, forms)) for row in found]
    return [(key, past) for key, past in keyed if key not in current]


def _apply(rows: HistoryRows, place: tuple[int, int], held: Sequence[tuple[Key, Any]], done: Thinned) -> None:
    gone = {id(past) for past in done.gone}
    keys = [key[2:] for key, past in held if id(past) in gone]
    if keys:
        rows.db.execute(_DELETE, (*place, orjson.dumps(keys).decode()))
    for past in done.put:
        rows.put(rows.instances.key(*place, past), past)
