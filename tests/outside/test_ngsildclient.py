"""A client that nobody here wrote drives the broker: PyPI `ngsildclient` 0.5.2, as it comes from the registry.

It pins an old httpx, so it lives in an environment of its own under var/, made on first use.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.outside.client_python import client_python
from tests.outside.served import Served

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENT = "ngsildclient==0.5.2"
DRIVE = Path(__file__).with_name("ngsildclient_drive.py")


def test_a_real_client_creates_gets_queries_updates_and_deletes(served: Served) -> None:
    ended = subprocess.run(
        [client_python("ngsildclient-venv", REQUIREMENT), DRIVE, "127.0.0.1", str(served.port)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert ended.stdout.strip().endswith("done")
