"""Figures: a line each; what falls short, or was not measured, is said and counted."""

from __future__ import annotations

import pytest

from tools.figures.__main__ import line, report
from tools.figures.broker import FIGURES, SOURCES
from tools.figures.figure import Figure, Sample, Source
from tools.figures.runs import NotMeasured

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


def test_every_figure_has_a_source_and_every_source_a_figure() -> None:
    assert {figure.source for figure in FIGURES} == {source.name for source in SOURCES}
    assert len({(figure.source, figure.key) for figure in FIGURES}) == len(FIGURES)
