"""Rules of retention: how they are read from a file, and which tenants they are for."""

from __future__ import annotations

import pytest

from broker.model import change
from broker.operations.retain import BadRules, Rule, read_rules, retain
from broker.ports.evolution import Retention
from tests.fakes.clock import FakeClock
from tests.fakes.house import NS, fill, make_broker, prop

DAY = 86_400_000_000
RULES = """
[[history]]
tenant = "city"
types = ["Car", "https://example.org/Bus"]
keep_days = 30
then = "thinned"
period_s = 3600

[[history]]
keep_days = 0.5

[[history]]
"""


def test_rules_are_read_in_their_order() -> None:
    names = {"Car": f"{NS}Car"}
    assert read_rules(RULES, lambda term: names.get(term, term)) == [
        Rule("city", Retention(frozenset({f"{NS}Car", "https://example.org/Bus"}), 30 * DAY, "thinned", 3_600_000_000)),
        Rule(None, Retention(frozenset(), DAY // 2)),
        Rule(None, Retention(frozenset(), None)),
    ]
    assert read_rules("", str) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("history = 3", "[[history]]"),
        ("[other]", "[[history]]"),
        ("[[history]]\nkeep = 3", "rule 1: keep = 3"),
        ('[[history]]\n[[history]]\nkeep_days = "3"', "rule 2: keep_days = '3'"),
        ("[[history]]\nkeep_days = true", "rule 1: keep_days = True"),
        ("[[history]]\nkeep_days = -1", "below 0"),
        ('[[history]]\nthen = "moved"', "gone, or thinned"),
        ('[[history]]\nthen = "thinned"', "period_s above 0"),
        ("[[history]]\nperiod_s = 60", "gone, or thinned"),
        ("[[history", "']]'"),
    ],
)
def test_a_rule_that_is_not_clear_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadRules) as refused:
        read_rules(text, str)
    assert said in str(refused.value)


def test_a_rule_is_for_its_tenant() -> None:
    clock = FakeClock()
    broker = make_broker(clock)
    for speed in range(4):
        fill(broker, change.create({"id": "urn:e:1", "type": f"{NS}Car", f"{NS}speed": prop(speed)}, clock.now()))
        clock.advance(24 * 3_600)
    assert retain(broker, read_rules('[[history]]\ntenant = "city"\nkeep_days = 1', str)) == 0
    assert retain(broker, read_rules('[[history]]\ntenant = ""\nkeep_days = 30', str)) == 0
    assert retain(broker, read_rules("[[history]]\nkeep_days = 1", str)) == 3
    assert retain(broker, read_rules("[[history]]\nkeep_days = 1", str)) == 0
