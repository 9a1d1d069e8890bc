"""Everything that is generated from a package's source, the same bytes each time.

context.jsonld                   the @context
schemas/TYPE.json                JSON Schema of the simplified form
schemas/TYPE.normalized.json     ... of the normalized form
shapes.ttl                       SHACL
examples/TYPE.json …             examples, simplified and normalized
pages/TYPE.md                    documentation, Japanese and English
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import orjson

from broker.model.values import Json
from datamodels.contexts import context_of
from datamodels.examples import full, sparse
from datamodels.examples import simplified as short
from datamodels.library import Library
from datamodels.pages import page_of
from datamodels.schemas import WordsOf, normalized, simplified
from datamodels.shapes import shapes_of
from datamodels.source import Model, Package

Generated = Mapping[str, bytes]
"""Path in the package -> content."""


def build(package: Package, library: Library) -> Generated:
    """All files of one package."""
    words = partial(library.vocabulary, package)
    made = {"context.jsonld": _json(context_of(package)), "shapes.ttl": shapes_of(package, words).encode()}
    for model in package.models.values():
        made |= _of_model(package, model, words)
    return made


def identified(package: Package, model: Model, form: str, schema: Mapping[str, Json]) -> dict[str, Json]:
    """A schema under its name: the namespace, the model and its form, with the version of the model."""
    name = f"{package.namespace}{model.name}/{form}.schema.json"
    return {"$schema": schema["$schema"], "$id": name, "version": model.version, **schema}


def _of_model(package: Package, model: Model, words: WordsOf) -> Iterator[tuple[str, bytes]]:
    for form, make in (("simplified", simplified), ("normalized", normalized)):
        schema = identified(package, model, form, make(model, words))
        yield f"schemas/{model.name}{'' if form == 'simplified' else '.normalized'}.json", _json(schema)
    for name, make_one in (("full", full), ("sparse", sparse)):
        entity = make_one(model, words)
        yield f"examples/{model.name}.{name}.json", _json(entity)
        yield f"examples/{model.name}.{name}.simplified.json", _json(short(entity))
    yield f"pages/{model.name}.md", page_of(package, model, words).encode()


def _json(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n"
