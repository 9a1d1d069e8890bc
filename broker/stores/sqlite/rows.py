"""How a group's rows get into the tables: one INSERT into a view, whose trigger does the rest.

Every statement of a driver lets go of the interpreter and takes it back, which is a wait of milliseconds while another
thread works; inside the trigger SQLite goes on by itself. All rows go in as one JSONB value and all documents as one
blob, from which the statements take their parts.

    puts    [[number, iri, offset, length, created_at, modified_at, expires_at, next_expiry, version, exact, shape,
              {path: [values]} (for an update: what changed, null: gone), {path: [added]}, {path: [removed]},
              [types added], [types gone], [scopes added], [scopes gone], [uncovered added], [uncovered gone],
              subject, data_class, expiry that was, new]]
    drops   [[number, {path: [values]}, [types], [scopes], [uncovered], expiry that was]]
    bodies  what (offset, length) are cut from, the first byte being 1
    log     [[iri, version, at, before, length, after, length, subjects, classes, about, bytes]]
    shapes  [[number, how many entities more]]
    parts   which of PARTS have rows, a bit each: the others are not looked for (as `gone`, those of PARTS_GONE)
    oldest, last, least, before    the slice of the change log to trim, and what of it goes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

_VALUE: Final = "CASE v.type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' WHEN 'null' THEN x'' ELSE v.value END"
_DROPS: Final = (
    "DELETE FROM entity WHERE number IN (SELECT r.value->>0 FROM jsonb_each(NEW.drops) AS r)",
    "DELETE FROM probe WHERE entity IN (SELECT r.value->>0 FROM jsonb_each(NEW.drops) AS r)",
    f"""DELETE FROM leaf WHERE (path, value, entity) IN (
        SELECT CAST(p.key AS INTEGER), {_VALUE}, r.value->>0
        FROM jsonb_each(NEW.drops) AS r, jsonb_each(r.value, '$[1]') AS p, jsonb_each(p.value) AS v)""",  # noqa: S608
    """DELETE FROM entity_type WHERE (type, entity) IN (
        SELECT t.value, r.value->>0 FROM jsonb_each(NEW.drops) AS r, jsonb_each(r.value, '$[2]') AS t)""",
    """DELETE FROM entity_scope WHERE (scope, entity) IN (
        SELECT s.value, r.value->>0 FROM jsonb_each(NEW.drops) AS r, jsonb_each(r.value, '$[3]') AS s)""",
    """DELETE FROM uncovered WHERE (path, entity) IN (
        SELECT u.value, r.value->>0 FROM jsonb_each(NEW.drops) AS r, jsonb_each(r.value, '$[4]') AS u)""",
    """DELETE FROM expiry WHERE (due, entity) IN (
        SELECT r.value->>5, r.value->>0 FROM jsonb_each(NEW.drops) AS r WHERE r.value->>5 IS NOT NULL)""",
)
_PUTS: Final = (
    """INSERT INTO entity (number, iri, document, created_at, modified_at, expires_at, next_expiry, version,
           exact_integers, shape, subject, data_class)
       SELECT r.value->>0, r.value->>1, CAST(substr(NEW.bodies, r.value->>2, r.value->>3) AS TEXT), r.value->>4,
           r.value->>5, r.value->>6, r.value->>7, r.value->>8, r.value->>9, r.value->>10, r.value->>20, r.value->>21
       FROM jsonb_each(NEW.puts) AS r WHERE true
       ON CONFLICT (number) DO UPDATE SET document = excluded.document, modified_at = excluded.modified_at,
           expires_at = excluded.expires_at, next_expiry = excluded.next_expiry, version = excluded.version,
           exact_integers = excluded.exact_integers, shape = excluded.shape, subject = excluded.subject,
           data_class = excluded.data_class""",
    """INSERT INTO probe (entity, leaves) SELECT r.value->>0, jsonb_extract(r.value, '$[11]')
       FROM jsonb_each(NEW.puts) AS r WHERE r.value->11 <> '{}' OR r.value->>23
       ON CONFLICT (entity) DO UPDATE SET leaves = jsonb_patch(leaves, excluded.leaves)""",
    f"""INSERT INTO leaf (path, value, entity)
       SELECT CAST(p.key AS INTEGER), {_VALUE}, r.value->>0
       FROM jsonb_each(NEW.puts) AS r, jsonb_each(r.value, iif(r.value->>23, '$[11]', '$[12]')) AS p,
           jsonb_each(p.value) AS v ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING""",  # noqa: S608 - a constant of ours
)
_ADDED: Final = {
    "types": """INSERT INTO entity_type (type, entity) SELECT DISTINCT t.value, r.value->>0
        FROM jsonb_each(ROWS) AS r, jsonb_each(r.value, '$[14]') AS t""",
    "scopes": """INSERT INTO entity_scope (scope, entity) SELECT s.value, r.value->>0
        FROM jsonb_each(ROWS) AS r, jsonb_each(r.value, '$[16]') AS s WHERE true ON CONFLICT DO NOTHING""",
    "uncovered": """INSERT INTO uncovered (path, entity) SELECT u.value, r.value->>0
        FROM jsonb_each(ROWS) AS r, jsonb_each(r.value, '$[18]') AS u WHERE true ON CONFLICT DO NOTHING""",
    "expiry": """INSERT INTO expiry (due, entity) SELECT r.value->>7, r.value->>0
        FROM jsonb_each(ROWS) AS r WHERE r.value->>7 IS NOT NULL ON CONFLICT DO NOTHING""",
}
_GONE: Final = {
    "leaves_gone": f"""DELETE FROM leaf WHERE (path, value, entity) IN (
        SELECT CAST(p.key AS INTEGER), {_VALUE}, r.value->>0
        FROM jsonb_each(ROWS) AS r, jsonb_each(r.value, '$[13]') AS p, jsonb_each(p.value) AS v)""",  # noqa: S608
    "types_gone": """DELETE FROM entity_type WHERE (type, entity) IN (
        SELECT t.value, r.value->>0 FROM jsonb_each(ROWS) AS r, jsonb_each(r.value, '$[15]') AS t)""",
    "scopes_gone": """DELETE FROM entity_scope WHERE (scope, entity) IN (
        SELECT s.value, r.value->>0 FROM jsonb_each(ROWS) AS r, jsonb_each(r.value, '$[17]') AS s)""",
    "uncovered_gone": """DELETE FROM uncovered WHERE (path, entity) IN (
        SELECT u.value, r.value->>0 FROM jsonb_each(ROWS) AS r, jsonb_each(r.value, '$[19]') AS u)""",
    "expiry_gone": """DELETE FROM expiry WHERE (due, entity) IN (
        SELECT r.value->>22, r.value->>0 FROM jsonb_each(ROWS) AS r WHERE r.value->>22 IS NOT NULL)""",
}
_LOG: Final = (
    """INSERT INTO change_log (iri, version, at, before, after, subjects, data_classes, about, bytes)
       SELECT r.value->>0, r.value->>1, r.value->>2, CAST(substr(NEW.bodies, r.value->>3, r.value->>4) AS TEXT),
           CAST(substr(NEW.bodies, r.value->>5, r.value->>6) AS TEXT), nullif(r.value->7, 'null'),
           nullif(r.value->8, 'null'), nullif(r.value->9, 'null'), r.value->>10
       FROM jsonb_each(NEW.log) AS r ORDER BY r.key""",
    """UPDATE shape SET entities = entities + s.more
       FROM (SELECT value->>0 AS number, value->>1 AS more FROM jsonb_each(NEW.shapes)) AS s
       WHERE shape.number = s.number""",
    """DELETE FROM change_log WHERE sequence BETWEEN NEW.oldest AND NEW.last
       AND (bytes < NEW.least OR at < NEW.before)""",
)

PARTS: Final = {name: 1 << place for place, name in enumerate((*_ADDED, *_GONE))}
"""Parts of an entity's rows that most writes have none of."""
PARTS_GONE: Final = sum(PARTS[name] for name in _GONE)
_COLUMNS: Final = ("puts", "bodies", "log", "shapes", "parts", "oldest", "last", "least", "before")


