"""Which way to the candidates: from the most selective index, or along the type in creation order.

few     a driver gives few entities: they are known from then on, and filtered
walk    drivers give many, or there is none: go along the type and filter, a bounded way; if the page is not full by
then (matches may stand together at the end), take a driver's entities after all
count   counting looks at all matches: those of the driver where there is one
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from broker.query.ast import And, HasType, Node, Or
from broker.stores.sqlite.compile import TRUE, Catalogue, Filter, Sql, compile_node

KNOWN: Final = 256  # candidates of a driver that are read at once, to see how many there are
FEW: Final = 1_000  # candidates: what a driver may give to be taken whole
WALK_MAX: Final = 3_000  # entities walked before the driver is tried instead
CHUNK: Final = 256  # candidates looked at together where `match` decides
SHORT: Final = 8  # entities walked first for each one wanted: a third or more match in most queries
_CHUNK_MIN: Final = 32
_CHUNK_MAX: Final = 4_096
_END: Final = 2**62


@dataclass(frozen=True, slots=True)
class Plan:
    """How to find candidates.

    `base` gives all entities of the query's types in order, and `walk` is what they must pass; each of `drivers` gives
    what may match wherever it stands, and `filter` is what that must pass. `few` is what a driver gives that gives
    very little.
    """

    base: Sql
    walk: Sql
    filter: Filter
    drivers: tuple[Sql, ...]
    few: list[int] | None


def make_plan(db: apsw.Connection, node: Node, catalogue: Catalogue) -> Plan:
    """The plan for a query on this connection's file."""
    compiled = compile_node(node, catalogue)
    iris, rest = _without_types(node)
    walk = compiled if rest is node else compile_node(rest, catalogue)
    return Plan(_base(iris, catalogue), walk.where, compiled, compiled.drivers, _few(db, compiled.drivers))


def candidates(db: apsw.Connection, plan: Plan, wanted: int | None) -> Iterator[int]:
    """Entities that pass the filter, in creation order; about `wanted` of them will be taken (None: all)."""
    if plan.few is not None:
        yield from _passing(db, plan, plan.few, wanted)
    elif not plan.drivers:
        yield from _walked(db, plan, 0, wanted)
    elif wanted is None:
        yield from _driven(db, plan, _least(db, plan.drivers)[0], (0, None))
    else:
        yield from _searched(db, plan, wanted)


def total(db: apsw.Connection, plan: Plan) -> int:
    """How many entities pass the filter."""
    source = _walk(plan)
    if plan.drivers:
        driver = _least(db, plan.drivers)[0] if plan.few is None else _given(plan.few)
        source = _filtered(_distinct(driver), plan.filter.where)
    return int(db.execute(f"SELECT count(*) FROM ({source.text})", source.parameters).get)  # noqa: S608


def before_offset(db: apsw.Connection, plan: Plan, offset: int) -> int:
    """A number between the entities at `offset - 1` and `offset` of a walk; past all where there are fewer."""
    source = _walk(plan)
    found = db.execute(f"{source.text} ORDER BY entity LIMIT 1 OFFSET ?", (*source.parameters, offset)).get
    return _END if found is None else int(found) - 1


def following(db: apsw.Connection, plan: Plan, after: int, limit: int) -> list[int]:
    """At most `limit` entities that pass the filter after the given one, in order."""
    source = _walk(plan, after)
    return _numbers(db, Sql(f"{source.text} ORDER BY entity LIMIT ?", (*source.parameters, limit)))


def _few(db: apsw.Connection, drivers: tuple[Sql, ...]) -> list[int] | None:
    """What the first driver gives that gives very little."""
    for driver in drivers:
        sql = f"SELECT entity FROM ({driver.text} LIMIT {KNOWN + 1})"  # noqa: S608 - built of constants
        found = _numbers(db, Sql(sql, driver.parameters))
        if len(found) <= min(KNOWN, FEW):
            return sorted(set(found))
    return None


def _least(db: apsw.Connection, drivers: tuple[Sql, ...]) -> tuple[Sql, bool]:
    """The driver that gives least, and whether that is little."""
    given = [_estimate(db, driver) for driver in drivers]
    least = min(given)
    return drivers[given.index(least)], least <= FEW


def _searched(db: apsw.Connection, plan: Plan, wanted: int) -> Iterator[int]:
    """A short walk, a longer one where no driver gives little, and then what the driver gives beyond it."""
    found, after, ended = _short_walk(db, plan, (0, wanted * SHORT), wanted)
    yield from found
    if ended:
        return
    driver, few = _least(db, plan.drivers)
    if not few:
        found, after, ended = _short_walk(db, plan, (after, WALK_MAX), wanted)
        yield from found
        if ended:
            return
    yield from _driven(db, plan, driver, (after, wanted))


def _given(found: list[int]) -> Sql:
    return Sql("SELECT value AS entity FROM json_each(?)", (orjson.dumps(found).decode(),))


