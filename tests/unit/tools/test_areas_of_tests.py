"""Whose seconds a test's are: the kind and the area that the table of tools/run_tests.py counts them in."""

from __future__ import annotations

import pytest

from tools.run_tests import AREAS, BUDGET_S, place


@pytest.mark.parametrize(
    ("test", "kind", "area"),
    [
        ("tests/unit/query/test_q.py::test_or", "unit", "broker"),
        ("tests/contract/test_entity_store.py::test_get[mongo]", "contract", "mongodb"),
        ("tests/contract/history/test_places.py::test_a_walk[ferret-1]", "contract", "mongodb"),
        ("tests/contract/residents/test_nothing_leaks.py::test_a_view[mongo]", "contract", "residents"),
        ("tests/outside/mongodb/test_copy.py::test_the_way_back", "outside", "mongodb"),
        ("specs/temporal/test_x.py::test_mongolia[sqlite]", "specs", "broker"),
        ("specs/federation/test_x.py::test_one[sqlite]", "specs", "federation"),
        ("tests/unit/energy/test_time_slots.py::test_one", "unit", "energy"),
        ("tests/contract/energy/test_ledger.py::test_one[mongo]", "contract", "mongodb"),
        ("tests/unit/linkeddata/test_shapes.py::test_one", "unit", "linkeddata"),
        ("tests/http/console/test_pages.py::test_one", "http", "linkeddata"),
        ("tests/frames/energy.py::test_one", "frames", "broker"),
    ],
)
def test_a_test_has_a_kind_and_an_area(test: str, kind: str, area: str) -> None:
    assert place(test) == (kind, area)


def test_every_area_has_a_budget() -> None:
    assert set(AREAS.values()) == set(BUDGET_S)
