"""A watch finds those who asked, and only those, by id, type, attribute and pattern."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import Any

import pytest

from broker.model.entity import Entity
from broker.model.subscription import Endpoint, Filter, NotificationParams, Selector, Subscription
from broker.notify import watch
from broker.notify.interest import Interest, make_interest
from broker.notify.watch import Watches
from broker.ports.held import Held
from broker.ports.outbox import EntityChange
from broker.query.ast import And, Compare, HasType, Linked, Node, Op, Or, Path
from broker.query.stored import node_to_json

CAR, BUS, SPEED, NAME = (f"https://example.org/{term}" for term in ("Car", "Bus", "speed", "name"))
PARAMS = NotificationParams(Endpoint("https://example.org/notify"))


def subscription(number: int = 1, **members: Any) -> Subscription:
    return Subscription(f"urn:s:{number}", PARAMS, **members)


def selector(types: Node | None = None, **members: Any) -> Selector:
    return Selector("given", None if types is None else node_to_json(types), **members)


def held(one: Subscription) -> Held:
    return Held(one.id, one.to_body(), 0, 0)


def car(speed: int, name: str = "urn:e:1", kind: Any = CAR, **members: Any) -> Entity:
    return Entity({"id": name, "type": kind, SPEED: {"type": "Property", "value": speed}, **members}, 0, 0)


def nobody(_: str) -> Entity | None:
    return None


UPDATE = EntityChange(1, 5, car(1), car(2))


def matched(change: EntityChange, *subscriptions: Subscription) -> list[str]:
    return list(Watches().compile([held(one) for one in subscriptions]).matched(change, nobody))


@pytest.mark.parametrize(
    ("entities", "expected"),
    [
        ((selector(HasType(CAR)),), True),
        ((selector(HasType(BUS)),), False),
        ((selector(),), True),
        ((selector(Or((HasType(BUS), HasType(CAR)))),), True),
        ((selector(And((HasType(BUS), HasType(CAR)))),), False),
        ((selector(Or((HasType(BUS), And(())))),), True),
        ((selector(HasType(CAR), ids=("urn:e:2", "urn:e:1")),), True),
        ((selector(HasType(BUS), ids=("urn:e:1",)),), False),
        ((selector(HasType(CAR), ids=("urn:e:2",), id_pattern=".*"),), False),
        ((selector(HasType(CAR), id_pattern="^urn:e:[0-9]$"),), True),
        ((selector(HasType(CAR), id_pattern="^e:"),), False),
        ((selector(id_pattern="e:1"),), True),
        ((selector(HasType(BUS)), selector(HasType(CAR), id_pattern="x"), selector(ids=("urn:e:1",))), True),
    ],
)
def test_selectors_choose_entities(entities: tuple[Selector, ...], expected: bool) -> None:
    assert matched(UPDATE, subscription(entities=entities)) == (["urn:s:1"] if expected else [])


def test_watched_attributes_are_enough_without_entities() -> None:
    assert matched(UPDATE, subscription(1, watched=(SPEED, NAME)), subscription(2, watched=(NAME,))) == ["urn:s:1"]
    assert matched(UPDATE, subscription(1, local_only=True)) == ["urn:s:1"]


def test_conditions_are_met_by_the_entity_after_the_change_and_a_deleted_one_before_it() -> None:
    fast = Filter("speed>1", node_to_json(Compare(Path(SPEED), Op.GT, 1)))
    everything = subscription(q=fast, triggers=("entityUpdated", "entityDeleted"))
    assert matched(UPDATE, everything)
    assert not matched(EntityChange(1, 5, car(2), car(1)), everything)
    assert matched(EntityChange(1, 5, car(2), None), everything)
    assert not matched(EntityChange(1, 5, car(1), None), everything)
    scoped = replace(everything, q=None, scope_q="/a/#")
    assert not matched(UPDATE, scoped)
    assert matched(EntityChange(1, 5, car(1), car(2, scope="/a/b")), scoped)


def test_conditions_reach_into_linked_entities() -> None:
    towards = Linked(Path(NAME), (), Compare(Path(SPEED), Op.LT, 2))
    one = subscription(q=Filter("given", node_to_json(towards)))
    found = Watches().compile([held(one)])
    to: Any = {NAME: {"type": "Relationship", "object": "urn:e:2"}}
    link = EntityChange(1, 5, None, car(9, **to))
    assert found.matched(link, lambda other: car(1, other)) == ["urn:s:1"]
    assert found.matched(link, lambda other: car(3, other)) == []


@pytest.mark.parametrize("silent", [{"active": False}, {"expires_at": 5}, {"time_interval": 10}])
def test_who_is_paused_or_expired_or_waits_for_a_period_wants_no_change(silent: Any) -> None:
    assert matched(UPDATE, replace(subscription(), **silent), subscription(2, expires_at=6)) == ["urn:s:2"]


def test_ids_come_in_the_order_of_subscribing_each_once() -> None:
    many = [subscription(number, entities=(selector(HasType(kind)),)) for number, kind in enumerate([CAR, BUS, CAR])]
    both = EntityChange(1, 5, car(1, kind=[BUS, CAR]), car(2, kind=[BUS, CAR]))
    twice = subscription(3, entities=(selector(HasType(CAR)), selector(HasType(BUS))), watched=(SPEED, NAME))
    assert matched(both, *many, twice) == ["urn:s:0", "urn:s:1", "urn:s:2", "urn:s:3"]


def test_many_patterns_are_asked_together_and_each_is_found() -> None:
    patterns = [f"^urn:e:{number}$" for number in range(600)] + ["1$", "\\Qe:1", "(?i)E:1", "a|e:1", ""]
    many = [
        subscription(number, entities=(selector(HasType(CAR), id_pattern=pattern),))
        for number, pattern in enumerate(patterns)
    ]
    for wanted in (1, 17, 599):
        change = EntityChange(1, 5, car(1, f"urn:e:{wanted}"), car(2, f"urn:e:{wanted}"))
        alone = [one.id for one in many if matched(change, one)]
        assert matched(change, *many) == alone
        assert f"urn:s:{wanted}" in alone


def test_what_cannot_be_read_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    broken = [Held("urn:s:8", {"id": "urn:s:8"}, 0, 0), held(subscription(9, entities=(selector(id_pattern="("),)))]
    assert list(Watches().compile([*broken, held(subscription(1))]).matched(UPDATE, nobody)) == ["urn:s:1"]
    assert len(caplog.records) == 2


def test_only_what_changed_is_compiled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counting(one: Subscription) -> Interest:
        made.append(one.id)
        return make_interest(one)

    monkeypatch.setattr(watch, "make_interest", counting)
    watches, many = Watches(), [subscription(number) for number in range(3)]
    first = watches.compile(list(map(held, many)))
    assert len(first.matched(UPDATE, nobody)) == 3
    many[1] = replace(many[1], watched=(NAME,))
    second = watches.compile(list(map(held, many)))
    assert list(second.matched(UPDATE, nobody)) == ["urn:s:0", "urn:s:2"]
    assert made == ["urn:s:0", "urn:s:1", "urn:s:2", "urn:s:1"]
    del first, second
    watches.compile(list(map(held, many)))
    assert len(made) == 7, "what no watch holds is forgotten"


def test_a_thousand_others_cost_next_to_nothing() -> None:
    """By type, attribute and id together: 50 µs are a tenth of what a write costs."""
    kinds = [selector(HasType(f"https://example.org/T{number}")) for number in range(400)]
    ids = [selector(HasType(CAR), ids=(f"urn:x:{number}",)) for number in range(300)]
    others = [subscription(number, entities=(one,)) for number, one in enumerate([*kinds, *ids])]
    others += [subscription(700 + number, watched=(f"{NAME}{number}",)) for number in range(300)]
    found = Watches().compile(list(map(held, others)))
    best = min(_seconds(found) for _ in range(5))
    assert best < 50e-6


def _seconds(found: watch.IndexedWatch) -> float:
    started = perf_counter()
    for _ in range(200):
        assert not found.matched(UPDATE, nobody)
    return (perf_counter() - started) / 200