def _base(iris: list[str] | None, catalogue: Catalogue) -> Sql:
    """Every entity that may match by its type, in order; ends so that AND can follow."""
    if iris is None:
        return Sql("SELECT entity FROM probe WHERE true")
    numbers = [number for iri in iris if (number := catalogue.number(iri)) is not None]
    if len(numbers) == 1:
        return Sql("SELECT entity FROM entity_type WHERE type = ?", (numbers[0],))
    if not numbers:
        return Sql("SELECT entity FROM probe WHERE 0")
    union = " UNION ".join(["SELECT entity FROM entity_type WHERE type = ?"] * len(numbers))
    return Sql(f"SELECT entity FROM ({union}) WHERE true", tuple(numbers))  # noqa: S608


def _without_types(node: Node) -> tuple[list[str] | None, Node]:
    """The types that the query is bound to, and what is left of it for entities of these types."""
    match node:
        case HasType(iri):
            return [iri], And(())
        case Or(terms) if terms and all(isinstance(term, HasType) for term in terms):
            return list(dict.fromkeys(term.iri for term in terms if isinstance(term, HasType))), And(())
        case And(terms):
            for place, term in enumerate(terms):
                iris, rest = _without_types(term)
                if iris is not None:
                    return iris, And((*terms[:place], rest, *terms[place + 1 :]))
        case _:
            pass
    return None, node


def _walk(plan: Plan, after: int = 0, before: int = _END) -> Sql:
    """The entities between two numbers that pass the filter, along the base."""
    base = Sql(f"{plan.base.text} AND entity > ? AND entity < ?", (*plan.base.parameters, after, before))
    return _filtered(base, plan.walk)


def _walked(db: apsw.Connection, plan: Plan, after: int, wanted: int | None) -> Iterator[int]:
    """Along the base to its end, in steps that grow."""
    size = _CHUNK_MAX if wanted is None else max(wanted, _CHUNK_MIN)
    while True:
        found = following(db, plan, after, size)
        yield from found
        if len(found) < size:
            return
        after, size = found[-1], min(size * 4, _CHUNK_MAX)


def _short_walk(db: apsw.Connection, plan: Plan, way: tuple[int, int], wanted: int) -> tuple[list[int], int, bool]:
    """`(found, last looked at, whether that was all there is)` of so many entities after the given one."""
    start, most = way
    sql = f"{plan.base.text} AND entity > ? ORDER BY entity LIMIT 1 OFFSET ?"
    last = db.execute(sql, (*plan.base.parameters, start, most)).get
    before = _END if last is None else int(last)
    source = _walk(plan, start, before)
    found = _numbers(db, Sql(f"{source.text} ORDER BY entity LIMIT ?", (*source.parameters, wanted)))
    if len(found) == wanted:
        return found, found[-1], False
    return found, before - 1, last is None


def _driven(db: apsw.Connection, plan: Plan, driver: Sql, part: tuple[int, int | None]) -> Iterator[int]:
    """What the driver gives after an entity, in order, as far as it passes the filter."""
    after, wanted = part
    sql = f"SELECT DISTINCT entity FROM ({driver.text}) WHERE entity > ? ORDER BY entity"  # noqa: S608 - constants
    yield from _passing(db, plan, _numbers(db, Sql(sql, (*driver.parameters, after))), wanted)


def _passing(db: apsw.Connection, plan: Plan, numbers: list[int], wanted: int | None) -> Iterator[int]:
    """Those that pass the filter, looked at in steps: a page needs the first few only."""
    start, size = 0, CHUNK if wanted is None else min(wanted * 2, CHUNK)
    while start < len(numbers):
        given = _given(numbers[start : start + size])
        source = _filtered(given, plan.filter.where)
        yield from _numbers(db, Sql(f"{source.text} ORDER BY entity", source.parameters))
        start, size = start + size, min(size * 4, _CHUNK_MAX)


def _distinct(driver: Sql) -> Sql:
    return Sql(f"SELECT DISTINCT entity FROM ({driver.text})", driver.parameters)  # noqa: S608


def _filtered(source: Sql, where: Sql) -> Sql:
    """The entities of the source whose leaves pass the filter."""
    if where == TRUE.where:
        return source
    if "leaves" not in where.text:
        return Sql(f"SELECT entity FROM ({source.text}) AS c WHERE {where.text}", source.parameters + where.parameters)  # noqa: S608
    text = (
        f"SELECT c.entity AS entity FROM (SELECT s.entity, p.leaves FROM ({source.text}) AS s"  # noqa: S608
        f" CROSS JOIN probe AS p ON p.entity = s.entity) AS c WHERE {where.text}"
    )
    return Sql(text, source.parameters + where.parameters)


def _numbers(db: apsw.Connection, source: Sql) -> list[int]:
    rows: list[tuple[Any, ...]] = db.execute(source.text, source.parameters).fetchall()
    return [row[0] for row in rows]


def _estimate(db: apsw.Connection, driver: Sql) -> int:
    """How many candidates a driver gives, up to FEW + 1."""
    sql = f"SELECT count(*) FROM ({driver.text} LIMIT {FEW + 1})"  # noqa: S608 - built of constants
    return int(db.execute(sql, driver.parameters).get)
