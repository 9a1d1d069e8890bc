"""What the gate costs: the load generator's creates and upserts with the gate on `reject`, and without it, by turns.

python -m tools.figures.gate_rates      the samples as lines `figure NAME VALUE SAMPLES`
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.outside.models.bench_models import write_bench_models
from tests.outside.served import Served, serving
from tools.figures.figure import Sample, Samples
from tools.figures.runs import RAW, ROOT, NotMeasured

ROUNDS: Final = 3
MODES: Final = ("off", "reject")
LOADS: Final = {
    "create": ("-w", "create", "-c", "16", "-d", "6s", "-warm", "2s"),
    "upsert": ("-w", "upsert", "-c", "4", "-n", "20000", "-d", "60s", "-warm", "0s", "-from", "1000000"),
}
"""As the steps create_c16 and upsert_new."""
BUILDINGS: Final = 500
"""What the entities of the load generator lead to: targets that are there must be looked at."""


def rates() -> Samples:
    """`create_percent`, `upsert_percent`: the rate with `reject` as a percentage of that with `off`; CPU as well."""
    subprocess.run(["sh", "tools/bench.sh"], cwd=ROOT, env={**os.environ, "COPY_ONLY": "1"}, check=True)
    measured: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for _ in range(ROUNDS):
        for mode in MODES:
            with _broker(mode) as server:
                for load in LOADS:
                    measured.setdefault((load, mode), []).append(_run(server, load))
    RAW.mkdir(parents=True, exist_ok=True)
    (RAW / "gate_rates.json").write_text(json.dumps({"/".join(key): rows for key, rows in measured.items()}, indent=1))
    found = {}
    for load, rate in (("create", "ops_per_s"), ("upsert", "entities_per_s")):
        without, held = (measured[load, mode] for mode in MODES)
        found[f"{load}_percent"] = Sample(round(100 * _median(held, rate) / _median(without, rate), 1), ROUNDS)
        cpu = "sut_cpu_us_per_op"
        found[f"{load}_cpu_percent"] = Sample(round(100 * _median(held, cpu) / _median(without, cpu), 1), ROUNDS)
    return found


def _median(rows: list[dict[str, Any]], field: str) -> float:
    return median(float(row[field]) for row in rows)


@contextmanager
def _broker(mode: str) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as folder:
        models = write_bench_models(Path(folder) / "models")
        with serving(Path(folder) / "data", "--gate", mode, "--models", str(models)) as server:
            buildings = [{"id": f"urn:ngsi-ld:Building:{number}", "type": "Building"} for number in range(BUILDINGS)]
            _must(server.http.post("/entityOperations/upsert", json=buildings).status_code, 201)
            broken = {"id": "urn:ngsi-ld:SmartMeter:broken", "type": "SmartMeter"}
            _must(server.http.post("/entities", json=broken).status_code, 400 if mode == "reject" else 201)
            yield server


def _must(status: int, wanted: int) -> None:
    if status != wanted:
        raise NotMeasured(f"the broker answers {status}, not {wanted}")


def _run(server: Served, load: str) -> dict[str, Any]:
    command = [
        "var/bench/bin-loadgen",
        "-base",
        f"{server.root}/ngsi-ld/v1",
        "-pids",
        str(server.process.pid),
        *LOADS[load],
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    if not row or row.get("errors") or row.get("verify_failed"):
        raise NotMeasured(f"{load}: {done.stdout[-300:]}{done.stderr[-300:]}")
    return row


if __name__ == "__main__":
    for name, sample in rates().items():
        print(f"figure {name} {sample.value} {sample.samples}")
