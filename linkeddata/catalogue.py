"""The catalogue of what a hub holds, as DCAT-AP 3 in JSON-LD: a dataset for each type, made from what is there.

    {"@context": {…}, "@id": "https://hub.example/catalogue", "@type": "dcat:Catalog", "dct:title": […], …,
     "dcat:service": {"@id": "…/ngsi-ld/v1", "@type": "dcat:DataService", …},
     "dcat:dataset": [{"@id": "…#dataset=…House", "@type": "dcat:Dataset", "void:class": {"@id": "…/House"},
                       "void:entities": 12, "dct:modified": …, "dct:spatial": …, "dcat:distribution": […]}]}

Counts, extents and freshness are measured; the rest comes from settings (`linkeddata.described`). Of types that are
marked personal only their existence is told: an extent of few persons would say where each of them is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from broker.model.values import Json, to_text
from broker.operations.holdings import Holding
from linkeddata.described import Dataset, Described, Texts
from linkeddata.vocabulary import (
    PREFIXES,
    a,
    access_rights,
    box,
    file_type,
    instant,
    language,
    media_type,
    standard,
    texts,
)

KEYWORDS_MAX: Final = 50
NAMES_SHOWN_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class Home:
    """Where the hub is: the URL that others know it by, its alias (clause 5.2.40), and the tenant, `""` by default."""

    url: str
    alias: str
    tenant: str = ""

    @property
    def catalogue(self) -> str:
        """The IRI of the catalogue."""
        return f"{self.url}/catalogue" + (f"#tenant={self.tenant}" if self.tenant else "")

    def part(self, name: str) -> str:
        """The IRI of something in it."""
        return f"{self.catalogue}{'&' if self.tenant else '#'}{name}"


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to get a dataset; `{}` in the path is its type."""

    name: str
    title: str
    path: str
    media_type: str
    file_type: str
    exported: bool = False


_ENTITIES: Final = "/ngsi-ld/v1/entities?type={}"
_API: Final = _Form("api", "NGSI-LD API", _ENTITIES, "application/ld+json", "JSON_LD")
_GEOJSON: Final = _Form("geojson", "NGSI-LD API, GeoJSON", _ENTITIES, "application/geo+json", "GEOJSON")
_HISTORY: Final = _Form(
    "history",
    "NGSI-LD API, with its history",
    "/ngsi-ld/v1/temporal/entities?type={}&timeproperty=modifiedAt&timerel=after&timeAt=1970-01-01T00:00:00Z",
    "application/ld+json",
    "JSON_LD",
)
_EXPORT: Final = "/catalogue/export?type={}"
_EXPORTS: Final = (
    _Form("ndjson", "all of it, NDJSON", f"{_EXPORT}&format=ndjson", "application/x-ndjson", "", exported=True),
    _Form("jsonld", "all of it, JSON-LD", f"{_EXPORT}&format=jsonld", "application/ld+json", "JSON_LD", exported=True),
)


def is_given(described: Described, iri: str) -> bool:
    """Whether the entities of a type may be taken away as a whole: what is listed, public, and not about persons."""
    said = described.of(iri)
    return said.listed and _level(described, said) == "public"


def make_catalogue(described: Described, holdings: Sequence[Holding], home: Home) -> dict[str, Json]:
    """The whole catalogue."""
    listed = [one for one in holdings if described.of(one.iri).listed]
    name = home.alias
    title = described.title or {"en": f"Data of {name}", "ja": f"{name}のデータ"}
    description = described.description or {
        "en": f"What the NGSI-LD data hub {name} holds, a dataset for each type of entity.",
        "ja": f"NGSI-LDデータ連携基盤 {name} が持つデータ。エンティティの型ごとに一つのデータセット。",
    }
    found: dict[str, Json] = {
        "@context": dict(PREFIXES),
        "@id": home.catalogue,
        "@type": "dcat:Catalog",
        "dct:title": texts(title),
        "dct:description": texts(description),
        "dct:publisher": _publisher(described, home),
        "dct:language": [one for tag in described.languages if (one := language(tag)) is not None],
        "foaf:homepage": a("foaf:Document", home.url + "/"),
        "dcat:service": _service(described, listed, home),
        "dcat:dataset": [_dataset(described, one, home) for one in listed],
    }
    if listed:
        found["dct:modified"] = instant(to_text(max(one.extent.modified_at for one in listed)))
    if described.licence is not None:
        found["dct:license"] = a("dct:LicenseDocument", described.licence)
    return found


def _publisher(described: Described, home: Home) -> Json:
    name = texts(described.publisher or {"": home.alias})
    return a("foaf:Agent", described.publisher_uri or home.part("publisher"), {"foaf:name": name})


def _contact(described: Described, home: Home) -> dict[str, Json]:
    if described.contact_name is None and described.contact_email is None:
        return {}
    card = a("vcard:Kind", home.part("contact"))
    if described.contact_name is not None:
        card["vcard:fn"] = described.contact_name
    if described.contact_email is not None:
        card["vcard:hasEmail"] = {"@id": f"mailto:{quote(described.contact_email, safe='@+')}"}
    return {"dcat:contactPoint": card}


