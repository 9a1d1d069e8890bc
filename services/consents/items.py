"""Data items as consents name them, `Type/attribute@granularity`, and what the model packages say of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from broker.errors import BadRequestData
from broker.model.values import Json
from broker.ports.consents import ANY, GRANULARITIES
from datamodels.library import Library
from datamodels.source import Attribute, Model, Text

PACKAGE: Final = "misono-consent"
_FORM: Final = "Type/attribute@granularity, as HeartRateObservation/heartRate@hourly"


@dataclass(frozen=True, slots=True)
class Item:
    """One item: a type and an attribute by their names, no finer than `granularity`; `special` where it needs care."""

    type: str
    attribute: str
    granularity: str
    special: bool
    label: Text

    @property
    def name(self) -> str:
        """`HeartRateObservation/heartRate`."""
        return f"{self.type}/{self.attribute}"

    @property
    def text(self) -> str:
        """`HeartRateObservation/heartRate@hourly`."""
        return f"{self.name}@{self.granularity}"

    def covers(self, other: Item) -> bool:
        """Whether who may have this one may have the other one."""
        finer = GRANULARITIES.index(self.granularity) <= GRANULARITIES.index(other.granularity)
        same = self.attribute == other.attribute or (self.attribute == ANY and not other.special)
        return finer and same and self.type == other.type

    def told(self) -> dict[str, Json]:
        """As answers have it."""
        return {"item": self.text, "specialCare": self.special, "label": {"ja": self.label.ja, "en": self.label.en}}


def read_items(library: Library, texts: Sequence[str], pointer: str = "/dataItems") -> tuple[Item, ...]:
    """All of them, each once. Raises BadRequestData for what no installed package knows."""
    found = {one.text: one for one in (_read(library, text, f"{pointer}/{n}") for n, text in enumerate(texts))}
    return tuple(found.values())


def known_items(library: Library, texts: Iterable[str]) -> tuple[Item, ...]:
    """Those that installed packages still know."""
    found = []
    for text in texts:
        try:
            found.append(_read(library, text, "/dataItems"))
        except BadRequestData:
            continue
    return tuple(found)


def covered(items: Iterable[Item], wanted: Iterable[Item]) -> Item | None:
    """The first wanted one that the items do not cover; None where they cover all."""
    having = [*items]
    return next((one for one in wanted if not any(item.covers(one) for item in having)), None)


def without(library: Library, texts: Sequence[str], name: str) -> tuple[list[str], list[str]]:
    """Items less one attribute (`Type/attribute`), or a whole type (`Type/*`): what is left, and what went.

    A comprehensive item becomes every other attribute of its type that needs no special care, if it covered this one.
    What no installed package knows any more is told by its name alone.
    """
    left: list[str] = []
    for text in texts:
        left += [one for one in _without(library, text, name) if one not in left]
    return left, [text for text in texts if text not in left]


def _without(library: Library, text: str, name: str) -> list[str]:
    item, _, granularity = text.partition("@")
    whole = f"{item.partition('/')[0]}/{ANY}"
    if name in (whole, item):
        return []
    if item != whole or name.partition("/")[0] != item.partition("/")[0]:
        return [text]
    each = _each(library, item.partition("/")[0], granularity)
    if any(one.name == name and one.special for one in each):
        return [text]
    return [one.text for one in each if one.name != name and not one.special]


def purpose_of(library: Library, text: str, pointer: str = "/purpose") -> str:
    """The IRI of a purpose by its word (`HealthAdvice`), or as it is. Raises BadRequestData."""
    words = {word.name: word.iri for word in library.vocabulary(library.packages[PACKAGE], "purpose").words}
    if text in words or text in words.values():
        return words.get(text, text)
    if ":" not in text:
        raise BadRequestData(f"there is no purpose {text[:80]!r}", pointer=pointer, remedy=", ".join(words))
    return text


def purpose_label(library: Library, iri: str) -> Text:
    """What people call a purpose."""
    words = library.vocabulary(library.packages[PACKAGE], "purpose").words
    return next((word.label for word in words if word.iri == iri), Text(iri, iri))


def _read(library: Library, text: str, pointer: str) -> Item:
    name, _, granularity = text.partition("@")
    type_, _, attribute = name.partition("/")
    granularity = granularity or "raw"
    if granularity not in GRANULARITIES:
        there = ", ".join(GRANULARITIES)
        raise BadRequestData(f"there is no granularity {granularity[:40]!r}", pointer=pointer, remedy=there)
    models = [model for _, model in library.named(type_)]
    if not models:
        raise BadRequestData(f"no installed package has a type {type_[:80]!r}", pointer=pointer, remedy=_FORM)
    if attribute == ANY:
        label = models[0].label
        return Item(type_, ANY, granularity, special=False, label=Text(f"{label.ja}のすべて", f"{label.en}: all of it"))
    having = [model for model in models if attribute in model.attributes]
    if not having:
        known = ", ".join(sorted(models[0].attributes)[:20])
        raise BadRequestData(f"{type_} has no attribute {attribute[:80]!r}", pointer=pointer, remedy=known)
    return _item(having, attribute, granularity)


def _item(models: Sequence[Model], attribute: str, granularity: str) -> Item:
    described: list[Attribute] = [model.attributes[attribute] for model in models]
    special = any(one.personal == "special-care" for one in described)
    whole, part = models[0].label, described[0].label
    label = Text(f"{whole.ja}の{part.ja}", f"{whole.en}: {part.en}")
    return Item(models[0].name, attribute, granularity, special=special, label=label)


def _each(library: Library, type_: str, granularity: str) -> list[Item]:
    models = [model for _, model in library.named(type_)]
    names = sorted({name for model in models for name in model.attributes})
    return [_item([model for model in models if name in model.attributes], name, granularity) for name in names]
