"""The ETSI conformance suite's results as a page: what passes, and why each failing test fails.

    python -m tools.conformance folders [AREA]          the suite's folders of an area, or all, one word each
    python -m tools.conformance report OUT [--page] [--on mongodb]
                                                        read a run's results; with --page write docs/conformance.md

The page has a section for each area; one that did not run stays as it was. A failing test keeps the reason that stands
beside its name in docs/conformance.md. The report ends with 1 where fewer than an area's bar pass, or fewer than the
whole suite's where all of it ran, or a failing test has no reason. A run on another engine has sections of its own,
which name what ends otherwise than on SQLite.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/conformance.md"
FIGURES = ROOT / "var/figures"

PROVISION = "ContextInformation/Provision"
CONSUMPTION = "ContextInformation/Consumption"


@dataclass(frozen=True, slots=True)
class Area:
    """Folders of the suite, and how many percent of their tests shall pass."""

    bar: float
    folders: tuple[str, ...]


AREAS: Mapping[str, Area] = {
    "broker": Area(
        99.0,
        (
            "CommonBehaviours",
            f"{PROVISION}/BatchEntities",
            f"{PROVISION}/Entities",
            f"{PROVISION}/EntityAttributes",
            f"{PROVISION}/PurgeEntities",
            f"{PROVISION}/TransientEntities",
            f"{CONSUMPTION}/Entity",
            f"{CONSUMPTION}/Discovery",
            "jsonldContext",
        ),
    ),
    "history": Area(
        99.0,
        (
            "ContextInformation/Subscription",
            f"{CONSUMPTION}/TemporalEntity",
            f"{PROVISION}/TemporalEntity",
            f"{PROVISION}/TemporalEntityAttributes",
            "ContextInformation/EntityMap",
            "ContextInformation/Snapshot",
        ),
    ),
    "federation": Area(98.0, ("ContextSource", "DistributedOperations", "IOP_TP")),
}
WHOLE = "all"
TESTS_OF_SUITE, PASS_MIN = 1779, 1755
"""Tests of the whole suite, and how many of them shall pass."""
FOLDERS = {folder: name for name, area in AREAS.items() for folder in area.folders}
"""Folder -> its area."""
UNEXPLAINED = "not explained yet"
HEAD = """# ETSI conformance

The public NGSI-LD conformance suite (repository `marek-mraz/ngsi-ld-test-suite`, CIM 009 V1.9.1) against this broker on
SQLite, as the runner's own script starts it; the tests of `IOP_TP` are between five brokers. `make conformance` repeats
it and writes this page (`AREA=history`: that section alone; `STORE=mongodb`: on that engine through mongo-java-server);
reasons are kept by test name.

"""


@dataclass(frozen=True, slots=True)
class Result:
    """One test: where it stands in the suite, its name, and how it ended (`PASS`, `FAIL`)."""

    file: str
    test: str
    status: str
    message: str

    @property
    def folder(self) -> str:
        """The folder of `FOLDERS` it belongs to, else its own."""
        return next((folder for folder in FOLDERS if f"/{folder}/" in f"/{self.file}"), str(Path(self.file).parent))

    @property
    def area(self) -> str:
        """The area of that folder; `broker` for one that is in none."""
        return FOLDERS.get(self.folder, "broker")


def read_results(out: Path) -> list[Result]:
    """Every test of a run, by its place in the suite."""
    with (out / "tests.csv").open(newline="") as rows:
        found = [Result(row["file"], row["test"], row["status"], row["message"]) for row in csv.DictReader(rows)]
    return sorted(found, key=lambda result: (result.folder, result.file, result.test))


def kept_reasons(page: Path) -> dict[str, str]:
    """Test name -> the reason that stands beside it on the page."""
    if not page.exists():
        return {}
    cells = (line.strip("| ").split(" | ") for line in page.read_text().splitlines() if line.startswith("| `"))
    return {row[0].strip("` "): row[2].strip() for row in cells if len(row) == 3}


def explain(failed: list[Result], kept: Mapping[str, str]) -> dict[str, str]:
    """Test name -> the reason that a person wrote beside it."""
    return {result.test: kept.get(result.test, UNEXPLAINED) for result in failed}


def render(area: str, results: list[Result], reasons: Mapping[str, str], title: str = "") -> str:
    """The section of an area."""
    passed, total = Counter(r.folder for r in results if r.status == "PASS"), Counter(r.folder for r in results)
    share = 100 * passed.total() / total.total()
    lines = [f"## {title or area}", "", f"The bar is {AREAS[area].bar:g} % of the tests of these folders.", ""]
    lines += ["| Folder | Tests | Pass |", "|---|---:|---:|"]
    lines += [f"| {folder} | {total[folder]} | {passed[folder]} |" for folder in sorted(total)]
    lines += [f"| **all** | **{total.total()}** | **{passed.total()}** ({share:.1f} %) |", ""]
    failed = [result for result in results if result.status != "PASS"]
    if failed:
        lines += ["What fails, and why:", "", "| Test | Folder | Reason |", "|---|---|---|"]
        lines += [f"| `{r.test.replace('|', '/')}` | {r.folder} | {reasons[r.test]} |" for r in failed]
        lines.append("")
    return "\n".join(lines)


def sections(text: str) -> dict[str, str]:
    """The sections of a page by area."""
    parts = re.split(r"(?m)^(?=## )", text)[1:]
    return {part.partition("\n")[0].removeprefix("## "): part.rstrip() + "\n" for part in parts}


def differences(section: str, results: list[Result]) -> str:
    """What ends otherwise than the section of SQLite's run says."""
    there = set(re.findall(r"(?m)^\| `(.+?)` \|", section))
    here = {result.test.replace("|", "/") for result in results if result.status != "PASS"}
    told = [f"- `{name}` fails here, not on SQLite" for name in sorted(here - there)]
    told += [f"- `{name}` passes here, not on SQLite" for name in sorted(there - here)]
    return "\n".join(["Otherwise than on SQLite:", "", *told, ""]) if told else "All ends as on SQLite.\n"


