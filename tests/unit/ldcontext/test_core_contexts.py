"""The built-in core @contexts: all versions, matched by exact URL (clauses 4.4, 5.5.5, annex B)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from broker.errors import BadRequestData
from broker.ldcontext.active import DEFAULT_VOCABULARY
from broker.ldcontext.core import CORE_URL, CORE_URLS, core_context, core_document, core_tables

ROOT = "https://uri.etsi.org/ngsi-ld/v1/"


@pytest.mark.parametrize("version", range(10))
def test_every_version_has_its_url(version: int) -> None:
    assert f"{ROOT}ngsi-ld-core-context-v1.{version}.jsonld" in CORE_URLS
    assert "ngsi-ld-core-context.jsonld" in "".join(CORE_URLS)


def test_a_url_is_matched_exactly() -> None:
    assert f"{ROOT}ngsi-ld-core-context-non-existing.jsonld" not in CORE_URLS
    assert f"{ROOT}ngsi-ld-core-context-v1.9.jsonld " not in CORE_URLS


@pytest.mark.parametrize(
    ("version", "term", "iri"),
    [
        ("1.9", "location", "https://uri.etsi.org/ngsi-ld/location"),
        ("1.9", "value", "https://uri.etsi.org/ngsi-ld/hasValue"),
        ("1.9", "title", "http://purl.org/dc/terms/title"),
        ("1.9", "Polygon", "https://purl.org/geojson/vocab#Polygon"),
        ("1.9", "valueType", "https://uri.etsi.org/ngsi-ld/hasValueType"),
        ("1.8", "geometryProperty", "https://purl.org/geojson/vocab#geometryProperty"),
        ("1.7", "VocabularyProperty", "https://uri.etsi.org/ngsi-ld/VocabularyProperty"),
        ("1.5", "languageMap", "https://uri.etsi.org/ngsi-ld/hasLanguageMap"),
        ("1.3", "datasetId", "https://uri.etsi.org/ngsi-ld/datasetId"),
        ("1.0", "name", "https://uri.etsi.org/ngsi-ld/name"),
        ("1.0", "description", "https://uri.etsi.org/ngsi-ld/description"),
    ],
)
def test_a_version_defines_what_it_published(version: str, term: str, iri: str) -> None:
    assert core_tables(version).definitions[term] == iri


@pytest.mark.parametrize(
    ("version", "term"),
    [("1.9", "geometryProperty"), ("1.8", "snapshotId"), ("1.4", "scope"), ("1.3", "avg"), ("1.3", "name")],
)
def test_a_version_lacks_what_came_later_or_went(version: str, term: str) -> None:
    assert term not in core_tables(version).definitions


def test_the_default_names_are_the_newest_cores() -> None:
    names = core_context()
    assert names.source == CORE_URL == f"{ROOT}ngsi-ld-core-context-v1.9.jsonld"
    assert names.expand("speed") == DEFAULT_VOCABULARY + "speed"
    assert names.compact(DEFAULT_VOCABULARY + "speed") == "speed"
    assert names.compact(DEFAULT_VOCABULARY + "location") == "ngsi-ld:default-context/location"
    for keyword in ("id", "type", "@id", "@type"):
        with pytest.raises(BadRequestData):
            names.expand(keyword)


def test_a_core_document_is_json_ld_that_says_the_same() -> None:
    context = core_document(CORE_URL)["@context"]
    assert isinstance(context, dict)
    assert context["@vocab"] == DEFAULT_VOCABULARY
    assert context["createdAt"] == {"@id": "ngsi-ld:createdAt", "@type": "DateTime"}
    assert context["type"] == "@type"


def test_the_json_ld_processor_is_not_imported_for_core_contexts() -> None:
    code = (
        "import sys; from broker.ldcontext.compile import compile_context as c;"
        f"c(None, None); c({CORE_URL!r}, None); c(['{ROOT}ngsi-ld-core-context.jsonld'], None);"
        f"c('{ROOT}ngsi-ld-core-context-v1.3.jsonld', None).expand('speed');"
        "sys.exit('pyld' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
