"""What stands beside the entities of a tenant, and the hub's documents, as rows of parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

import apsw

from broker.model.entity import as_list
from broker.model.values import Json
from broker.ports.outbox import EntityChange
from broker.stores.images import ERASED
from broker.stores.moving import COPY_KIND, Key, Row, queued_body, to_entity
from broker.stores.sqlite import outbox_rows
from broker.stores.sqlite.changelog import ABOUT, ROW_BYTES
from broker.stores.sqlite.codec import dump, load_any
from broker.stores.sqlite.outbox_rows import Asked

PAGE: Final = 500
_RISE: Final = """INSERT INTO generation (kind, number) VALUES (?, 1)
    ON CONFLICT (kind) DO UPDATE SET number = number + 1"""

_NEWEST: Final = """SELECT max(ifnull((SELECT max(number) FROM outbox), 0),
    ifnull((SELECT max(number) FROM dead_letter), 0))"""


class _Part(NamedTuple):
    """A table whose rows are read and written as they stand: the columns of its key, the others, which are JSON."""

    table: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    texts: frozenset[str] = frozenset()


_PLAIN: Final = {
    "log": _Part(
        "change_log", ("sequence",), ("iri", "version", "at", "before", "after", "subjects", "data_classes", "about"),
        frozenset({"before", "after", "subjects", "data_classes", "about"}),
    ),
    "held": _Part(
        "held", ("kind", "id"), ("body", "created_at", "modified_at", "version", "expires_at"), frozenset({"body"})
    ),
    "mark": _Part("mark", ("name",), ("value",), frozenset({"value"})),
    "delivery": _Part("delivery", ("subscription",), ("sent", "failed", "notified_at", "succeeded_at", "failed_at")),
}  # fmt: skip
_DOCUMENT: Final = _Part("document", ("kind", "id"), ("body", "created_at", "ordinal"), frozenset({"body"}))
_QUEUES: Final = {"outbox": "outbox", "dead": "dead_letter"}


def rows(db: apsw.Connection, tenant: str, part: str) -> Iterator[Row]:
    """The rows of a part by their keys, read a page at a time."""
    if part in _QUEUES:
        return _queued(db, tenant, part)
    return logged(db, 0) if part == "log" else _read(db, _PLAIN[part])


def logged(db: apsw.Connection, after: int) -> Iterator[Row]:
    """The rows of the log with a higher sequence."""
    return map(_told, _read(db, _PLAIN["log"], after))


def documents(db: apsw.Connection) -> Iterator[Row]:
    """The hub's documents, but for what copies say of themselves."""
    return (row for row in _read(db, _DOCUMENT) if cast("tuple[str, ...]", row.key)[0] != COPY_KIND)


def put(db: apsw.Connection, part: str, found: Sequence[Row]) -> None:
    """Write them, inside a transaction."""
    if part in _QUEUES:
        for row in found:
            _put_queued(db, _QUEUES[part], row)
        return
    if part == "log":
        _write(db, _PLAIN[part], [_keepable(row) for row in found], _logged(db))
    else:
        _write(db, _PLAIN[part], found, None)
    if part == "held":
        for kind in {cast("tuple[str, ...]", row.key)[0] for row in found}:
            db.execute(_RISE, (kind,))


def drop(db: apsw.Connection, part: str, keys: Sequence[Key]) -> None:
    """Take them away, inside a transaction."""
    if part in _QUEUES:
        outbox_rows.take_out(db, _QUEUES[part], cast("list[int]", list(keys)))
    else:
        _delete(db, _PLAIN[part], keys)
    if part == "held":
        for kind in {cast("tuple[str, ...]", key)[0] for key in keys}:
            db.execute(_RISE, (kind,))


def put_documents(db: apsw.Connection, found: Sequence[Row]) -> None:
    """Write documents of the hub, in a transaction of its own."""
    with db:
        _write(db, _DOCUMENT, found, None)
        for kind in {cast("tuple[str, ...]", row.key)[0] for row in found}:
            db.execute(_RISE, (kind,))


def drop_documents(db: apsw.Connection, keys: Sequence[Key]) -> None:
    """Take documents of the hub away."""
    with db:
        _delete(db, _DOCUMENT, keys)
        for kind in {cast("tuple[str, ...]", key)[0] for key in keys}:
            db.execute(_RISE, (kind,))


def number_on(db: apsw.Connection) -> None:
    """Let new rows of the outbox have numbers that no row has, dead or not."""
    newest = int(db.execute(_NEWEST).get)
    if newest > int(db.execute(outbox_rows.NEWEST).get or 0):
        db.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?)", (newest,))


