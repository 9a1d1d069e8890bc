"""The gate around a store: what it refuses, warns of and lets in, on every kind of write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.errors import NgsiError
from broker.model.entity import Document, Entity
from broker.operations import batch, provide
from broker.operations.broker import Broker
from broker.operations.provide import Target
from broker.ports import Restriction
from broker.ports.validator import ASKING, Asking
from datamodels.gate import Counts, Gate, Gated, ModelViolation
from datamodels.library import Library, read_library
from datamodels.policies import Mode, Modes
from tests.fakes.house import make_broker, make_call, prop
from tests.unit.models.written import LAMP, write

NS = "https://city.example/city/"
LAMP_TYPE, POWER, POST, POLE = f"{NS}Lamp", f"{NS}power", f"{NS}post", "urn:x:pole"
MODELS: dict[str, Any] = {
    "Lamp": {**LAMP, "post": {"kind": ["Relationship", "ListRelationship"], "targets": ["Pole"]}},
    "Pole": {"height": {"type": "number", "unit": "MTR"}},
    "Lantern": LAMP,
}


class Packages:
    """What is installed, in the hands of a test."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def now(self) -> Library:
        """It."""
        return self.library


class Policies:
    """The same modes in every tenant."""

    def __init__(self, rest: Mode, **said: Mode) -> None:
        self.found = Modes({NS + name: mode for name, mode in said.items()}, rest)

    def modes(self, _tenant: str) -> Modes:
        """They."""
        return self.found


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder: Path = tmp_path_factory.mktemp("packages")
    write(folder, "city", models=MODELS)
    return read_library(folder)


def held(library: Library, rest: Mode = "reject", *, converts: bool = False, **said: Mode) -> tuple[Broker, Gate]:
    broker = make_broker()
    gate = Gate(Packages(library), Policies(rest, **said), Counts(), converts)
    return replace(broker, entities=Gated(broker.entities, gate)), gate


def lamp(power: Any = 10, entity_id: str = "urn:x:1", post: dict[str, Any] | None = None) -> Document:
    led = {} if post is None else {POST: post}
    return {"id": entity_id, "type": LAMP_TYPE, POWER: prop(power, unitCode="WTT"), **led}


def stored(broker: Broker, entity_id: str = "urn:x:1") -> Entity | None:
    return broker.entities.get("", entity_id)


def create(broker: Broker, document: Document) -> None:
    provide.create_entity(broker, make_call(), document).result()


def violation(broker: Broker, document: Document) -> ModelViolation:
    with pytest.raises(ModelViolation) as refusal:
        create(broker, document)
    return refusal.value


@pytest.fixture(name="asking")
def somebody_asks() -> Iterator[Asking]:
    asking = Asking()
    before = ASKING.set(asking)
    yield asking
    ASKING.reset(before)


def test_a_good_entity_passes(library: Library) -> None:
    broker, gate = held(library)
    create(broker, lamp())
    assert stored(broker) is not None
    assert gate.counts.all() == {}


def test_a_broken_one_is_refused_and_counted(library: Library) -> None:
    broker, gate = held(library)
    refusal = violation(broker, lamp(-1))
    assert [one.pointer for one in refusal.violations] == ["/power/value"]
    assert [one.rule for one in refusal.violations] == ["minimum"]
    assert refusal.violations[0].model == "Lamp 1.0.0"
    assert refusal.status == 400
    assert refusal.type_uri == "https://uri.etsi.org/ngsi-ld/errors/BadRequestData"
    assert stored(broker) is None
    assert gate.counts.all() == {("Lamp 1.0.0", "refused"): 1}


def test_what_is_missing_is_told(library: Library) -> None:
    broker, _ = held(library)
    refusal = violation(broker, {"id": "urn:x:1", "type": LAMP_TYPE})
    assert [(one.pointer, one.rule) for one in refusal.violations] == [("", "required")]
    assert "power" in refusal.remedy


def test_types_without_a_model_and_types_that_are_off_pass(library: Library) -> None:
    broker, gate = held(library, "reject", Lamp="off")
    create(broker, lamp("bright"))
    create(broker, {"id": "urn:x:2", "type": "https://x.org/Other", POWER: prop(-1)})
    assert violation(broker, {"id": "urn:x:3", "type": f"{NS}Lantern"}).violations
    assert gate.counts.all() == {("Lantern 1.0.0", "refused"): 1}


