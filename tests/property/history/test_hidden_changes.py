"""A notification tells nothing of what its reader may not see, and is what it would be had that never been."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from broker.access.view import Rules, view_of
from broker.encode.text import dump
from broker.ldcontext.core import core_context
from broker.model.entity import Entity
from broker.model.subscription import Subscription
from broker.notify.payload import Notification, Sending, notify_change, shape_of
from broker.notify.watch import Watches
from broker.ports.held import Held
from broker.ports.outbox import EntityChange
from tests.strategies import entities as known
from tests.strategies.subscriptions import AT, changes, subscriptions

EXAMPLES = 150
NAMES = core_context()
WIDE: Any = {"entities": (), "geo": None, "scope_q": None, "active": True, "expires_at": None, "time_interval": None}
"""Of a drawn subscription what is left says which attributes it is about, so that many are told."""
_rules = st.builds(
    Rules,
    entities=st.frozensets(st.sampled_from(known.IDS), max_size=1),
    attributes=st.frozensets(st.sampled_from(known.ATTRIBUTES), min_size=1, max_size=3),
    instances=st.frozensets(st.tuples(st.just(known.SPEED), st.sampled_from([None, *known.DATASETS])), max_size=1),
    sub_attributes=st.frozensets(st.tuples(st.just(known.NAME), st.just(known.ACCURACY)), max_size=1),
)
_params = st.fixed_dictionaries(
    {
        "format": st.sampled_from(["normalized", "concise", "simplified"]),
        "join": st.sampled_from(["@none", "flat", "inline"]),
        "show_changes": st.booleans(),
        "sys_attrs": st.booleans(),
    }
)


def test_what_is_hidden_never_was() -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(populations_with_change(), subscriptions(), _params, _rules)
    def hold(drawn: tuple[list[Entity], EntityChange], one: Subscription, params: Any, rules: Rules) -> None:
        population, change = drawn
        view = view_of(rules)
        there = {entity.id: shown for entity in population if (shown := view(entity)) is not None}
        subscription = replace(one, notification=replace(one.notification, **params), **WIDE)
        shape = shape_of(subscription, NAMES)
        sending = Sending("urn:n:1", AT, there.get, view)
        found = notify_change(shape, change, sending)
        assert found == _without(subscription, _seen(change, view), replace(sending, view=None))
        if found is not None:
            text = dump(found.body).decode()
            assert not [name for name in rules.attributes if f'"{name}"' in text]
            seen["told"] += 1
        seen["silent"] += found is None

    hold()
    print(seen)
    assert min(seen["told"], seen["silent"]) >= EXAMPLES // 15


@st.composite
def populations_with_change(draw: st.DrawFn) -> tuple[list[Entity], EntityChange]:
    """Some entities, and a change of one of them."""
    population = draw(known.populations(2, 4))
    return population, draw(changes(draw(st.sampled_from(population))))


def _seen(change: EntityChange, view: Any) -> EntityChange | None:
    """The change in data without what is hidden."""
    before, after = (None if one is None else view(one) for one in (change.before, change.after))
    if before is None and after is None:
        return None
    return EntityChange(change.sequence, change.at, before, after)


def _without(subscription: Subscription, change: EntityChange | None, sending: Sending) -> Notification | None:
    """What is told over data without it."""
    watch = Watches().compile([Held(subscription.id, subscription.to_body(), 0, 0)])
    if change is None or not watch.matched(change, sending.follow):
        return None
    return notify_change(shape_of(subscription, NAMES), change, sending)
