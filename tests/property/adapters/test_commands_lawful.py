"""Laws of commands: states, the chain of the audit, limits, seals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.commands import states
from adapters.commands.judging import Outside, Range, Scene, judge
from adapters.commands.rules import Bound, Condition, Rule
from adapters.commands.seals import COMMANDED_BY, commander, content, sealed, sealed_before
from adapters.commands.states import Commanded, Step
from adapters.mapping.plan import CommandRule
from adapters.order import Delivered
from adapters.readings import Answered
from broker.audit.chain import START, Broken, Link, digest, link, verify
from broker.ldcontext.core import core_context
from broker.model.values import Instant, Json
from datamodels.units import convert

NS: Final = "https://uri.etsi.org/ngsi-ld/default-context/"
NEW: Final = Commanded("urn:x:1", "", "urn:x:e", f"{NS}a", {"value": 1}, "ad", "d", "n", "ayumi", 0, 100)
EVENTS: Final[dict[str, Callable[[Commanded, Instant], Step | None]]] = {
    "send": lambda one, now: states.sent(one, now, {}),
    "miss": lambda one, now: states.not_reached(one, now, "away"),
    "doubt": lambda one, now: states.in_doubt(one, now, "crash"),
    "deliver": lambda one, now: states.delivered(one, now, Delivered("DELIVERED")),
    "do": lambda one, now: states.delivered(one, now, Delivered("OK", 1)),
    "fail": lambda one, now: states.delivered(one, now, Delivered("ERROR", "no")),
    "answer": lambda one, now: states.answered(one, now, Answered("urn:x:1", "OK")),
    "accept": lambda one, now: states.answered(one, now, Answered("urn:x:1", "DELIVERED")),
    "refuse": lambda one, now: states.refused(one, now, "outside"),
    "replace": lambda one, now: states.replaced(one, now, "urn:x:2"),
    "expire": states.expired,
}
AFTER: Final = {
    "PENDING": {"PENDING", "DELIVERED", "OK", "ERROR", "EXPIRED"},
    "DELIVERED": {"DELIVERED", "OK", "ERROR", "EXPIRED"},
    "OK": {"OK"},
    "ERROR": {"ERROR"},
    "EXPIRED": {"EXPIRED"},
}
events = st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.integers(0, 40)), max_size=20)


@given(events, st.booleans())
def test_whatever_happens_states_go_one_way_and_what_is_done_once_is_sent_once(
    happened: list[tuple[str, int]], once: bool
) -> None:
    command, now, sent_to_device = replace(NEW, once=once), 0, 0
    for name, later in happened:
        now += later
        step = EVENTS[name](command, now)
        if step is None:
            continue
        assert step.command.status in AFTER[command.status]
        assert not (step.command.sending and step.command.status != "PENDING")
        assert step.command.changed_at >= command.changed_at
        if name == "send":
            assert command.status == "PENDING"
            assert not command.sending
            sent_to_device += 1
        if name == "miss" and command.sending:
            sent_to_device -= 1  # the link knows that it had nobody to hand it to
        if name == "expire":
            assert now >= command.expires_at
        if command.done:
            assert step.command == command
            assert step.event == "late"
        command = step.command
    assert not (once and sent_to_device > 1)


def test_pauses_double_up_to_half_a_minute() -> None:
    command, pauses = NEW, []
    for _ in range(9):
        going = states.sent(command, 0, {})
        assert going is not None
        missed = states.not_reached(going.command, 0, "away")
        assert missed is not None
        command = missed.command
        pauses.append(command.due // 1_000_000)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30, 30]


told = st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.integers(), st.text(max_size=5)), max_size=3)


def chain(rows: list[dict[str, Json]]) -> list[Link]:
    links: list[Link] = []
    before = START
    for number, row in enumerate(rows, start=1):
        salt = bytes([number % 256]) * 16
        found = digest(salt, row)
        before = link(before, number, 1000 + number, found)
        links.append(Link(number, 1000 + number, found, before, salt, row))
    return links


@given(st.lists(told, min_size=1, max_size=6), st.data())
def test_a_chain_holds_as_it_was_written_and_after_erasing_and_no_change_goes_unseen(
    rows: list[dict[str, Json]], data: st.DataObject
) -> None:
    links = chain(rows)
    assert verify(links) == links[-1].hash
    place = data.draw(st.integers(0, len(links) - 1))
    one = links[place]
    erased = [*links[:place], replace(one, salt=None, told=None), *links[place + 1 :]]
    assert verify(erased) == links[-1].hash
    changes: list[list[Link]] = [
        [*links[:place], replace(one, told={**(one.told or {}), "x" * 6: 1}), *links[place + 1 :]],
        [*links[:place], replace(one, at=one.at + 1), *links[place + 1 :]],
        [*links[:place], replace(one, digest=bytes(32)), *links[place + 1 :]],
    ]
    if place < len(links) - 1:
        changes.append([*links[:place], *links[place + 1 :]])
        other = links[place + 1]
        changes.append([*links[:place], replace(other, number=one.number), replace(one, number=other.number)])
    for changed in changes:
        with pytest.raises(Broken):
            verify(changed)


POWER: Final = CommandRule(f"{NS}limit", "limit", "Set", f"{NS}T", core_context(), unit="WTT")
watts = st.one_of(
    st.integers(-20_000, 20_000),
    st.floats(-2e4, 2e4, allow_nan=False),
    st.sampled_from([10**400, -(10**400), 1e308, -1e308]),
)
bounds = st.lists(st.integers(-10_000, 10_000), max_size=3)


@settings(max_examples=300)
@given(watts, st.sampled_from(["WTT", "KWT", "CEL", ""]), bounds, bounds, st.one_of(st.none(), watts))
def test_nothing_outside_of_any_limit_is_ever_sent(
    value: float, unit: str, least: list[int], most: list[int], rated: float | None
) -> None:
    own = Bound(1, (f"{NS}rated",), "rated")
    rule = Rule(
        POWER, f"{NS}s", f"{NS}r",
        tuple(Bound(one, text=str(one)) for one in least), (*(Bound(one, text=str(one)) for one in most), own),
    )  # fmt: skip
    entity: dict[str, Json] = {"id": "urn:x:1", "type": f"{NS}T"}
    if rated is not None:
        entity[f"{NS}rated"] = {"type": "Property", "value": rated, "unitCode": "KWT"}
    instance: dict[str, Json] = {"type": "Property", "value": value, **({"unitCode": unit} if unit else {})}
    try:
        judged = judge(rule, instance, Scene(entity, lambda _: None, Range(-15_000, 15_000, "WTT")))
    except Outside:
        return
    assert rated is not None
    amount = convert(value, unit or "WTT", "WTT")
    assert judged.value == amount
    assert isinstance(judged.value, int | float)
    assert max([*least, -15_000]) <= judged.value <= min([*most, convert(rated, "KWT", "WTT"), 15_000])


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
CONDITIONED: Final = Rule(
    replace(POWER, unit=""), f"{NS}s", f"{NS}r",
    only_when=(
        Condition((f"{NS}on",), "on", one_of=("yes", 1)),
        Condition((f"{NS}at", f"{NS}soc"), "at.soc", least=0.2),
    ),
)  # fmt: skip
WORDS: Final = Rule(replace(POWER, unit="", words={"on": 48, "off": 49}), f"{NS}s", f"{NS}r")


@settings(max_examples=300)
@given(anything, anything, anything, st.sampled_from(["value", "vocab", "json", "object", "languageMap"]))
def test_no_command_and_no_entity_makes_the_judge_fail(value: Any, on: Any, soc: Any, member: str) -> None:
    entity: dict[str, Json] = {
        "id": "urn:x:1", "type": f"{NS}T",
        f"{NS}on": {"type": "Property", "value": on},
        f"{NS}at": {"type": "Relationship", "object": "urn:x:2"},
    }  # fmt: skip
    other: dict[str, Json] = {"id": "urn:x:2", f"{NS}soc": {"type": "Property", "value": soc}}
    for rule in (CONDITIONED, WORDS, Rule(POWER, f"{NS}s", f"{NS}r", (Bound(0),), (Bound(9),))):
        try:
            judged = judge(rule, {"type": "Property", member: value}, Scene(entity, lambda _: other))
        except Outside:
            continue
        if rule is CONDITIONED:
            assert (
                (on == "yes" or (on == 1 and type(on) is int)) if not isinstance(on, list) else ("yes" in on or 1 in on)
            )
            assert soc >= 0.2
        elif rule is WORDS:
            assert judged.value in (48, 49)
        else:
            assert 0 <= judged.value <= 9  # type: ignore[operator]


@given(st.binary(min_size=32, max_size=32), anything, st.sampled_from(["ayumi", "anonymous"]), st.integers(0, 10**17))
def test_a_seal_is_good_for_what_was_sealed_and_for_nothing_else(key: bytes, value: Any, by: str, now: int) -> None:
    of = ("", "urn:x:1", f"{NS}a")
    instance: dict[str, Json] = {
        "type": "Property",
        "value": value,
        f"{NS}commandTtl": {"type": "Property", "value": 3},
    }
    good = sealed(key, of, instance, by, (now, 0))
    assert commander(key, of, good) == (by, now)
    assert content(good) == content(instance)
    assert sealed_before(good) == 1
    stamped = {**good, "modifiedAt": "2026-01-01T00:00:00Z", "createdAt": "2026-01-01T00:00:00Z"}
    assert commander(key, of, stamped) == (by, now)
    wrongs: list[dict[str, Any]] = [
        {**good, "value": [value]},
        {**good, "unitCode": "WTT"},
        {**good, COMMANDED_BY: {"type": "Property", "value": "mayor"}},
        {**good, f"{NS}commandTtl": {"type": "Property", "value": 4}},
        instance,
    ]
    for wrong in wrongs:
        assert commander(key, of, wrong) is None
    assert commander(bytes(32), of, good) is None or key == bytes(32)
    for elsewhere in (("x", "urn:x:1", f"{NS}a"), ("", "urn:x:2", f"{NS}a"), ("", "urn:x:1", f"{NS}b")):
        assert commander(key, elsewhere, good) is None
