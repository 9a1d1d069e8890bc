"""What adapters claim: hostile bodies are refused, two that clash as well, and who claims nothing pays nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.commands.claimed import FRESH_S, NOTHING, HeldClaims, compiled
from adapters.commands.claiming import AGAIN_S, REPEAT_S, Claimant
from adapters.commands.guarding import Guard, Guarded
from adapters.provisioning.provision import Provisions
from broker.access.policies import AllowAll
from broker.doors import Built
from broker.errors import BadRequestData, Conflict, NgsiError, PayloadTooLarge
from broker.ldcontext.core import core_context
from broker.model import claims as limits
from broker.model.claims import clash, kept_claim, read_claim, read_name
from broker.operations import claim as operations
from broker.operations.broker import Call
from broker.operations.claim import claim_commands, disclaim_commands, forget_claimed, list_claims
from broker.ports import Command, Principal
from broker.ports.hub import HubAway
from broker.wiring import build
from specs.door import settings_of
from tests.fakes.commanded import City, commanded

KEY, OTHER = "5a" * 32, "a5" * 32
TYPE, LIMIT, START = "https://x.example/Charger", "https://x.example/limit", "https://x.example/start"
ONE, TWO = "urn:x:1", "urn:x:2"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def claim(*entities: str, key: str = KEY, attributes: tuple[str, ...] = (LIMIT,)) -> Any:
    return {"key": key, "rows": [{"commands": {TYPE: [*attributes]}, "entities": [*(entities or (ONE,))]}]}


def row(**changed: Any) -> Any:
    return {"key": KEY, "rows": [{"commands": {TYPE: [LIMIT]}, "entities": [ONE], **changed}]}


@pytest.fixture(params=["memory", "sqlite"])
def built(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Built]:
    made = build(settings_of("--store", str(request.param), "--data", str(tmp_path / "data")))
    yield made
    made.close()


def by(name: str = "adapter") -> Call:
    return Call("", core_context(), Principal(name))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([], ""),
        ({}, ""),
        ({**claim(), "more": 1}, ""),
        ({**claim(), "key": "5A" * 32}, "/key"),
        ({**claim(), "key": KEY[1:]}, "/key"),
        ({**claim(), "key": 5}, "/key"),
        ({**claim(), "rows": []}, "/rows"),
        ({**claim(), "rows": claim()["rows"] * (limits.ROWS_MAX + 1)}, "/rows"),
        ({"key": KEY, "rows": [1]}, "/rows/0"),
        (row(more=1), "/rows/0"),
        (row(commands={}), "/rows/0/commands"),
        (row(commands={"Charger": [LIMIT]}), "/rows/0/commands"),
        (row(commands={TYPE: []}), "/rows/0/commands"),
        (row(commands={TYPE: "x"}), "/rows/0/commands"),
        (row(commands={TYPE: [LIMIT, LIMIT]}), "/rows/0/commands"),
        (row(commands={TYPE: ["type"]}), "/rows/0/commands"),
        (row(commands={TYPE: [[LIMIT]]}), "/rows/0/commands"),
        (row(entities=[]), "/rows/0/entities"),
        (row(entities=["x"]), "/rows/0/entities"),
        (row(entities=[{}]), "/rows/0/entities"),
        (row(entities=[f"urn:x:{'a' * 3000}"]), "/rows/0/entities"),
        (row(entities={ONE: 1}), "/rows/0/entities"),
        (row(entities=[f"urn:x:{number}" for number in range(limits.ENTITIES_MAX + 1)]), "/rows/0/entities"),
    ],
    ids=lambda one: None if isinstance(one, str) else "",
)
def test_what_is_no_claim_is_refused_and_its_key_never_told(body: Any, pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        read_claim(body)
    assert refused.value.pointer == pointer
    assert KEY not in f"{refused.value} {refused.value.remedy}"


@given(ANYTHING)
def test_no_body_is_a_fault(body: Any) -> None:
    tries: tuple[Any, ...] = (
        body,
        {"key": KEY, "rows": body},
        {"key": KEY, "rows": [body]},
        row(commands=body),
        row(entities=body),
    )
    for tried in tries:
        with suppress(BadRequestData):
            assert read_claim(tried).rows


@pytest.mark.parametrize("name", ["", "A", "a/b", "../x", "a" * 65, "a\n", "-a", "ä"])
def test_a_name_is_that_of_an_adapter(name: str) -> None:
    with pytest.raises(BadRequestData):
        read_name(name)


def test_a_claim_is_kept_as_it_came_and_does_not_show_its_key() -> None:
    read = read_claim(claim(ONE, TWO))
    assert kept_claim(read.body()) == read
    assert KEY not in repr(read) + repr(compiled([read]))
    assert read.without(ONE).rows[0].entities == (TWO,)


def test_claims_clash_by_entity_and_attribute_whatever_the_type() -> None:
    mine = read_claim(claim(ONE, TWO))
    assert clash(mine, read_claim(claim(TWO, attributes=(START,)))) is None
    assert clash(mine, read_claim(claim("urn:x:3"))) is None
    other: Any = {"key": OTHER, "rows": [{"commands": {TYPE + "2": [START, LIMIT]}, "entities": [TWO]}]}
    assert clash(mine, read_claim(other)) == (TWO, LIMIT)


def test_the_second_who_claims_is_told_and_the_first_goes_on(built: Built) -> None:
    broker = built.house.broker
    assert claim_commands(broker, by(), "one", claim(ONE, TWO)).result()
    assert not claim_commands(broker, by(), "one", claim(ONE, TWO)).result(), "the same again changes nothing"
    for name, body, said in (
        ("two", claim(TWO, key=OTHER), f"one claims {LIMIT} of {TWO} already"),
        ("one", claim(ONE, key=OTHER), "another process claims commands as one"),
    ):
        with pytest.raises(Conflict, match=said) as refused:
            claim_commands(broker, by(), name, body).result()
        assert "DELETE /admin/command-claims/one" in refused.value.remedy
        assert KEY not in str(refused.value)
    assert claim_commands(broker, by(), "two", claim(TWO, key=OTHER, attributes=(START,))).result()
    shown: Any = list_claims(broker, by())
    assert KEY not in str(shown)
    assert OTHER not in str(shown)
    assert [(one["adapter"], one["entities"], one["by"]) for one in shown] == [
        ("one", 2, "adapter"),
        ("two", 1, "adapter"),
    ]
    claimed = HeldClaims(built.store.held).of("")
    assert {name: one.key.hex() for name, one in claimed[TWO].items()} == {LIMIT: KEY, START: OTHER}
    assert disclaim_commands(broker, by(), "one").result()
    assert not disclaim_commands(broker, by(), "one").result()
    assert claim_commands(broker, by(), "one", claim(ONE, key=OTHER)).result()


def test_adapters_inside_take_over_what_they_claimed_with_a_key_that_is_lost(built: Built) -> None:
    broker = built.house.broker
    claim_commands(broker, by(), "one", claim(), inside=True).result()
    with pytest.raises(Conflict):
        claim_commands(broker, by(), "one", claim(key=OTHER)).result()
    assert claim_commands(broker, by(), "one", claim(key=OTHER), inside=True).result()
    claim_commands(broker, by(), "far", claim(TWO)).result()
    with pytest.raises(Conflict):
        claim_commands(broker, by(), "far", claim(TWO, key=OTHER), inside=True).result()


def test_a_tenant_takes_so_many(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "ENTITIES_MAX", 3)
    broker = built.house.broker
    claim_commands(broker, by(), "one", claim(ONE, TWO)).result()
    with pytest.raises(PayloadTooLarge):
        claim_commands(broker, by(), "two", claim("urn:x:3", "urn:x:4", key=OTHER)).result()
    claim_commands(broker, by(), "two", claim("urn:x:3", key=OTHER)).result()


def test_what_is_erased_is_claimed_no_more(built: Built) -> None:
    broker = built.house.broker
    claim_commands(broker, by(), "one", claim(ONE, TWO)).result()
    claim_commands(broker, by(), "two", claim(ONE, key=OTHER, attributes=(START,))).result()
    assert forget_claimed(broker, "", ONE) == 2
    assert forget_claimed(broker, "", ONE) == forget_claimed(broker, "nowhere", ONE) == 0
    (left,) = cast("list[Any]", list_claims(broker, by()))
    assert (left["adapter"], left["entities"]) == ("one", 1)


def test_a_broker_knows_within_a_moment_what_another_was_told(built: Built) -> None:
    now = 0.0
    claims = HeldClaims(built.store.held, lambda: now)
    assert claims.of("") == NOTHING
    assert claims.of("nowhere") == NOTHING
    claim_commands(built.house.broker, by(), "one", claim()).result()
    assert claims.of("") == NOTHING
    now += FRESH_S
    assert claims.of("").keys() == {ONE}
    disclaim_commands(built.house.broker, by(), "one").result()
    now += FRESH_S
    assert claims.of("") == NOTHING


def test_a_write_where_nothing_is_claimed_costs_next_to_nothing(built: Built) -> None:
    guard, commands = Guard(AllowAll()), [Command(ONE, lambda _, __: None)]  # type: ignore[arg-type,return-value]  # never decided

    class Nowhere:
        def __getattr__(self, _: str) -> object:
            return lambda *_: None

    store = Guarded(Nowhere(), guard)  # type: ignore[arg-type]
    guard.keep(HeldClaims(built.store.held), lambda: True)

    def took() -> float:
        began = time.perf_counter()
        for _ in range(10_000):
            store.apply("", commands)
        return (time.perf_counter() - began) / 10_000

    assert min(took() for _ in range(5)) < 10e-6  # less than 1 µs; ten times that for a machine that is busy


class Hub:
    """A hub that keeps what it is told, or refuses."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, list[str]]] = []
        self.refusal: NgsiError | HubAway | None = None

    def claim(self, tenant: str, adapter: str, body: Any) -> None:
        """As CommandHub says."""
        if self.refusal is not None:
            raise self.refusal
        self.told.append((tenant, adapter, [one for each in read_claim(dict(body)).rows for one in each.entities]))

    def disclaim(self, tenant: str, adapter: str) -> None:
        """As CommandHub says."""
        if self.refusal is not None:
            raise self.refusal
        self.told.append((tenant, adapter, []))


