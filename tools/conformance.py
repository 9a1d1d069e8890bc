"""The ETSI conformance suite's results as a page: what passes, and why each failing test fails.

    python -m tools.conformance folders                 the suite's folders this release answers for, one word each
    python -m tools.conformance report OUT [--page]     read a run's results; with --page write docs/conformance.md

A test that was answered 501 by a resource of a later release gets its reason from that resource; every other failing
test keeps the reason that stands beside its name in docs/conformance.md. The report ends with 1 where fewer than
`BAR_PERCENT` pass, or where a failing test has no reason.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/conformance.md"
FIGURES = ROOT / "var/figures"
BAR_PERCENT = 94.0
FOLDERS = (
    "CommonBehaviours",
    "ContextInformation/Provision/BatchEntities",
    "ContextInformation/Provision/Entities",
    "ContextInformation/Provision/EntityAttributes",
    "ContextInformation/Provision/PurgeEntities",
    "ContextInformation/Provision/TransientEntities",
    "ContextInformation/Consumption/Entity",
    "ContextInformation/Consumption/Discovery",
    "jsonldContext",
)
LATER = {
    "subscriptions": "subscriptions",
    "csourceRegistrations": "registrations",
    "csourceSubscriptions": "registrations",
    "temporal": "temporal",
    "entityMaps": "entity maps",
    "snapshots": "snapshots",
}
"""First segment of a path below /ngsi-ld/v1 -> what the test needs."""
ANSWER = re.compile(r"Response : url=\S*?/ngsi-ld/v1/([A-Za-z]+)\S*\s+status=501\b")
UNEXPLAINED = "not explained yet"
HEAD = """# ETSI conformance

The public NGSI-LD conformance suite (repository `marek-mraz/ngsi-ld-test-suite`, CIM 009 V1.9.1) against this broker on
SQLite, two brokers side by side, as the runner's own script starts them. `make conformance` repeats it and writes this
page; reasons are kept by test name. The bar is {bar} % of the tests of these folders.

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


def read_results(out: Path) -> list[Result]:
    """Every test of a run, by its place in the suite."""
    with (out / "tests.csv").open(newline="") as rows:
        found = [Result(row["file"], row["test"], row["status"], row["message"]) for row in csv.DictReader(rows)]
    return sorted(found, key=lambda result: (result.folder, result.file, result.test))


def needs(out: Path) -> dict[str, set[str]]:
    """Test name -> the later resources that answered it 501: `{"045_03_01 …": {"subscriptions"}}`."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in out.rglob("output.xml"):
        for name, text in _messages(path):
            found[name].update(LATER[segment] for segment in ANSWER.findall(text) if segment in LATER)
    return found


def _messages(path: Path) -> Iterator[tuple[str, str]]:
    """Each test of one output.xml with all its log messages as one text, those of its file's set-up among them."""
    for _, element in ET.iterparse(path):  # noqa: S314  # written by the runner a moment ago, on this machine
        if element.tag == "suite":
            setup = "\n".join(message.text or "" for part in element.findall("kw") for message in part.iter("msg"))
            for test in element.findall("test"):
                yield test.get("name", ""), setup + "\n".join(message.text or "" for message in test.iter("msg"))
            element.clear()


def kept_reasons(page: Path) -> dict[str, str]:
    """Test name -> the reason that stands beside it on the page."""
    if not page.exists():
        return {}
    cells = (line.strip("| ").split(" | ") for line in page.read_text().splitlines() if line.startswith("| `"))
    return {row[0].strip("` "): row[2].strip() for row in cells if len(row) == 3}


def explain(failed: list[Result], later: Mapping[str, set[str]], kept: Mapping[str, str]) -> dict[str, str]:
    """Test name -> its reason.

    A kept reason that a person wrote stands before the guess: a test may be answered 501 while it cleans up, and fail
    for another cause.
    """
    reasons = {}
    for result in failed:
        found = later.get(result.test)
        old = kept.get(result.test, UNEXPLAINED)
        guessed = found and (old == UNEXPLAINED or old.startswith("needs "))
        reasons[result.test] = "needs " + ", ".join(sorted(found or ())) if guessed else old
    return reasons


def render(results: list[Result], reasons: Mapping[str, str]) -> str:
    """The page."""
    passed, total = Counter(r.folder for r in results if r.status == "PASS"), Counter(r.folder for r in results)
    share = 100 * passed.total() / total.total()
    lines = ["| Folder | Tests | Pass |", "|---|---:|---:|"]
    lines += [f"| {folder} | {total[folder]} | {passed[folder]} |" for folder in sorted(total)]
    lines += [f"| **all** | **{total.total()}** | **{passed.total()}** ({share:.1f} %) |", ""]
    failed = [result for result in results if result.status != "PASS"]
    if failed:
        lines += ["## What fails, and why", "", "| Test | Folder | Reason |", "|---|---|---|"]
        lines += [f"| `{r.test.replace('|', '/')}` | {r.folder} | {reasons[r.test]} |" for r in failed]
        lines.append("")
    return HEAD.format(bar=f"{BAR_PERCENT:g}") + "\n".join(lines)


def report(out: Path, *, page: bool) -> int:
    """Print each failing test with its reason and the share that passes; 1 where that is not enough."""
    results = read_results(out)
    failed = [result for result in results if result.status != "PASS"]
    reasons = explain(failed, needs(out), kept_reasons(PAGE))
    for result in failed:
        print(f"{result.test}\n    {reasons[result.test]}: {' '.join(result.message.split())[:200]}")
    share = 100 * (len(results) - len(failed)) / max(len(results), 1)
    print(f"{len(results) - len(failed)} of {len(results)} pass: {share:.1f} %, bar {BAR_PERCENT:g} %")
    if not page:
        return int(bool(failed))
    PAGE.write_text(render(results, reasons))
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / "conformance.json").write_text(json.dumps({"percent": share, "tests": len(results)}))
    unexplained = [name for name, reason in reasons.items() if reason == UNEXPLAINED]
    print(f"{len(unexplained)} failing tests without a reason: {', '.join(unexplained) or 'none'}")
    return int(share < BAR_PERCENT or bool(unexplained))


def main(arguments: list[str]) -> int:
    """`folders`, or `report OUT [--page]`."""
    match arguments:
        case ["folders"]:
            print("\n".join(FOLDERS))
            return 0
        case ["report", out, *rest]:
            return report(Path(out), page=rest == ["--page"])
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
