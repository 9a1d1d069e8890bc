"""Policies of the gate: said of a type in a tenant, seen by all processes, and by snapshots of the tenant."""

from __future__ import annotations

from broker.ports.places import place_of
from broker.stores.memory import MemoryStore
from datamodels.policies import FRESH_S, HeldPolicies
from tests.fakes.clock import FakeClock

LAMP, POLE = "https://x.org/Lamp", "https://x.org/Pole"


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_said_holds_at_once_and_in_its_tenant_only() -> None:
    policies = HeldPolicies(MemoryStore(FakeClock()).held, "off", Seconds())
    assert not policies.modes("")
    assert policies.say("", LAMP, "reject").result()
    assert policies.modes("").of(LAMP) == "reject"
    assert policies.modes("").of(POLE) == "off"
    assert policies.modes(place_of("", "1", "urn:x:snapshot")).of(LAMP) == "reject"
    assert policies.modes("other").of(LAMP) == "off"


def test_a_tenant_that_nobody_made_has_what_holds_for_all_types_and_is_made_by_a_policy() -> None:
    store = MemoryStore(FakeClock())
    policies = HeldPolicies(store.held, "warn", Seconds())
    assert policies.modes("new").of(LAMP) == "warn"
    assert not store.exists("new")
    policies.say("new", LAMP, "off").result()
    assert store.exists("new")
    assert policies.modes("new").of(LAMP) == "off"


def test_forgetting_says_whether_there_was_something() -> None:
    policies = HeldPolicies(MemoryStore(FakeClock()).held, "off", Seconds())
    assert not policies.say("", LAMP, None).result()
    policies.say("", LAMP, "off").result()
    assert not policies.modes("")
    assert policies.say("", LAMP, None).result()
    assert policies.modes("").said == {}


def test_another_process_sees_it_a_moment_later() -> None:
    store, seconds = MemoryStore(FakeClock()), Seconds()
    here, there = (HeldPolicies(store.held, "off", seconds) for _ in range(2))
    assert not there.modes("")
    here.say("", LAMP, "reject").result()
    assert not there.modes("")
    seconds.now += FRESH_S
    assert there.modes("").of(LAMP) == "reject"