def _where_any(parts: Mapping[str, str]) -> list[str]:
    """The statements, each reading no rows where its bit is not set."""
    return [sql.replace("ROWS", f"iif(NEW.parts & {PARTS[name]}, NEW.puts, '[]')") for name, sql in parts.items()]


def _view(name: str, columns: Sequence[str], statements: Sequence[str]) -> str:
    body = "".join(f"{sql};\n" for sql in statements)
    nothing = ", ".join(f"NULL AS {column}" for column in columns)
    return f"""CREATE TEMP VIEW {name} AS SELECT {nothing};
        CREATE TEMP TRIGGER {name}_rows INSTEAD OF INSERT ON {name} BEGIN {body} END;"""


SET_UP: Final = _view("remove", ("drops", "puts", "parts"), (*_DROPS, *_where_any(_GONE))) + _view(
    "put", _COLUMNS, (*_PUTS, *_where_any(_ADDED), *_LOG)
)
"""For each connection that writes.

What goes and what comes are two triggers: an INSERT … SELECT after a statement that read its table, in one program,
would first gather its rows in a table of its own.
"""
GONE: Final = "INSERT OR ROLLBACK INTO remove SELECT jsonb(?), jsonb(?), ?"
"""`drops, puts, parts`: what leaves the tables. Before ADDED, as a new entity may have the id of a removed one."""
ADDED: Final = "INSERT OR ROLLBACK INTO put SELECT jsonb(?), ?, jsonb(?), jsonb(?), ?, ?, ?, ?, ?"
"""`puts, bodies, log, shapes, parts, oldest, last, least, before`: what comes into them, and the change log.

OR ROLLBACK (which then goes for all statements of the trigger): what cannot be is a fault that ends the transaction,
and SQLite need not keep each page as it was before the statement.
"""
BOXES_GONE: Final = "DELETE FROM bounds WHERE id IN (SELECT value FROM json_each(?))"
"""`[box id, …]`. An R*Tree always keeps its pages, and so would all of ADDED if this were in it."""
BOXES: Final = """INSERT INTO bounds (id, west, east, south, north, path)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(?)"""
"""`[[box id, west, east, south, north, path], …]`"""
LABEL: Final = "UPDATE leaf SET subject = ?, data_class = ? WHERE path = ? AND value = ? AND entity = ?"
