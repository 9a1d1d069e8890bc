"""Types and attributes from the forms that occur, without a look at entities (clauses 5.7.5 to 5.7.10)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TypeAlias, cast

import apsw
import orjson

from broker.model.expiry import live
from broker.model.values import Instant
from broker.ports import AttributeCount, TypeCount
from broker.stores.sqlite.codec import ENTITY_COLUMNS, to_entity
from broker.stores.sqlite.index import form_of, form_text

Form: TypeAlias = tuple[list[str], dict[str, list[str]], int]
"""Types, attribute -> the kinds of its instances, and how many entities have this form."""


def forms(db: apsw.Connection, now: Instant) -> list[Form]:
    """The forms of live entities; one expired in part counts by what is left of it."""
    found = [_form(row[0], row[1]) for row in db.execute("SELECT form, entities FROM shape WHERE entities > 0")]
    sql = f"SELECT {ENTITY_COLUMNS} FROM expiry CROSS JOIN entity ON number = entity WHERE due <= ?"  # noqa: S608
    for row in db.execute(sql, (now,)).fetchall():
        stored = to_entity(row)
        kept = live(stored, now)
        found.append(_form(orjson.dumps(form_text(form_of(stored.document))).decode(), -1))
        if kept is not None:
            found.append(_form(orjson.dumps(form_text(form_of(kept.document))).decode(), 1))
    return _merged(found)


def types(found: Iterable[Form]) -> list[TypeCount]:
    """Each type, by IRI."""
    numbers: Counter[str] = Counter()
    kinds: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for iris, attributes, entities in found:
        for iri in iris:
            numbers[iri] += entities
            for name, seen in attributes.items():
                kinds[iri][name].update(seen)
    return [
        TypeCount(iri, numbers[iri], {name: frozenset(seen) for name, seen in sorted(kinds[iri].items())})
        for iri in sorted(numbers)
    ]


def attributes(found: Iterable[Form]) -> list[AttributeCount]:
    """Each attribute name, by IRI."""
    numbers: Counter[str] = Counter()
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for iris, names, entities in found:
        for name, seen in names.items():
            numbers[name] += entities * len(seen)
            kinds[name].update(seen)
            owners[name].update(iris)
    return [AttributeCount(iri, numbers[iri], frozenset(kinds[iri]), frozenset(owners[iri])) for iri in sorted(numbers)]


def _form(text: str, entities: int) -> Form:
    held = orjson.loads(text)
    return cast("list[str]", held["types"]), cast("dict[str, list[str]]", held["attributes"]), entities


def _merged(found: list[Form]) -> list[Form]:
    numbers: dict[bytes, int] = {}
    held: dict[bytes, Form] = {}
    for form in found:
        key = orjson.dumps(form[:2])
        held[key] = form
        numbers[key] = numbers.get(key, 0) + form[2]
    return [(held[key][0], held[key][1], number) for key, number in numbers.items() if number > 0]
