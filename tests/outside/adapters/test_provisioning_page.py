"""The requests of docs/provisioning.md do what the page says."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

from tests.outside.served import serving

PAGE = Path(__file__).resolve().parents[3] / "docs/provisioning.md"
SCRIPTS = re.compile(r"```sh\n(.*?)```", re.DOTALL)
FILE = re.compile(r"```yaml\n# adapters/(\S+)\n(.*?)```", re.DOTALL)
PATIENCE_S = 10.0


def test_every_request_of_the_page_is_taken(tmp_path: Path) -> None:
    text = PAGE.read_text()
    found = FILE.search(text)
    assert found is not None
    folder = tmp_path / "adapters"
    folder.mkdir()
    (folder / found[1]).write_text(found[2])
    with serving(tmp_path / "data", "--adapters", str(folder)) as hub:
        for script in SCRIPTS.findall(text):
            told = script.replace("http://127.0.0.1:1026", hub.root)
            ended = subprocess.run(["bash", "-euc", told], capture_output=True, text=True, check=False, timeout=60)
            assert ended.returncode == 0, f"{script}\n{ended.stderr}"
        end = time.monotonic() + PATIENCE_S
        while True:
            room = hub.http.get("/entities/urn:ngsi-ld:Room:room-7", headers={"NGSILD-Tenant": "openiot"})
            if room.status_code == 200:
                break
            assert time.monotonic() < end, room.text
            time.sleep(0.05)
    body = room.json()
    assert (body["temperature"]["value"], body["temperature"]["unitCode"]) == (21.5, "CEL")
    assert body["humidity"]["value"] == 40
