"""Giving and withdrawing over HTTP: what a recipient sees follows at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.consent_city import CLINIC, ConsentCity, consent_city


@pytest.fixture(params=["memory", "sqlite"])
def city(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path, str(request.param)) as found:
        yield found


def test_nothing_is_allowed_until_it_is_given_nor_after_it_was_withdrawn(city: ConsentCity) -> None:
    city.pulse("hana")
    assert city.sees("clinic", "hana") is None
    record = city.give("hana", city.terms())
    assert (city.status, record["state"], record["holds"]) == (201, "ConsentGiven", True)
    assert city.entity(record["id"])["consentState"] == "https://w3id.org/dpv#ConsentGiven"
    assert city.sees("clinic", "hana") == 62
    done = city.withdraw("hana", record=record["id"])
    assert (city.status, done["ended"], len(done["deletionRequests"])) == (200, [record["id"]], 1)
    assert city.sees("clinic", "hana") is None
    assert city.entity(record["id"])["consentState"] == "https://w3id.org/dpv#ConsentWithdrawn"
    assert city.entity(record["id"])["recipient"] == CLINIC
