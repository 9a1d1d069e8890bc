"""One resident out of many is erased in seconds, and a restore of what was backed up before brings nothing back.

ERASE_RESIDENTS, ERASE_DAYS, ERASE_VALUES: how many people, daily values of five attributes of each, and values of one
attribute, five minutes apart, of the one who is erased. `10000 365 105120` are the 18 million of the figure.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from broker.model.entity import Entity
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Instant
from broker.operations.erase_person import Person, about_person, erase_person
from broker.ports import Command, Put
from broker.stores.sqlite.writer import Open
from tests.fakes.house import make_call
from tests.http.doors import broker

RESIDENTS: Final = int(os.environ.get("ERASE_RESIDENTS", "300"))
DAYS: Final = int(os.environ.get("ERASE_DAYS", "60"))
VALUES: Final = int(os.environ.get("ERASE_VALUES", "20000"))
DEF: Final = "https://misono.example/def/"
ATTRIBUTES: Final = [f"{DEF}measured{number}" for number in range(5)]
DAY_US, FIVE_MINUTES_US, BEGIN_US = 86_400_000_000, 300_000_000, 1_735_689_600_000_000
TENANT: Final = "misono"
_FORM: Final = '\x1e["Property","KGM",null,0,false]'
_PAST: Final = """WITH RECURSIVE turn (at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM turn WHERE at + 1 < ?5)
    INSERT INTO instance (entity, path, time, number, dataset, observed, form, value)
    SELECT e.number, p.value, ?2 + at * ?3, (?2 + at * ?3 + 1000) << 10, 0, 1, ?4, 50 + (at % 100) / 10.0
    FROM entity AS e CROSS JOIN json_each(?1) AS p CROSS JOIN turn WHERE (e.iri = ?6) = ?7 ORDER BY 1, 2, 3"""


def subject(number: int) -> str:
    return f"urn:misono:subject:{number:06d}"


def resident(number: int) -> Entity:
    document: dict[str, Any] = {
        "id": f"urn:ngsi-ld:BodyCompositionObservation:{number}", "type": f"{DEF}BodyCompositionObservation",
        DATA_SUBJECT: {"type": "Property", "value": subject(number)},
    }  # fmt: skip
    for name in ATTRIBUTES:
        document[name] = {"type": "Property", "value": number / 10, "observedAt": "2026-01-01T00:00:00Z"}
    return Entity(document, 0, 0)


def commands(first: int, count: int) -> Iterator[Command]:
    for number in range(first, first + count):
        made = resident(number)
        yield Command(made.id, lambda _current, _now, made=made: Put(made), creates=True)  # type: ignore[misc]


def fill(held: Open, _now: Instant) -> int:
    """Their past, written as the writer's rows are, but by one statement."""
    db = held.db
    db.execute("INSERT OR IGNORE INTO name (text) VALUES (?)", (_FORM,))
    number = {text: known for known, text in db.execute("SELECT number, text FROM name")}
    paths, one = [number[name] for name in ATTRIBUTES], resident(RESIDENTS // 2).id
    daily = (json.dumps(paths), BEGIN_US, DAY_US, number[_FORM], DAYS, one, 0)
    often = (json.dumps(paths[:1]), BEGIN_US, FIVE_MINUTES_US, number[_FORM], VALUES, one, 1)
    for rows in (daily, often):
        db.execute(_PAST, rows)
    held.empties_log = True
    return int(str(db.execute("SELECT count(*) FROM instance").get))


@pytest.mark.timeout(600)
def test_one_out_of_many_is_erased_in_seconds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    access = tmp_path / "access.toml"
    access.write_text(f"[tenants.{TENANT}]\npersonal = true\n")
    with broker(store="sqlite", data=str(tmp_path / "data"), city=access) as (built, _):
        house = built.house
        store: Any = built.store
        for first in range(0, RESIDENTS, 500):
            store.apply(TENANT, [*commands(first, min(500, RESIDENTS - first))]).result()
        (rows,) = store.run(TENANT, [fill]).result()
        store.sweep()  # as it is done all along: once a day it overwrites what balanced pages have left
        assert rows >= (RESIDENTS - 1) * DAYS * 5 + VALUES
        who, call = subject(RESIDENTS // 2), make_call(tenant=TENANT)
        begun = time.perf_counter()
        erased = erase_person(house.broker, call, Person(who))
        took = time.perf_counter() - begun
        assert erased.gone[""]["entity"] == 1
        assert int(str(erased.gone[""]["instance"])) >= VALUES
        assert about_person(house.broker, call, who) == {}
        assert len(about_person(house.broker, call, subject(0))) == 1
        (file,) = (tmp_path / "data" / "tenants").glob("*.sqlite-wal")
        assert who.encode() not in file.read_bytes()
    assert who.encode() not in b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*.sqlite*"))
    with capsys.disabled():
        print(f"\nfigure erasure_s {took:.2f} 1\nfigure erasure_instances {rows} 1")
    assert took < 5
