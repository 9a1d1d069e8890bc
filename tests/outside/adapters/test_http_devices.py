"""Devices that push over HTTP, a webhook and a drop folder in a hub as it is served; the devices are curl."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.fakes.mosquitto import program
from tests.outside.served import Served, serving

CONTEXT = "https://misono.example/contexts/sdm-environment-v1.jsonld"
TYPE = "https://smartdatamodels.org/dataModel.Environment/IndoorEnvironmentObserved"
TEMPERATURE = "https://smartdatamodels.org/dataModel.Environment/temperature"
FILES = {
    "json": "adapter: json\nlink: {kind: http}\ncodec: {kind: iota-json}\nmapping: rooms\n"
    "groups: [{name: g, key: k7f3-all-rooms, new: true}]\n",
    "light": "adapter: light\nlink: {kind: http}\ncodec: {kind: ultralight}\nmapping: rooms\n"
    "groups: [{name: g, key: k7f3-all-rooms, new: true}]\n",
    "hook": "adapter: hook\nlink: {kind: http, secret: s3cret-of-the-hook}\ncodec: {kind: json, device: id}\n"
    "mapping: rooms\ndevices: [{id: hook-1}]\n",
    "table": "adapter: table\nlink: {kind: folder, path: inbox, every_s: 0.2, settle_s: 0.2}\n"
    "codec: {kind: csv, columns: {局: {is: device}, 気温: {quantity: t, as: number}}}\n"
    "mapping: rooms\ndevices: [{id: table-1}]\n",
    "rooms": f"mapping: rooms\nversion: 1\ncontext: {CONTEXT}\nentities:\n"
    '  - id: "urn:ngsi-ld:IndoorEnvironmentObserved:{device}"\n    type: IndoorEnvironmentObserved\n'
    "    attributes: {temperature: {from: t, unit: CEL}}\n",
}


def curl(*words: str) -> tuple[int, str]:
    """Status and body."""
    run = subprocess.run(
        [program("curl"), "-s", "-w", "\n%{http_code}", *words], capture_output=True, check=True, text=True, timeout=30
    )
    body, _, status = run.stdout.rpartition("\n")
    return int(status), body


def temperature(hub: Served, device: str) -> Any:
    """What the entity of a device says, once it is there."""
    for _ in range(100):
        found = hub.http.get(f"/entities/urn:ngsi-ld:IndoorEnvironmentObserved:{device}")
        if found.status_code == 200:
            return found.json()[TEMPERATURE]["value"]
        time.sleep(0.1)
    raise AssertionError(device)


def test_each_way_in_leads_to_an_entity_and_what_is_wrong_to_quarantine(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for name, text in FILES.items():
        (files / f"{name}.yaml").write_text(text)
    with serving(tmp_path / "hub", "--adapters", str(files)) as hub:
        who, typed = "k=k7f3-all-rooms&i=", ("-H", "Content-Type: application/json")
        assert curl(f"{hub.root}/iot/json?{who}json-1", *typed, "-d", '{"t": 21.5}') == (200, "")
        assert curl(f"{hub.root}/iot/json/attrs/t?{who}json-2", *typed, "-d", "22.5") == (200, "")
        assert curl("-G", f"{hub.root}/iot/d?{who}light-1", "--data-urlencode", "d=t|23.5") == (200, "")
        signed = ("-H", "X-Misono-Secret: s3cret-of-the-hook")
        assert curl(f"{hub.root}/iot/hooks/hook", *typed, *signed, "-d", '{"id": "hook-1", "t": 24.5}') == (200, "")
        (files / "inbox/table-1.csv").write_bytes("局,気温\ntable-1,２５．５\n".encode("cp932"))  # noqa: RUF001 - full width
        for device, value in {"json-1": 21.5, "json-2": 22.5, "light-1": 23.5, "hook-1": 24.5, "table-1": 25.5}.items():
            assert temperature(hub, device) == value
        assert curl(f"{hub.root}/iot/hooks/hook", *typed, "-d", '{"id": "hook-1", "t": 1}')[0] == 401
        assert curl(f"{hub.root}/iot/json?k=wrong&i=json-1", *typed, "-d", '{"t": 1}')[0] == 404
        assert curl(f"{hub.root}/iot/json?{who}json-1", *typed, "-d", '{"t": 1')[0] == 400
        kept = json.loads(curl(f"{hub.root}/admin/quarantine")[1])
        assert {"wrong_key", "truncated"} <= {one["reason"] for one in kept}
        assert "k7f3-all-rooms" not in json.dumps(kept)
