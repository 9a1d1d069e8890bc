"""Entities of a model out of plain values: names become IRIs, values take the shape that their model has for them.

Shaper(library, "misono-currency", "LocalCurrencyAccount").entity(id_, {"balance": 700, "priceCurrency": "POINT"})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from broker.ports.hub import Fragment
from datamodels.library import Library
from datamodels.source import Attribute

_MEMBERS: Final = {"Relationship": "object", "ListRelationship": "objectList", "ListProperty": "valueList"}


class Shaper:
    """Shapes entities of one model."""

    def __init__(self, library: Library, package: str, model: str) -> None:
        self._library = library
        self._package = library.packages[package]
        self._model = self._package.models[model]

    def entity(self, entity_id: str, values: Mapping[str, Any]) -> Fragment:
        """The entity; what is None or empty is left out."""
        there = {name: value for name, value in values.items() if value not in (None, "", [], {})}
        attributes = self._model.attributes
        shaped = {attributes[name].iri: self._shape(attributes[name], value) for name, value in there.items()}
        return {"id": entity_id, "type": self._model.iri, **shaped}

    def _shape(self, attribute: Attribute, value: Any) -> dict[str, Any]:  # noqa: ANN401  JSON of many shapes
        kind = attribute.kinds[0]
        if isinstance(value, dict):
            return {"type": "LanguageProperty", "languageMap": value}
        if kind == "VocabProperty":
            words = {one.name: one.iri for one in self._library.vocabulary(self._package, attribute.vocabulary).words}
            many = isinstance(value, list)
            return {"type": kind, "vocab": [words.get(one, one) for one in value] if many else words.get(value, value)}
        if kind == "ListRelationship":
            value = [{"object": one} for one in value]
        return {"type": kind, _MEMBERS.get(kind, "value"): value}