def _service(described: Described, listed: Sequence[Holding], home: Home) -> Json:
    members: dict[str, Json] = {
        "dct:title": texts({"en": f"NGSI-LD API of {home.alias}", "ja": f"{home.alias}のNGSI-LD API"}),
        "dcat:endpointURL": a("rdfs:Resource", f"{home.url}/ngsi-ld/v1"),
        "dcat:endpointDescription": a("rdfs:Resource", f"{home.url}/openapi.json"),
        "dcat:servesDataset": [a("dcat:Dataset", _name(one, home)) for one in listed],
        "dct:conformsTo": standard(),
        "dct:accessRights": access_rights(described.access),
        "dct:publisher": _publisher(described, home),
        **_contact(described, home),
    }
    if home.tenant:
        members["dct:description"] = [f"Requests carry the header NGSILD-Tenant: {home.tenant}"]
    if described.licence is not None:
        members["dct:license"] = a("dct:LicenseDocument", described.licence)
    return a("dcat:DataService", _service_name(home), members)


def _dataset(described: Described, holding: Holding, home: Home) -> Json:
    said = described.of(holding.iri)
    name = short(holding.iri)
    level = _level(described, said)
    members: dict[str, Json] = {
        "dct:identifier": _name(holding, home),
        "dct:title": texts(said.title or {"": name}),
        "dct:description": texts(said.description or _told(holding, said)),
        "dct:publisher": _publisher(described, home),
        "dct:accessRights": access_rights(level),
        "dct:conformsTo": standard(),
        "dcat:keyword": [one for tag, word in _keywords(holding, said) for one in _each(texts({tag: word}))],
        "dcat:theme": [a("skos:Concept", one, {"skos:prefLabel": short(one)}) for one in said.themes],
        "void:class": {"@id": holding.iri},
        **_contact(described, home),
    }
    if not said.personal:
        members |= _measured(holding)
    licence = said.licence or described.licence
    forms = [_API, _HISTORY]
    if holding.located and not said.personal:
        forms.append(_GEOJSON)
    if is_given(described, holding.iri):
        forms += _EXPORTS
    members["dcat:distribution"] = [_distribution(holding, home, form, licence) for form in forms]
    return a("dcat:Dataset", _name(holding, home), members)


def _level(described: Described, said: Dataset) -> str:
    return "non-public" if said.personal else said.access or described.access


def _measured(holding: Holding) -> dict[str, Json]:
    extent = holding.extent
    since, first, last = (
        instant(to_text(holding.since)),
        instant(to_text(extent.created_at)),
        instant(to_text(extent.modified_at)),
    )
    found: dict[str, Json] = {
        "void:entities": holding.entities,
        "dct:issued": first,
        "dct:modified": last,
        "dct:temporal": a("dct:PeriodOfTime", None, {"dcat:startDate": since, "dcat:endDate": last}),
    }
    if extent.box is not None:
        found["dct:spatial"] = box(*extent.box)
    return found


def _distribution(holding: Holding, home: Home, form: _Form, licence: str | None) -> Json:
    iri = quote(holding.iri, safe="")
    url = home.url + form.path.format(iri)
    members: dict[str, Json] = {
        "dct:title": texts({"en": f"{short(holding.iri)}: {form.title}"}),
        "dcat:accessURL": a("rdfs:Resource", url),
        "dcat:mediaType": media_type(form.media_type),
        "dct:conformsTo": standard(),
    }
    if form.exported:
        members["dcat:downloadURL"] = a("rdfs:Resource", url)
    else:
        members["dcat:accessService"] = a("dcat:DataService", _service_name(home))
    if form.file_type:
        members["dct:format"] = file_type(form.file_type)
    if licence is not None:
        members["dct:license"] = a("dct:LicenseDocument", licence)
    return a("dcat:Distribution", f"{_name(holding, home)}&as={form.name}", members)


def _told(holding: Holding, said: Dataset) -> Texts:
    """What is said of a dataset that nobody has described."""
    name = short(holding.iri)
    if said.personal:
        return {"en": f"Entities of the type {name}, about persons.", "ja": f"型 {name} のエンティティ(個人に関する)。"}
    names = [short(iri) for iri in holding.attributes[:NAMES_SHOWN_MAX]]
    more = len(holding.attributes) - len(names)
    listed = ", ".join(names) + (f" and {more} more" if more else "")
    count = "1 entity" if holding.entities == 1 else f"{holding.entities} entities"
    return {
        "en": f"{count} of the type {name}. Attributes: {listed or 'none'}.",
        "ja": f"型 {name} のエンティティ{holding.entities}件。属性: {'、'.join(names) or 'なし'}"
        + (f"ほか{more}件。" if more else "。"),
    }


def _keywords(holding: Holding, said: Dataset) -> list[tuple[str, str]]:
    measured = [] if said.personal else [("", short(iri)) for iri in holding.attributes]
    return [("", short(holding.iri)), *said.keywords, *measured][:KEYWORDS_MAX]


def _each(found: Json) -> list[Json]:
    return found if isinstance(found, list) else [found]


def _name(holding: Holding, home: Home) -> str:
    return home.part(f"dataset={quote(holding.iri, safe='')}")


def _service_name(home: Home) -> str:
    return home.part("service")


def short(iri: str) -> str:
    """How people call it: `House` for `https://smartdatamodels.org/dataModel.Building/House`."""
    return iri.rstrip("/#").replace("#", "/").rpartition("/")[2].rpartition(":")[2] or iri
