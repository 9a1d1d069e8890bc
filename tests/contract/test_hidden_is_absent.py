"""Under the hiding policy every operation of the table answers as over data without what is hidden, on every engine.

Two brokers get the same requests: one holds everything and hides, the other never had what is hidden. Answers are
equal; afterwards what can be seen is equal, and what is hidden is still there but for entities deleted as a whole.
A write that would touch what is hidden is refused without a word on why: the only way in which it may show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from broker.doors import Built
from broker.model import change
from broker.model.entity import Document, Entity, instances
from broker.model.evolution import Evolution
from broker.ports import UNRESTRICTED, Access
from broker.query.temporal import TemporalQuery
from broker.timers import Background
from tests.contract.hidden_cases import CASES, MADE_MAP
from tests.contract.hidden_seed import ONE, SEED, SHOWN_INSTANCE, TWO, VEILED, VEILED_INSTANCE, Case, entity, prop
from tests.fakes.clock import START, FakeClock
from tests.fakes.hiding import HIDDEN_ATTRIBUTE, HIDDEN_ENTITY, HIDDEN_INSTANCE, NS, HidingPolicy, cut
from tests.fakes.house import fill
from tests.http.doors import ROOT, Door, Reply, broker, flask_door, front_door

HEADERS = ("content-type", "etag", "link", "ngsild-results-count", "preference-applied")
SAFE = "/?&=:,;!.*[]{}()"
BESIDE = ("/admin/", "/federation/", "/catalogue", "/models", "/contexts/")
"""Beginnings of paths that are no part of the standard's."""
MADE_UP = re.compile(rb"[0-9a-f]{32}")
INSTANCE_ID = re.compile(rb"urn:ngsi-ld:Instance:[^\"' .]+")


class House:
    """One of the two brokers: its parts, and a door to it."""

    def __init__(self, built: Built, doors: list[Door]) -> None:
        self.built = built
        self.doors = doors
        self.last_map = "urn:none"

    def ask(self, case: Case, number: int) -> Reply:
        """The answer, by one door or the other, once what goes on behind it is done.

        Ids of instances are masked, for they tell in which order they came; so are ids that the broker made up.
        """
        (method, path), body = case[0].replace(MADE_MAP, self.last_map).split(" ", 1), case[1]
        given = {
            name: text.replace(MADE_MAP, self.last_map) for name, text in (case[2] if len(case) > 2 else {}).items()
        }
        text = None if body is None else json.dumps(body).encode()
        path = self._with_instance(path)
        root = "" if path.startswith(BESIDE) else ROOT
        reply = self.doors[number % len(self.doors)](method, root + quote(path, safe=SAFE), given, text)
        self.last_map = reply.headers.get("ngsild-entitymap", self.last_map).rpartition("/")[2]
        background = self.built.house.broker.background
        assert isinstance(background, Background)
        background.settle()
        body = MADE_UP.sub(b"made", INSTANCE_ID.sub(b"urn:ngsi-ld:Instance", reply.body))
        return Reply(reply.status, reply.headers, body)

    def _with_instance(self, path: str) -> str:
        """The path with the id of an instance that is there, hidden or not, in the place of its stand-in."""
        for stand_in, dataset in ((SHOWN_INSTANCE, "@none"), (VEILED_INSTANCE, HIDDEN_INSTANCE[1])):
            if stand_in in path:
                segments = path.split("/")
                evolution = self.evolution(segments[3])
                found = () if evolution is None else evolution.attributes.get(NS + segments[5], ())
                ids = [one["instanceId"] for one in found if one.get("datasetId", "@none") == dataset]
                return path.replace(stand_in, str(ids[0]) if ids else "urn:ngsi-ld:Instance:0-0-0")
        return path

    def evolution(self, entity_id: str) -> Evolution | None:
        """The whole history of an entity, hidden or not."""
        history = self.built.house.broker.history
        return next(iter(history.evolution("", entity_id, TemporalQuery(), UNRESTRICTED).evolutions), None)

    def entities(self) -> dict[str, Entity]:
        """Everything that is in the store, hidden or not."""
        return {one.id: one for one in self.built.house.broker.entities.scan("")}


