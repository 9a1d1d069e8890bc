"""Clients of others' making that want an environment of their own: made from the registry where it is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def client_python(name: str, requirement: str) -> Path:
    """The Python of `var/NAME`, which has the client: `client_python("ngsildclient-venv", "ngsildclient==0.5.2")`."""
    environment = ROOT / "var" / name
    python, ready = environment / "bin/python", environment / "ready"
    if not ready.exists():
        environment.parent.mkdir(exist_ok=True)
        uv = shutil.which("uv", path=f"{ROOT / 'var/uv/bin'}:{Path(sys.executable).parent}") or shutil.which("uv")
        assert uv, "no uv: run `make test`, which brings it"
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, environment], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, requirement], check=True)
        ready.touch()
    return python
