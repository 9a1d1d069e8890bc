"""What two hubs would share, and the registrations that are proposed."""

from __future__ import annotations

import pytest

from broker.decode.registration import created, decode_registration
from broker.ldcontext.core import core_context
from broker.model.values import Json
from federation.proposal import Side, Wish, open_to, propose, wanted
from linkeddata.reading import Offer

NOW = 1_767_225_600_000_000
HOUSE = Offer("https://a.example/House", "Houses", 3, "https://by.example/", "PUBLIC")
OTHER = Offer("https://b.example/House", "Other houses", licence="https://zero.example/")
PERSON = Offer("https://a.example/Person", "Person", access="NON_PUBLIC")
AIZU = Side("https://aizu.example", "aizu", "t1", (HOUSE, PERSON))
TERMS = {"recipient": "Saitama City", "purpose": "防災"}


def check(body: dict[str, Json]) -> None:
    """It is a registration that a broker takes."""
    given = dict(body)
    created(decode_registration(given, core_context()), str(body["id"]), NOW)


def test_one_registration_a_type() -> None:
    found = propose(AIZU, Wish(contract=TERMS))
    for body in found:
        check(body)
    assert [body["id"] for body in found] == [
        "urn:ngsi-ld:ContextSourceRegistration:aizu:t1:House",
        "urn:ngsi-ld:ContextSourceRegistration:aizu:t1:Person",
    ]
    house = found[0]
    assert (house["endpoint"], house["tenant"], house["contextSourceAlias"]) == ("https://aizu.example", "t1", "aizu")
    assert house["information"] == [{"entities": [{"type": HOUSE.iri}]}]
    assert house["contract"] == {"licence": "https://by.example/", **TERMS}
    assert found[1]["contract"] == TERMS


def test_one_registration_for_all() -> None:
    (body,) = propose(
        AIZU, Wish(together=True, mode="redirect", operations=("retrieveOps",), until="2030-01-01T00:00:00Z")
    )
    check(body)
    assert body["information"] == [{"entities": [{"type": HOUSE.iri}, {"type": PERSON.iri}]}]
    assert (body["mode"], body["operations"], body["expiresAt"]) == (
        "redirect",
        ["retrieveOps"],
        "2030-01-01T00:00:00Z",
    )
    assert "contract" not in body  # the two are not under one licence


def test_what_was_agreed_is_the_licence() -> None:
    (body,) = propose(
        Side("http://x.example", None, "", (HOUSE,)), Wish(contract={"licence": "agreed"}, local_only=True)
    )
    check(body)
    assert body["contract"] == {"licence": "agreed"}
    assert body["management"] == {"localOnly": True}
    assert str(body["id"]).startswith("urn:ngsi-ld:ContextSourceRegistration:x.example:House")
    assert "contextSourceAlias" not in body
    assert "tenant" not in body


def test_types_of_one_name_are_told_apart() -> None:
    ids = [body["id"] for body in propose(Side("http://x.example", "x", "", (HOUSE, OTHER)), Wish())]
    assert len(set(ids)) == 2
    assert ids == [body["id"] for body in propose(Side("http://x.example", "x", "", (HOUSE, OTHER)), Wish())]


def test_nothing_offered_is_nothing_proposed() -> None:
    assert propose(Side("http://x.example", "x"), Wish(together=True)) == []


def test_what_is_closed_needs_its_terms() -> None:
    assert open_to(AIZU.offers, Wish(contract={"purpose": "x"})) == ((HOUSE,), (PERSON,))
    assert open_to(AIZU.offers, Wish(contract=TERMS)) == ((HOUSE, PERSON), ())


@pytest.mark.parametrize(
    ("types", "found", "unknown"),
    [
        ((), (HOUSE, OTHER, PERSON), ()),
        (("House",), (HOUSE, OTHER), ()),
        (("https://b.example/House", "Car"), (OTHER,), ("Car",)),
    ],
)
def test_types_are_chosen_by_name(types: tuple[str, ...], found: tuple[Offer, ...], unknown: tuple[str, ...]) -> None:
    assert wanted((HOUSE, OTHER, PERSON), types) == (found, unknown)
