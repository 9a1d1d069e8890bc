"""Killed between any two steps, the pipeline loses nothing that it had acknowledged, and writes nothing wrongly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
STEPS = int(os.environ.get("DEATHS", "18"))
"""A frame takes about six: before the write, in the transaction, after it, told; before and after the hub's."""


def attempts(directory: Path, steps: int, *more: str) -> list[dict[str, Any]]:
    command = [sys.executable, str(Path(__file__).with_name("dying.py")), str(directory), str(steps), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=240, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    found = attempts(tmp_path, STEPS)
    lost = sum(len(one["missing"]) + len(one["wrong"]) for one in found)
    print(f"figure deaths {sum(one['died'] for one in found)}")
    doubled = sum(one["doubled"] for one in found)
    print(f"figure lost_by_death {lost}")
    print(f"figure doubled_by_death {doubled}")
    assert [one["step"] for one in found] == [*range(1, STEPS + 1)]
    assert all(one["died"] for one in found[:14])
    assert len({one["acknowledged"] for one in found}) > 3, "deaths come at several points of the way"
    assert lost == 0, [one for one in found if one["missing"] or one["wrong"]]
    assert doubled == 0, [one for one in found if one["doubled"]]


def test_it_would_be_seen(tmp_path: Path) -> None:
    found = attempts(tmp_path, 8, "early")
    assert any(one["missing"] for one in found)
