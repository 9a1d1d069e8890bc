"""The packages that come with Misono: each can be built against, its examples hold, its manifest tells what it is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from datamodels.building import build
from datamodels.library import Library, built_in, read_library
from datamodels.lint import lint
from datamodels.manifest import NAME, differing, sources_of
from datamodels.source import Package
from datamodels.trying import try_package

NAMES = sorted(home.name for home in built_in().iterdir() if (home / "package.yaml").is_file())


@cache
def library() -> Library:
    return read_library(built_in())


@pytest.fixture(params=NAMES)
def package(request: pytest.FixtureRequest) -> Package:
    return library().packages[request.param]


def test_a_package_keeps_what_vendors_rely_on(package: Package) -> None:
    assert [str(finding) for finding in lint(package, library())] == []


def test_good_examples_are_taken_and_broken_ones_refused(package: Package) -> None:
    assert try_package(package, library()).faults == []


def test_the_manifest_has_the_hashes_of_what_is_there_and_of_what_is_made(package: Package) -> None:
    home: Path = built_in() / package.name
    manifest = (home / NAME).read_bytes()
    assert differing(manifest, sources_of(home), build(package, library())) == []


def test_no_two_packages_say_the_same_type(package: Package) -> None:
    others = {model.iri: other.name for other, model in library() if other.name != package.name}
    assert {name: others[model.iri] for name, model in package.models.items() if model.iri in others} == {}