@pytest.fixture(params=["memory", "sqlite", "mongo"])
def houses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[House, House]]:
    """The one that hides, and the one that never had it."""
    whole = [change.create(document, START) for document in SEED]
    shown = [one for one in map(cut, whole) if one is not None]
    assert [one.id for one in shown] == [ONE, TWO]
    with ExitStack() as closing:

        def house(name: str, access: Access | None, entities: list[Entity]) -> House:
            options = {"store": request.param, "data": str(tmp_path / name)}
            built, doors = closing.enter_context(broker(clock=FakeClock(), access=access, **options))
            fill(built.house.broker, *entities)
            return House(built, [front_door(doors), flask_door(doors)])

        yield house("hiding", HidingPolicy(), whole), house("without", None, shown)


@pytest.mark.parametrize("operation", CASES)
def test_what_is_hidden_is_absent(houses: tuple[House, House], operation: str) -> None:
    hiding, without = houses
    before, histories = hiding.entities(), [hiding.evolution(one) for one in (HIDDEN_ENTITY, VEILED)]
    for number, case in enumerate(CASES[operation]):
        got, expected = hiding.ask(case, number), without.ask(case, number)
        assert (got.status, body_of(got), headers_of(got)) == (
            expected.status,
            body_of(expected),
            headers_of(expected),
        ), case
        assert got.status not in (400, 500), "a case that asks nothing"
    after = hiding.entities()
    assert [seen for one in after.values() if (seen := cut(one))] == list(without.entities().values())
    assert_hidden_parts_are_kept(before, after)
    assert [hiding.evolution(one) for one in (HIDDEN_ENTITY, VEILED)] == histories


def body_of(reply: Reply) -> object:
    return json.loads(reply.body) if reply.body else None


def headers_of(reply: Reply) -> dict[str, str]:
    return {name: reply.headers[name] for name in HEADERS if name in reply.headers}


def assert_hidden_parts_are_kept(before: dict[str, Entity], after: dict[str, Entity]) -> None:
    assert after[HIDDEN_ENTITY] == before[HIDDEN_ENTITY]
    assert after[VEILED] == before[VEILED]
    for one in (ONE, TWO):
        if one in after:
            assert after[one].document[HIDDEN_ATTRIBUTE] == before[one].document[HIDDEN_ATTRIBUTE]
    if ONE in after:
        assert hidden_instance(after[ONE].document) == hidden_instance(before[ONE].document)


def hidden_instance(document: Document) -> object:
    name, dataset = HIDDEN_INSTANCE
    return [one for one in instances(document[name]) if one.get("datasetId") == dataset]


@pytest.mark.parametrize(
    ("case", "status"),
    [
        (("POST /entities", entity(HIDDEN_ENTITY)), 409),
        (("POST /entities", entity(VEILED)), 409),
        ((f"PATCH /entities/{ONE}", {"hidden": prop(1)}), 409),
        ((f"POST /entities/{ONE}/attrs", {"hidden": prop(1)}), 409),
        ((f"POST /entities/{ONE}/attrs", {"speed": prop(1, datasetId=HIDDEN_INSTANCE[1])}), 409),
        (("POST /temporal/entities", entity(HIDDEN_ENTITY, speed=prop(1))), 409),
        (("POST /temporal/entities", entity(VEILED)), 409),
        ((f"POST /temporal/entities/{ONE}/attrs", {"hidden": prop(1)}), 409),
        ((f"POST /temporal/entities/{ONE}/attrs", {"speed": prop(1, datasetId=HIDDEN_INSTANCE[1])}), 409),
        ((f"PUT /entities/{ONE}", {"type": "Thing", "hidden": prop(1)}), 409),
        (("POST /entityOperations/create", [entity(HIDDEN_ENTITY)]), 207),
        (("POST /entityOperations/upsert", [entity(HIDDEN_ENTITY)]), 207),
    ],
)
def test_a_write_onto_what_is_hidden_is_refused_without_a_word(
    houses: tuple[House, House], case: Case, status: int
) -> None:
    hiding, _ = houses
    before = hiding.entities()
    reply = hiding.ask(case, 1)
    assert reply.status == status, reply
    assert b"secret" not in reply.body
    assert hiding.entities() == before
