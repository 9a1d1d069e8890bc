"""What may not be written with access: types that nobody knows, other persons, names, classes that are weaker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from broker.access.consent_index import DECIDES, ConsentIndex
from broker.access.formerly import Formerly
from broker.access.kept import Kept, KeptHistory
from broker.access.labels import Profiles
from broker.access.writing import WriteRules
from broker.errors import BadRequestData, Conflict, Forbidden, NgsiError
from broker.model.change import merge, partial_update, update
from broker.model.entity import Entity
from broker.model.subjects import DATA_CLASS, DATA_SUBJECT
from broker.ports import ADAPTER, SYSTEM, Command, Principal, Put, Remove
from broker.ports.evolution import AddInstances, Begin, DropAll, DropAttribute, EvolutionCommand
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
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.index = ConsentIndex(Tags().item, self.clock)
        rules = WriteRules(Profiles(Tags()), frozenset({"people"}))
        formerly = Formerly(self.store.history, self.store, rules)
        self.kept = Kept(self.store, rules, DECIDES, self.index, formerly)
        self.history = KeptHistory(self.store.history, rules, formerly)

    def put(self, document: Mapping[str, Any], by: Principal = OPERATOR, tenant: str = "") -> NgsiError | None:
        """What became of writing `urn:e:1`."""
        whole: Any = {"id": "urn:e:1", **document}
        command = Command("urn:e:1", lambda _current, _now: Put(Entity(whole, 0, 0)), creates=True, by=by)
        found = self.kept.apply(tenant, [command]).result()[0]
        assert found is None or isinstance(found, NgsiError)
        return found

    def remove(self) -> None:
        """`urn:e:1` goes."""
        assert self.kept.apply("", [gone()]).result() == [None]

    def evolve(self, *steps: Any, by: Principal = OPERATOR, tenant: str = "", of: str = "urn:h:1") -> NgsiError | None:
        """What became of writing the history of `urn:h:1`."""
        command = EvolutionCommand(of, lambda _known, _now: (steps, None), creates=True, by=by)
        found = self.history.apply_evolution(tenant, [command]).result()[0]
        assert found is None or isinstance(found, NgsiError)
        return found


def gone() -> Command:
    """That `urn:e:1` goes."""
    return Command("urn:e:1", lambda _current, _now: Remove(), by=OPERATOR)


def made(document: Mapping[str, Any]) -> Command:
    """That `urn:e:1` is made, or replaced."""
    whole: Any = {"id": "urn:e:1", **document}
    return Command("urn:e:1", lambda _current, _now: Put(Entity(whole, 0, 0)), creates=True, by=OPERATOR)


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


@pytest.mark.parametrize("by", [OPERATOR, DEVICE_SIDE])
def test_whom_an_instance_is_about_never_changes(writing: Writing, by: Principal) -> None:
    about = {"type": WATCH, DATA_SUBJECT: prop(HANA)}
    ken = {DATA_SUBJECT: prop(KEN)}
    assert writing.put({**about, HEART: prop(61), STEPS: [prop(1), prop(2, datasetId="urn:d:1", **ken)]}) is None
    for other in (
        {HEART: prop(61, **ken)},
        {HEART: prop(70, **ken)},
        {STEPS: [prop(1), prop(2, datasetId="urn:d:1")]},
        {STEPS: [prop(1, **ken), prop(2, datasetId="urn:d:1", **ken)]},
    ):
        assert isinstance(writing.put({**about, **other}, by), Conflict), other
    assert writing.put({**about, HEART: [prop(61), prop(5, datasetId="urn:d:2", **ken)]}, by) is None, "a new one"
    assert writing.put({**about, HEART: prop(61, **{DATA_SUBJECT: prop([HANA])})}, by) is None, "the same person"
    assert writing.put({**about, HEART: prop(61, **ken)}, SERVICE) is None


def test_what_is_personal_and_nobodys_does_not_come_to_be_somebodys(writing: Writing) -> None:
    assert writing.put({"type": WATCH, HEART: prop(67), NAME: prop("a")}) is None
    first = {"type": WATCH, DATA_SUBJECT: prop(KEN)}
    assert isinstance(writing.put({**first, HEART: prop(67), NAME: prop("a")}), Conflict)
    assert isinstance(writing.put({**first, HEART: prop(99)}), Conflict)
    assert isinstance(writing.put({"type": WATCH, HEART: prop(67, **{DATA_SUBJECT: prop(KEN)})}), Conflict)
    assert writing.put({"type": WATCH, NAME: prop("a", **{DATA_SUBJECT: prop(KEN)})}) is None, "it was for everybody"
    assert isinstance(writing.put(first), Conflict), "there is a history of it"


@pytest.mark.parametrize("by", [OPERATOR, DEVICE_SIDE])
def test_an_id_never_comes_to_be_about_somebody_else(writing: Writing, by: Principal) -> None:
    def about(*who: str) -> dict[str, Any]:
        return {"type": WATCH, DATA_SUBJECT: prop([*who]), HEART: prop(70)}

    assert writing.put(about(HANA)) is None
    writing.remove()
    for others in ((KEN,), (HANA, KEN)):
        assert isinstance(writing.put(about(*others), by), Conflict)
    assert isinstance(writing.evolve(AddInstances(DATA_SUBJECT, [prop(KEN)]), by=by, of="urn:e:1"), Conflict)
    assert writing.put({"type": WATCH}, by) is None, "without a person it comes again"
    assert isinstance(writing.put(about(KEN), by), Conflict), "and is nobody else's afterwards"
    writing.remove()
    assert writing.put(about(HANA), by) is None, "the same person's it may be"
    writing.remove()
    writing.store.history.erase("", "urn:e:1").result()
    assert writing.put(about(KEN), by) is None, "of what was erased nothing is left"
    writing.remove()
    assert writing.put(about(HANA), SERVICE) is None


def test_an_id_is_nobody_elses_within_one_batch_either(writing: Writing) -> None:
    hana, ken = ({"type": WATCH, DATA_SUBJECT: prop(one)} for one in (HANA, KEN))
    results = writing.kept.apply("", [made(hana), gone(), made(ken)]).result()
    assert results[:2] == [None, None]
    assert isinstance(results[2], Conflict)
    assert writing.store.get("", "urn:e:1") is None
    assert writing.put(hana) is None


def test_a_history_and_its_entity_are_about_the_same(writing: Writing) -> None:
    begun = Begin((WATCH,)), AddInstances(DATA_SUBJECT, [prop(HANA)]), AddInstances(HEART, [prop(1)])
    assert writing.evolve(*begun, of="urn:e:1") is None
    assert isinstance(writing.put({"type": WATCH, DATA_SUBJECT: prop(KEN)}), Conflict)
    assert writing.put({"type": WATCH, DATA_SUBJECT: prop(HANA)}) is None
    assert writing.evolve(DropAll(), of="urn:e:1") is None
    ken = Begin((WATCH,)), AddInstances(DATA_SUBJECT, [prop(KEN)])
    assert isinstance(writing.evolve(*ken, of="urn:e:1"), Conflict), "the entity is there"


def test_who_makes_things_of_nobody_is_not_looked_up(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing.store.history, "evolution", lambda *_: pytest.fail("history was asked"))
    assert writing.put({"type": HOUSE, NAME: prop("a")}) is None
    assert writing.put({"type": HOUSE, NAME: prop("b")}) is None


class TestWhenAValueWasObserved:
    """It is said with the value: what is hidden does not move into what somebody consented to."""

    EARLY, LATE = "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"

    def held(self, writing: Writing, value: Any, **more: Any) -> None:
        about = {"type": WATCH, DATA_SUBJECT: prop(HANA)}
        assert writing.put({**about, HEART: prop(value, **more), NAME: prop("a", observedAt=self.EARLY)}) is None

    def change(
        self, writing: Writing, function: Callable[[Entity, int], Any], by: Principal = OPERATOR
    ) -> NgsiError | None:
        command = Command("urn:e:1", lambda current, now: Put(function(current, now)), by=by)  # type: ignore[arg-type]
        found = writing.kept.apply("", [command]).result()[0]
        assert found is None or isinstance(found, NgsiError)
        return found

    @pytest.mark.parametrize("value", [155, "calm", True, {"beats": {"a": 155}}, [155, 156]])
    @pytest.mark.parametrize("by", [OPERATOR, DEVICE_SIDE])
    def test_it_is_not_changed_alone(self, writing: Writing, value: Any, by: Principal) -> None:
        self.held(writing, value, observedAt=self.EARLY)

        def later(entity: Entity, now: int) -> Entity:
            return partial_update(entity, HEART, {"observedAt": self.LATE}, now)

        assert isinstance(self.change(writing, later, by), Conflict)
        assert isinstance(
            self.change(writing, lambda one, now: merge(one, {HEART: {"observedAt": self.LATE}}, now)[0]), Conflict
        )
        assert writing.store.get("", "urn:e:1").document[HEART]["observedAt"] == self.EARLY  # type: ignore[union-attr,index,call-overload]
        assert self.change(writing, later, SERVICE) is None

    def test_nor_by_another_change_of_what_was_never_observed(self, writing: Writing) -> None:
        self.held(writing, 155)
        writing.clock.advance(60)
        assert isinstance(
            self.change(writing, lambda one, now: partial_update(one, HEART, {"unitCode": "BPM"}, now)), Conflict
        )

    @pytest.mark.parametrize("value", [155, "calm", {"beats": {"a": 155}}])
    def test_with_the_value_it_is(self, writing: Writing, value: Any) -> None:
        self.held(writing, value, observedAt=self.EARLY)
        again = prop(value, observedAt=self.LATE)
        assert self.change(writing, lambda one, now: partial_update(one, HEART, again, now)) is None
        again = prop(value, observedAt=self.EARLY)
        assert self.change(writing, lambda one, now: merge(one, {HEART: again}, now)[0]) is None
        assert self.change(writing, lambda one, now: update(one, {HEART: prop(7)}, now)[0]) is None

    def test_a_part_of_the_value_is_not_the_value(self, writing: Writing) -> None:
        self.held(writing, {"a": 155, "b": 1}, observedAt=self.EARLY)
        part: Any = {HEART: {"value": {"b": 2}, "observedAt": self.LATE}}
        assert isinstance(self.change(writing, lambda one, now: merge(one, part, now)[0]), Conflict)

    def test_what_is_for_everybody_moves(self, writing: Writing) -> None:
        self.held(writing, 155)
        later: Any = {"observedAt": self.LATE}
        assert self.change(writing, lambda one, now: partial_update(one, NAME, later, now)) is None
