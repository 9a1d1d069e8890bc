"""The history that changes of entities leave, written beside them in their transaction.

What an attribute is now stands in its entity's document and nowhere else; when it becomes something else, what it was
comes here. So a created entity costs nothing, and an update one row for each attribute that it changes.

The row of what an attribute was has the key that it had while it was current, and is left alone where there is one:
history was then written to by itself, and says that the instance was corrected, or is no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import orjson

from broker.model.entity import ENTITY_MEMBERS, Entity, Instance, instances
from broker.model.expiry import expired, over
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant, Json, to_text
from broker.stores.past import SCOPE, Past, Step, ended, scope_changed, scope_past, steps, written
from broker.stores.recall import union
from broker.stores.sqlite.group import Logged
from broker.stores.sqlite.instances import CURRENT, DROPPED, INSERTED, ORDINAL_BITS, Key, Row, WrittenInstances
from broker.stores.sqlite.known import as_current, first_scope
from broker.stores.sqlite.names import WrittenNames
from broker.stores.sqlite.subjects import OWN
from broker.stores.sqlite.writer import Open

_COLUMNS: Final = ", ".join(f"r.value->>{place}" for place in range(len(INSERTED.split(", "))))
PUT: Final = f"INSERT OR IGNORE INTO instance ({INSERTED}) SELECT {_COLUMNS} FROM jsonb_each(jsonb(?)) AS r"  # noqa: S608
_ADD: Final = f"INSERT INTO instance ({INSERTED}) VALUES ({', '.join('?' * 12)})"  # noqa: S608 - constants of ours
HISTORIES: Final = """SELECT iri, number, types, scopes, created_at, deleted_at, dropped
    FROM json_each(?) CROSS JOIN history ON iri = value"""
KEEP: Final = """INSERT INTO history (number, iri, types, scopes, created_at, modified_at, deleted_at, dropped)
    SELECT r.value->>0, r.value->>1, r.value->>2, r.value->>3, r.value->>4, r.value->>5, r.value->>6, r.value->>7
    FROM json_each(?) AS r WHERE true
    ON CONFLICT (number) DO UPDATE SET types = excluded.types, scopes = excluded.scopes,
        created_at = excluded.created_at, modified_at = excluded.modified_at, deleted_at = excluded.deleted_at,
        dropped = excluded.dropped"""
_AT: Final = "entity = ? AND path = ? AND time = ? AND number = ? AND dataset = ?"
_THERE: Final = f"SELECT observed FROM instance WHERE {_AT}"  # noqa: S608
_GONE: Final = f"DELETE FROM instance WHERE {_AT}"  # noqa: S608
_MOVE: Final = f"UPDATE instance SET number = ? WHERE {_AT}"  # noqa: S608
_LAST_BEFORE: Final = """SELECT max(number) FROM instance
    WHERE entity = ? AND path = ? AND time = ? AND number BETWEEN ? AND ?"""
_EXPIRED: Final = """DELETE FROM instance
    WHERE entity = ? AND path = ? AND dataset = ? AND substr(body->>'$.expiresAt', 1, 19) <= substr(?, 1, 19)"""
_LAST_GIVEN: Final = "SELECT number FROM generation WHERE kind = 'instance'"
_GIVE: Final = "INSERT OR REPLACE INTO generation (kind, number) VALUES ('instance', ?)"
_RESERVE: Final = 64  # numbers written down at a time: a transaction that gives some writes them down once
_ANY: Final = "SELECT 1 FROM instance WHERE entity = ? AND path = ? LIMIT 1"


class Kept:
    """A row of `history` as it is, or is to be."""

    __slots__ = ("changed", "created_at", "deleted_at", "dropped", "number", "scopes", "types")

    def __init__(self, number: int, created_at: Instant) -> None:
        self.number, self.created_at = number, created_at
        self.types: tuple[str, ...] = ()
        self.scopes: tuple[str, ...] = ()
        self.deleted_at: Instant | None = None
        self.dropped = self.changed = False

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Kept:
        """The row of HISTORIES."""
        kept = cls(row[1], row[4])
        kept.types, kept.scopes = tuple(orjson.loads(row[2])), tuple(orjson.loads(row[3]))
        kept.deleted_at, kept.dropped = row[5], bool(row[6])
        return kept

    def row(self, iri: str, modified_at: Instant) -> Row:
        """As KEEP takes it."""
        types, scopes = orjson.dumps(self.types).decode(), orjson.dumps(self.scopes).decode()
        head = [self.number, iri, types, scopes, self.created_at, modified_at]
        return [*head, self.deleted_at, int(self.dropped)]


class HistoryRows:
    """The companion that writes history, of one tenant's file."""

    def __init__(self, held: Open) -> None:
        self.db = held.db
        self.instances = WrittenInstances(WrittenNames(held.db))
        self._rows: list[Row] = []
        self._last = self._reserved = 0
        self._now = ""

    def begin(self, now: Instant) -> None:  # noqa: ARG002 - the protocol's
        """Another process may have given numbers meanwhile."""
        self._reserved = 0

    def write(self, changes: Sequence[Logged], first: int, now: Instant) -> None:  # noqa: ARG002 - the protocol's
        """Write what the changes took from their entities."""
        iris = orjson.dumps([one.entity.id for one in changes]).decode()
        self._now = to_text(now)
        known = {row[0]: Kept.of(row) for row in self.db.execute(HISTORIES, (iris,))}
        for one in changes:
            after = None if one.change.after is None else one.entity
            if one.change.after is not None:
                self._name(one.change.after)
            if one.before is not None or one.entity.id in known:
                self._change(one, after, known, now)
        self.flush()
        kept = [held.row(iri, now) for iri, held in known.items() if held.changed]
        if kept:
            self.db.execute(KEEP, (orjson.dumps(kept).decode(),))

    def committed(self) -> None:
        """Nobody waits for it."""

    def forget(self) -> None:
        """It was rolled back."""
        self._rows.clear()
        self.instances.forget()
        self._reserved = 0

    def number(self, now: Instant) -> int:
        """One that no other instance has, and that rises, whatever the clock does and whoever else writes."""
        if not self._reserved:
            self._last = max(self._last, int(self.db.execute(_LAST_GIVEN).get or 0))
        following = max(now << ORDINAL_BITS, self._last + 1)
        self._last = following + 1 if following & CURRENT == CURRENT else following
        if self._last > self._reserved:
            self._reserved = self._last + _RESERVE
            self.db.execute(_GIVE, (self._reserved,))
        return self._last

    def add(self, entity: int, name: str, past: Past) -> None:
        """A row to be written with the next `flush`."""
        if DATA_SUBJECT in past.body:
            self.instances.names[name + OWN]  # whose instances of this attribute are is looked for from now on
        key = self.instances.key(entity, self.instances.names[name], past)
        self._rows.append(self.instances.row(key, past))

    def flush(self) -> None:
        """Write the rows there are."""
        if self._rows:
            self.db.execute(PUT, (orjson.dumps(self._rows).decode(),))
            self._rows = []

    def put(self, key: Key, past: Past) -> None:
        """Write one row."""
        self.db.execute(_ADD, self.instances.row(key, past))

    def drop(self, key: Key) -> None:
        """Say that the instance that would stand there is no more in history."""
        self.db.execute(_ADD, (*key, DROPPED, None, None, None, None, None, None))

    def there(self, key: Key) -> bool:
        """Whether a row has this key."""
        return self.db.execute(_THERE, key).get is not None

    def any(self, entity: int, name: str) -> bool:
        """Whether there are rows of an attribute, of whatever kind."""
        return self.db.execute(_ANY, (entity, self.instances.names[name])).get is not None

    def begin_scope(self, entity: int, current: Entity, now: Instant) -> None:
        """Write the scope that an entity was created with, where nothing is in history about its scope."""
        self.flush()
        scope = current.document.get(SCOPE)
        if scope is not None and not self.any(entity, SCOPE):
            past = first_scope(scope, current)
            if past.created_at == now:  # what follows in this instant stands after it
                past.number = self.number(now)
            self.add(entity, SCOPE, past)

    def _name(self, members: Mapping[str, Json]) -> None:
        """Give numbers to what the ids of instances are made of: readers cannot."""
        number = self.instances.names.__getitem__
        for name, value in members.items():
            if type(value) is dict:
                number(name)
                if "datasetId" in value:
                    number(cast(str, value["datasetId"]))
            elif type(value) is list and name not in ENTITY_MEMBERS:
                number(name)
                for instance in instances(value):
                    if "datasetId" in instance:
                        number(cast(str, instance["datasetId"]))

    def _change(self, one: Logged, after: Entity | None, known: dict[str, Kept], now: Instant) -> None:
        kept, before = known.get(one.entity.id), one.before
        number = one.number if kept is None else kept.number
        if scope_changed(before, after):
            self._scope(number, before, after, now)
        if before is not None:
            for step in steps(before, after):
                self._step(number, before, step, now)
        if after is None and before is not None:
            kept = known.setdefault(one.entity.id, Kept(number, before.created_at))
            kept.types, kept.scopes = union(before.types, kept.types), union(before.scopes, kept.scopes)
            kept.deleted_at, kept.dropped, kept.changed = now, False, True
        elif kept is not None and (kept.dropped or kept.deleted_at is not None):
            kept.deleted_at, kept.dropped, kept.changed = None, False, True

    def _scope(self, entity: int, before: Entity | None, after: Entity | None, now: Instant) -> None:
        if before is not None:
            self.begin_scope(entity, before, now)
        if before is not None and over(before, now):
            return
        scope = None if after is None else after.document.get(SCOPE)
        self.add(entity, SCOPE, scope_past(scope, self.number(now), now))

    def _step(self, entity: int, held: Entity, step: Step, now: Instant) -> None:
        """One instance that is not what it was."""
        name, was, is_now = step
        if was is not None and is_now is None and expired(was, now):
            self._evaporate(entity, name, was)
        elif was is not None:
            past = as_current(written(was, held, 0))
            if past.modified_at == now:
                self._make_way(entity, name, past, now, put=True)
            else:
                self.add(entity, name, past)
            if is_now is None and not over(held, now):
                self.add(entity, name, ended(was, self.number(now), past.created_at, now))
        if is_now is not None and is_now.get("modifiedAt", is_now.get("createdAt")) != self._now:
            self._make_way(entity, name, as_current(written(is_now, held, 0)), now)

    def _evaporate(self, entity: int, name: str, was: Instance) -> None:
        """Take away the instances of an attribute that have expired (clause 4.22)."""
        self.flush()
        names = self.instances.names
        dataset = names[cast(str, was["datasetId"])] if "datasetId" in was else 0
        self.db.execute(_EXPIRED, (entity, names[name], dataset, self._now))

    def _make_way(self, entity: int, name: str, past: Past, now: Instant, *, put: bool = False) -> None:
        """Free the key of an instance for another that is written without a time of its own, or in the same instant.

        What stands there gets another number; with `put`, the instance itself, where nothing does.
        """
        self.flush()
        key = self.instances.key(entity, self.instances.names[name], past)
        there = self.db.execute(_THERE, key).get
        if there == DROPPED:
            self.db.execute(_GONE, key)
        elif there is not None or put:
            base = key.number - CURRENT
            last = self.db.execute(_LAST_BEFORE, (*key[:3], base, key.number - 1)).get
            number = self.number(now) if past.modified_at == now else base if last is None else cast(int, last) + 1
            if there is not None:
                self.db.execute(_MOVE, (number, *key))
            else:
                past.number = number
                self.put(key._replace(number=number), past)
