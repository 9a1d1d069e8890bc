"""Reads of history: the instances of one entity's attributes that a query may ask for.

Observed times are in the order of the table; by another time all rows of the attribute are looked at.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, cast

import apsw
import orjson

from broker.query.temporal import TemporalQuery
from broker.stores.past import SCOPE, Past
from broker.stores.periods import Timed
from broker.stores.recall import counted_at, span_of, timed
from broker.stores.sqlite.instances import (
    COLUMNS,
    DROPPED,
    FORMS_MAX,
    ORDINAL_BITS,
    FormKey,
    id_head,
    read_form,
    to_past,
)
from broker.stores.sqlite.known import Known
from broker.stores.sqlite.names import ReadNames

MODIFIED: Final = f"ifnull(modified_at, number >> {ORDINAL_BITS})"
CREATED: Final = f"ifnull(created_at, {MODIFIED})"
TIMES: Final = {"createdAt": CREATED, "modifiedAt": MODIFIED, "deletedAt": "deleted_at", "observedAt": "time"}
_NO_NAME: Final = 0
_WHOLE: Final = -1  # no limit, and all datasets
_MANY: Final = 2**31
_FORM_OF: Final = "SELECT text FROM name WHERE number = ?"
PATHS: Final = """WITH RECURSIVE walk (path) AS (
        SELECT min(path) FROM instance WHERE entity = ?1
        UNION ALL SELECT (SELECT min(path) FROM instance WHERE entity = ?1 AND path > walk.path)
        FROM walk WHERE walk.path IS NOT NULL)
    SELECT text, path FROM walk JOIN name ON number = path"""
_THERE: Final = """SELECT 1 FROM instance
    WHERE entity = ? AND path = ? AND time = ? AND number = ? AND dataset = ?"""
_LAST: Final = f"""SELECT {COLUMNS} FROM instance WHERE entity = ? AND path = ? AND observed <> {DROPPED}
    AND deleted_at IS NULL ORDER BY time DESC, number DESC LIMIT 1"""  # noqa: S608 - constants of ours
_ANY: Final = "SELECT 1 FROM instance WHERE entity = ? AND path = ? LIMIT 1"


class Forms(dict[int, FormKey]):
    """Forms by their number, as far as they were seen."""


def past_of(db: apsw.Connection, row: tuple[Any, ...], forms: Forms) -> Past:
    """The instance of a row of COLUMNS."""
    form = row[7]
    if form is not None and form not in forms:
        if len(forms) >= FORMS_MAX:
            forms.clear()
        forms[form] = read_form(str(db.execute(_FORM_OF, (form,)).get))
    return to_past(row, forms)


class Reading:
    """One query on one tenant's file, inside a read transaction."""

    def __init__(self, db: apsw.Connection, names: ReadNames, forms: Forms, query: TemporalQuery) -> None:
        self.db, self._names, self._forms, self.query = db, names, forms, query
        self.datasets: str | None = None
        self._heads: dict[tuple[int, str], str] = {}
        if query.dataset_ids:
            numbers = [self._dataset(one) for one in query.dataset_ids]
            self.datasets = orjson.dumps(numbers).decode()

    def asking(self, query: TemporalQuery) -> Reading:
        """The same file, asked another query."""
        return Reading(self.db, self._names, self._forms, query)

    def names_of(self, known: Known) -> list[str]:
        """The attributes of which there may be instances, the scope too."""
        found = [str(row[0]) for row in self.db.execute(PATHS, (known.number,)).fetchall()]
        entity = known.entity
        if entity is not None:
            found += [name for name in entity.document if name not in ("id", "type")]
        return list(dict.fromkeys(found))

    def pasts(self, known: Known, name: str, *, whole: bool = False) -> list[Past]:
        """The instances of an attribute that the answer can hold.

        `whole`: all within the time of the query, those of other datasets too.
        """
        path = self.path(name)
        current = self.current(known, name, path)
        if path is None:
            return current
        return self._rows(known.number, path, whole=whole or name == SCOPE) + current

    def timed(self, known: Known, name: str) -> list[Timed]:
        """All instances of an attribute within the query, of its datasets, oldest first."""
        return timed(self._of_datasets(self.pasts(known, name, whole=True)), self.query)

    def current_timed(self, known: Known, name: str) -> list[Timed]:
        """Those of them that the entity has now."""
        return timed(self._of_datasets(self.current(known, name, self.path(name))), self.query)

    def path(self, name: str) -> int | None:
        """The number of an attribute; None where no row has it."""
        return self._names.find(self.db, name)

    def _of_datasets(self, pasts: list[Past]) -> list[Past]:
        asked = self.query.dataset_ids
        return [past for past in pasts if not asked or (past.dataset or "@none") in asked]

    def every(self, known: Known, name: str) -> list[Past]:
        """All instances of an attribute, of whatever time and dataset."""
        path = self.path(name)
        current = self.current(known, name, path)
        if path is None:
            return current
        sql = f"SELECT {COLUMNS} FROM instance WHERE entity = ? AND path = ? AND observed <> {DROPPED}"  # noqa: S608
        rows = self.db.execute(sql, (known.number, path)).fetchall()
        return [past_of(self.db, row, self._forms) for row in rows] + current

    def last(self, known: Known, name: str) -> Past | None:
        """The last instance that an attribute had, of whatever dataset; None where there is none."""
        path = self.path(name)
        current = self.current(known, name, path)
        if current or path is None:
            return current[0] if current else None
        row = self.db.execute(_LAST, (known.number, path)).fetchone()
        return None if row is None else past_of(self.db, row, self._forms)

    def current(self, known: Known, name: str, path: int | None) -> list[Past]:
        """The instances that the entity has now, as far as no row says otherwise."""
        found = known.current(name)
        if not found or path is None:
            return found
        if name == SCOPE:
            return found if self.db.execute(_ANY, (known.number, path)).get is None else []
        if not known.kept:
            return found
        keys = [(known.number, path, past.time, past.number, self._dataset(past.dataset or "@none")) for past in found]
        return [past for key, past in zip(keys, found, strict=True) if self.db.execute(_THERE, key).get is None]

    def id_of(self, known: Known, name: str, past: Past) -> str:
        """The id of an instance."""
        head = self._heads.get((known.number, name))
        if head is None:
            head = self._heads[known.number, name] = id_head(known.number, self.path(name) or _NO_NAME)
        dataset = past.body.get("datasetId")
        return f"{head}{past.number}:{0 if dataset is None else self._dataset(cast(str, dataset))}"

    def _rows(self, entity: int, path: int, *, whole: bool) -> list[Past]:
        query = self.query
        limit, more = _WHOLE, 0
        if not whole:
            more = query.instances_max
            limit = more + 1 if query.last_n is None or query.last_n > more else query.last_n
        found = self._select(entity, path, span_of(query), limit)
        if more and len(found) == more + 1:
            before, edge = (counted_at(past, query) for past in found[-2:])
            if edge is not None and before == edge:  # more of one instant than fit: all of them, and one beyond
                found = [past for past in found if counted_at(past, query) != edge]
                low, high = span_of(query)
                found += self._select(entity, path, (edge, edge + 1), _MANY)
                found += self._select(entity, path, (edge + 1, high) if query.last_n is None else (low, edge), 1)
        return found

    def _select(self, entity: int, path: int, span: tuple[int, int], limit: int) -> list[Past]:
        query, datasets = self.query, None if limit == _WHOLE else self.datasets
        sql = _select_sql(query.timeproperty, query.timerel is None, query.last_n is not None, datasets is not None)
        values = (entity, path, *span, limit) if datasets is None else (entity, path, *span, datasets, limit)
        return [past_of(self.db, row, self._forms) for row in self.db.execute(sql, values).fetchall()]

    def _dataset(self, dataset_id: str) -> int:
        if dataset_id == "@none":
            return 0
        number = self._names.find(self.db, dataset_id)
        return -1 if number is None else number


@lru_cache(maxsize=64)
def _select_sql(timeproperty: str, anytime: bool, descending: bool, datasets: bool) -> str:  # noqa: FBT001 - a key
    """`entity, path, start, end, [datasets,] limit` -> rows of COLUMNS, in the order of the answer."""
    time = TIMES.get(timeproperty, "time")
    observed = f"observed <> {DROPPED}" if time != "time" or anytime else "observed = 1"
    where = f"entity = ? AND path = ? AND {time} >= ? AND {time} < ? AND {observed}"
    if datasets:
        where += " AND dataset IN (SELECT value FROM json_each(?))"
    keys = [time, "time", "number"] if time != "time" else ["time", "number"]
    order = ", ".join(f"{key} DESC" if descending else key for key in keys)
    return f"SELECT {COLUMNS} FROM instance WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608 - constants of ours
