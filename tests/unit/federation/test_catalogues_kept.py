"""How long a catalogue is kept, on a clock that is told to go on."""

from __future__ import annotations

from typing import Any

import pytest

from broker.model.entity import Entity
from broker.operations.broker import Broker
from broker.ports import Restriction
from linkeddata.described import Described
from linkeddata.serving import SHARE, Catalogues
from tests.fakes.house import NS, fill, make_broker, make_call


class Ticks:
    """A monotonic clock that goes on by `step` whenever somebody looks."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = 1.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def catalogues(ticks: Ticks) -> Catalogues:
    return Catalogues(Described(), "http://hub.example", "hub", ticks)


def add(broker: Broker, name: str) -> None:
    fill(broker, Entity({"id": f"urn:ngsi-ld:{name}", "type": NS + name}, 0, 0))


def size(document: dict[str, Any]) -> int:
    return len(document["dcat:dataset"])


def test_it_is_made_once_while_nothing_changes(catalogues: Catalogues) -> None:
    broker = make_broker()
    add(broker, "House")
    first = catalogues.catalogue(broker, make_call())
    assert catalogues.catalogue(broker, make_call()) is first
    assert catalogues.turtle(first) is catalogues.turtle(first)


def test_after_a_change_it_is_kept_as_many_times_as_it_took(catalogues: Catalogues, ticks: Ticks) -> None:
    broker = make_broker()
    first = catalogues.catalogue(broker, make_call())
    add(broker, "House")
    ticks.step = 0.0
    ticks.now += SHARE - 1
    assert catalogues.catalogue(broker, make_call()) is first
    ticks.now += 2
    assert (size(first), size(catalogues.catalogue(broker, make_call()))) == (0, 1)


def test_who_may_not_see_everything_gets_one_of_their_own(catalogues: Catalogues) -> None:
    broker = make_broker()
    add(broker, "House")
    add(broker, "Tree")
    seen = Restriction(view=lambda one: one if one.types == [NS + "Tree"] else None)
    assert size(catalogues.catalogue(broker, make_call(seen))) == 1
    assert size(catalogues.catalogue(broker, make_call())) == 2
