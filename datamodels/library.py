"""Packages together: what an attribute of one may name in another, each found by its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

from datamodels.reading import Reading, homes_of
from datamodels.source import Attribute, Model, Package, Vocabulary, Word


@dataclass(frozen=True)
class Library:
    """Packages by name."""

    packages: Mapping[str, Package]

    def vocabulary(self, package: Package, name: str) -> Vocabulary:
        """The vocabulary that an attribute of the package names: its own, or `other:name`. Raises KeyError."""
        of, _, bare = name.rpartition(":")
        return self.packages[of or package.name].vocabularies[bare]

    def model(self, iri: str) -> tuple[Package, Model] | None:
        """The model of an entity type, by its IRI."""
        return self._by_iri.get(iri)

    def named(self, name: str) -> list[tuple[Package, Model]]:
        """The models of this name: several subjects have a `Building`."""
        return [(package, model) for package, model in self if model.name == name]

    def targets(self, attribute: Attribute) -> frozenset[str]:
        """The IRIs of the types that a relationship may lead to; none where nobody has a model of them."""
        return frozenset(model.iri for name in attribute.targets for _, model in self.named(name))

    def __iter__(self) -> Iterator[tuple[Package, Model]]:
        return ((package, model) for package in self.packages.values() for model in package.models.values())

    @cached_property
    def _by_iri(self) -> dict[str, tuple[Package, Model]]:
        return {model.iri: (package, model) for package, model in self}


def read_library(*folders: Path) -> Library:
    """All packages of these folders; a later folder's wins over an earlier one's of its name. Raises BadSource."""
    return read_homes(homes_of(*folders))


def read_homes(homes: Mapping[str, Path]) -> Library:
    """The packages of these folders, by name. Raises BadSource."""
    reading = Reading(homes)
    return Library({name: reading.read(name) for name in homes})


def read_beside_built_in(*folders: Path) -> Library:
    """As `read_library(built_in(), *folders)`; what comes with Misono is read once a process. Raises BadSource."""
    below, homes = _built_in(), homes_of(built_in(), *folders)
    if any(homes[name] != home for name, home in below.homes.items()):
        return read_homes(homes)  # what depends on a package that was replaced may be another one too
    reading = Reading(homes, dict(below.packages), dict(below.shared))
    return Library({name: reading.read(name) for name in homes})


@cache
def _built_in() -> Reading:
    reading = Reading(homes_of(built_in()))
    for name in reading.homes:
        reading.read(name)
    return reading


def built_in() -> Path:
    """The folder of the packages that come with Misono."""
    return Path(str(files("datamodels"))) / "packages"


def words_of(vocabularies: Iterable[Vocabulary]) -> list[Word]:
    """The words of several vocabularies, each name once."""
    return list({word.name: word for vocabulary in vocabularies for word in vocabulary.words}.values())


def is_link(attribute: Attribute) -> bool:
    """Whether it leads to other entities."""
    return any(kind in ("Relationship", "ListRelationship") for kind in attribute.kinds)
