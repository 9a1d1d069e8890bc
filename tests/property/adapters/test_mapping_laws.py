"""Whatever a device says: a mapping makes fragments that the broker takes, or raises BadFrame, and nothing else."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.device import Device
from adapters.frame import BadFrame
from adapters.mapping.applying import apply
from adapters.mapping.values import LeftOut, Rule
from adapters.readings import Reading, Readings
from broker.decode.entity import decode_entity
from broker.ldcontext.core import core_context
from datamodels.units import units
from tests.fakes.mapped import NOON, RESOLVE
from tests.fakes.mapped import mapping as mapping_of

QUANTITIES = ("a", "b", "c", "d", "e", "f", "g", "h")
RULES = mapping_of(
    {
        "number": {"from": "a", "unit": "KWH", "times": 0.001},
        "plain": "b",
        "word": {"from": "b", "vocab": True},
        "name": {"from": ["c", "b"], "language": "ja"},
        "raw": {"from": "d", "json": True},
        "row": {"from": "e", "list": True},
        "of": {"from": "c", "relationship": "urn:r:{value}"},
        "place": {"geo": ["f", "g"]},
        "shape": {"geo": "h"},
        "text": {"from": "f", "as": "text"},
        "flag": {"from": "g", "as": "boolean"},
        "instant": {"from": "h", "as": "instant"},
        "since": {"from": "a", "as": "epoch_s"},
        "phases": {"members": {"L1": "a", "L2": {"from": "b", "as": "number"}}},
        "sets": [{"from": "c", "dataset": "urn:s:{part}"}, {"from": "d", "dataset": "urn:t:{device}"}],
        "when": {"from": "@observedAt", "as": "instant"},
        "part": {"from": "@part"},
    },
    id="urn:x:{device}:{part}",
    others=True,
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["1", "-0.5", "on", "2026-11-23T09:00:00+09:00", "urn:ngsi-ld:null", "", " ", "@none", "https://a/"]),
)  # fmt: skip
NAMES = st.sampled_from(["type", "value", "@value", "@type", "@id", "coordinates", "object", "a", "languageMap", ""])
VALUES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(NAMES, below, max_size=3)),
    max_leaves=6,
)
READING = st.builds(
    Reading,
    st.one_of(st.sampled_from(QUANTITIES), st.sampled_from(QUANTITIES), st.text(min_size=1, max_size=6)),
    st.one_of(st.integers(0, 5_000_000_000), st.none(), VALUES),
    st.sampled_from(["", "KWH", "WHR", "CEL", "nonsense"]),
    st.one_of(st.none(), st.integers(0, 4_102_444_800_000_000)),
    st.sampled_from(["good", "good", "good", "uncertain", "bad"]),
)
OUTCOMES: Counter[str] = Counter()


@settings(max_examples=400)
@given(
    st.lists(READING, max_size=8), st.sampled_from(["", "1", "2", "0288:1", "é\x00/"]), st.text(min_size=1, max_size=10)
)
def attempt(row: list[Reading], part: str, device: str) -> None:
    said = Readings(device, tuple(row), part=part, at=NOON)
    try:
        made = apply(RULES, said, Device(device, "a"), NOON)
    except BadFrame as refusal:
        OUTCOMES[refusal.reason] += 1
        return
    OUTCOMES["fragments"] += len(made.fragments)
    OUTCOMES.update(one.why for one in made.left_out)
    for fragment in made.fragments:
        document: Any = copy.deepcopy(fragment)
        decode_entity(document, core_context())


def test_whatever_a_device_says_the_broker_takes_what_is_made_of_it() -> None:
    attempt()
    print(dict(OUTCOMES))
    for outcome in ("fragments", "unmapped", "no_id", "bad", "ignored", "wrong_type", "incomplete"):
        assert OUTCOMES[outcome], f"{outcome} never came up: the law says nothing of it"


@given(st.data())
def test_a_unit_and_back_is_the_same_value(data: st.DataObject) -> None:
    known = units()
    given_ = data.draw(st.sampled_from(sorted(known)))
    alike = sorted(code for code, unit in known.items() if unit.quantity == known[given_].quantity)
    wanted = data.draw(st.sampled_from(alike))
    value = data.draw(st.floats(-1e6, 1e6))
    there = Rule(unit=wanted).value(Reading("q", value, given_))
    back = Rule(unit=given_).value(Reading("q", there, wanted))
    assert isinstance(back, int | float)
    scale = (
        abs(value) + abs(known[given_].offset / known[given_].factor) + abs(known[wanted].offset / known[given_].factor)
    )
    assert abs(back - value) <= 1e-11 * max(scale, 1e-300) + 1e-290


@given(st.sampled_from(sorted(units())), st.sampled_from(sorted(units())), st.integers(-1000, 1000))
def test_units_of_another_quantity_never_convert(given_: str, wanted: str, value: int) -> None:
    rule, reading = Rule(unit=wanted), Reading("q", value, given_)
    if units()[given_].quantity == units()[wanted].quantity:
        assert isinstance(rule.value(reading), int | float)
    else:
        with pytest.raises(LeftOut, match=f"{given_} does not convert to {wanted}"):
            rule.value(reading)


def test_a_mapping_is_never_changed_by_what_it_maps() -> None:
    rules = mapping_of({"a": {"from": "a", "words": {"1": {"deep": [1]}}, "json": True}}, fixed={"f": 1})
    before = copy.deepcopy(rules.entities[0].fixed)
    for _ in range(2):
        made = apply(rules, Readings("d", (Reading("a", 1),)), Device("d", "a"), NOON)
        decode_entity(copy.deepcopy(dict(made.fragments[0])), RESOLVE(None))
    assert rules.entities[0].fixed == before
