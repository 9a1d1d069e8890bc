"""The names that catalogues are written with: prefixes, and members of the authority tables that DCAT-AP 3 asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.model.values import Json

PREFIXES: Final[Mapping[str, Json]] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geosparql": "http://www.opengis.net/ont/geosparql#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "void": "http://rdfs.org/ns/void#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_EU: Final = "http://publications.europa.eu/resource/authority"
_ACCESS: Final = {"public": "PUBLIC", "restricted": "RESTRICTED", "non-public": "NON_PUBLIC"}
ACCESS_LEVELS: Final = tuple(_ACCESS)
_LANGUAGES: Final = {"ja": "JPN", "en": "ENG", "nl": "NLD", "it": "ITA", "ko": "KOR", "fr": "FRA", "de": "DEU"}
STANDARD: Final = "https://www.etsi.org/deliver/etsi_gs/CIM/001_099/009/01.09.01_60/gs_CIM009v010901p.pdf"


def a(kind: str, iri: str | None = None, members: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """A node of a class: `a("foaf:Agent", "https://…", {"foaf:name": …})`; without an IRI a blank one."""
    named: dict[str, Json] = {} if iri is None else {"@id": iri}
    return {**named, "@type": kind, **(members or {})}


def texts(by_language: Mapping[str, str]) -> Json:
    """`{"ja": "家", "en": "House"}` as JSON-LD; under the language `""` a text without one."""
    return [{"@value": text, "@language": tag} if tag else {"@value": text} for tag, text in by_language.items()]


def instant(text: str) -> Json:
    """An ISO 8601 text as xsd:dateTime."""
    return {"@value": text, "@type": "xsd:dateTime"}


def access_rights(level: str) -> Json:
    """One of ACCESS_LEVELS, of the EU's table."""
    return a("dct:RightsStatement", f"{_EU}/access-right/{_ACCESS[level]}")


def language(tag: str) -> Json:
    """`ja`; None where the table here has no such language."""
    name = _LANGUAGES.get(tag)
    return None if name is None else a("dct:LinguisticSystem", f"{_EU}/language/{name}")


def file_type(name: str) -> Json:
    """`JSON_LD`, `GEOJSON`."""
    return a("dct:MediaTypeOrExtent", f"{_EU}/file-type/{name}")


def media_type(name: str) -> Json:
    """`application/ld+json`, of IANA's table."""
    return a("dct:MediaType", f"http://www.iana.org/assignments/media-types/{name}")


def standard() -> Json:
    """NGSI-LD."""
    return a("dct:Standard", STANDARD)


def box(west: float, south: float, east: float, north: float) -> Json:
    """The place around something, to ten metres, as WKT in CRS84: longitude first."""
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    ring = ", ".join(f"{longitude:.4f} {latitude:.4f}" for longitude, latitude in corners)
    wkt: Json = {"@value": f"POLYGON(({ring}))", "@type": "geosparql:wktLiteral"}
    return {"@type": "dct:Location", "dcat:bbox": wkt}
