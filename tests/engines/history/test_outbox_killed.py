"""`kill -9` between a commit and a delivery: every change that was acknowledged has its row, or was closed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from broker.stores.sqlite import open_store
from broker.stores.sqlite.checking import check_all
from tests.engines.history.outbox_writer import GROUP
from tests.fakes.clock import FakeClock
from tests.fakes.watching import TypeWatches

ROOT = Path(__file__).parents[3]
KILLS = 6
LOAD_S = 0.15


def _run_and_kill(directory: Path, number: int) -> list[tuple[str, int]]:
    """What it said before it was killed, under load."""
    words = [sys.executable, "-m", "tests.engines.history.outbox_writer", str(directory), str(number)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        said = [process.stdout.readline()]
        time.sleep(LOAD_S)
        process.kill()
        said += process.stdout.readlines()
    whole = [line.split() for line in said if line.endswith("\n")]
    return [(what, int(value)) for what, value in whole]


def test_no_acknowledged_change_is_without_its_notification(tmp_path: Path) -> None:
    acknowledged: set[int] = set()
    closed: set[int] = set()
    following = 0
    for _ in range(KILLS):
        said = _run_and_kill(tmp_path, following)
        written = [number for what, number in said if what == "written"]
        acknowledged |= {number + place for number in written for place in range(GROUP)}
        closed |= {value for what, value in said if what == "closed"}
        following = max(written) + 1_000_000
        store = open_store(tmp_path, FakeClock(), watches=TypeWatches())
        rows = store.outbox.waiting("", 0, 1_000_000)
        counted = store.outbox.deliveries("")["s1"].times_sent
        store.close()
        waiting = [int(str(row.change.entity.instances("https://x.org/n")[0]["value"])) for row in rows]
        assert waiting == sorted(set(waiting)), "a row twice, or out of order"
        assert not closed & set(waiting)
        # At most one closing a kill was durable and not said.
        unsaid = acknowledged - closed - set(waiting)
        assert len(unsaid) <= counted - len(closed) <= KILLS
    assert len(acknowledged) > KILLS * GROUP
    assert [fault for checked in check_all(tmp_path, lambda *_: None) for fault in checked.faults] == []
