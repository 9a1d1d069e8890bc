"""What the compiled validator says of an entity is what JSON Schema's reference implementation in Python says."""

from __future__ import annotations

from functools import cache, partial
from itertools import islice

import jsonschema
import jsonschema_rs
import pytest

from datamodels import schemas
from datamodels.examples import full, simplified, sparse
from datamodels.library import Library, built_in, read_library
from datamodels.mutations import mutations

MUTATIONS = 3


@cache
def library() -> Library:
    return read_library(built_in())


@pytest.mark.parametrize("name", sorted(name for name, package in library().packages.items() if package.models))
def test_both_take_the_same_entities(name: str) -> None:
    package = library().packages[name]
    words = partial(library().vocabulary, package)
    differing = []
    for model in package.models.values():
        normalized, short = schemas.normalized(model, words), schemas.simplified(model, words)
        good = [full(model, words), sparse(model, words)]
        broken = [one.entity for one in islice(mutations(model, words, 500), 0, 500, 500 // MUTATIONS)]
        for schema, tried in ((normalized, (*good, *broken)), (short, [simplified(entity) for entity in good])):
            compiled, reference = jsonschema_rs.Draft202012Validator(schema), jsonschema.Draft202012Validator(schema)
            differing += [(model.name, one) for one in tried if compiled.is_valid(one) != reference.is_valid(one)]
    assert differing == []
