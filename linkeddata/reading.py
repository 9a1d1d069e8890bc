"""Another hub's catalogue, read: which types it offers, how many entities, under which licence and access.

Any JSON-LD of DCAT will do whose @context stands in it: nothing is fetched on behalf of a document from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from broker.model.values import Json
from linkeddata.vocabulary import PREFIXES

_DCAT, _DCT, _VOID = (str(PREFIXES[name]) for name in ("dcat", "dct", "void"))
_CLOSED: Final = ("NON_PUBLIC", "CONFIDENTIAL", "SENSITIVE")


class BadCatalogue(ValueError):
    """No catalogue that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The entities of one type at another hub; None where it does not tell; `access` like `PUBLIC`."""

    iri: str
    title: str
    entities: int | None = None
    licence: str | None = None
    access: str | None = None
    modified_at: str | None = None

    @property
    def closed(self) -> bool:
        """Whether it is not for everybody: data about persons is offered like this."""
        return self.access is not None and self.access in _CLOSED


@dataclass(frozen=True, slots=True)
class Offered:
    """A hub's catalogue: what it calls itself, where its NGSI-LD API is, and its offers by type."""

    title: str
    publisher: str | None
    endpoint: str | None
    offers: tuple[Offer, ...]


def read_catalogue(document: Json) -> Offered:
    """What is offered. Raises BadCatalogue."""
    from pyld import jsonld  # noqa: PLC0415  0.6 s at its first use

    try:
        found: list[dict[str, Any]] = jsonld.flatten(document, None, {"documentLoader": _refuse})
    except (jsonld.JsonLdError, TypeError, ValueError, RecursionError) as error:
        raise BadCatalogue(f"it is no JSON-LD that stands for itself: {str(error)[:200]}") from error
    nodes = {str(node["@id"]): node for node in found}
    catalogues = [node for node in found if f"{_DCAT}Catalog" in node.get("@type", ())]
    if len(catalogues) != 1:
        raise BadCatalogue(f"it holds {len(catalogues)} catalogues")
    publisher = nodes.get(_reference(catalogues[0], f"{_DCT}publisher") or "", {})
    endpoints = (_reference(node, f"{_DCAT}endpointURL") for node in found)
    return Offered(
        _text(catalogues[0], f"{_DCT}title") or "untitled",
        _text(publisher, "http://xmlns.com/foaf/0.1/name"),
        next((one for one in endpoints if one is not None), None),
        tuple(sorted(_offers(nodes), key=lambda one: one.iri)),
    )


def _offers(nodes: Mapping[str, dict[str, Any]]) -> Iterator[Offer]:
    for node in nodes.values():
        kind = _reference(node, f"{_VOID}class")
        if f"{_DCAT}Dataset" not in node.get("@type", ()) or kind is None:
            continue
        count = _value(node, f"{_VOID}entities")
        rights = _reference(node, f"{_DCT}accessRights")
        parts = [nodes.get(one["@id"], {}) for one in node.get(f"{_DCAT}distribution", ()) if "@id" in one]
        licences = (_reference(one, f"{_DCT}license") for one in (node, *parts))
        yield Offer(
            kind,
            _text(node, f"{_DCT}title") or kind,
            count if isinstance(count, int) else None,
            next((one for one in licences if one is not None), None),
            None if rights is None else rights.rpartition("/")[2],
            _text(node, f"{_DCT}modified"),
        )


def _refuse(url: str, _options: object) -> NoReturn:
    raise ValueError(f"its @context is elsewhere, at {url[:100]}")


def _reference(node: Mapping[str, Any], name: str) -> str | None:
    return next((str(one["@id"]) for one in node.get(name, ()) if "@id" in one), None)


def _value(node: Mapping[str, Any], name: str) -> Json:
    return next((one["@value"] for one in node.get(name, ()) if "@value" in one), None)


def _text(node: Mapping[str, Any], name: str) -> str | None:
    """The English text, else the first; without control characters: it goes to a terminal."""
    held = [one for one in node.get(name, ()) if "@value" in one]
    held.sort(key=lambda one: one.get("@language") != "en")
    return "".join(one for one in str(held[0]["@value"])[:200] if one.isprintable()) if held else None
