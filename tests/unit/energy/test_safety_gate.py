"""The safety gate: each rule lets through what is safe, and refuses what is not, with its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.energy.market.gate import BLACK_START, RULES, Limits, Plan, Told, examine
from services.energy.market.schedule import LegPower, current

NOW = 1_000_000_000
FINE = Told(
    at=NOW, grid_state="connected", mode="autonomous", soc=500, celsius=20.0, leg_ma=10_000, fed_w=0, battery=True
)
SELLER, BUYER = LegPower("a", "la", sends=1_400), LegPower("b", "lb", takes=1_400)
PLAN = Plan((SELLER, BUYER), ttl_s=60)
TOLD = {"a": FINE, "b": FINE}


def refused(
    plan: Plan = PLAN, told: dict[str, Told] | None = None, limits: Limits | None = None
) -> list[tuple[str, str]]:
    return [(one.rule, one.participant) for one in examine(plan, told or TOLD, limits or Limits(), NOW)]


def test_what_is_safe_passes() -> None:
    assert refused() == []
    assert refused(replace(PLAN, act=BLACK_START, by=frozenset({"sato", "suzuki"}))) == []


@pytest.mark.parametrize(
    ("who", "change", "rule"),
    [
        ("a", {"soc": 200}, "floor"), ("b", {"soc": 950}, "ceiling"), ("a", {"soc": None}, "level"),
        ("a", {"mode": "manual"}, "interlock"), ("b", {"grid_state": "fault"}, "interlock"),
        ("b", {"grid_state": "islanded"}, "interlock"), ("a", {"grid_state": ""}, "interlock"),
        ("a", {"celsius": 45.5}, "temperature"), ("b", {"celsius": -0.5}, "temperature"),
        ("a", {"leg_ma": 3_999}, "current"), ("b", {"fed_w": 51}, "backFeed"),
        ("a", {"at": NOW - 180_000_001}, "telemetry"),
    ],
)  # fmt: skip
def test_each_site_is_looked_at(who: str, change: dict[str, Any], rule: str) -> None:
    assert refused(told={**TOLD, who: replace(FINE, **change)}) == [(rule, who)]


def test_limits_are_what_may_just_be() -> None:
    edge = replace(FINE, soc=201, leg_ma=4_000, celsius=45.0, at=NOW - 180_000_000)
    assert refused(told={"a": edge, "b": replace(FINE, soc=949, fed_w=50)}) == []
    assert refused(limits=replace(Limits(), line_w=1_400)) == []
    assert current(1_400, 350) == 4_000
    assert current(1_401, 350) == 4_003, "rounded away from nothing"


def test_the_whole_is_looked_at() -> None:
    assert refused(limits=replace(Limits(), line_w=1_399)) == [("line", "")]
    assert refused(replace(PLAN, ttl_s=121)) == [("ttl", "")]
    assert refused(replace(PLAN, ttl_s=0)) == [("ttl", "")]
    assert refused(replace(PLAN, act=BLACK_START, by=frozenset({"sato"}))) == [("twoPersons", "")]
    assert refused(replace(PLAN, feeds={"a": 1})) == [("backFeed", "a")]
    assert refused(replace(PLAN, feeds={"a": 1}), limits=replace(Limits(), may_feed=frozenset({"a"}))) == []


def test_what_is_not_known_is_refused() -> None:
    assert refused(told={"a": FINE}) == [("telemetry", "b")]
    assert refused(replace(PLAN, legs=(replace(SELLER, leg=""),))) == [("leg", "a")]


def test_a_leg_goes_one_way_in_a_slot() -> None:
    assert refused(Plan((LegPower("a", "la", 100, 100),), 60)) == [("direction", "a")]


def test_near_disaster_batteries_keep_more() -> None:
    told = {**TOLD, "a": replace(FINE, soc=500)}
    assert refused(replace(PLAN, near=True), told) == [("floor", "a")]
    assert refused(replace(PLAN, near=True), {**TOLD, "a": replace(FINE, soc=501)}) == []


def test_every_refusal_is_of_a_rule_that_is_named() -> None:
    assert {"current", "line", "floor", "ceiling", "temperature", "interlock", "backFeed", "direction", "ttl",
            "twoPersons"} <= {*RULES}  # fmt: skip
