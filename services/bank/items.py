"""Data items as people write them, `Type/attribute@granularity`, and what the model packages say of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from broker.errors import BadRequestData
from broker.ports.consents import ANY, GRANULARITIES
from datamodels.library import Library
from datamodels.source import Model


@dataclass(frozen=True, slots=True)
class DataItem:
    """One item: the IRIs of the types that its name may mean, the attribute (ANY: all that need no special care)."""

    text: str
    types: frozenset[str]
    attribute: str
    granularity: str
    special: bool

    @property
    def any(self) -> bool:
        """Whether it is every attribute of the type."""
        return self.attribute == ANY

    def coarseness(self) -> int:
        """0 for what is measured, more for what is coarser."""
        return GRANULARITIES.index(self.granularity)

    def covers(self, other: DataItem) -> bool:
        """Whether who may have this one may have the other one."""
        same = self.types >= other.types
        attribute = self.attribute == other.attribute or (self.any and not other.special)
        return same and attribute and self.coarseness() <= other.coarseness()


def read_items(library: Library, texts: Iterable[str], pointer: str = "/dataItems") -> list[DataItem]:
    """`["HeartRate/heartrate@hourly"]`. Raises BadRequestData for what no installed package knows."""
    return [read_item(library, text, f"{pointer}/{place}") for place, text in enumerate(texts)]


def read_item(library: Library, text: str, pointer: str) -> DataItem:
    """One of them. Raises BadRequestData."""
    name, _, granularity = text.partition("@")
    type_, _, attribute = name.partition("/")
    granularity = granularity or "raw"
    if granularity not in GRANULARITIES:
        raise BadRequestData(
            f"there is no granularity {granularity[:40]}", pointer=pointer, remedy=", ".join(GRANULARITIES)
        )
    models = [model for _, model in library.named(type_)]
    if not models:
        raise BadRequestData(
            f"no installed package has a type {type_[:80]}", pointer=pointer, remedy="Type/attribute@granularity"
        )
    if attribute == ANY:
        return DataItem(text, _iris(models), ANY, granularity, special=False)
    having = [model for model in models if attribute in model.attributes]
    if not having:
        known = ", ".join(sorted(models[0].attributes)[:20])
        raise BadRequestData(f"{type_} has no attribute {attribute[:80]}", pointer=pointer, remedy=known)
    iris = {model.attributes[attribute].iri for model in having}
    special = any(model.attributes[attribute].personal == "special-care" for model in having)
    return DataItem(text, _iris(having), min(iris), granularity, special=special)


def texts_of(library: Library, items: Mapping[str, Iterable[str]]) -> list[str]:
    """`Type/attribute` of attributes by entity type, both as IRIs; what no package knows stays an IRI."""
    texts = []
    for type_, attributes in items.items():
        found = library.model(type_)
        names = {one.iri: one.name for one in found[1].attributes.values()} if found else {}
        texts += [f"{found[1].name if found else type_}/{names.get(iri, iri)}" for iri in attributes]
    return sorted(texts)


def read_purpose(library: Library, text: str, pointer: str) -> str:
    """The IRI of a purpose by its word (`HealthAdvice`), or as it is. Raises BadRequestData."""
    package = library.packages["misono-consent"]
    words = {word.name: word.iri for word in library.vocabulary(package, "purpose").words}
    if text in words:
        return words[text]
    if ":" not in text:
        raise BadRequestData(f"there is no purpose {text[:80]}", pointer=pointer, remedy=", ".join(words))
    return text


def _iris(models: Iterable[Model]) -> frozenset[str]:
    return frozenset(model.iri for model in models)