@dataclass
class Claiming:
    """A claimant of the city's adapters, started anew when a test says so, and its time."""

    city: City
    hub: Hub
    now: float = 0.0

    def begin(self) -> Claimant:
        """As after a start."""
        parts, devices = self.city.commanding.parts, self.city.assembled.devices
        wanting = devices, parts.targets, self.city.commanding.book.key
        one = Claimant(self.hub, parts.store, wanting, lambda: self.now)
        one.attributes()
        return one


@pytest.fixture
def claiming(tmp_path: Path) -> Iterator[Claiming]:
    with commanded(tmp_path) as city:
        yield Claiming(city, Hub())


CHARGERS = ("", "chargers", [f"urn:ngsi-ld:EVChargingStation:misono:c{number}" for number in (1, 2)])


def test_what_was_refused_is_tried_again_and_what_is_told_is_told_now_and_then(claiming: Claiming) -> None:
    hub, one = claiming.hub, claiming.begin()
    assert {tenant: len(each) for tenant, each in one.attributes().items()} == {"": 3}
    hub.refusal = HubAway("cut off")
    one.turn()
    hub.refusal = None
    one.turn()
    assert hub.told == []
    claiming.now += AGAIN_S
    one.turn()
    one.turn()
    assert hub.told == [CHARGERS]
    assert not one.in_force("", "chargers"), "other brokers do not know yet"
    claiming.now += 1
    assert one.in_force("", "chargers")
    claiming.now += REPEAT_S
    one.turn()
    one.turn()
    assert hub.told == [CHARGERS] * 2


def test_what_an_adapter_that_is_gone_claimed_is_given_back(claiming: Claiming) -> None:
    hub = claiming.hub
    claiming.begin().turn()
    claiming.city.assembled.devices.of_file("chargers", Provisions())
    again = claiming.begin()
    assert again.attributes() == {}
    hub.refusal = Conflict("not now")
    again.turn()
    assert hub.told == [CHARGERS]
    hub.refusal, claiming.now = None, claiming.now + AGAIN_S
    again.turn()
    claiming.begin().turn()
    assert hub.told == [CHARGERS, ("", "chargers", [])]
