"""Catalogues of other hubs: ours as it is written, others' in their own JSON-LD, and what is none."""

from __future__ import annotations

from typing import Any

import pytest

from broker.model.values import Json
from broker.operations.holdings import Holding
from broker.ports import TypeExtent
from linkeddata.catalogue import Home, make_catalogue, short
from linkeddata.described import read_description
from linkeddata.reading import BadCatalogue, Offer, read_catalogue

HOUSE, PERSON = "https://a.example/House", "https://a.example/Person"
SETTINGS = f"""
title = {{ja = "会津", en = "Aizu"}}
publisher.name = "Aizuwakamatsu"
licence = "https://by.example/"
[[dataset]]
type = "{PERSON}"
personal = true
"""


def holding(iri: str) -> Holding:
    return Holding(iri, 3, ("https://a.example/name",), False, TypeExtent(iri, 0, 1_000_000), 0)


def test_our_own_catalogue_is_understood() -> None:
    described = read_description(SETTINGS, str)
    document = make_catalogue(described, [holding(HOUSE), holding(PERSON)], Home("https://aizu.example", "aizu"))
    found = read_catalogue(document)
    assert (found.title, found.publisher, found.endpoint) == (
        "Aizu", "Aizuwakamatsu", "https://aizu.example/ngsi-ld/v1",
    )  # fmt: skip
    assert found.offers == (
        Offer(HOUSE, "House", 3, "https://by.example/", "PUBLIC", "1970-01-01T00:00:01.000000Z"),
        Offer(PERSON, "Person", None, "https://by.example/", "NON_PUBLIC"),
    )
    assert [one.closed for one in found.offers] == [False, True]


def test_the_same_in_other_words_is_understood() -> None:
    document: Any = {
        "@context": {
            "@vocab": "http://www.w3.org/ns/dcat#",
            "kind": {"@id": "http://rdfs.org/ns/void#class", "@type": "@id"},
        },
        "@graph": [{"@id": "urn:c", "@type": "Catalog"}, {"@id": "urn:d", "@type": "Dataset", "kind": HOUSE}],
    }
    assert read_catalogue(document).offers == (Offer(HOUSE, HOUSE),)


BAD: list[Json] = [
    None,
    "text",
    {},
    {"@context": "https://elsewhere.example/context.jsonld", "@type": "Catalog"},
    {"@context": {"a": {"@id": 3}}},
    [
        {"@id": "urn:a", "@type": "http://www.w3.org/ns/dcat#Catalog"},
        {"@id": "urn:b", "@type": "http://www.w3.org/ns/dcat#Catalog"},
    ],
]


@pytest.mark.parametrize("document", BAD)
def test_what_is_no_catalogue_is_refused(document: Json) -> None:
    with pytest.raises(BadCatalogue):
        read_catalogue(document)


def test_a_title_cannot_command_a_terminal() -> None:
    document: Any = {
        "@id": "urn:c", "@type": "http://www.w3.org/ns/dcat#Catalog",
        "http://purl.org/dc/terms/title": "\x1b[2Jgone\n",
    }  # fmt: skip
    assert read_catalogue(document).title == "[2Jgone"


@pytest.mark.parametrize(
    ("iri", "name"),
    [
        (HOUSE, "House"),
        ("urn:type:House", "House"),
        ("https://a.example/x#House", "House"),
        ("https://a.example/x/", "x"),
    ],
)
def test_types_have_short_names(iri: str, name: str) -> None:
    assert short(iri) == name
