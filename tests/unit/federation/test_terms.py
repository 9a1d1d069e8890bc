"""Terms of registrations: what may be about persons needs a recipient and a purpose, which go along with requests."""

from __future__ import annotations

import pytest

from broker.model.registration import EntityInfo, Information, Registration
from broker.model.terms import Personal, missing_terms, term_headers
from broker.model.values import Json

PERSON, HOUSE = "https://example.org/Person", "https://example.org/House"
PERSONAL = Personal(frozenset({PERSON}))
TERMS: Json = {"recipient": "Saitama City", "purpose": "disaster response"}


def registration(*information: Information, contract: Json = None) -> Registration:
    return Registration("urn:r:1", "http://aizu.example", information, contract=contract)


def of(*types: str, entity_id: str | None = None) -> Information:
    return Information((EntityInfo(types, entity_id),))


@pytest.mark.parametrize(
    ("information", "about"),
    [
        (of(HOUSE), False),
        (of(PERSON), True),
        (of(HOUSE, PERSON), True),
        (of(entity_id="urn:x:1"), True),
        (of(HOUSE, entity_id="urn:x:1"), False),
        (Information(property_names=("https://example.org/name",)), True),
    ],
)
def test_what_may_be_about_persons_needs_both_terms(information: Information, *, about: bool) -> None:
    needed = ("recipient", "purpose") if about else ()
    assert missing_terms(registration(information), PERSONAL) == needed
    assert missing_terms(registration(of(HOUSE), information), PERSONAL) == needed
    assert missing_terms(registration(information, contract=TERMS), PERSONAL) == ()
    assert missing_terms(registration(information), Personal()) == ()


@pytest.mark.parametrize(
    ("contract", "missing"),
    [
        ({"recipient": "a"}, ("purpose",)),
        ({"recipient": " ", "purpose": "b"}, ("recipient",)),
        ({}, ("recipient", "purpose")),
    ],
)
def test_an_empty_term_is_none(contract: Json, missing: tuple[str, ...]) -> None:
    assert missing_terms(registration(of(PERSON), contract=contract), PERSONAL) == missing


def test_terms_go_along_as_headers() -> None:
    found = term_headers(registration(of(PERSON), contract={"recipient": "さいたま市", "purpose": "50% less (a, b)"}))
    assert found == {
        "Misono-Recipient": "%E3%81%95%E3%81%84%E3%81%9F%E3%81%BE%E5%B8%82",
        "Misono-Purpose": "50%25 less (a, b)",
    }
    assert term_headers(registration(of(PERSON))) == {}
    assert term_headers(registration(of(PERSON), contract={"purpose": "a\r\nVia: b", "licence": "x"})) == {
        "Misono-Purpose": "a%0D%0AVia: b"
    }
