"""Each rule of `misono models lint`, broken once: it is told where, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from datamodels.library import read_library
from datamodels.lint import lint
from datamodels.reading import BadSource
from tests.unit.models.written import TEXT, model, write

NUMBER = {"type": "number"}
WORDS = {"level": {"label": TEXT, "words": {"low": {"label": TEXT}}}}


def found(folder: Path, **files: Any) -> list[str]:
    """What is said against a package of these files."""
    write(folder, "city", **files)
    library = read_library(folder)
    return [f"{one.where}: {one.what}" for one in lint(library.packages["city"], library)]


def test_nothing_is_said_against_a_good_package(tmp_path: Path) -> None:
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        ({"type": "number", "unit": "ZZZ"}, "ZZZ is no unit that is known: add it to units.tsv"),
        ({"type": "number", "unit": "WTT", "units": ["CEL"]}, "units of power and temperature: they do not convert"),
        ({"type": "number", "units": ["WTT"]}, "units, but no unit"),
        ({"type": "string", "unit": "WTT"}, "a unit needs a number"),
        ({"type": "string", "sign": TEXT}, "a sign needs a number"),
        ({"type": "number", "least": 2, "most": 1}, "nothing lies between its bounds"),
        ({"type": "number", "above": 1, "most": 1}, "nothing lies between its bounds"),
        ({"type": "string", "least": 2}, "bounds need a number"),
        ({"type": "string", "members": {"a": NUMBER}}, "members need an object"),
        ({"type": "object", "members": {"a": NUMBER}, "required": ["b"]}, "required: no member b"),
        ({"type": "object", "members": {"a": {"least": 1}}}, "a: bounds need a number"),
        ({"kind": "GeoProperty", "geometries": ["Circle"]}, "no geometry Circle"),
        ({"geometries": ["Point"]}, "geometries need a GeoProperty"),
        ({"targets": ["Lamp"]}, "targets need a Relationship"),
        ({"kind": "Relationship", "targets": ["Torch"]}, "targets: no model Torch in any package"),
        ({"kind": "VocabProperty"}, "a VocabProperty needs a vocabulary"),
        ({"vocabulary": "level"}, "no vocabulary level"),
        ({"same_as": {"saref": "saref:x"}}, "same_as.saref: saref:x is no http IRI"),
        ({"label": {"ja": "Power", "en": "Output"}}, "ja: 'Power' is no Japanese"),
        ({"description": {"ja": "出力", "en": "出力"}}, "en: '出力' is no English"),
    ],
)
def test_an_attribute_that_breaks_a_rule(tmp_path: Path, attribute: dict[str, Any], told: str) -> None:
    assert found(tmp_path, models={"Lamp": {"power": attribute}}) == [f"Lamp.power: {told}"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"version": "1.0"}, "version: three numbers, as 1.0.0"),
        ({"namespace": "https://city.example/def"}, "namespace: an http IRI that ends with / or #"),
        (
            {"context": "https://city.example/context.jsonld"},
            "context: an http URL with -v1. in it: a new major version is another context",
        ),
        ({"title": {"ja": "City", "en": "A city"}}, "title: ja: 'City' is no Japanese"),
        ({"vocabularies": {"level": {"label": TEXT, "words": {}}}}, "level: has no words"),
        (
            {"vocabularies": {"level": {"label": TEXT, "words": {"low": {"label": {"ja": "x", "en": "low"}}}}}},
            "level.low: ja: 'x' is no Japanese",
        ),
        ({"models": {"Lamp": model("Lamp", {}, map={"by": "state"})}}, "Lamp: has no attributes"),
        ({"models": {"Lamp": model("Lamp", {"a": {}}, map={"by": "state"})}}, "Lamp.map.by: no attribute state"),
        ({"models": {"Lamp": model("Lamp", {"a": {}}, map={"colour": "red"})}}, "Lamp.map.colour: a colour as #336699"),
        ({"models": {"Lamp": {"no_2": {}, "2": {}}}}, "Lamp.2: a name of letters and digits"),
        ({"models": {"Lamp": {"a": {"iri": "urn:a"}}}}, "a: urn:a is no http IRI"),
        (
            {"models": {"Lamp": {"title": {}}}},
            (
                "title: the core @context, which has the last word, says http://purl.org/dc/terms/title:"
                " another name, or that IRI"
            ),
        ),
        (
            {"models": {"Lamp": {"unitCode": {"iri": "https://uri.etsi.org/ngsi-ld/unitCode"}}}},
            "Lamp.unitCode: NGSI-LD has a member of this name: an attribute cannot be called so",
        ),
        (
            {"vocabularies": WORDS, "models": {"Lamp": {"low": {}}}},
            "terms: city: low means https://city.example/city/low and https://city.example/city/level/low",
        ),
    ],
)
def test_a_package_that_breaks_a_rule(tmp_path: Path, files: dict[str, Any], told: str) -> None:
    assert told in found(tmp_path, **files)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"colour": "red"}, "city/package.yaml: colour: no member of this name"),
        ({"name": "town"}, "city/package.yaml: name: city, as its folder"),
        ({"models": {"Lamp": {"a": {"use": "streets"}}}}, "streets has no attribute a in its attributes.yaml"),
        ({"models": {"Lamp": {"a": {"kind": "Text"}}}}, "attributes.a.kind: one, or a list, of Property"),
        ({"models": {"Lamp": {"a": {"type": "text"}}}}, "attributes.a.type: one of any, boolean"),
        ({"models": {"Lamp": {"a": {"least": "1"}}}}, "attributes.a.least: a number"),
        ({"models": {"Lamp": {"a": {"many": "yes"}}}}, "attributes.a.many: true or false"),
        ({"models": {"Lamp": {"a": {"label": {"ja": "例"}}}}}, "attributes.a.label: {ja: …, en: …}"),
        ({"models": {"Lamp": {**model("Torch", {"a": {}})}}}, "model: Lamp, as its file"),
        ({"depends": {"city": "1"}}, "depends on itself: city -> city"),
    ],
)
def test_a_source_that_cannot_be_read_names_file_and_member(tmp_path: Path, files: dict[str, Any], told: str) -> None:
    write(tmp_path, "city", **files)
    with pytest.raises(BadSource) as refusal:
        read_library(tmp_path)
    assert told in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: a\nname: b\n", "line 2, column 1: 'name' twice in one mapping"),
        ("name: &a b\ntitle: *a\n", "line 2, column 8: an alias (*name): write it out"),
        ("1: a\n", "line 1, column 1: a key that is no text: put it in quotes"),
        ("name: [a\n", "line 2, column 1"),
    ],
)
def test_yaml_is_read_as_json_is(tmp_path: Path, text: str, told: str) -> None:
    home = write(tmp_path, "city")
    (home / "package.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadSource) as refusal:
        read_library(tmp_path)
    assert told in str(refusal.value)
