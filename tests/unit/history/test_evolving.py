"""Writes of history: what is there before, what is refused, what a restriction hides (clauses 5.6.11 to 5.6.16)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.decode.temporal import History
from broker.errors import AlreadyExists, BadRequestData, Conflict, NgsiError, ResourceNotFound
from broker.model import change
from broker.model.evolution import Evolution
from broker.model.values import NGSI_LD_NULL
from broker.operations import evolve
from broker.operations.broker import Broker
from broker.operations.evolve import InstanceTarget
from broker.operations.provide import AttributeTarget, Target
from broker.operations.recall import retrieve_evolution
from broker.ports import UNRESTRICTED, Restriction
from broker.query.temporal import TemporalQuery
from tests.fakes.clock import START
from tests.fakes.hiding import HIDDEN_ENTITY, HIDDEN_INSTANCE, HIDDEN_SUB_ATTRIBUTE, cut
from tests.fakes.house import NS, fill, make_broker, make_call

ONE = "urn:ngsi-ld:Thing:1"
SPEED, DATASET = HIDDEN_INSTANCE
HIDING = Restriction(view=cut)


def past(value: Any, second: int = 0, **more: Any) -> Any:
    return {"type": "Property", "value": value, "observedAt": f"2026-01-01T00:00:0{second}Z", **more}


def begin(broker: Broker, entity_id: str = ONE, **attributes: Any) -> None:
    held = {NS + name: found for name, found in attributes.items()}
    evolve.upsert_evolution(broker, make_call(), History(entity_id, (NS + "Thing",), held)).result()


def known(broker: Broker, entity_id: str = ONE, restriction: Restriction = UNRESTRICTED) -> Evolution:
    return retrieve_evolution(broker, make_call(restriction), entity_id, TemporalQuery()).evolutions[0]


def values(broker: Broker, name: str = "speed") -> list[Any]:
    return [one["value"] for one in known(broker).attributes.get(NS + name, ())]


def test_the_history_of_an_entity_that_is_there_is_not_new() -> None:
    broker, call = make_broker(), make_call()
    fill(broker, change.create({"id": ONE, "type": NS + "Thing", SPEED: {"type": "Property", "value": 1}}, START))
    written = evolve.upsert_evolution(broker, call, History(ONE, (), {SPEED: [past(2)]})).result()
    assert not written.created
    assert sorted(values(broker)) == [1, 2]


def test_types_are_needed_at_the_beginning_alone() -> None:
    broker, call = make_broker(), make_call()
    with pytest.raises(BadRequestData):
        evolve.upsert_evolution(broker, call, History(ONE, (), {SPEED: [past(1)]})).result()
    begin(broker, speed=[past(1)])
    more = History("", (NS + "Thing", NS + "Other"), {SPEED: [past(2, 2)]})
    evolve.add_attributes(broker, call, ONE, more).result()
    assert known(broker).types == (NS + "Thing", NS + "Other")


@pytest.mark.parametrize(
    ("restriction", "found"),
    [(UNRESTRICTED, None), (HIDING, {HIDDEN_SUB_ATTRIBUTE[1]})],
)
def test_a_correction_keeps_what_the_corrector_does_not_see(restriction: Restriction, found: set[str] | None) -> None:
    broker = make_broker()
    begin(broker, speed=[{**past(1), HIDDEN_SUB_ATTRIBUTE[1]: {"type": "Property", "value": "secret"}}])
    target = InstanceTarget(SPEED, str(known(broker).attributes[SPEED][0]["instanceId"]))
    evolve.modify_instance(broker, make_call(restriction), ONE, target, past(5)).result()
    (held,) = known(broker).attributes[SPEED]
    assert held["value"] == 5
    assert ({HIDDEN_SUB_ATTRIBUTE[1]} & held.keys() or None) == found


def test_what_is_hidden_is_refused_as_for_the_current_state() -> None:
    broker, call = make_broker(), make_call(HIDING)
    begin(broker, HIDDEN_ENTITY, speed=[past(1)])
    begin(broker, speed=[past(1, datasetId=DATASET)])
    history = History(HIDDEN_ENTITY, (NS + "Thing",), {SPEED: [past(2)]})
    with pytest.raises(AlreadyExists):
        evolve.upsert_evolution(broker, call, history).result()
    with pytest.raises(Conflict):
        evolve.add_attributes(broker, call, ONE, History("", (), {SPEED: [past(2, datasetId=DATASET)]})).result()
    for target in (
        AttributeTarget(SPEED, DATASET),
        AttributeTarget(SPEED, delete_all=True),
        AttributeTarget(NS + "no"),
    ):
        with pytest.raises(ResourceNotFound):
            evolve.delete_attribute(broker, call, ONE, target).result()
        with pytest.raises(ResourceNotFound):
            evolve.delete_current_attribute(broker, call, Target(ONE), target).result()
    assert values(broker) == [1]


def test_an_attribute_that_ended_says_so_once() -> None:
    broker, call = make_broker(), make_call()
    begin(broker, speed=[past(1), past(2, 2, datasetId="urn:x:d")])
    evolve.delete_current_attribute(broker, call, Target(ONE), AttributeTarget(SPEED, delete_all=True)).result()
    assert sorted(map(str, values(broker))) == ["1", "2", NGSI_LD_NULL, NGSI_LD_NULL]
    with pytest.raises(ResourceNotFound) as refused:
        evolve.delete_current_attribute(broker, call, Target(ONE), AttributeTarget(SPEED, delete_all=True)).result()
    assert refused.value.pointer == "entityId"


def test_a_refusal_names_the_instance_and_not_how_it_is_missing() -> None:
    broker, call = make_broker(), make_call()
    begin(broker, speed=[past(1)])
    refusals: list[NgsiError] = []
    for name in (SPEED, NS + "no"):
        with pytest.raises(ResourceNotFound) as refused:
            evolve.delete_instance(broker, call, ONE, InstanceTarget(name, "urn:x:none")).result()
        refusals.append(refused.value)
    assert {refusal.pointer for refusal in refusals} == {"instanceId"}
    with pytest.raises(BadRequestData):
        evolve.delete_instance(broker, call, ONE, InstanceTarget(SPEED, "none"))
