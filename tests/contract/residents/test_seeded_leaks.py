"""Twelve leaks, one patch each in tests/leaks: every one turns the test that it names red, or that test is no test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LEAKS = sorted((ROOT / "tests" / "leaks").glob("*.patch"))
PATCHED = re.compile(r"^\+\+\+ b/(\S+)$", re.MULTILINE)
RED = re.compile(r"^red: (\S+)$", re.MULTILINE)
TIMEOUT_S = 60


def leaking(patch: Path, directory: Path) -> None:
    """The repository in a directory, with the one file changed: all else are links to it."""
    [changed] = PATCHED.findall(patch.read_text())
    here, there = directory, ROOT
    for part in Path(changed).parts:
        for one in there.iterdir():
            if one.name != part and not one.name.startswith(".git"):
                (here / one.name).symlink_to(one)
        here, there = here / part, there / part
        if there.is_dir():
            here.mkdir()
    here.write_bytes(there.read_bytes())
    subprocess.run(["git", "apply", "--unsafe-paths", "-p1", str(patch)], cwd=directory, check=True, timeout=TIMEOUT_S)


def tried(test: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """One test, of that directory."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(directory)}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:randomly", test]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def test_there_are_twelve() -> None:
    assert len(LEAKS) == 12


@pytest.mark.parametrize("patch", LEAKS, ids=lambda patch: patch.stem)
def test_a_leak_turns_its_test_red(patch: Path, tmp_path: Path) -> None:
    [test] = RED.findall(patch.read_text())
    leaking(patch, tmp_path)
    found = tried(test, tmp_path)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "AssertionError" in found.stdout or "DID NOT RAISE" in found.stdout, found.stdout
    assert "1 failed" in found.stdout, found.stdout
