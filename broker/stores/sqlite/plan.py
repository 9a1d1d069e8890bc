"""Which way to the candidates: from the most selective index, or along the type in creation order.

    drive   the driver gives few entities: take them all, in order, and filter
    walk    it gives many, or there is none: go along the type and filter, a bounded way; if the page is not full by
            then (matches stand together at the end), drive after all
    count   counting looks at all matches: drive unless the driver is as good as everything
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import apsw

from broker.query.ast import And, HasType, Node, Or
from broker.stores.sqlite.compile import Catalogue, Filter, Sql

FEW: Final = 1_000  # candidates: what a driver may give to be taken whole
WALK_MAX: Final = 3_000  # entities walked before the driver is tried instead
CHUNK: Final = 256  # candidates looked at together where `match` decides
_ESTIMATES_MAX: Final = 1_024


@dataclass(frozen=True, slots=True)
class Plan:
    """How to find candidates: `base` gives all entities of the type in order; `driver` is None where a walk is best."""

    filter: Filter
    base: Sql
    driver: Sql | None
    few: bool


def make_plan(db: apsw.Connection, node: Node, compiled: Filter, catalogue: Catalogue) -> Plan:
    """The plan for a query on this connection's file."""
    base = _base(node, catalogue)
    best, least = None, FEW + 1
    for driver in compiled.drivers:
        given = _estimate(db, driver)
        if best is None or given < least:
            best, least = driver, given
        if given == 0:
            break
    return Plan(compiled, base, best, few=least <= FEW)


def candidates(db: apsw.Connection, plan: Plan, wanted: int | None) -> Iterator[int]:
    """Entities that pass the filter, in creation order; about `wanted` of them will be taken (None: all)."""
    if plan.driver is not None and plan.few:
        yield from _numbers(db, _driven(plan, plan.driver))
        return
    after = 0
    if wanted is not None and plan.driver is not None:
        found, after, ended = _short_walk(db, plan, wanted)
        yield from found
        if ended:
            return
    source = _driven(plan, plan.driver) if plan.driver is not None else _walk(plan)
    yield from _chunks(db, source, after, wanted)


def total(db: apsw.Connection, plan: Plan) -> int:
    """How many entities pass the filter."""
    source = _walk(plan) if plan.driver is None else _driven(plan, plan.driver)
    return int(db.execute(f"SELECT count(*) FROM ({source.text})", source.parameters).get)  # noqa: S608


def walk_offset(db: apsw.Connection, plan: Plan, offset: int) -> int:
    """The entity that stands at `offset` of a walk, less one; past all of them where there are fewer."""
    source = _walk(plan)
    sql = f"SELECT entity FROM ({source.text} ORDER BY entity) LIMIT 1 OFFSET ?"  # noqa: S608
    found = db.execute(sql, (*source.parameters, offset)).get
    return 2**62 if found is None else int(found) - 1


def after(db: apsw.Connection, plan: Plan, entity: int, limit: int) -> list[int]:
    """At most `limit` entities that pass the filter after the given one, in order."""
    source = _walk(plan)
    sql = f"SELECT entity FROM ({source.text}) WHERE entity > ? ORDER BY entity LIMIT ?"  # noqa: S608
    return [row[0] for row in db.execute(sql, (*source.parameters, entity, limit)).fetchall()]


def _base(node: Node, catalogue: Catalogue) -> Sql:
    """Every entity that may match by its type, in order: `probe` stands for all."""
    iris = _types(node)
    if iris is None:
        return Sql("SELECT entity FROM probe")
    numbers = [number for iri in iris if (number := catalogue.number(iri)) is not None]
    if len(numbers) == 1:
        return Sql("SELECT entity FROM entity_type WHERE type = ?", (numbers[0],))
    if not numbers:
        return Sql("SELECT 1 AS entity WHERE 0")
    return Sql(" UNION ".join(["SELECT entity FROM entity_type WHERE type = ?"] * len(numbers)), tuple(numbers))


def _types(node: Node) -> list[str] | None:
    match node:
        case HasType(iri):
            return [iri]
        case Or(terms) if terms and all(isinstance(term, HasType) for term in terms):
            return list(dict.fromkeys(term.iri for term in terms if isinstance(term, HasType)))
        case And(terms):
            found = [types for term in terms if (types := _types(term)) is not None]
            return min(found, key=len, default=None)
        case _:
            return None


def _walk(plan: Plan) -> Sql:
    return _filtered(plan.base, plan.filter.where)


def _driven(plan: Plan, driver: Sql) -> Sql:
    return _filtered(Sql(f"SELECT DISTINCT entity FROM ({driver.text})", driver.parameters), plan.filter.where)  # noqa: S608


def _filtered(source: Sql, where: Sql) -> Sql:
    """The entities of the source whose leaves pass the filter."""
    if where.text in ("1", "(1)"):
        return source
    text = (
        f"SELECT c.entity AS entity FROM (SELECT s.entity, p.leaves FROM ({source.text}) AS s"  # noqa: S608
        f" CROSS JOIN probe AS p ON p.entity = s.entity) AS c WHERE {where.text}"
    )
    return Sql(text, source.parameters + where.parameters)


def _numbers(db: apsw.Connection, source: Sql) -> list[int]:
    sql = f"SELECT entity FROM ({source.text}) ORDER BY entity"  # noqa: S608 - built of constants
    return [row[0] for row in db.execute(sql, source.parameters).fetchall()]


def _short_walk(db: apsw.Connection, plan: Plan, wanted: int) -> tuple[list[int], int, bool]:
    """`(found, last looked at, whether that was all that is needed)` of the first WALK_MAX entities."""
    base = plan.base
    last = db.execute(
        f"SELECT entity FROM ({base.text} ORDER BY entity) LIMIT 1 OFFSET {WALK_MAX}",  # noqa: S608
        base.parameters,
    ).get
    limit = 2**62 if last is None else int(last)
    source = _walk(plan)
    sql = f"SELECT entity FROM ({source.text}) WHERE entity < ? ORDER BY entity LIMIT ?"  # noqa: S608
    found = [row[0] for row in db.execute(sql, (*source.parameters, limit, wanted)).fetchall()]
    if len(found) == wanted:
        return found, found[-1], False
    return found, limit - 1, last is None


def _chunks(db: apsw.Connection, source: Sql, after_entity: int, wanted: int | None) -> Iterator[int]:
    size = CHUNK if wanted is None else max(wanted, 32)
    if wanted is None:
        yield from _numbers(db, source)
        return
    while True:
        sql = f"SELECT entity FROM ({source.text}) WHERE entity > ? ORDER BY entity LIMIT ?"  # noqa: S608
        found = [row[0] for row in db.execute(sql, (*source.parameters, after_entity, size)).fetchall()]
        yield from found
        if len(found) < size:
            return
        after_entity, size = found[-1], min(size * 4, 16 * CHUNK)


def _estimate(db: apsw.Connection, driver: Sql) -> int:
    """How many candidates a driver gives, up to FEW + 1."""
    sql = f"SELECT count(*) FROM ({driver.text} LIMIT {FEW + 1})"  # noqa: S608 - built of constants
    return int(db.execute(sql, driver.parameters).get)
