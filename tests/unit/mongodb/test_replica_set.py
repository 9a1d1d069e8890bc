"""examples/city/replica-set.js makes the set once, and sets a password where it is there; Node runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parents[2] / "examples/city/replica-set.js"
ROLES = [{"role": "readWrite", "db": "misono"}]
MADE = [["localhost:27017", "create", "root", "r00t", ["root"]], ["localhost:27017", "create", "misono", "pa55", ROLES]]


def told(state: str) -> list[Any]:
    """What the script told a MongoDB in that state."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: tools/install.sh agent brings it")
    command = [node, str(HERE / "replica_set_run.mjs"), str(SCRIPT), state]
    found: list[Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def test_three_empty_members_become_a_set_with_two_users() -> None:
    members = [f"mongo{number}:27017" for number in (1, 2, 3)]
    assert told("fresh") == [["localhost:27017", "initiate", members], *MADE]


def test_what_was_interrupted_after_the_set_was_made_goes_on() -> None:
    assert told("initiated") == MADE


def test_what_was_interrupted_after_the_first_user_goes_on() -> None:
    assert told("rooted") == [["mongo2:27017", "create", "misono", "pa55", ROLES]]


def test_a_set_that_is_there_gets_the_password_on_its_primary() -> None:
    assert told("made") == [["mongo2:27017", "update", "misono", "pa55", ROLES]]


def test_another_password_of_root_is_said() -> None:
    assert told("locked") == [["fault", "Unauthorized"]]
