"""The section [pricing] is read strictly: what is not in order is named, and the city does not start."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from broker.errors import BadRequestData
from services.ledger.amounts import told, units
from services.pricing.configured import read_settings
from services.room import BadCity
from tests.fakes.priced_city import PRICES

SECTION = tomllib.loads(PRICES)["pricing"]


def changed(*path: str, to: Any) -> dict[str, Any]:
    """The section with another member."""
    section: Any = copy.deepcopy(SECTION)
    place = section
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return {"pricing": section}


def test_without_a_section_the_usual_rules_hold() -> None:
    settings = read_settings({})
    assert (settings.current, settings.rules.currency, settings.experiments) == ("usual-1", "POINT", {})


@pytest.mark.parametrize(
    ("city", "named"),
    [
        ({"pricing": 1}, "it is a table"),
        (changed("currant", to=1), "currant"),
        (changed("current", to="last"), "current"),
        (changed("small_count", to=0), "small_count"),
        (changed("raw_per_day", to=12), "raw_per_day"),
        (changed("rules", "first", "base", to={}), "base"),
        (changed("rules", "first", "sensitivity", "level4", to=0.1), "sensitivity"),
        (changed("rules", "first", "cap_month", to=-1), "cap_month"),
        (changed("rules", "first", "split", to={"persons": 0, "community": 0, "operator": 0}), "split"),
        (changed("experiments", "dearer", "versions", to=["none"]), "versions"),
        (changed("experiments", "dearer", "wants", to=[{"items": ["A/b@weekly"]}]), "granularity"),
        (changed("experiments", "dearer", "wants", to=[{"items": ["A/b"], "days": 0}]), "days"),
    ],
)
def test_what_is_not_in_order_is_named(city: Any, named: str) -> None:
    with pytest.raises(BadCity, match=named):
        read_settings(city)


def test_amounts_are_exact_to_the_thousandth() -> None:
    for text in ("0.001", "0.1", "12", "12.345", "999999999999.999", "0.3"):
        amount = units(float(text) if "." in text else int(text), "/amount")
        assert float(told(amount)) == float(text)
    assert (told(-12_500), told(-12_000), told(0)) == (-12.5, -12, 0)
    for wrong in (0, -1, 0.0005, 10**15, 10**5_000, float("nan"), float("inf"), "1", None, False):
        with pytest.raises(BadRequestData):
            units(wrong, "/amount")
