"""The law of the access seam: an operation over data with hidden parts answers as one over data without them.

Hidden parts survive every write but the deletion of their whole entity. A write that would touch them is refused
(Conflict, AlreadyExists), which is the one way in which their being there may show.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.access.view import Rules, view_of
from broker.errors import AlreadyExists, Conflict, NgsiError
from broker.model.entity import ENTITY_MEMBERS, INSTANCE_MEMBERS, Entity, instances
from broker.operations import batch, consume, discover, provide
from broker.operations.broker import Broker, Call
from broker.operations.provide import AttributeTarget, Target
from broker.operations.purge import Purge, purge_entities
from broker.ports import Restriction
from broker.query.ast import EVERYTHING, Exists, HasAttribute, HasType, Path, Selection, Window
from tests.fakes.house import fill, make_broker, make_call
from tests.property.model.test_change_laws import bare
from tests.strategies.entities import (
    ACCURACY,
    DATASETS,
    IDS,
    LABEL,
    NAME,
    SPEED,
    TYPES,
    documents,
    populations,
)

RULES = Rules(
    entities=frozenset({IDS[0]}),
    types=frozenset({TYPES[1]}),
    attributes=frozenset({NAME}),
    instances=frozenset({(SPEED, DATASETS[0])}),
    sub_attributes=frozenset({(SPEED, ACCURACY)}),
)
view = view_of(RULES)
HIDING, SEEING = make_call(Restriction(view=view)), make_call()

Operation = Callable[[Broker, Call], Any]


def answer(operation: Operation, broker: Broker, call: Call) -> Any:
    try:
        result = operation(broker, call)
        return result.result() if isinstance(result, Future) else result
    except NgsiError as refusal:
        return type(refusal), refusal.pointer


def filled(population: list[Entity]) -> tuple[Broker, Broker]:
    """One broker with everything, and one without the hidden parts."""
    full, less = make_broker(), make_broker()
    fill(full, *population)
    fill(less, *(shown for one in population if (shown := view(one)) is not None))
    return full, less


def hidden(broker: Broker) -> dict[str, Any]:
    """Each entity's hidden parts, by where they stand."""
    return {
        one.id: dict(_hidden(one.document, shown.document if (shown := view(one)) else {}, ENTITY_MEMBERS))
        for one in broker.entities.scan("")
    }


def _hidden(full: Any, shown: Any, reserved: frozenset[str]) -> Any:
    for name, value in full.items():
        if name in reserved:
            continue
        visible = {one.get("datasetId"): one for one in instances(shown.get(name))}
        for one in instances(value):
            dataset = one.get("datasetId")
            if dataset not in visible:
                yield (name, dataset), one
            elif visible[dataset] is not one:
                for key, part in _hidden(one, visible[dataset], INSTANCE_MEMBERS):
                    yield (name, dataset, *key), part


@settings(deadline=None)
@given(populations(), st.sampled_from(IDS), st.sampled_from([NAME, SPEED, LABEL]), st.sampled_from(TYPES))
def test_reads_answer_as_over_data_without_the_hidden_parts(
    population: list[Entity], entity_id: str, name: str, iri: str
) -> None:
    full, less = filled(population)
    reads: list[Operation] = [
        lambda b, c: consume.retrieve_entity(b, c, entity_id),
        lambda b, c: consume.query_entities(b, c, Selection(EVERYTHING), Window(3, 1, count=True)),
        lambda b, c: consume.query_entities(b, c, Selection(HasAttribute(name)), Window(9, count=True)),
        lambda b, c: consume.query_entities(b, c, Selection(Exists(Path(name, (ACCURACY,)))), Window(9, count=True)),
        discover.list_types,
        discover.list_types_in_detail,
        lambda b, c: discover.describe_type(b, c, iri),
        discover.list_attributes,
        discover.list_attributes_in_detail,
        lambda b, c: discover.describe_attribute(b, c, name),
    ]
    for number, read in enumerate(reads):
        assert answer(read, full, HIDING) == answer(read, less, SEEING), number


