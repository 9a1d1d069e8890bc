"""schemathesis against /openapi.json, at both doors: no 500, whatever is sent.

501, 503 and 504 come with their own problem type only. Bounded in time;
the seed is fixed, so that what it finds it finds again.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from specs.door import open_flask
from tests.outside.served import Served

SECONDS = 45.0
"""A door; two doors and their starts stay within two minutes."""
EXAMPLES = 60
OWN_TYPES = {
    501: ("NoMultiTenantSupport",),
    503: ("ServiceUnavailable",),
    504: ("LdContextNotAvailable",),
}


class TimeIsOver(Exception):
    """Ends the requests to one operation."""


def assert_sound(operation: Any, response: Any) -> None:
    """What holds for every answer."""
    status = response.status_code
    assert status < 500 or status in OWN_TYPES, f"{operation.label}: {response.text[:1000]}"
    if status in OWN_TYPES:
        problem_type = response.json()["type"].rpartition("/")[2].rpartition(":")[2]
        assert problem_type in OWN_TYPES[status], f"{operation.label}: {response.text[:1000]}"


def attack(schema: Any) -> int:
    """Every operation in turn with generated requests until the time is over; the number of requests."""
    end = time.monotonic() + SECONDS
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 30, "the document lacks operations"
    return sum(
        attack_operation(operation, time.monotonic() + (end - time.monotonic()) / (len(operations) - position))
        for position, operation in enumerate(operations)
    )


def attack_operation(operation: Any, end: float) -> int:
    """One operation until `end`, but once at least."""
    sent = 0

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def try_one(case: Any) -> None:
        nonlocal sent
        if sent and time.monotonic() > end:
            raise TimeIsOver
        sent += 1
        assert_sound(operation, case.call())

    with suppress(TimeIsOver):
        try_one()
    return sent


def test_the_warm_door(served: Served) -> None:
    sent = attack(schemathesis.openapi.from_url(served.root + "/openapi.json"))
    print(f"\nfigure warm_requests {sent}")


def test_the_flask_door(tmp_path: Path) -> None:
    with open_flask("sqlite", tmp_path) as app:
        sent = attack(schemathesis.openapi.from_wsgi("/openapi.json", app))
    print(f"\nfigure flask_requests {sent}")
