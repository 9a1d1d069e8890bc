"""`misono models policy` against a broker that runs, and what that does then."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.__main__ import main
from tests.outside.served import serving
from tests.unit.models.written import write

NS = "https://city.example/city/"
LAMP = {"id": "urn:x:1", "type": f"{NS}Lamp", f"{NS}power": {"type": "Property", "value": -1}}


def test_a_policy_is_set_seen_and_forgotten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "models", "city")
    with serving(tmp_path / "data", "--models", str(tmp_path / "models")) as served:
        policy = ["models", "policy", "--url", served.root]
        assert main([*policy, "Lamp", "reject"]) == 0
        assert served.http.post("/entities", json=LAMP).status_code == 400
        assert main(policy) == 0
        assert f"reject Lamp 1.0.0  {NS}Lamp" in capsys.readouterr().out
        assert main([*policy, "Lamp", "default"]) == 0
        assert served.http.post("/entities", json=LAMP).status_code == 201
        assert main([*policy, "Nothing", "warn"]) == 1
        assert "GET /models" in capsys.readouterr().err
    assert main([*policy]) == 2


def test_every_process_of_a_broker_holds_alike(tmp_path: Path) -> None:
    write(tmp_path / "models", "city")
    with serving(
        tmp_path / "data", "--models", str(tmp_path / "models"), "--gate", "reject", "--workers", "2"
    ) as served:
        for _ in range(20):
            assert served.http.post("/entities", json=LAMP, headers={"Connection": "close"}).status_code == 400
