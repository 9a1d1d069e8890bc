"""No file of people raises anything but BadSettings: mappings, adapters, codecs' settings with any member changed."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.configuring import read_adapter
from adapters.link import BadSettings
from adapters.mapping.reading import read_mapping
from adapters.mapping_files import files_in
from adapters.provisioning.reading import read_provisions
from adapters.recorded import read_golden
from adapters.table import make_codec
from broker.encode.text import dump
from tests.fakes.mapped import RESOLVE
from tests.frames.golden import goldens, written_codecs

MISONO = Path(__file__).resolve().parents[3] / "examples/misono/adapters"
OTHERS: tuple[Any, ...] = (
    None, True, -1, 0, 0.5, 1e308, 10**30, "", "x" * 300, "a b", "{device}", "urn:x:{", "@", "*", "[", "KWH", "number",
    [], {}, [[]], [None], [""], {"": None}, {"a": {}},
)  # fmt: skip
NAMES = ("from", "unit", "as", "words", "geo", "members", "when", "fixed", "kind", "name", "id", "x", "")
FILES = dict(files_in(MISONO))


def changed(data: st.DataObject, body: Any) -> Any:
    """The body with up to three of its members, anywhere, gone, added or quite another value."""
    body = copy.deepcopy(body)
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(places_in(body))
        if not places:
            return copy.deepcopy(data.draw(st.sampled_from(OTHERS)))
        within, name = data.draw(st.sampled_from(places))
        how = data.draw(st.sampled_from(("other", "other", "gone", "more")))
        if how == "gone":
            del within[name]
        elif how == "more" and isinstance(within, dict):
            within[data.draw(st.sampled_from(NAMES))] = copy.deepcopy(data.draw(st.sampled_from(OTHERS)))
        else:
            within[name] = copy.deepcopy(data.draw(st.sampled_from(OTHERS)))
    return body


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for name, below in inside:
        yield value, name
        yield from places_in(below)


def law(read: Callable[[Any], object], good: list[Any], examples: int) -> Counter[str]:
    """How often a changed body was taken and refused; anything but BadSettings ends it."""
    outcomes: Counter[str] = Counter()

    @settings(max_examples=examples)
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        body = changed(data, data.draw(st.sampled_from(good)))
        try:
            read(body)
        except BadSettings:
            outcomes["refused"] += 1
        else:
            outcomes["taken"] += 1

    attempt()
    return outcomes


def test_no_mapping_raises_anything_but_its_own_error() -> None:
    good = [body for body in FILES.values() if isinstance(body, dict) and "entities" in body]
    for body in good:
        read_mapping(body, RESOLVE)
    outcomes = law(lambda body: read_mapping(body, RESOLVE), good, 400)
    assert outcomes["refused"] > 100
    assert outcomes["taken"] > 10


def test_no_adapter_raises_anything_but_its_own_error(tmp_path: Path) -> None:
    good = [body for body in FILES.values() if isinstance(body, dict) and "adapter" in body]
    path, names = tmp_path / "a.yaml", RESOLVE(None)

    def read(body: Any) -> None:
        path.write_bytes(dump(body))
        file = read_adapter(path)
        if file is not None:
            read_provisions(file.document, names)

    assert law(read, good, 300)["refused"] > 50


@pytest.mark.parametrize("name", written_codecs())
def test_no_settings_of_a_codec_raise_anything_but_their_own_error(name: str) -> None:
    good = [{"kind": name, **read_golden(path).codec} for path in goldens() if path.parent.name == name]
    outcomes = law(lambda body: make_codec(name, body), good, 100)
    assert outcomes["refused"] > 10
