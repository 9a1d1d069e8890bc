"""Registrations of one tenant, made at the same time and seen by several processes (clauses 4.3.6.3, 5.9.2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from broker.decode.registration import decode_registration
from broker.errors import Conflict
from broker.ldcontext.core import core_context
from broker.model.registration import Registration
from broker.operations import register
from broker.operations.broker import Broker, Call
from broker.ports import INLINE, OverBudgetOnce
from broker.query.sources import Specification
from federation import registry as registries
from federation.registry import LOOK_S, Registry
from tests.engines.wires.running import fresh
from tests.http.doors import broker as made_broker

CALL = Call("", core_context())
HOUSE = Specification(("urn:h:1",))
RACES = 12


@pytest.fixture(name="brokers", params=["memory", "sqlite", "mongo"])
def several_brokers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Broker]]:
    """One broker, and for engines that keep another one on the same store, as another process would be."""
    with ExitStack() as closing:
        store = closing.enter_context(fresh()) if request.param == "mongo" else request.param
        yield [
            closing.enter_context(made_broker(store=store, data=str(tmp_path)))[0].house.broker
            for _ in range(1 if request.param == "memory" else 2)
        ]


def exclusive(number: int, mode: str = "exclusive") -> dict[str, Any]:
    return {
        "id": f"urn:r:{number}",
        "type": "ContextSourceRegistration",
        "endpoint": "http://source.example",
        "mode": mode,
        "information": [{"entities": [{"type": "House", "id": "urn:h:1"}], "propertyNames": ["area"]}],
    }


def begin(broker: Broker, body: dict[str, Any]) -> Future[Registration]:
    return register.register_source(broker, CALL, decode_registration(body, CALL.names))


def test_of_exclusive_registrations_at_once_one_passes(brokers: list[Broker]) -> None:
    pending = [begin(brokers[number % len(brokers)], exclusive(number)) for number in range(RACES)]
    errors = [one.exception(timeout=30) for one in pending]
    assert sum(error is None for error in errors) == 1
    assert all(error is None or isinstance(error, Conflict) for error in errors)


def test_what_was_written_here_is_seen_at_once_and_elsewhere_soon(brokers: list[Broker]) -> None:
    times = [0.0]
    here, there = (Registry(brokers[at].held, brokers[at].clock, lambda: times[0]) for at in (0, -1))
    assert not here.active("")
    assert not there.active("")
    assert not here.active("nobody")
    begin(brokers[0], exclusive(1)).result()
    here.moved("")
    assert here.active("")
    assert [one.registration.id for one in here.matching("", None, HOUSE)] == ["urn:r:1"]
    assert here.may_match("", "urn:h:1")
    assert not here.may_match("", "urn:h:2")
    until = time.monotonic() + 1.0 - LOOK_S
    times[0] += LOOK_S + 0.01
    while not there.active("") and time.monotonic() < until:  # an engine may need some time of its own too
        time.sleep(0.01)
        times[0] += LOOK_S + 0.01
    assert there.active("")
    assert not there.matching("", "updateAttrs", HOUSE)
    assert [one.id for one in there.registrations("")] == ["urn:r:1"]
    register.delete_source(brokers[0], CALL, "urn:r:1").result()
    here.moved("")
    assert not here.active("")
    assert not here.matching("", None, HOUSE)


def test_one_that_is_made_anew_is_read_anew(brokers: list[Broker]) -> None:
    registry = Registry(brokers[0].held, brokers[0].clock)
    for mode in ("inclusive", "exclusive", "redirect"):
        begin(brokers[0], exclusive(1, mode)).result()
        registry.moved("")
        assert [one.registration.mode for one in registry.matching("", None, HOUSE)] == [mode]
        register.delete_source(brokers[0], CALL, "urn:r:1").result()


def test_many_are_not_read_on_the_event_loop(brokers: list[Broker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registries, "INLINE_MAX", 1)
    registry = Registry(brokers[0].held, brokers[0].clock)
    for number in range(2):
        begin(brokers[0], exclusive(number, "inclusive")).result()
    assert registry.active("")  # a server is never asked for their number on the event loop
    token = INLINE.set(True)
    try:
        assert registry.active("")
        with pytest.raises(OverBudgetOnce):
            registry.matching("", None, HOUSE)
        INLINE.set(False)
        assert len(registry.matching("", None, HOUSE)) == 2
        INLINE.set(True)
        assert len(registry.matching("", None, HOUSE)) == 2
    finally:
        INLINE.reset(token)
