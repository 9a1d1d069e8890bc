"""Durations are added as calendars do."""

from __future__ import annotations

import pytest

from broker.decode.given import Given
from broker.decode.lifetime import decode_lifetime
from broker.errors import BadRequestData
from broker.model.duration import Duration
from broker.model.values import to_instant, to_text


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("PT1H", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00.000000Z"),
        ("P1D", "2026-02-28T12:00:00Z", "2026-03-01T12:00:00.000000Z"),
        ("P1M", "2026-01-31T00:00:00Z", "2026-02-28T00:00:00.000000Z"),
        ("P1M", "2024-01-31T00:00:00Z", "2024-02-29T00:00:00.000000Z"),
        ("P1Y2M", "2026-11-15T00:00:00Z", "2028-01-15T00:00:00.000000Z"),
        ("P1MT0.5S", "2026-12-31T23:59:59.5Z", "2027-02-01T00:00:00.000000Z"),
        ("P9999Y", "2026-01-01T00:00:00Z", "9999-12-01T00:00:00.000000Z"),
    ],
)
def test_a_duration_leads_to_an_instant(text: str, begin: str, end: str) -> None:
    start = to_instant(begin)
    assert start is not None
    assert to_text(decode_lifetime(Given(text, "/x", "5.2.41")).after(start)) == end


@pytest.mark.parametrize("wrong", ["1hour", "PT", "P", "PT0S", "", 5, None, "-P1D", "P1.5D"])
def test_what_is_no_duration_is_refused_where_it_stands(wrong: object) -> None:
    with pytest.raises(BadRequestData) as refused:
        decode_lifetime(Given(wrong, "/snapshotLifetime", "5.2.41"))  # type: ignore[arg-type]
    assert refused.value.pointer == "/snapshotLifetime"


def test_no_duration_leads_nowhere() -> None:
    assert Duration().after(5) == 5
