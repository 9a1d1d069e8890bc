"""What may not be written with access: types that nobody knows, other persons, names, classes that are weaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from broker.access.consent_index import DECIDES, ConsentIndex
from broker.access.kept import Kept, KeptHistory
from broker.access.labels import Profiles
from broker.access.writing import WriteRules
from broker.errors import BadRequestData, Conflict, Forbidden, NgsiError
from broker.model.entity import Entity
from broker.model.subjects import DATA_CLASS, DATA_SUBJECT
from broker.ports import ADAPTER, SYSTEM, Command, Principal, Put
from broker.ports.evolution import AddInstances, Begin, DropAttribute, EvolutionCommand
from broker.stores.memory import MemoryStore
from tests.fakes.clock import FakeClock
from tests.strategies.cities import HEART, HOUSE, NAME, ODD, STEPS, WATCH, Tags

HANA, KEN = "urn:misono:subject:hana", "urn:misono:subject:ken"
OPERATOR = Principal("op", roles=frozenset({"operator"}))
SERVICE = Principal("services", roles=frozenset({SYSTEM}))
DEVICE_SIDE = Principal("adapters", roles=frozenset({SYSTEM, ADAPTER}))


class Writing:
    """A store in memory whose tenant `people` is one of persons."""

    def __init__(self) -> None:
        clock = FakeClock()
        self.store = MemoryStore(clock)
        self.index = ConsentIndex(Tags().item, clock)
        rules = WriteRules(Profiles(Tags()), frozenset({"people"}))
        self.kept = Kept(self.store, rules, DECIDES, self.index)
        self.history = KeptHistory(self.store.history, rules)

    def put(self, document: Mapping[str, Any], by: Principal = OPERATOR, tenant: str = "") -> NgsiError | None:
        """What became of writing `urn:e:1`."""
        whole: Any = {"id": "urn:e:1", **document}
        command = Command("urn:e:1", lambda _current, _now: Put(Entity(whole, 0, 0)), creates=True, by=by)
        found = self.kept.apply(tenant, [command]).result()[0]
        assert found is None or isinstance(found, NgsiError)
        return found

    def evolve(self, *steps: Any, by: Principal = OPERATOR, tenant: str = "") -> NgsiError | None:
        """What became of writing the history of `urn:h:1`."""
        command = EvolutionCommand("urn:h:1", lambda _known, _now: (steps, None), creates=True, by=by)
        found = self.history.apply_evolution(tenant, [command]).result()[0]
        assert found is None or isinstance(found, NgsiError)
        return found


@pytest.fixture
def writing() -> Writing:
    return Writing()


def prop(value: Any, **more: Any) -> dict[str, Any]:
    """A Property; `said` is its own class."""
    said = more.pop("said", None)
    return {"type": "Property", "value": value, **more} | ({DATA_CLASS: prop(said)} if said else {})


@pytest.mark.parametrize("by", [OPERATOR, DEVICE_SIDE, SERVICE])
def test_what_nobody_knows_does_not_come_into_a_tenant_of_persons(writing: Writing, by: Principal) -> None:
    odd = {"type": ODD, NAME: prop("a"), STEPS: prop(1, said="personal")}
    refused = writing.put(odd, by, "people")
    assert isinstance(refused, BadRequestData)
    assert refused.pointer == "/" + NAME.replace("/", "~1")
    assert isinstance(writing.put({"type": ODD}, by, "people"), BadRequestData)
    assert isinstance(writing.evolve(Begin((ODD,)), AddInstances(NAME, [prop("a")]), by=by, tenant="people"), NgsiError)
    assert writing.put(odd, by) is None, "in other tenants it does"
    assert writing.put({**odd, NAME: prop("a", said="none")}, by, "people") is None
    assert writing.put({"type": [ODD, HOUSE], NAME: prop("a")}, by, "people") is None, (
        "a package knows one of its types"
    )


def test_whom_an_entity_is_about_never_changes(writing: Writing) -> None:
    about = {"type": WATCH, DATA_SUBJECT: prop(HANA)}
    assert writing.put({"type": WATCH}) is None
    assert writing.put(about) is None, "it may be said later"
    assert writing.put({**about, DATA_SUBJECT: {"type": "ListProperty", "valueList": [HANA]}}) is None, "the same one"
    for other in ({}, {DATA_SUBJECT: prop(KEN)}, {DATA_SUBJECT: prop([HANA, KEN])}):
        assert isinstance(writing.put({"type": WATCH, **other}), Conflict)
    assert writing.store.get("", "urn:e:1").document[DATA_SUBJECT]["valueList"] == [HANA]  # type: ignore[union-attr,index,call-overload]
    assert writing.put({**about, DATA_SUBJECT: prop([HANA, KEN])}, SERVICE) is None


def test_whom_a_history_is_about_never_changes(writing: Writing) -> None:
    begun = writing.evolve(Begin((WATCH,)), AddInstances(DATA_SUBJECT, [prop(HANA)]))
    assert begun is None
    for step in (AddInstances(DATA_SUBJECT, [prop(KEN)]), DropAttribute(DATA_SUBJECT)):
        assert isinstance(writing.evolve(step), Conflict)
        assert writing.evolve(step, by=SERVICE) is None


@pytest.mark.parametrize("named", ["Hanako Tanaka", "urn:person:hana", "urn:misono:subject:", ["urn:x:1", HANA], 7])
def test_a_person_is_named_by_a_pseudonym(writing: Writing, named: Any) -> None:
    assert isinstance(writing.put({"type": WATCH, DATA_SUBJECT: prop(named)}), BadRequestData)
    assert isinstance(writing.put({"type": WATCH, STEPS: prop(1, **{DATA_SUBJECT: prop(named)})}), BadRequestData)
    assert isinstance(writing.evolve(Begin((WATCH,)), AddInstances(DATA_SUBJECT, [prop(named)])), BadRequestData)


@pytest.mark.parametrize(
    ("name", "said", "taken"),
    [
        (HEART, "special-care", True), (HEART, "personal", False), (HEART, "anonymised", False), (HEART, "none", False),
        (STEPS, "special-care", True), (STEPS, "personal", True), (STEPS, "pseudonymised", False),
        (NAME, "none", True), (NAME, "anonymised", True), (DATA_SUBJECT, "anonymised", False),
        (STEPS, "nonsense", True),
    ],
)  # fmt: skip
def test_nobody_says_that_data_are_less_personal_than_their_model(
    writing: Writing, name: str, said: str, *, taken: bool
) -> None:
    value = HANA if name == DATA_SUBJECT else 1
    refused = writing.put({"type": WATCH, name: prop(value, said=said)})
    assert (refused is None) is taken
    assert taken or isinstance(refused, Forbidden)
    assert (writing.evolve(Begin((WATCH,)), AddInstances(name, [prop(value, said=said)])) is None) is taken
    assert writing.put({"type": WATCH, name: prop(value, said=said)}, SERVICE) is None


def test_a_class_is_not_weakened_by_writing_over_it(writing: Writing) -> None:
    strict, other = prop(1, said="special-care"), prop(2, datasetId="urn:d:1")
    assert writing.put({"type": WATCH, STEPS: [strict, other]}) is None
    assert isinstance(writing.put({"type": WATCH, STEPS: [prop(1), other]}), Forbidden)
    assert isinstance(writing.put({"type": HOUSE, STEPS: [strict, other]}), Forbidden), "another type, another class"
    assert writing.put({"type": WATCH, STEPS: [prop(3, said="special-care"), other]}) is None
    assert writing.put({"type": WATCH, STEPS: other}) is None, "what is deleted has no class"
    anonymised = {"type": WATCH, STEPS: prop(1, said="anonymised")}
    assert writing.put(anonymised, SERVICE) is None
    assert writing.put({"type": WATCH, STEPS: prop(2, said="anonymised")}) is None, "as the hub itself said"


def test_whom_something_is_about_does_not_expire(writing: Writing) -> None:
    expiring = prop(HANA, expiresAt="2099-01-01T00:00:00Z")
    assert isinstance(writing.put({"type": WATCH, DATA_SUBJECT: expiring}), BadRequestData)
    assert isinstance(writing.put({"type": WATCH, STEPS: prop(1, **{DATA_SUBJECT: expiring})}), BadRequestData)
