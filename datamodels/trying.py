"""A package's examples against its schemas: every good one is taken, every broken one refused where it is broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from jsonschema_rs import Draft202012Validator, ValidationError

from datamodels import examples, schemas
from datamodels.library import Library
from datamodels.source import Model, Package


@dataclass(slots=True)
class Tried:
    """How many examples were taken and refused, as they should; and the faults."""

    taken: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)


def try_package(package: Package, library: Library) -> Tried:
    """All examples of all models of a package."""
    tried = Tried()
    for model in package.models.values():
        tried.faults += [f"{model.name}: {fault}" for fault in _model(package, model, library, tried)]
    return tried


def pointer_of(error: ValidationError) -> str:
    """Where in the document: `/ratedPower/value`."""
    return "".join(f"/{part}" for part in error.instance_path)


def _model(package: Package, model: Model, library: Library, tried: Tried) -> Iterator[str]:
    words = partial(library.vocabulary, package)
    whole = Draft202012Validator(schemas.normalized(model, words))
    short = Draft202012Validator(schemas.simplified(model, words))
    for number, make in enumerate((examples.full, examples.sparse, examples.full, examples.sparse)):
        entity = make(model, words, number)
        for validator, document in ((whole, entity), (short, examples.simplified(entity))):
            found = [f"{pointer_of(error)}: {error.message}" for error in validator.iter_errors(document)]
            tried.taken += not found
            yield from (f"a good example is refused: {fault}" for fault in found)
    for one in examples.broken(model, words):
        places = [pointer_of(error) for error in whole.iter_errors(one.entity)]
        if any(place == one.pointer or place.startswith(f"{one.pointer}/") for place in places):
            tried.refused += 1
        else:
            yield f"{one.pointer} breaks {one.rule}, and is refused at {places or 'no place'}"
