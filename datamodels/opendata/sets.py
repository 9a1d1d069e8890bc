"""The data sets that can be imported: models of packages, and the mapping files that come along. Reads files.

    find_set(library, model="gif:PublicFacility")     -> DataSet: mapping, names, what its model holds entities to
find_set(library, file=Path("my-set.yaml"))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from broker.decode.entity import decode_entity
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.compile import compile_context
from broker.model.entity import Document
from broker.model.values import Json
from broker.ports.validator import Violation
from datamodels.contexts import terms_of
from datamodels.holding import compile_model
from datamodels.library import Library
from datamodels.opendata.mapping import (
    BadMapping,
    Column,
    Mapping,
    mapping_of,
    model_named,
    no_model,
    read_head,
    read_mapping,
)
from datamodels.source import Model, Package
from datamodels.yaml_text import BadYaml, parse_yaml

_HOME: Final = Path(__file__).parent / "mappings"
_HEAD: Final = "head.yaml"
BUILT_IN: Final = "gif"
"""The package of the municipal standard open data sets."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """What it takes to import one: the mapping, and the model that entities are held to, where it has one."""

    mapping: Mapping
    names: ActiveContext
    hold: Callable[[Document], Sequence[Violation]]

    def dress(self, entity: dict[str, Json]) -> Document:
        """The document of an entity in normalized form. Raises NgsiError."""
        return decode_entity(entity, self.names)


def find_set(library: Library, *, model: str = "", file: Path | None = None) -> DataSet:
    """The data set of a model (`gif:PublicFacility`, or `PublicFacility` where one package has it) or of a file.

    Raises BadMapping.
    """
    if file is not None:
        return _of_file(library, file)
    package, found = _model(library, model)
    named = f"{package.name}:{found.name}"
    for beside in sorted(_HOME.glob("*.yaml")):
        if beside.name != _HEAD and model_named(_read(beside), beside.name) == named:
            return _of_file(library, beside)
    return _of_model(library, package, found, mapping_of(package, found, _head(), terms_of(package)))


def _of_file(library: Library, file: Path) -> DataSet:
    body = _read(file)
    named = model_named(body, file.name)
    if not named:
        mapping = read_mapping(body, no_model(_head()), file.name)
        return DataSet(mapping, _names(mapping), _anything)
    package, model = _model(library, named)
    base = mapping_of(package, model, _head(), terms_of(package))
    return _of_model(library, package, model, read_mapping(body, base, file.name))


def _of_model(library: Library, package: Package, model: Model, mapping: Mapping) -> DataSet:
    return DataSet(mapping, _names(mapping), compile_model(package, model, library).violations)


def _anything(document: Document) -> Sequence[Violation]:
    del document
    return ()


def _names(mapping: Mapping) -> ActiveContext:
    return compile_context({**mapping.terms}, _fetch_nothing)


def _fetch_nothing(url: str) -> dict[str, Json]:
    raise BadMapping(f"a mapping's names are its own; {url} is none")


def _model(library: Library, name: str) -> tuple[Package, Model]:
    of, _, bare = name.rpartition(":")
    found = [(package, model) for package, model in library.named(bare) if not of or package.name == of]
    if len(found) != 1:
        there = sorted(f"{package.name}:{model.name}" for package, model in found or library if found or not of)
        raise BadMapping(f"{name} names {len(found)} models; there are {', '.join(there)}")
    return found[0]


def sets_of(library: Library) -> Iterator[tuple[str, Model]]:
    """`("gif:PublicFacility", model)` of each standard data set."""
    package = library.packages.get(BUILT_IN)
    for model in package.models.values() if package else ():
        yield f"{BUILT_IN}:{model.name}", model


@cache
def _head() -> dict[str, Column]:
    return read_head(_read(_HOME / _HEAD))


def _read(file: Path) -> Json:
    try:
        return parse_yaml(file.read_bytes().decode())
    except (BadYaml, OSError, UnicodeDecodeError) as fault:
        raise BadMapping(f"{file}: {fault}") from fault
