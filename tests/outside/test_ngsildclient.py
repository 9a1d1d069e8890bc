"""A client that nobody here wrote drives the broker: PyPI `ngsildclient` 0.5.2, as it comes from the registry.

It pins an old httpx, so it lives in an environment of its own under var/, made on first use.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.outside.served import Served

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / "var/ngsildclient-venv"
REQUIREMENT = "ngsildclient==0.5.2"
DRIVE = Path(__file__).with_name("ngsildclient_drive.py")


def client_python() -> Path:
    """The Python that has the client; made where it is missing."""
    python = ENVIRONMENT / "bin/python"
    ready = ENVIRONMENT / "ready"
    if not ready.exists():
        ENVIRONMENT.parent.mkdir(exist_ok=True)
        uv = shutil.which("uv", path=f"{ROOT / 'var/uv/bin'}:{Path(sys.executable).parent}") or shutil.which("uv")
        assert uv, "no uv: run `make test`, which brings it"
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, ENVIRONMENT], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, REQUIREMENT], check=True)
        ready.touch()
    return python


def test_a_real_client_creates_gets_queries_updates_and_deletes(served: Served) -> None:
    ended = subprocess.run(
        [client_python(), DRIVE, "127.0.0.1", str(served.port)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert ended.stdout.strip().endswith("done")