def test_an_entity_of_two_types_is_held_to_both(library: Library) -> None:
    broker, _ = held(library, "off", Pole="reject", Lamp="reject")
    height = {f"{NS}height": prop("tall", unitCode="MTR")}
    refusal = violation(broker, {"id": "urn:x:1", "type": [LAMP_TYPE, f"{NS}Pole"], **height})
    assert {one.model for one in refusal.violations} == {"Lamp 1.0.0", "Pole 1.0.0"}


def test_with_warnings_it_is_written_and_told_once(library: Library, asking: Asking) -> None:
    broker, gate = held(library, "off", Lamp="warn")
    create(broker, lamp(-1))
    assert [one.pointer for one in asking.warnings] == ["/power/value"]
    assert gate.counts.all() == {("Lamp 1.0.0", "warned"): 1}
    assert stored(broker) is not None


def test_nobody_needs_to_ask(library: Library) -> None:
    broker, gate = held(library, "warn")
    create(broker, lamp(-1))
    assert gate.counts.all() == {("Lamp 1.0.0", "warned"): 1}


def test_an_entity_older_than_its_model_may_be_changed_elsewhere(library: Library) -> None:
    broker, gate = held(library, "off", Lamp="off")
    create(broker, lamp(-1))
    gate.policies = Policies("reject")
    call, lit = make_call(), f"{NS}lit"
    provide.update_attributes(broker, call, Target("urn:x:1"), {POWER: prop(-1, unitCode="WTT")}).result()
    provide.append_attributes(broker, call, Target("urn:x:1"), {lit: prop(True)}).result()
    for value in (-2, "dark"):
        with pytest.raises(ModelViolation):
            provide.update_attributes(broker, call, Target("urn:x:1"), {POWER: prop(value, unitCode="WTT")}).result()
    with pytest.raises(ModelViolation):
        provide.update_attributes(
            broker, call, Target("urn:x:1"), {POWER: prop(-1, unitCode="WTT", observedAt="2026-01-01T00:00:00Z")}
        ).result()
    provide.update_attributes(broker, call, Target("urn:x:1"), {POWER: prop(3, unitCode="WTT")}).result()


def test_every_change_of_an_entity_is_held(library: Library) -> None:
    broker, _ = held(library)
    create(broker, lamp())
    call, target, attribute = make_call(), Target("urn:x:1"), provide.AttributeTarget(POWER)
    bad: Document = {POWER: prop(-1, unitCode="WTT")}
    writes: list[Callable[[], Future[Any]]] = [
        lambda: provide.update_attributes(broker, call, target, bad),
        lambda: provide.append_attributes(broker, call, target, bad),
        lambda: provide.merge_entity(broker, call, target, bad),
        lambda: provide.replace_entity(broker, call, target, lamp(-1)),
        lambda: provide.delete_attribute(broker, call, target, attribute),
    ]
    for each in writes:
        with pytest.raises(ModelViolation):
            each().result()
    assert stored(broker) == replace_version(stored(broker), lamp())


def replace_version(entity: Entity | None, document: Document) -> Entity | None:
    return None if entity is None else replace(entity, document=document, version=1)


def test_a_batch_refuses_each_for_itself(library: Library) -> None:
    broker, _ = held(library)
    members: Any = [
        {"id": "urn:x:1", "type": LAMP_TYPE, POWER: prop(-1, unitCode="WTT")},
        {"id": "urn:x:2", "type": LAMP_TYPE, POWER: prop(1, unitCode="WTT")},
    ]
    for run in (batch.batch_create, batch.batch_upsert, batch.batch_upsert):
        result = run(broker, make_call(), members).result()
        assert [one.entity_id for one in result.errors if isinstance(one.refusal, ModelViolation)] == ["urn:x:1"]
    merged = batch.batch_merge(broker, make_call(), [{"id": "urn:x:2", POWER: prop("dim")}]).result()
    assert isinstance(merged.errors[0].refusal, ModelViolation)
    assert merged.errors[0].refusal.pointer.startswith("/0/")


@pytest.mark.parametrize(
    ("value", "unit", "passes"),
    [(1, "KWT", True), (-1, "KWT", False), (1, "WTT", True), (1, "KWH", False), ([1, -1], "KWT", False)],
)
def test_bounds_hold_in_every_unit_that_is_taken(library: Library, value: Any, unit: str, *, passes: bool) -> None:
    broker, _ = held(library)
    document: Document = {"id": "urn:x:1", "type": LAMP_TYPE, POWER: prop(value, unitCode=unit)}
    if passes:
        create(broker, document)
    else:
        assert violation(broker, document).pointer.startswith("/")