def report(out: Path, *, page: bool, store: str = "") -> int:
    """Print each failing test with its reason, and the share that passes; 1 where that is not enough."""
    results = read_results(out)
    failed = [result for result in results if result.status != "PASS"]
    reasons = explain(failed, kept_reasons(PAGE))
    for result in failed:
        print(f"{result.test}\n    {reasons[result.test]}: {' '.join(result.message.split())[:200]}")
    held = [_sum_up(area, [r for r in results if r.area == area], reasons, store) for area in AREAS]
    if not store:
        held.append(_sum_up_whole(results))
    if page:
        told = sections(PAGE.read_text()) if PAGE.exists() else {}
        for area in AREAS:
            if ran := [result for result in results if result.area == area]:
                title = f"{area} on {store}" if store else area
                told[title] = render(area, ran, reasons, title)
                if store:
                    told[title] += "\n" + differences(told.get(area, ""), ran)
        titles = [*AREAS, *(title for title in told if title not in AREAS)]
        PAGE.write_text(HEAD + "\n".join(told[title] for title in titles if title in told))
    return int(not all(held) if page else bool(failed))


def _sum_up(area: str, results: list[Result], reasons: Mapping[str, str], store: str) -> bool:
    """Print an area's share and keep it; whether it holds. An area of which nothing ran does."""
    if not results:
        return True
    failed = [result.test for result in results if result.status != "PASS"]
    unexplained = [name for name in failed if reasons[name] == UNEXPLAINED]
    share = 100 * (len(results) - len(failed)) / len(results)
    print(f"{area}: {len(results) - len(failed)} of {len(results)} pass: {share:.1f} %, bar {AREAS[area].bar:g} %")
    print(f"{area}: {len(unexplained)} failing tests without a reason: {', '.join(unexplained) or 'none'}")
    _keep(f"{store}_{area}" if store else area, {"percent": share, "tests": len(results)})
    return share >= AREAS[area].bar and not unexplained


def _sum_up_whole(results: list[Result]) -> bool:
    """Print how many of the whole suite pass and keep it; whether enough do. A part of it does."""
    if {result.area for result in results} != set(AREAS):
        return True
    passed = sum(result.status == "PASS" for result in results)
    print(f"{WHOLE}: {passed} of {len(results)} pass, bar {PASS_MIN} of {TESTS_OF_SUITE}")
    _keep(WHOLE, {"passed": passed, "tests": len(results)})
    return passed >= PASS_MIN


def _keep(name: str, figures: Mapping[str, float]) -> None:
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / f"conformance_{name}.json").write_text(json.dumps(figures))


def main(arguments: list[str]) -> int:
    """`folders [AREA]`, or `report OUT [--page] [--on STORE]`."""
    match arguments:
        case ["folders", *areas] if set(areas) <= {WHOLE, *AREAS}:
            chosen = AREAS if not areas or WHOLE in areas else areas
            print("\n".join(folder for folder, area in FOLDERS.items() if area in chosen))
            return 0
        case ["report", out, *rest]:
            return report(Path(out), page="--page" in rest, store=rest[-1] if "--on" in rest else "")
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
