"""The Smart Data Models set as tests see it: schemas that find each other, contexts, examples.

The set is no part of this repository: tests that need it skip where it is not there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from datamodels.library import Library, built_in, read_library
from datamodels.source import Model, Package

SHARED = Path(os.environ.get("MISONO_SHARED", Path(__file__).resolve().parents[4] / "shared"))
SET = SHARED / "data/smart-data-models"
NAMESPACE = "https://smartdatamodels.org/dataModel."
PAGES = "https://smart-data-models.github.io"
COMMON = f"{PAGES}/data-models/common-schema.json"
FORMATS = FormatChecker(formats=("ipv4", "ipv6"))
"""Device.ipAddress is one of the two: without looking at them it is both, and never right."""


@dataclass(frozen=True)
class Carried:
    """A model of ours that the set has as well."""

    package: Package
    model: Model

    @property
    def name(self) -> str:
        """`Building/BuildingType`, as its folder in the set."""
        return f"{self.package.namespace.removeprefix(NAMESPACE)}{self.model.name}"

    @cached_property
    def context(self) -> dict[str, Any]:
        """The terms of the subject's official @context, without those spelt like IRIs (`open311:type`).

        One of those makes the whole context invalid, and no JSON-LD processor takes it.
        """
        document = json.loads((SET / self.name).parent.joinpath("context.jsonld").read_text())
        context: dict[str, Any] = document["@context"]
        return {term: meaning for term, meaning in context.items() if ":" not in term and "/" not in term}

    def example(self) -> dict[str, Any] | None:
        """Its normalized example, without its @context; None where there is none."""
        file = SET / self.name / "examples/example-normalized.jsonld"
        if not file.is_file():
            return None
        body: dict[str, Any] = json.loads(file.read_text())
        del body["@context"]
        return body

    def validator(self) -> Draft202012Validator:
        """Its official schema, which is of the simplified form."""
        schema = json.loads((SET / self.name / "schema.json").read_text())
        return Draft202012Validator(schema, registry=registry(), format_checker=FORMATS)


@cache
def library() -> Library:
    return read_library(built_in())


def carried() -> list[Carried]:
    """All of them; none where the set is not there."""
    found = [Carried(package, model) for package, model in library() if package.namespace.startswith(NAMESPACE)]
    return [one for one in found if (SET / one.name / "schema.json").is_file()]


def there_are(models: list[Carried]) -> None:
    """Skip where the set is not there."""
    if not SET.is_dir():
        pytest.skip(f"the Smart Data Models set is not at {SET}; MISONO_SHARED names the folder above it")
    assert models


@cache
def registry() -> Registry[Any]:
    """Each schema under the addresses that others name it by; what stands in its $id is often another's."""
    return Registry().with_resources(_resources())


def _resources() -> Iterator[tuple[str, Resource[Any]]]:
    for file in SET.rglob("*schema.json"):
        schema = DRAFT202012.create_resource(json.loads(file.read_text()))
        if file.parent == SET:
            yield COMMON, schema
            yield "https://github.com/smart-data-models/data-models/raw/master/common-schema.json", schema
            continue
        path = file.relative_to(SET)
        yield f"{PAGES}/dataModel.{path}", schema
        subject, _, rest = str(path).partition("/")
        yield f"https://raw.githubusercontent.com/smart-data-models/dataModel.{subject}/master/{rest}", schema
