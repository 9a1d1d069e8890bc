"""The index finds exactly the subscriptions that a plain loop over all of them finds; and the examples bite."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from broker.model.entity import Entity
from broker.model.subscription import TRIGGERS, Subscription
from broker.notify.interest import make_interest
from broker.notify.triggers import differences
from broker.notify.watch import Watches
from broker.ports.held import Held
from broker.ports.outbox import EntityChange
from tests.strategies.entities import populations
from tests.strategies.subscriptions import changes, subscriptions

POPULATIONS = 45
SUBSCRIPTIONS = 14  # watched for together
CHANGES = 6  # of each population
OCCURRENCES_MIN = 100
WHOLE_MIN = 15  # entities made and deleted, each shown to all subscriptions
BITE_MIN = 0.3
_FEATURES = [*TRIGGERS, "default triggers", "ids", "pattern", "types", "any type", "no entities", "watched"]
_FEATURES += ["q", "datasets", "created", "altered", "deleted", "matched"]


class Comparison:
    """Compared once, whichever test comes first."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.changes = self.biting = 0
        self._made = False

    def make(self) -> None:
        if self._made:
            return
        self._made = True

        @settings(
            max_examples=POPULATIONS,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(populations(), st.data())
        def agree(population: list[Entity], data: Any) -> None:
            some = [data.draw(subscriptions(f"urn:s:{number}")) for number in range(SUBSCRIPTIONS)]
            watch = Watches().compile([Held(one.id, one.to_body(), 0, 0) for one in some])
            linked = {entity.id: entity for entity in population}.get
            for _ in range(CHANGES):
                change = data.draw(st.sampled_from(population).flatmap(changes))
                plain = [one.id for one in some if _wants(one, change, linked)]
                assert list(watch.matched(change, linked)) == plain
                self._note(some, change, plain)

        agree()

    def _note(self, some: list[Subscription], change: EntityChange, found: list[str]) -> None:
        self.changes += 1
        self.biting += 0 < len(found) < len(some)
        self.seen["matched"] += len(found)
        self.seen["created" if change.before is None else "deleted" if change.after is None else "altered"] += 1
        for one in some:
            self.seen.update(_features(one))


def _wants(one: Subscription, change: EntityChange, linked: Any) -> bool:
    return make_interest(one).wants(change, differences(change), linked)


def _features(one: Subscription) -> list[str]:
    found = [*one.triggers] or ["default triggers"]
    present = {"no entities": not one.entities, "watched": one.watched, "q": one.q, "datasets": one.dataset_ids}
    found += [name for name, there in present.items() if there]
    for selector in one.entities:
        found += ["ids"] * bool(selector.ids) + ["pattern"] * (selector.id_pattern is not None)
        found.append("types" if selector.types else "any type")
    return found


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return Comparison()


def test_the_index_agrees_with_a_plain_loop(comparison: Comparison) -> None:
    comparison.make()


@pytest.mark.parametrize("feature", _FEATURES)
def test_every_feature_occurred_often(comparison: Comparison, feature: str) -> None:
    comparison.make()
    assert comparison.seen[feature] >= (WHOLE_MIN if feature in ("created", "deleted") else OCCURRENCES_MIN)


def test_changes_found_some_but_not_all(comparison: Comparison) -> None:
    comparison.make()
    print(f"\n{comparison.changes} changes, {comparison.biting} met some of {SUBSCRIPTIONS} subscriptions but not all")
    for name, count in comparison.seen.most_common():
        print(f"{count:8} {name}")
    assert comparison.biting >= comparison.changes * BITE_MIN