def test_units_are_converted_only_where_it_is_asked_for(library: Library) -> None:
    several = [prop(1.5, unitCode="KWT"), prop(2, unitCode="WTT", datasetId="urn:x:d")]
    document: Document = {"id": "urn:x:1", "type": LAMP_TYPE, POWER: several}  # type: ignore[dict-item]
    for converts, first in ((False, several[0]), (True, prop(1500, unitCode="WTT"))):
        broker, _ = held(library, converts=converts)
        create(broker, document)
        entity = stored(broker)
        assert entity is not None
        assert entity.document[POWER] == [first, several[1]]


@pytest.mark.parametrize("converts", [False, True])
def test_numbers_that_no_float_holds_are_within_bounds_or_not(library: Library, *, converts: bool) -> None:
    broker, _ = held(library, converts=converts)
    below: Document = {"id": "urn:x:1", "type": LAMP_TYPE, POWER: prop(-(10**400), unitCode="KWT")}
    assert [one.rule for one in violation(broker, below).violations] == ["minimum"]
    create(broker, {**below, POWER: prop(10**400, unitCode="KWT")})
    entity = stored(broker)
    assert entity is not None
    assert entity.document[POWER] == prop(10**400, unitCode="KWT")


def link(target: str) -> dict[str, Any]:
    return {"type": "Relationship", "object": target}


def test_relationships_lead_to_what_the_model_says(library: Library) -> None:
    broker, _ = held(library)
    create(broker, {"id": POLE, "type": f"{NS}Pole"})
    create(broker, lamp(entity_id="urn:x:other"))
    create(broker, lamp(post=link(POLE)))
    create(broker, lamp(entity_id="urn:x:2", post=link("urn:x:nowhere")))
    refusal = violation(broker, lamp(entity_id="urn:x:3", post=link("urn:x:other")))
    assert [(one.pointer, one.rule) for one in refusal.violations] == [("/post/object", "targets")]
    assert "Pole" in refusal.remedy
    with pytest.raises(ModelViolation):
        provide.update_attributes(broker, make_call(), Target("urn:x:1"), {POST: link("urn:x:other")}).result()
    listed = {"type": "ListRelationship", "objectList": [{"object": POLE}, {"object": "urn:x:other"}]}
    refusal = violation(broker, lamp(entity_id="urn:x:3", post=listed))
    assert refusal.violations[0].pointer == "/post/objectList/1"


def test_targets_of_the_same_batch_are_known(library: Library) -> None:
    broker, _ = held(library)
    members: Any = [
        {"id": "urn:x:1", "type": LAMP_TYPE, POWER: prop(1), POST: link("urn:x:2")},
        {"id": "urn:x:2", "type": LAMP_TYPE, POWER: prop(1)},
        {"id": "urn:x:3", "type": LAMP_TYPE, POWER: prop(1), POST: link("urn:x:4")},
        {"id": "urn:x:4", "type": f"{NS}Pole"},
    ]
    result = batch.batch_upsert(broker, make_call(), members).result()
    assert [one.entity_id for one in result.errors] == ["urn:x:1"]


def test_a_target_that_changes_its_type_is_looked_at_again(library: Library) -> None:
    broker, _ = held(library)
    create(broker, {"id": POLE, "type": f"{NS}Pole"})
    create(broker, lamp(post=link(POLE)))
    provide.delete_entity(broker, make_call(), Target(POLE)).result()
    create(broker, lamp(entity_id=POLE))
    violation(broker, lamp(entity_id="urn:x:2", post=link(POLE)))


def test_nothing_is_told_of_a_target_that_the_caller_may_not_see(library: Library, asking: Asking) -> None:
    broker, _ = held(library)
    create(broker, lamp(entity_id="urn:x:other"))
    asking.restriction = Restriction(view=lambda entity: None if entity.id == "urn:x:other" else entity)
    create(broker, lamp(post=link("urn:x:other")))


def test_new_packages_hold_from_then_on(library: Library, tmp_path: Path) -> None:
    broker, gate = held(library)
    create(broker, lamp())
    write(tmp_path, "city", models={"Lamp": {"power": {**LAMP["power"], "least": 100}}})
    gate.packages.library = read_library(tmp_path)  # type: ignore[attr-defined]
    violation(broker, lamp(entity_id="urn:x:2"))


def test_a_refusal_points_at_the_names_of_the_caller(library: Library) -> None:
    broker, _ = held(library)
    with pytest.raises(NgsiError) as refusal:
        create(broker, lamp(-1))
    assert refusal.value.pointer == "/https:~1~1city.example~1city~1power/value"