def kinds(db: apsw.Connection) -> list[str]:
    """The kinds of held documents that there are, or were."""
    return [str(kind) for (kind,) in db.execute("SELECT kind FROM generation WHERE kind <> 'instance'")]


def _told(row: Row) -> Row:
    """A row of the log as all engines tell it: types and scopes as lists, nothing about what was erased."""
    *head, subjects, classes, about = cast("list[Any]", row.body)
    if about is not None:
        lists = as_list(about.get("type")), as_list(about.get("scope"))
        about = None if head[0] == ERASED else [*lists]
    return Row(row.key, [*head, subjects or None, classes or None, about])


def _keepable(row: Row) -> Row:
    """And back."""
    *head, about = cast("list[Any]", row.body)
    if about is not None:
        about = {name: told for name, told in zip(ABOUT, about, strict=True) if told}
    return Row(row.key, [*head, about])


def _read(db: apsw.Connection, part: _Part, after: Key | None = None) -> Iterator[Row]:
    names, width = ", ".join((*part.keys, *part.columns)), len(part.keys)
    order, marks = ", ".join(part.keys), ", ".join("?" * width)
    while True:
        bound: tuple[Any, ...] = () if after is None else after if isinstance(after, tuple) else (after,)
        where = f"WHERE ({order}) > ({marks})" if bound else ""
        sql = f"SELECT {names} FROM {part.table} {where} ORDER BY {order} LIMIT {PAGE}"  # noqa: S608 - constants
        found: list[tuple[Any, ...]] = db.execute(sql, bound).fetchall()
        for row in found:
            after = row[0] if part.table == "change_log" else row[:width]
            values = zip(part.columns, row[width:], strict=True)
            yield Row(after, [_plain(name in part.texts, value) for name, value in values])
        if len(found) < PAGE:
            return


def _plain(is_text: bool, value: Any) -> Json:  # noqa: ANN401, FBT001 - what SQLite gives
    return cast("Json", load_any(value) if is_text and value is not None else value)


def _write(
    db: apsw.Connection, part: _Part, found: Sequence[Row], more: Callable[[Row], list[tuple[str, Any]]] | None
) -> None:
    for row in found:
        keys = row.key if isinstance(row.key, tuple) else (row.key,)
        body = cast("list[Json]", row.body)
        columns = dict(zip(part.keys, keys, strict=True)) | {
            name: dump(value)[0].decode() if name in part.texts and value is not None else value
            for name, value in zip(part.columns, body, strict=True)
        }
        columns |= dict(more(row) if more is not None else ())
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT OR REPLACE INTO {part.table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        db.execute(sql, tuple(cast("Any", value) for value in columns.values()))


def _delete(db: apsw.Connection, part: _Part, keys: Sequence[Key]) -> None:
    where = " AND ".join(f"{name} = ?" for name in part.keys)
    rows = [key if isinstance(key, tuple) else (key,) for key in keys]
    db.executemany(f"DELETE FROM {part.table} WHERE {where}", rows)  # noqa: S608 - constants of ours


def _logged(db: apsw.Connection) -> Callable[[Row], list[tuple[str, Any]]]:
    """The bytes of the log up to each row."""
    total = int(db.execute("SELECT bytes FROM change_log ORDER BY sequence DESC LIMIT 1").get or 0)

    def add(row: Row) -> list[tuple[str, Any]]:
        nonlocal total
        body = cast("list[Json]", row.body)
        total += ROW_BYTES + len(str(body[0])) + sum(len(dump(image)[0]) for image in body[3:5] if image is not None)
        return [("bytes", total)]

    return add


def _queued(db: apsw.Connection, tenant: str, part: str) -> Iterator[Row]:
    after = 0
    while found := outbox_rows.read(db, tenant, Asked(_QUEUES[part], after, PAGE)):
        for row in found:
            yield Row(row.number, queued_body(row))
        after = found[-1].number


def _put_queued(db: apsw.Connection, table: str, row: Row) -> None:
    """One row, with an image of its own."""
    subscription, due, attempts, redelivered, reason, sequence, at, before, after = cast("list[Any]", row.body)
    change = EntityChange(sequence, at, to_entity(before), to_entity(after))
    outbox_rows.take_out(db, table, [cast("int", row.key)])
    db.execute(
        f"INSERT INTO {table} (number, subscription, due, attempts, redelivered, reason) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
        (row.key, subscription, due, attempts, int(redelivered), reason),
    )
    images = [None if one is None else outbox_rows.image(one).decode() for one in (change.before, change.after)]
    db.execute(
        "INSERT OR REPLACE INTO outbox_image (first, last, sequence, at, iri, before, after)"
        " VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6)",
        (row.key, sequence, at, change.entity.id, *images),
    )
