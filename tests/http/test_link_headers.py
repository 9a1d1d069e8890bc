"""Link headers in and out (clauses 6.3.5, 6.3.6, 6.3.10)."""

from __future__ import annotations

import pytest

from broker.errors import BadRequestData
from broker.http.links import context_link, context_of, location, page_links

CONTEXT = 'rel="http://www.w3.org/ns/json-ld#context"'


@pytest.mark.parametrize(
    "link",
    [
        f'<https://x.org/c.jsonld>; {CONTEXT}; type="application/ld+json"',
        f"<https://x.org/c.jsonld>;{CONTEXT}",
        "<https://x.org/c.jsonld>; rel=http://www.w3.org/ns/json-ld#context",
        f'<https://other.org/?a=1,2>; rel="profile", <https://x.org/c.jsonld>; type="application/ld+json"; {CONTEXT}',
        f"< https://x.org/c.jsonld >; {CONTEXT}",
    ],
)
def test_the_context_is_found(link: str) -> None:
    assert context_of(link) == "https://x.org/c.jsonld"


def test_other_links_are_none_of_our_business() -> None:
    assert context_of('<https://uri.etsi.org/ngsi-ld/profile/version>; rel="profile"') is None


@pytest.mark.parametrize(
    "link", ["nonsense", f"<https://a>; {CONTEXT}, <https://b>; {CONTEXT}", "<unclosed; rel=x", "<a> b"]
)
def test_what_is_no_link_header_or_names_two_contexts_is_refused(link: str) -> None:
    with pytest.raises(BadRequestData):
        context_of(link)


def test_the_context_link_is_spelled_exactly_and_holds_nothing_but_a_url() -> None:
    assert context_link("https://x.org/c.jsonld") == (
        '<https://x.org/c.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    )
    assert "\n" not in context_link("https://x.org/\r\nSet-Cookie: a=b")
    assert context_link("https://x.org/c>d").count(">") == 1
    context_link("https://x.org/文脈.jsonld").encode("ascii")


def test_pages_link_to_their_neighbours() -> None:
    given = [("type", "Building"), ("limit", "1"), ("idPattern", "urn:x:B.*"), ("offset", "1"), ("q", 'a=="b,c"')]
    links = page_links("/ngsi-ld/v1/entities", given, (1, 1, True), "application/json")
    start = "</ngsi-ld/v1/entities?idPattern=urn:x:B.*&limit=1&offset="
    rest = '&q=a%3D%3D%22b%2Cc%22&type=Building>;rel="{}";type="application/json"'
    assert links == f"{start}0{rest.format('prev')}, {start}2{rest.format('next')}"
    assert page_links("/x", given, (0, 20, False), "application/json") is None


def test_a_location_leads_back_to_the_id() -> None:
    assert location("entities", "urn:ngsi-ld:House:1") == "/ngsi-ld/v1/entities/urn:ngsi-ld:House:1"
    assert location("entities", "https://x/a?b#c%d") == "/ngsi-ld/v1/entities/https:%2F%2Fx%2Fa%3Fb%23c%25d"
