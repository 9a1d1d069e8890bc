"""Running what gives samples: tests of this repository, scripts, the load generator; what they say is kept raw."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tools.figures.figure import Sample, Samples

ROOT = Path(__file__).resolve().parents[2]
RAW = ROOT / "var/figures"


class NotMeasured(Exception):
    """The run ended without its samples; the text says where to look."""


def run(name: str, command: list[str], environment: Mapping[str, str] | None = None) -> str:
    """Run a command, keep what it says in var/figures/NAME.log, and give it back."""
    RAW.mkdir(parents=True, exist_ok=True)
    log = RAW / f"{name}.log"
    with log.open("w") as out:
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    text = log.read_text()
    if ended.returncode not in (0, 1):
        raise NotMeasured(f"{' '.join(command)} ended with {ended.returncode}: {log.relative_to(ROOT)}")
    return text


def from_tests(name: str, *paths: str, environment: Mapping[str, str] | None = None) -> Callable[[], Samples]:
    """Tests as a source: `failed`, `skipped`, `passed`, and each `figure NAME VALUE [SAMPLES]` line that they print."""

    def measure() -> Samples:
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:randomly", *paths]
        text = run(name, command, {"HYPOTHESIS_PROFILE": "ci", **(environment or {})})
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|errors?)\b", text)}
        if not counts:
            raise NotMeasured(f"no tests ran: var/figures/{name}.log")
        failed = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
        total = failed + counts.get("passed", 0)
        found = {"failed": Sample(failed, total), "passed": Sample(counts.get("passed", 0), total)}
        found["skipped"] = Sample(counts.get("skipped", 0), total)
        return {**found, **_figures(text)}

    return measure


def _figures(text: str) -> Samples:
    """Each `figure NAME VALUE [SAMPLES]` line."""
    found = re.findall(r"(?m)figure (\w+) ([-+.\d]+)(?: (\d+))?\s*$", text)
    return {key: Sample(float(value), int(samples or 1)) for key, value, samples in found}


def from_script(name: str, module: str, *options: str) -> Callable[[], Samples]:
    """A module that prints such lines as a source."""

    def measure() -> Samples:
        found = _figures(run(name, [sys.executable, "-m", module, *options]))
        if not found:
            raise NotMeasured(f"it printed no figure: var/figures/{name}.log")
        return found

    return measure


def conformance(area: str, store: str = "") -> Callable[[], Samples]:
    """The folders of the ETSI suite that are this area's: percent that pass, of how many; those without a reason.

    With a `store` (`mongodb`) on that engine; a reason that stands on the page is then one that holds on SQLite too.
    """

    def measure() -> Samples:
        name = "_".join(filter(None, ("conformance", store, area)))
        text = run(name, ["sh", "tools/conformance.sh"], {"AREA": area, "STORE": store})
        share = re.search(rf"{area}: \d+ of (\d+) pass: ([\d.]+) %", text)
        unexplained = re.search(rf"{area}: (\d+) failing tests without a reason", text)
        if share is None or unexplained is None:
            raise NotMeasured(f"the suite did not run: var/figures/{name}.log")
        return {
            "percent": Sample(float(share[2]), int(share[1])),
            "tests": Sample(float(share[1])),
            "unexplained": Sample(float(unexplained[1]), int(share[1])),
        }

    return measure


def whole_suite() -> Samples:
    """All of the ETSI suite: tests that pass, tests that ran, the percentage of each area."""
    text = run("conformance_all", ["sh", "tools/conformance.sh"], {"AREA": "all"})
    whole = re.search(r"all: (\d+) of (\d+) pass", text)
    if whole is None:
        raise NotMeasured("the suite did not run: var/figures/conformance_all.log")
    total = int(whole[2])
    found = {"passed": Sample(float(whole[1]), total), "tests": Sample(float(total))}
    for area, tests, percent in re.findall(r"(?m)^(\w+): \d+ of (\d+) pass: ([\d.]+) %", text):
        found[area] = Sample(float(percent), int(tests))
    unexplained = re.findall(r"(?m)^\w+: (\d+) failing tests without a reason", text)
    return {**found, "unexplained": Sample(float(sum(map(int, unexplained))), total)}


def durability() -> Samples:
    """Sync calls that ended between request and answer, the least of a kind of write; and what a kill left."""
    bench = ROOT / "var/bench"
    subprocess.run(["sh", "tools/bench.sh"], cwd=ROOT, env={**os.environ, "COPY_ONLY": "1"}, check=True)
    text = run("durability", ["bash", str(bench / "durability.sh"), "misono", "19900"], {"MISONO_ROOT": str(ROOT)})
    found = {}
    for kind, counts in re.findall(r"(?m)^(\w+): codes .*?syncs before the answer \[([\d, ]+)\]", text):
        syncs = [int(count) for count in counts.split(",")]
        found[f"{kind}_syncs"] = Sample(min(syncs), len(syncs))
    kept = re.search(r"right after 201, restart, get: (\d+)", text)
    if not found or kept is None:
        raise NotMeasured("strace gave nothing: var/figures/durability.log")
    return {**found, "kept": Sample(float(kept[1] == "200"))}


def bench(name: str, steps: str) -> Callable[[], Samples]:
    """Every field of every step, `STEP.FIELD`, of these steps."""

    def measure() -> Samples:
        run(name, ["sh", "tools/bench.sh"], {"ONLY": steps})
        results = json.loads((ROOT / "var/bench/results.json").read_text())["peers"]["misono"]
        (RAW / f"{name}.json").write_text(json.dumps(results, indent=1))
        return of_steps(results)

    return measure


def of_steps(results: Mapping[str, Any]) -> Samples:
    """The samples of the load generator's results.

    `growth` is the p50 of a step over 100,000 entities as a multiple of that over 20,000, `subs.share` the percentage
    of the update rate with one subscription that is left with 1,000.
    """
    found = {"start_s": Sample(results["start_s"]), "wal_peak_mib": Sample(results.get("wal_peak_mib", 0.0))}
    for step, fields in results["steps"].items():
        wrong = fields.get("errors", 0) or fields.get("verify_failed", 0)
        for field, value in fields.items():
            if isinstance(value, int | float) and not wrong:
                found[f"{step}.{field}"] = Sample(float(value), int(fields.get("ops", 1)))
    for step in ("query_c4", "geo_c4", "find_c4", "tail_c4", "page_c4"):
        small, big = found.get(f"{step}.p50_ms"), found.get(f"{step}_100k.p50_ms")
        if small and big and small.value:
            found[f"{step}.growth"] = Sample(big.value / small.value, big.samples)
    one, many = found.get("subs_1.ops_per_s"), found.get("subs_1000.ops_per_s")
    if one and many and one.value:
        found["subs.share"] = Sample(100 * many.value / one.value, many.samples)
    return found
