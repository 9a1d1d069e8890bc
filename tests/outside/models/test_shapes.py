"""The SHACL shapes of the packages: they hold good examples, expanded with the core @context, and refuse broken ones.

Shapes say less than the schemas: what lists, language maps and JSON hold is not theirs. Of the broken examples those
count that break what shapes say. One model of each package is tried; `SHAPES=all` tries them all.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache, partial
from typing import Any

import pyshacl
import pytest
import rdflib
from pyld import jsonld

from broker.ldcontext.core import CORE_URL, core_document
from datamodels.contexts import context_of
from datamodels.examples import broken, full
from datamodels.library import Library, built_in, read_library
from datamodels.schemas import WordsOf
from datamodels.shapes import shapes_of
from datamodels.source import Model, Package

WHOLE = os.environ.get("SHAPES") == "all"
BROKEN = 3 if WHOLE else 1
RULES = {"required", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum"}


@cache
def library() -> Library:
    return read_library(built_in())


PACKAGES = sorted(name for name, package in library().packages.items() if package.models)


@cache
def core() -> dict[str, Any]:
    context = core_document(CORE_URL)["@context"]
    assert isinstance(context, dict)
    return {term: definition for term, definition in context.items() if term != "ngsildproof"}


def graph(package: Package, entity: dict[str, Any]) -> rdflib.Graph:
    """The triples of an entity."""
    document = {"@context": [context_of(package)["@context"], core()], **entity}
    quads = jsonld.to_rdf(document, {"format": "application/n-quads"})
    return rdflib.Graph().parse(data=quads, format="nt")


@pytest.mark.parametrize("name", PACKAGES)
def test_shapes_hold_good_examples_and_refuse_broken_ones(name: str) -> None:
    package = library().packages[name]
    words: WordsOf = partial(library().vocabulary, package)
    wrong, models = [], [*package.models.values()]
    for model in models if WHOLE else models[:1]:
        shapes = rdflib.Graph().parse(
            data=shapes_of(replace(package, models={model.name: model}), words), format="turtle"
        )
        conforms, _, text = pyshacl.validate(graph(package, full(model, words)), shacl_graph=shapes)
        if not conforms:
            wrong.append(f"{model.name}: {text[:600]}")
        wrong += [f"{model.name}: {one} is taken" for one in taken(package, model, words, shapes)]
    assert wrong == []


@pytest.mark.parametrize("name", PACKAGES)
def test_shapes_can_be_read(name: str) -> None:
    package = library().packages[name]
    shapes = rdflib.Graph().parse(data=shapes_of(package, partial(library().vocabulary, package)), format="turtle")
    assert len({*shapes.subjects(rdflib.SH.targetClass)}) == len(package.models)


def taken(package: Package, model: Model, words: WordsOf, shapes: rdflib.Graph) -> list[str]:
    """The broken examples that shapes let through, and should not."""
    tried = [one for one in broken(model, words) if one.rule in RULES and says(model, one.pointer)][:BROKEN]
    return [
        f"{one.pointer} {one.rule}"
        for one in tried
        if pyshacl.validate(graph(package, one.entity), shacl_graph=shapes)[0]
    ]


def says(model: Model, pointer: str) -> bool:
    """Whether shapes say something of the place: not of what a geometry is made of, nor of members of objects."""
    name = pointer.removeprefix("/").partition("/")[0]
    attribute = model.attributes.get(name)
    return attribute is None or (attribute.kinds[0] in ("Property", "VocabProperty") and attribute.form.type != "any")
