"""Laws of packages, whatever is written in them: what can be read can be built, and what differs is weighed rightly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from datamodels import schemas
from datamodels.building import build
from datamodels.difference import differences, is_enough, needed, risen
from datamodels.examples import full
from datamodels.library import Library, read_library
from datamodels.lint import lint
from datamodels.manifest import differing, manifest_of, sources_of
from datamodels.source import Package
from datamodels.trying import try_package
from tests.unit.models.written import TEXT, write

WORDS = {name: {"label": TEXT} for name in ("low", "high")}
NAMES = ["power", "level", "place", "owner", "note", "opened", "parts"]
numbers = st.integers(-1000, 1000)


@st.composite
def forms(draw: st.DrawFn, depth: int = 1) -> dict[str, Any]:
    """A value's form."""
    kinds = ["string", "number", "integer", "boolean", "date", "time", "date-time", "duration", "uri", "any"]
    form: dict[str, Any] = {"type": draw(st.sampled_from([*kinds, "object"] if depth else kinds))}
    if form["type"] in ("number", "integer"):
        low = draw(numbers)
        bounds = {"least": low, "most": low + draw(st.integers(1, 500))}
        form |= {name: bounds[name] for name in draw(st.sets(st.sampled_from(sorted(bounds))))}
    if form["type"] == "object":
        names = draw(st.sets(st.sampled_from(["first", "second"]), min_size=1))
        form["members"] = {f"{name}Part": draw(forms(depth=0)) for name in sorted(names)}
    return form | ({"many": True} if draw(st.booleans()) else {})


@st.composite
def attributes(draw: st.DrawFn) -> dict[str, Any]:
    """An attribute of any kind that keeps the rules."""
    one: dict[str, Any] = {"presence": draw(st.sampled_from(["required", "recommended", "optional"]))}
    kind = draw(st.sampled_from(["Property", "GeoProperty", "Relationship", "LanguageProperty", "VocabProperty",
                                 "ListProperty", "JsonProperty", "ListRelationship"]))  # fmt: skip
    one["kind"] = kind
    if kind in ("Property", "ListProperty"):
        one |= draw(forms())
        if one["type"] in ("number", "integer") and draw(st.booleans()):
            one |= {"unit": "WTT", "units": draw(st.sampled_from([[], ["KWT"]]))}
    if kind == "JsonProperty":
        one |= {"type": "object", "members": {"firstPart": draw(forms(depth=0))}}
    if kind == "GeoProperty":
        one["geometries"] = draw(st.lists(st.sampled_from(["Point", "Polygon", "LineString"]), unique=True))
    if kind in ("Relationship", "ListRelationship"):
        one["targets"] = draw(st.sampled_from([[], ["Lamp"]]))
    if kind == "VocabProperty" or (kind == "Property" and one["type"] == "string" and draw(st.booleans())):
        one["vocabulary"] = "setting"
    return one


@st.composite
def packages(draw: st.DrawFn) -> dict[str, Any]:
    """The files of a package."""
    models = {
        name: draw(st.dictionaries(st.sampled_from(NAMES), attributes(), min_size=1, max_size=5))
        for name in draw(st.sampled_from([["Lamp"], ["Lamp", "Pole"]]))
    }
    return {"models": models, "vocabularies": {"setting": {"label": TEXT, "words": WORDS, "open": draw(st.booleans())}}}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A package, and another version of it: an attribute more, or other members of one."""
    before = draw(packages())
    lamp = dict(before["models"]["Lamp"])
    name = draw(st.sampled_from(NAMES))
    changed = draw(attributes())
    lamp[name] = changed if draw(st.booleans()) else {**lamp.get(name, changed), "presence": changed["presence"]}
    if "least" in lamp[name] and draw(st.booleans()):
        lamp[name] = {**lamp[name], "least": lamp[name]["least"] + draw(st.integers(-2, 0))}
    after = {**before, "models": {**before["models"], "Lamp": lamp}}
    return before, draw(st.sampled_from([after, draw(packages())]))


def made(files: dict[str, Any]) -> Iterator[tuple[Package, Library, Path]]:
    """The package that is read of these files."""
    with TemporaryDirectory() as folder:
        home = write(Path(folder), "city", **files)
        library = read_library(Path(folder))
        yield library.packages["city"], library, home


@given(packages())
def test_what_keeps_the_rules_is_built_and_its_examples_hold(files: dict[str, Any]) -> None:
    for package, library, home in made(files):
        built = build(package, library)
        assert built == build(package, library)
        for path, content in built.items():
            if path.startswith("schemas/"):
                Draft202012Validator(orjson.loads(content))
        told = [finding.what for finding in lint(package, library)]
        assert [what for what in told if "means" not in what] == []
        assert try_package(package, library).faults == []
        sources = sources_of(home)
        manifest = manifest_of(package.version, sources, built)
        assert differing(manifest, sources, built) == []
        assert differing(manifest, sources, {**built, "shapes.ttl": b""}) == ["shapes.ttl"]


@given(pairs())
def test_differences_are_none_of_itself_and_break_where_an_old_example_is_refused(
    two: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    before, after = two
    for old, library, _ in made(before):
        assert differences(old, old) == []
        for new, later, _ in made(after):
            found = differences(old, new)
            assert (found == []) == (old == new)
            weight = needed(found)
            if weight in ("minor", "patch", None):
                assert try_old(old, library, new, later) == []


def try_old(old: Package, library: Library, new: Package, later: Library) -> list[str]:
    """Examples of an old version that the new one refuses: none, where nothing breaks."""
    refused = []
    for name, model in old.models.items():
        schema = schemas.normalized(new.models[name], partial(later.vocabulary, new))
        validator = Draft202012Validator(schema)
        for number in range(3):
            entity = full(model, partial(library.vocabulary, old), number)
            refused += [f"{name}{error.instance_path}: {error.message}" for error in validator.iter_errors(entity)]
    return refused


@given(packages())
def test_what_goes_is_major_and_what_comes_is_minor(files: dict[str, Any]) -> None:
    for package, _, _ in made(files):
        lamp = package.models["Lamp"]
        for name in lamp.attributes:
            rest = {other: one for other, one in lamp.attributes.items() if other != name}
            less = replace(package, models={**package.models, "Lamp": replace(lamp, attributes=rest)})
            assert needed(differences(package, less)) == "major"
            comes = "major" if lamp.attributes[name].presence == "required" else "minor"
            assert needed(differences(less, package)) == comes


versions = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))


@given(versions, versions)
def test_a_rise_is_that_of_the_first_number_that_rose(old: tuple[int, int, int], new: tuple[int, int, int]) -> None:
    rise = risen(".".join(map(str, old)), ".".join(map(str, new)))
    assert (rise is None) == (new <= old)
    if rise is not None:
        at = ("major", "minor", "patch").index(rise)
        assert old[:at] == new[:at]
        assert old[at] < new[at]
    assert is_enough("major", rise)
    assert is_enough(rise, "major") == (rise == "major")
