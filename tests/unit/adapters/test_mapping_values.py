"""A reading's value, step by step: what means nothing, words, numbers, factors, units, bounds."""

from __future__ import annotations

import math
from typing import Any

import pytest

from adapters.mapping.values import LeftOut, Rule, key
from adapters.readings import Reading


def test_numbers_are_read_of_texts_and_of_nothing_else() -> None:
    rule = Rule(reads="number")
    assert [rule.value(Reading("q", text)) for text in ("21.5", "-3", "1e3", " 7 ")] == [21.5, -3, 1000, 7]
    others: list[Any] = ["", "warm", "1_000", "\uff12\uff11", "0x10", True, [1], {"a": 1}, "9" * 41]
    for wrong in others:
        with pytest.raises(LeftOut) as refusal:
            rule.value(Reading("q", wrong))
        assert refusal.value.why == "wrong_type"
    for nothing in (None, math.nan, math.inf, "nan", "-inf"):
        with pytest.raises(LeftOut) as refusal:
            rule.value(Reading("q", nothing))
        assert refusal.value.why == "ignored"


@pytest.mark.parametrize(
    ("rule", "value", "made"),
    [
        (Rule(times=0.1), 3, 0.3),
        (Rule(times=0.1), 30, 3.0),
        (Rule(times=10), 3, 30),
        (Rule(times=0.1, plus=-40), 650, 25.0),
        (Rule(times=0.1, from_unit="CEL", unit="KEL"), 215, 294.65),
        (Rule(unit="WTT", from_unit="KWT"), 2, 2000),
        (Rule(unit="C62", from_unit="P1"), 55, 0.55),
        (Rule(digits=1), 21.449, 21.4),
        (Rule(reads="integer"), "20.6", 21),
        (Rule(times=0.5, reads="integer", digits=0), 3, 2),
        (Rule(words={"48": "on"}), 48, "on"),
        (Rule(words={"48": "on"}), 48.0, "on"),
        (Rule(words={"48": "on"}), "48", "on"),
        (Rule(words={"true": 1}, unit="C62"), True, 1),
        (Rule(words={"a": "b"}, otherwise="c"), "z", "c"),
        (Rule(reads="text"), 7, "7"),
        (Rule(reads="text"), False, "false"),
        (Rule(reads="boolean"), "ON", True),
        (Rule(reads="boolean"), 0, False),
        (Rule(least=0, most=1), 1, 1),
        (Rule(), {"a": None}, {"a": None}),
    ],
)
def test_steps(rule: Rule, value: Any, made: Any) -> None:
    found = rule.value(Reading("q", value))
    assert found == made
    assert type(found) is type(made)


@pytest.mark.parametrize(
    ("rule", "value", "why"),
    [
        (Rule(ignore=frozenset({"65535"})), 65535, "ignored"),
        (Rule(ignore=frozenset({"65535"})), "65535", "ignored"),
        (Rule(), None, "ignored"),
        (Rule(), math.nan, "ignored"),
        (Rule(), "x" * 10_001, "out_of_range"),
        (Rule(reads="text"), "x" * 10_001, "out_of_range"),
        (Rule(reads="text"), [1], "wrong_type"),
        (Rule(reads="boolean"), 2, "wrong_type"),
        (Rule(reads="instant"), "2026-11-23T09:00:00", "wrong_type"),
        (Rule(reads="instant"), 5, "wrong_type"),
        (Rule(reads="epoch_s"), -1, "out_of_range"),
        (Rule(reads="epoch_ms"), 1e18, "out_of_range"),
        (Rule(words={}), "a", "unknown_word"),
        (Rule(least=0), -0.1, "out_of_range"),
        (Rule(unit="KWH"), "x", "wrong_type"),
    ],
)
def test_what_is_left_out_says_why(rule: Rule, value: Any, why: str) -> None:
    with pytest.raises(LeftOut) as refusal:
        rule.value(Reading("q", value))
    assert refusal.value.why == why


def test_the_readings_own_unit_holds_before_that_of_the_file() -> None:
    rule = Rule(unit="WTT", from_unit="KWT")
    assert rule.value(Reading("q", 5, "WTT")) == 5
    assert rule.unit_of(Reading("q", 5, "KWT")) == "WTT"
    assert Rule(from_unit="KWT").unit_of(Reading("q", 5)) == "KWT"


def test_the_same_value_has_the_same_key_however_it_is_spelt() -> None:
    assert key(48) == key(48.0) == key("48") == "48"
    assert key(True) == "true" != key(1)
    assert key(None) == "null"
    assert key({"a": 1}) == ""