def _visible(document: dict[str, Any]) -> dict[str, Any]:
    """What is left of a document that a writer under the rules may write."""
    shown = view(Entity({**document, "id": IDS[1], "type": TYPES[0]}, 0, 0))
    assert shown is not None
    return {**shown.document, "id": document["id"], "type": TYPES[0]}


@st.composite
def writes(draw: st.DrawFn) -> Operation:
    """A random write of a random entity."""
    document = bare(draw(documents(st.sampled_from([*IDS[1:4], *IDS[1:4], *IDS[:6]]))))
    if draw(st.integers(0, 3)):
        document = _visible(document)
    target = Target(document["id"])
    name = draw(st.sampled_from([NAME, SPEED, LABEL]))
    which = AttributeTarget(name, draw(st.sampled_from([None, *DATASETS])), draw(st.booleans()))
    one: Any = next((part for part in instances(document.get(name))), {"type": "Property", "value": 1})
    choices: list[Operation] = [
        lambda b, c: provide.create_entity(b, c, document),
        lambda b, c: provide.replace_entity(b, c, target, document),
        lambda b, c: provide.update_attributes(b, c, target, document),
        lambda b, c: provide.append_attributes(b, c, target, document, overwrite=False),
        lambda b, c: provide.partial_attribute_update(b, c, target, name, one),
        lambda b, c: provide.replace_attribute(b, c, target, name, one),
        lambda b, c: provide.delete_attribute(b, c, target, which),
        lambda b, c: provide.merge_entity(b, c, target, document),
        lambda b, c: provide.delete_entity(b, c, target),
        lambda b, c: purge_entities(b, c, HasType(TYPES[0]), Purge()),
        lambda b, c: purge_entities(b, c, HasType(TYPES[0]), Purge(drop=frozenset({name}))),
        lambda b, c: purge_entities(b, c, HasType(TYPES[0]), Purge(keep=frozenset({name}))),
        lambda b, c: batch.batch_delete(b, c, [document["id"], IDS[0]]),
    ]
    return draw(st.sampled_from(choices))


@settings(deadline=None, max_examples=300)
@given(populations(), writes())
def test_writes_answer_so_too_and_hidden_parts_survive_them(population: list[Entity], write: Operation) -> None:
    full, less = filled(population)
    before = hidden(full)
    with_hidden, without = answer(write, full, HIDING), answer(write, less, SEEING)
    after = hidden(full)
    assert all(parts == before.get(entity_id, {}) for entity_id, parts in after.items())
    refusals = with_hidden[:1] if isinstance(with_hidden, tuple) else ()
    errors = {type(one.refusal) for one in getattr(with_hidden, "errors", [])}
    if {Conflict, AlreadyExists} & {*refusals, *errors} and with_hidden != without:
        return  # something was to be written where hidden parts stand, whether one was there or not
    assert seen(with_hidden) == seen(without)
    assert [view(one) for one in full.entities.scan("") if view(one)] == list(less.entities.scan(""))


def seen(outcome: Any) -> Any:
    """An outcome to compare: refusals are the same where their type, place and entity are."""
    errors = getattr(outcome, "errors", None)
    if errors is None:
        return outcome
    return outcome.success, [(one.entity_id, type(one.refusal), one.refusal.pointer) for one in errors]


@settings(deadline=None)
@given(populations())
def test_the_hidden_entity_s_id_is_taken_without_a_word(population: list[Entity]) -> None:
    full, _ = filled(population)
    made: dict[str, Any] = {"id": IDS[0], "type": TYPES[0]}
    assert answer(lambda b, c: provide.create_entity(b, c, made), full, HIDING) == (AlreadyExists, "")
    assert answer(lambda b, c: provide.delete_entity(b, c, Target(IDS[0])), full, HIDING)[0] is not AlreadyExists
    assert full.entities.get("", IDS[0]) is not None
