"""Slots of energy: days of the city, whole slots, numbers from 1 on."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.model.values import to_instant, to_text
from services.energy.configured import read_community
from services.energy.slots import LENGTHS, MINUTE_US, Slots
from services.room import BadCity

TOKYO = Slots(30, ZoneInfo("Asia/Tokyo"))
COMMUNITY = "urn:ngsi-ld:EnergyCommunity:misono:community"


def at(text: str) -> int:
    found = to_instant(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("when", "start", "named"),
    [
        ("2026-11-23T15:00:00Z", "2026-11-23T15:00:00Z", ("2026-11-24", 1)),
        ("2026-11-24T06:12:59Z", "2026-11-24T06:00:00Z", ("2026-11-24", 31)),
        ("2026-11-24T14:59:59.999999Z", "2026-11-24T14:30:00Z", ("2026-11-24", 48)),
    ],
)
def test_a_moment_has_a_slot(when: str, start: str, named: tuple[str, int]) -> None:
    assert to_text(TOKYO.start_of(at(when))) == to_text(at(start))
    assert TOKYO.named(at(start)) == named


def test_a_day_has_48() -> None:
    day = TOKYO.of_day("2026-11-24")
    assert [TOKYO.named(one) for one in day] == [("2026-11-24", number) for number in range(1, 49)]
    assert TOKYO.duration == "PT30M"
    with pytest.raises(ValueError, match="isoformat"):
        TOKYO.of_day("24 November")


@given(
    st.sampled_from(LENGTHS),
    st.sampled_from(["Asia/Tokyo", "UTC", "Europe/Berlin", "Asia/Kathmandu"]),
    st.integers(0, 4_000_000_000),
)
def test_every_moment_is_in_exactly_one_slot(minutes: int, zone: str, second: int) -> None:
    slots, moment = Slots(minutes, ZoneInfo(zone)), second * 1_000_000
    start = slots.start_of(moment)
    assert start <= moment < start + minutes * MINUTE_US
    assert slots.start_of(start) == start
    day, number = slots.named(start)
    assert slots.of_day(day)[number - 1] == start


def test_the_section_is_read_and_its_faults_are_named() -> None:
    said: dict[str, Any] = {
        "tenant": "misono",
        "community": COMMUNITY,
        "slot_minutes": 15,
        "market": {"kind": "auction"},
    }
    read = read_community({"energy": said})
    assert (read.tenant, read.slots.minutes, read.mode) == ("misono", 15, "simulation")
    assert read.section("market") == {"kind": "auction"}
    assert read.section("planning") == {}
    faults: tuple[tuple[dict[str, Any], str], ...] = (
        ({"slot_minutes": 7}, "slot_minutes"),
        ({"mode": "free"}, "mode"),
        ({"community": 3}, "community"),
        ({"zone": "Asia/Misono"}, "zone"),
        ({"markets": {}}, "markets"),
        ({"market": 3}, "tables"),
        ({"tenant": 3}, "tenant"),
    )
    for wrong, named in faults:
        with pytest.raises(BadCity, match=named):
            read_community({"energy": {**said, **wrong}})
