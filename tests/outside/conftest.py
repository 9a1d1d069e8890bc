"""One served broker for all tests that leave it as they found it; each uses ids or tenants of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outside.served import Served, serving


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("outside") / "data", "--allow-private") as broker:
        yield broker


@pytest.fixture
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A broker of this test alone."""
    with serving(tmp_path_factory.mktemp("alone") / "data") as broker:
        yield broker
