"""Figures: a line each; what falls short, or was not measured, is said and counted."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from tools.figures import broker, history, residents
from tools.figures.__main__ import line, report
from tools.figures.figure import Figure, Sample, Source
from tools.figures.runs import NotMeasured, of_steps

ROOT = Path(__file__).resolve().parents[3]
LEAST = Figure("gets/s", "bench", "gets", "at least", 100)
MOST = Figure("p50 ms", "bench", "p50", "at most", 5)


@pytest.mark.parametrize(
    ("figure", "value", "holds"), [(LEAST, 100, True), (LEAST, 99.9, False), (MOST, 5, True), (MOST, 5.1, False)]
)
def test_a_figure_holds_up_to_its_bar(figure: Figure, value: float, holds: bool) -> None:
    assert figure.holds(value) is holds
    told, text = line(figure, {figure.key: Sample(value, 7)}, 3, "make it")
    assert told is holds
    assert text.startswith("ok" if holds else "SHORT")
    for part in (figure.about, f"{value:g}", f"{figure.bar:g}", "7 samples", "3 s", "make it"):
        assert part in text


def test_what_was_not_measured_is_missing_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> dict[str, Sample]:
        raise NotMeasured("no generator")

    assert report("broker", [LEAST, MOST], [Source("bench", broken)]) == 2
    told = capsys.readouterr().out
    assert told.count("MISSING") == 2
    assert "no generator" in told
    assert "make figures AREA=broker ONLY=bench" in told


@pytest.mark.parametrize("area", [broker, history, residents], ids=["broker", "history", "residents"])
def test_every_figure_has_a_source_and_every_source_a_figure(area: ModuleType) -> None:
    assert {figure.source for figure in area.FIGURES} == {source.name for source in area.SOURCES}
    assert len({(figure.source, figure.key) for figure in area.FIGURES}) == len(area.FIGURES)


@pytest.mark.parametrize("area", [broker, history], ids=["broker", "history"])
def test_every_test_that_figures_are_taken_from_is_there(area: ModuleType) -> None:
    text = Path(str(area.__file__)).read_text().replace("{OUTSIDE}", area.OUTSIDE)
    named = re.findall(r'"(tests/[\w/]+(?:\.py)?)"', text)
    assert named
    for path in named:
        assert (ROOT / path).exists(), path


def test_the_share_of_the_update_rate_is_of_steps_that_went_well() -> None:
    steps = {"subs_1": {"ops": 9, "ops_per_s": 1000}, "subs_1000": {"ops": 9, "ops_per_s": 850, "sat_lost": 0}}
    found = of_steps({"start_s": 1, "steps": steps})
    assert found["subs.share"].value == 85
    assert found["subs_1000.sat_lost"].value == 0
    steps["subs_1000"]["errors"] = 1
    assert "subs.share" not in of_steps({"start_s": 1, "steps": steps})
