"""kill -9 between any two steps: no acknowledged command is lost, none that is done once is done twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from adapters.order import Delivered
from tests.fakes.commanded import commanded
from tests.fakes.commanded_process import QUICK

LIVES = 3


def test_commands_outlive_kills(tmp_path: Path) -> None:
    for life in range(LIVES):
        program = [sys.executable, "-m", "tests.fakes.commanded_process", str(tmp_path), str(life)]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(random.uniform(0.1, 0.5))
            process.kill()
    with commanded(tmp_path, QUICK, store="sqlite", outcome=lambda _: Delivered("OK")) as city:
        city.commanding.book.recover("the process ended while it was sent")
        while any(one.due <= city.clock.now() for one in city.commanding.book.heads()):
            city.settle()
        time.sleep(1.1)  # those in doubt wait for a second
        city.settle()
        known = {one.id: one for one in city.commanding.book.listed({}, 0, 100_000)}
        city.commanding.book.audit.verify()
        rows = Counter(str(row.told["event"]) for row in city.commanding.book.audit.rows(0, 100_000) if row.told)
    acked = (tmp_path / "acked").read_text().splitlines()
    sent = Counter(line for line in (tmp_path / "sent").read_text().splitlines())
    sent_after = Counter(f"{order.name} {order.id}" for order in city.link.orders)
    print(len(acked), "acknowledged", Counter(one.status for one in known.values()), dict(rows))
    assert sum(sent.values()) > 5 * LIVES
    assert set(acked) <= known.keys()
    assert rows["made"] == len(known)
    for line, times in (sent + sent_after).items():
        assert times == 1 or line.startswith("SetChargingProfile "), line
    for one in known.values():
        assert one.status != "PENDING", one
        if one.status in ("DELIVERED", "OK"):
            assert (sent + sent_after)[f"{one.name} {one.id}"], one
