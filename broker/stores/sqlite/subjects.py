"""Where persons are named in a tenant's file, found without reading what names nobody.

    leaf          paths that are DATA_SUBJECT, or end in it: entities as they are
    instance      of DATA_SUBJECT, where an entity is gone or only history ever had it; of attributes of which some
                  instance had a subject of its own (their path stands in `name` from then on)
    change_log, outbox_image     images in which the text occurs

What is found is a superset; `naming` reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import apsw
import orjson

from broker.model.entity import Document
from broker.model.subjects import DATA_SUBJECT
from broker.query.leaves import SUB
from broker.stores.naming import Named
from broker.stores.sqlite.codec import load_any
from broker.stores.sqlite.index import TEXT_CHARACTERS_MAX, UNORDERED
from broker.stores.sqlite.instances import DROPPED

OWN: Final = SUB + DATA_SUBJECT
"""Ends the path of an instance's own subject."""
_PATHS: Final = "SELECT number, text FROM name WHERE instr(text, ?)"
_LIVE: Final = """SELECT iri, document FROM entity WHERE number IN (
    SELECT entity FROM leaf WHERE path IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR value = ?2)
    UNION SELECT entity FROM uncovered WHERE path IN (SELECT value FROM json_each(?3)))"""
_GONE: Final = f"""SELECT h.iri, i.value, i.body FROM history AS h CROSS JOIN instance AS i
    ON i.entity = h.number AND i.path = ? AND i.observed <> {DROPPED}"""  # noqa: S608 - a constant of ours
_PARTS: Final = """WITH known (number, iri) AS (
        SELECT number, iri FROM history
        UNION ALL SELECT number, iri FROM entity AS e WHERE NOT EXISTS (SELECT 1 FROM history AS h WHERE h.iri = e.iri))
    SELECT k.iri, i.body FROM known AS k CROSS JOIN instance AS i ON i.entity = k.number AND i.path = ?
    WHERE i.body IS NOT NULL AND instr(i.body, ?)"""
_LOG: Final = """SELECT iri, before, after FROM change_log
    WHERE instr(coalesce(before, ''), ?1) OR instr(coalesce(after, ''), ?1)"""
_IMAGES: Final = """SELECT iri, before->4, after->4 FROM outbox_image
    WHERE instr(coalesce(before, ''), ?1) OR instr(coalesce(after, ''), ?1)"""


def told(db: apsw.Connection, subject: str | None) -> Iterator[Named]:
    """Whatever may name this person (None: anybody)."""
    text = orjson.dumps(DATA_SUBJECT if subject is None else subject).decode()
    paths = dict[str, int]((row[1], row[0]) for row in db.execute(_PATHS, (DATA_SUBJECT,)))
    own = [path.removesuffix(UNORDERED).removesuffix(OWN) for path in paths if OWN in path]
    yield from _live(db, paths, subject)
    if DATA_SUBJECT in paths:
        for iri, value, body in db.execute(_GONE, (paths[DATA_SUBJECT],)):
            yield str(iri), {DATA_SUBJECT: {"value": value} if body is None else load_any(body)}
    for name in dict.fromkeys(own):
        number = db.execute("SELECT number FROM name WHERE text = ?", (name,)).get
        for iri, body in db.execute(_PARTS, (number, text)):
            yield str(iri), {name: load_any(body)}
    for sql in (_LOG, _IMAGES):
        rows: Iterator[tuple[Any, ...]] = db.execute(sql, (text,))
        yield from ((iri, _image(image)) for iri, *images in rows for image in images if image is not None)


def _live(db: apsw.Connection, paths: dict[str, int], subject: str | None) -> Iterator[Named]:
    own = [*paths.values()]
    attributes = [db.execute("SELECT number FROM name WHERE text = ?", (path.partition(SUB)[0],)).get for path in paths]
    value = None if subject is None else subject[:TEXT_CHARACTERS_MAX]
    asked = (orjson.dumps(own).decode(), value, orjson.dumps(attributes).decode())
    for iri, document in db.execute(_LIVE, asked):
        yield str(iri), _image(str(document))


def _image(text: str) -> Document:
    document: Document = load_any(text)
    return document
