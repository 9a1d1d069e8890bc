"""What the audit costs: an entry on its way to the disk, one client and many; a check of all; a signed root.

python -m tools.figures.audit_cost      the samples as lines `figure NAME VALUE SAMPLES`
"""

from __future__ import annotations

import tempfile
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from broker.audit.checking import check
from broker.audit.log import AuditLog
from broker.audit.opening import open_audit
from broker.audit.roots import Roots
from broker.ports.audit import Entry, Told
from broker.wiring import SystemClock
from tools.figures.figure import Sample, Samples
from tools.figures.runs import ROOT, NotMeasured

ALONE: Final = 500
TOGETHER: Final = 20_000
AT_ONCE: Final = 64
PERSONS: Final = 3
TYPE, ATTRIBUTE = "https://misono.example/def/HeartRateObservation", "https://misono.example/def/heartRate"


def costs() -> Samples:
    """Milliseconds an entry alone and among AT_ONCE; links a second of a check; ms of a root of them all."""
    with ExitStack() as closing:
        directory = closing.enter_context(tempfile.TemporaryDirectory(dir=ROOT / "var"))  # /tmp may be no disk
        log = open_audit(Path(directory), SystemClock(), {}, closing)
        alone = [_timed(log, number) for number in range(ALONE)]
        began, waiting = perf_counter(), list[Future[int]]()
        for number in range(TOGETHER):
            waiting.append(log.record(_entry(number)))
            if len(waiting) == AT_ONCE:
                waiting = [one for one in waiting if one.result() < 0]
        together = (perf_counter() - began) * 1000 / TOGETHER
        began = perf_counter()
        found = check(log)
        links = found.links / (perf_counter() - began)
        if found.faults:
            raise NotMeasured(found.faults[0])
        began = perf_counter()
        Roots(log).sign()
        root = (perf_counter() - began) * 1000
    return {
        "audit_entry_ms": Sample(median(alone), ALONE),
        "audit_entry_together_ms": Sample(together, TOGETHER),
        "audit_checked_a_second": Sample(links, found.links),
        "audit_root_ms": Sample(root, found.links),
    }


def _timed(log: AuditLog, number: int) -> float:
    began = perf_counter()
    log.record(_entry(number)).result()
    return (perf_counter() - began) * 1000


def _entry(number: int) -> Entry:
    told = tuple(
        Told(
            f"urn:misono:subject:{number % 1_000}-{one}", {TYPE: frozenset({ATTRIBUTE})}, frozenset({f"urn:r:{one}"}), 1
        )
        for one in range(PERSONS)
    )
    purposes = frozenset({"https://misono.example/def/purpose/HealthAdvice"})
    return Entry("disclosure", "misono", "clinic", number, "urn:clinic", purposes, "query_entities", 7, told)


if __name__ == "__main__":
    for name, sample in costs().items():
        print(f"figure {name} {sample.value:.3f} {sample.samples}")
