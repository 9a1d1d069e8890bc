"""The example of two cities runs through: a query and a subscription over both hubs, one of them away for a while."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / "examples/two-cities/run.py"
STEPS = 15


def test_the_example_tells_its_story_to_the_end() -> None:
    ended = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr[-3000:]
    assert ended.stdout.count("  ok  ") == STEPS, ended.stdout
