"""Importing: batches, positions, refusals that are reported and harm no neighbour."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from broker.commands._report import SHOWN_MAX, Refusal, Report, watching
from broker.commands.import_ import BATCH, Loading
from broker.decode.files import Found, entities_in
from broker.errors import BadRequestData, Conflict, LdContextNotAvailable, NgsiError
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.core import core_context
from broker.model.entity import Document
from broker.model.values import Json


class KeepingSink:
    """Keeps what it gets, refuses the ids it is told to."""

    def __init__(self, *refused: str) -> None:
        self.batches: list[list[str]] = []
        self._refused = refused

    def send(self, documents: Sequence[Document]) -> list[NgsiError | None]:
        ids = [str(document["id"]) for document in documents]
        self.batches.append(ids)
        return [Conflict("not this one", clause="5.5.2") if one in self._refused else None for one in ids]


class CountingNames:
    """Resolves one @context and refuses another, counting how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[Json] = []

    def __call__(self, source: Json) -> ActiveContext:
        self.asked.append(source)
        if source == "https://x.org/gone":
            raise LdContextNotAvailable("https://x.org/gone is gone", clause="5.5.6")
        return core_context()


def entity(number: int, **members: Json) -> dict[str, Json]:
    return {"id": f"urn:a:{number}", "type": "House", **members}


def loaded(bodies: Sequence[dict[str, Json] | NgsiError], sink: KeepingSink, names: CountingNames) -> Report:
    report = Report()
    Loading(names, sink, report, context=None).load("f", (Found(at, body) for at, body in enumerate(bodies)))
    return report


def test_entities_go_in_batches_and_none_is_left_over() -> None:
    sink = KeepingSink()
    report = loaded([entity(number) for number in range(2 * BATCH + 1)], sink, CountingNames())
    assert [len(batch) for batch in sink.batches] == [BATCH, BATCH, 1]
    assert report.loaded == {"f": 2 * BATCH + 1}


def test_refusals_of_every_stage_keep_their_position() -> None:
    bodies: list[dict[str, Json] | NgsiError] = [
        entity(0),
        BadRequestData("no JSON", clause="5.5.4"),
        entity(2, speed={"type": "Text", "value": 1}),
        entity(3),
        {**entity(4), "@context": "https://x.org/gone"},
        entity(5),
    ]
    report = loaded(bodies, KeepingSink("urn:a:3"), CountingNames())
    assert report.loaded == {"f": 2}
    assert sorted((one.position, one.entity, one.error.pointer) for one in report.refused) == [
        (1, "", ""),
        (2, "urn:a:2", "/speed/type"),
        (3, "urn:a:3", ""),
        (4, "urn:a:4", ""),
    ]


def test_a_context_is_asked_for_once_whether_it_is_there_or_not() -> None:
    names = CountingNames()
    here: list[Json] = ["https://x.org/here"]
    bodies = [{**entity(number), "@context": "https://x.org/gone" if number % 2 else here} for number in range(6)]
    report = loaded(bodies, KeepingSink(), names)
    assert names.asked == [here, "https://x.org/gone"]
    assert len(report.refused) == 3


def test_forms_are_told_apart_entity_by_entity() -> None:
    sink = KeepingSink()
    bodies = [entity(0, speed=3), entity(1, speed={"type": "Property", "value": 3}), entity(2, size={"type": "big"})]
    assert loaded(bodies, sink, CountingNames()).refused == []


def test_the_summary_says_where_what_and_why() -> None:
    refused = Refusal("a.json", 3, "urn:a:3", BadRequestData("No.", pointer="/b", clause="4.6.2", remedy="yes"))
    report = Report(refused=[refused])
    report.loaded["a.json"] = 2
    assert list(report.summary()) == [
        "refused: a.json[3] urn:a:3, /b: No (clause 4.6.2). Would work: yes.",
        "3 entities = 2 loaded + 1 refused",
    ]


def test_a_long_summary_is_cut_and_says_so(tmp_path: Path) -> None:
    report = Report(refused=[Refusal("a", at, "", BadRequestData("No.")) for at in range(SHOWN_MAX + 2)])
    lines = list(report.summary())
    assert lines[-2:] == [
        "and 2 more; --report FILE writes them all",
        f"{SHOWN_MAX + 2} entities = 0 loaded + 52 refused",
    ]
    report.write(tmp_path / "report.tsv")
    with (tmp_path / "report.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["position"] for row in rows] == [str(at) for at in range(SHOWN_MAX + 2)]


def test_progress_gives_every_line(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b'{"id": "urn:a:1"}\n{"id": "urn:a:2"}\n')
    with watching(Report(), 36) as watch, path.open("rb") as raw:
        assert len(list(entities_in(watch.lines(raw, raw)))) == 2
