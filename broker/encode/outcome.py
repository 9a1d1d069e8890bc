"""What writes came to, and what types and attributes there are (clauses 5.2.16, 5.2.17, 5.2.24 to 5.2.28)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from broker.errors import Gone, NgsiError
from broker.ldcontext.active import ActiveContext
from broker.model.values import Json

Encoded: TypeAlias = dict[str, Json]

TEXT_CHARS_MAX = 1000
"""Of a detail, a pointer or a remedy."""


def encode_problem(error: NgsiError) -> Encoded:
    """The members of a refusal (RFC 7807), with Misono's `pointer`, `clause` and `remedy` where they are known.

    Long texts are cut: a refusal does not repeat a megabyte that was sent.
    """
    problem: Encoded = {
        "type": error.type_uri,
        "title": error.title,
        "detail": _cut(error.detail),
        "status": error.status,
    }
    if isinstance(error, Gone):
        problem["oldest"] = error.oldest
    extra = {"pointer": _cut(error.pointer), "clause": error.clause, "remedy": _cut(error.remedy)}
    return {**problem, **{name: text for name, text in extra.items() if text}}


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARS_MAX else text[:TEXT_CHARS_MAX] + "…"


def encode_batch_result(success: Sequence[str], errors: Iterable[tuple[str, NgsiError]]) -> Encoded:
    """A BatchOperationResult: `{"success": ["urn:…"], "errors": [{"entityId": …, "error": {…}}]}` (clause 5.2.16)."""
    failed: list[Json] = [{"entityId": entity_id, "error": encode_problem(error)} for entity_id, error in errors]
    return {"success": list(success), "errors": failed}


def encode_type_list(iris: Iterable[str], list_id: str, names: ActiveContext) -> Encoded:
    """An EntityTypeList (clause 5.2.24)."""
    return {"id": list_id, "type": "EntityTypeList", "typeList": [names.terms[iri] for iri in iris]}


def encode_type(iri: str, attributes: Iterable[str], names: ActiveContext) -> Encoded:
    """An EntityType, an element of the detailed list (clause 5.2.25)."""
    return {
        "id": iri,
        "type": "EntityType",
        "typeName": names.terms[iri],
        "attributeNames": [names.terms[one] for one in attributes],
    }


def encode_type_info(
    iri: str, entities: int, attributes: Mapping[str, Collection[str]], names: ActiveContext
) -> Encoded:
    """An EntityTypeInfo: how many entities, and the kinds of each attribute (clause 5.2.26)."""
    return {
        "id": iri,
        "type": "EntityTypeInfo",
        "typeName": names.terms[iri],
        "entityCount": entities,
        "attributeDetails": [
            {**_attribute(name, names), "attributeTypes": _sorted(kinds)} for name, kinds in attributes.items()
        ],
    }


def encode_attribute_list(iris: Iterable[str], list_id: str, names: ActiveContext) -> Encoded:
    """An AttributeList (clause 5.2.27)."""
    return {"id": list_id, "type": "AttributeList", "attributeList": [names.terms[iri] for iri in iris]}


def encode_attribute(iri: str, types: Iterable[str], names: ActiveContext) -> Encoded:
    """An Attribute, an element of the detailed list: its name and the types that have it (clauses 4.5.14, 5.2.28)."""
    return {**_attribute(iri, names), "typeNames": _sorted(names.terms[one] for one in types)}


def encode_attribute_info(
    iri: str, count: int, described: tuple[Iterable[str], Iterable[str]], names: ActiveContext
) -> Encoded:
    """An Attribute with its count of instances, its kinds and its types: `described` (clauses 4.5.15, 5.2.28)."""
    kinds, types = described
    return {**encode_attribute(iri, types, names), "attributeCount": count, "attributeTypes": _sorted(kinds)}


def _attribute(iri: str, names: ActiveContext) -> Encoded:
    return {"id": iri, "type": "Attribute", "attributeName": names.terms[iri]}


def _sorted(texts: Iterable[str]) -> list[Json]:
    return [*sorted(texts)]
