"""Accept, Content-Type and Prefer (clauses 6.3.4 to 6.3.6)."""

from __future__ import annotations

import pytest

from broker.errors import InvalidRequest, NotAcceptable, UnsupportedMediaType
from broker.http.media import GEO_JSON, JSON, LD_JSON, check_content, choose, preferences

ENTITY = (JSON, LD_JSON, GEO_JSON)


@pytest.mark.parametrize(
    ("accept", "available", "chosen"),
    [
        ("*/*", ENTITY, JSON),
        ("application/*", ENTITY, JSON),
        ("application/ld+json", ENTITY, LD_JSON),
        ("application/geo+json, application/json", (JSON, LD_JSON), JSON),
        ("application/geo+json;q=0.9, application/ld+json;q=0.1", (JSON, LD_JSON), LD_JSON),
        ("application/json;q=0, application/ld+json", (JSON, LD_JSON), LD_JSON),
        ("application/json;q=0.2,*/*;q=0.5", ENTITY, LD_JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", ENTITY, JSON),
        ("APPLICATION/LD+JSON", ENTITY, LD_JSON),
        ("application/ld+json;q=x", ENTITY, LD_JSON),
        ("application/ld+json;q=0.5, application/geo+json", ENTITY, GEO_JSON),
    ],
)
def test_the_greatest_weight_wins_then_the_order_of_the_clause(
    accept: str, available: tuple[str, ...], chosen: str
) -> None:
    assert choose(accept, available) == chosen


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/geo+json", "*/*;q=0", "nonsense"])
def test_nothing_acceptable_names_what_there_is(accept: str) -> None:
    with pytest.raises(NotAcceptable) as refusal:
        choose(accept, (JSON, LD_JSON))
    assert JSON in refusal.value.detail
    assert LD_JSON in refusal.value.detail


def test_a_charset_that_is_utf_8_is_no_other_media_type() -> None:
    assert check_content('application/json; charset="UTF-8"', (JSON, LD_JSON)) == JSON
    for other in ("application/xml", "", "application/json; charset=latin-1", "application/merge-patch+json"):
        with pytest.raises(UnsupportedMediaType):
            check_content(other, (JSON, LD_JSON))


def test_prefer_reads_what_it_knows_and_passes_over_the_rest() -> None:
    wanted = preferences('ngsi-ld=1.6, body="json"; x=y, respond-async, timing')
    assert (wanted.version, wanted.context_in_body, wanted.timing) == ("1.6", False, True)
    assert preferences("wait=10").version is None
    with pytest.raises(InvalidRequest):
        preferences("ngsi-ld=newest")
