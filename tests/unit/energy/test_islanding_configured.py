"""The section [energy.islanding]: what is not in order is named, with what would do."""

from __future__ import annotations

from typing import Any

import pytest

from services.energy.islanding.configured import read_settings
from services.room import BadCity

SITE: dict[str, Any] = {"battery_wh": 9_800, "battery_w": 5_000, "line_w": 3_000, "loads_w": [0, 120, 90, 420]}


def test_what_is_left_out_is_usual() -> None:
    found = read_settings({"sites": {"urn:r": SITE}, "hours": 10})
    assert (found.rules.hours, found.policy.stable_s, found.sites["urn:r"].floor) == (10, 300, 20)
    assert read_settings({}).sites == {}


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"hour": 3}, "hour"),
        ({"hours": 0}, "hours"),
        ({"hours": "3"}, "hours"),
        ({"sites": []}, "sites"),
        ({"sites": {"urn:r": {**SITE, "colour": 1}}}, "urn:r"),
        ({"sites": {"urn:r": {**SITE, "loads_w": [1, 2, 3]}}}, "loads_w"),
        ({"sites": {"urn:r": {**SITE, "loads_w": [1, 2, 3, -4]}}}, "loads_w"),
        ({"sites": {"urn:r": {**SITE, "battery_wh": 0}}}, "battery_wh"),
        ({"sites": {"urn:r": {**SITE, "line_w": True}}}, "line_w"),
    ],
)
def test_what_is_not_in_order_is_named(section: dict[str, Any], named: str) -> None:
    with pytest.raises(BadCity, match=named):
        read_settings(section)
