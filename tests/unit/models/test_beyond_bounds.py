"""Values beyond what their type and bounds say: single ones besides, and a list's only value without the list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from broker.model.values import Json
from datamodels.difference import differences
from datamodels.forms import schema_of, value_schema_of
from datamodels.pages import page_of
from datamodels.reading import BadSource, read_package
from datamodels.shapes import shapes_of
from datamodels.source import Form, Package
from tests.unit.models.written import write

LEVEL = Form("number", least=0, most=1, besides=(-1,))
LINKS = Form("uri", many=True, alone=True)


def taken(form: Form, value: Json) -> bool:
    return Draft202012Validator(schema_of(form)).is_valid(value)


@pytest.mark.parametrize(
    ("value", "good"), [(0, True), (1, True), (-1, True), (-0.5, False), (2, False), ("-1", False)]
)
def test_a_value_besides_the_bounds_is_taken_and_none_between(value: Json, good: bool) -> None:
    assert taken(LEVEL, value) is good


@pytest.mark.parametrize(
    ("value", "good"),
    [("https://city.example/", True), (["https://city.example/"], True), ([], True), (["no link"], False), (1, False)],
)
def test_a_value_alone_is_taken_as_a_list_of_it_is(value: Json, good: bool) -> None:
    assert taken(LINKS, value) is good


def test_a_list_of_days_may_have_typed_values_alone() -> None:
    day = {"@type": "Date", "@value": "2026-11-23"}
    validator = Draft202012Validator(value_schema_of(Form("date", many=True, alone=True)))
    assert validator.is_valid(day)
    assert validator.is_valid([day, "2026-11-24"])


def package(folder: Path, **attribute: Any) -> Package:
    return read_package(write(folder, "city", models={"Lamp": {"level": attribute}}))


def test_they_are_read_from_the_source(tmp_path: Path) -> None:
    form = package(tmp_path, type="number", many=True, alone=True, besides=[-1]).models["Lamp"].attributes["level"].form
    assert form == Form("number", many=True, alone=True, besides=(-1,))


def test_what_is_besides_must_be_a_list(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"besides: a list of values"):
        package(tmp_path, type="number", besides=-1)


@pytest.mark.parametrize(("member", "wide", "narrow"), [("besides", [-1], []), ("alone", True, False)])
def test_taking_more_breaks_nothing_and_taking_less_does(
    tmp_path: Path, member: str, wide: object, narrow: object
) -> None:
    form = {"type": "number", "many": True, "least": 0}
    more = package(tmp_path / "more", **form, **{member: wide})
    less = package(tmp_path / "less", **form, **{member: narrow})
    assert {one.weight for one in differences(less, more)} == {"minor"}
    assert {one.weight for one in differences(more, less)} == {"major"}


def test_the_page_tells_of_both(tmp_path: Path) -> None:
    read = package(tmp_path, type="number", many=True, alone=True, least=0, besides=[-1])
    page = page_of(read, read.models["Lamp"], lambda name: read.vocabularies[name])
    assert "number, number[] ≥ 0 または or `-1`" in page


def test_the_shape_takes_what_is_besides_the_bounds(tmp_path: Path) -> None:
    read = package(tmp_path, type="number", least=0, most=1, besides=[-1])
    shape = shapes_of(read, lambda name: read.vocabularies[name])
    assert "sh:or ( [ sh:minInclusive 0 ; sh:maxInclusive 1 ] [ sh:in ( -1 ) ] )" in shape
