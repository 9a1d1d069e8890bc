"""Measure the figures of one area and print each with its bar.

    python -m tools.figures AREA [--long] [--only SOURCE,SOURCE]

One line a figure: `ok`, `SHORT` or `MISSING`, what it is, its value and bar, how many measurements, the seconds its
source took, and the command that repeats it alone. Ends with 1 where one falls short or was not measured; sources
that take more than ten minutes run with --long only, and their figures are missing without it.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable
from importlib import import_module

from tools.figures.figure import Figure, Samples, Source
from tools.figures.runs import NotMeasured

AREAS = ("broker", "history", "federation", "models", "mongodb", "adapters", "residents", "energy")


def measure(source: Source) -> tuple[Samples, float]:
    """The samples of one source and the seconds it took; none where it failed, which is said."""
    begin = time.monotonic()
    try:
        samples = source.measure()
    except NotMeasured as reason:
        print(f"  {source.name}: {reason}", flush=True)
        samples = {}
    return samples, time.monotonic() - begin


def line(figure: Figure, samples: Samples, seconds: float, command: str) -> tuple[bool, str]:
    """Whether the figure holds, and its line."""
    sample = samples.get(figure.key)
    if sample is None:
        return False, f"MISSING {figure.about}: {figure.sense} {figure.bar:g}; {command}"
    holds = figure.holds(sample.value)
    verdict = "ok     " if holds else "SHORT  "
    measured = f"{sample.value:g}, {figure.sense} {figure.bar:g}; {sample.samples} samples, {seconds:.0f} s"
    return holds, f"{verdict} {figure.about}: {measured}; {command}"


def report(area: str, figures: Iterable[Figure], sources: Iterable[Source]) -> int:
    """Run each source, print its figures; 1 where one does not hold."""
    wanted = list(figures)
    fallen = 0
    for source in sources:
        samples, seconds = measure(source)
        for figure in (figure for figure in wanted if figure.source == source.name):
            holds, text = line(figure, samples, seconds, source.command(area))
            fallen += not holds
            print(text, flush=True)
    return fallen


def main() -> int:
    """Parse, measure, print."""
    parser = ArgumentParser(prog="python -m tools.figures", description=__doc__)
    parser.add_argument("area", choices=AREAS)
    parser.add_argument("--long", action="store_true", help="also what takes more than ten minutes")
    parser.add_argument("--only", default="", help="these sources, with a comma between")
    options = parser.parse_args()
    module = import_module(f"tools.figures.{options.area}")
    only = set(filter(None, options.only.split(",")))
    if unknown := only - {source.name for source in module.SOURCES}:
        parser.error(f"no source {', '.join(sorted(unknown))}")
    chosen = [source for source in module.SOURCES if not only or source.name in only]
    running = [source for source in chosen if options.long or not source.long]
    fallen = report(options.area, module.FIGURES, running)
    for source in (source for source in chosen if source not in running):
        for figure in (figure for figure in module.FIGURES if figure.source == source.name):
            print(line(figure, {}, 0, source.command(options.area))[1])
            fallen += 1
    print(f"{fallen} figures fall short or are missing")
    return int(fallen > 0)


if __name__ == "__main__":
    sys.exit(main())
