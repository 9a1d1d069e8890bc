"""A backup put back takes nobody's withdrawal back, and nothing out of the audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.__main__ import main
from tests.fakes.consent_city import consent_city


def test_a_restored_hub_has_the_audit_the_keys_and_the_consents_of_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    with consent_city(tmp_path, "sqlite") as city:
        terms = city.terms()
        for name in ("hana", "taro"):
            city.pulse(name)
        record = city.give("hana", terms)["id"]
        city.give("taro", terms)
        assert (city.sees("clinic", "hana"), city.sees("clinic", "taro")) == (62, 62)
        assert main(["backup", "--data", str(data), "--to", str(backup)]) == 0
        city.withdraw("hana", record=record)
        newest = city.ask("kaneko", "GET", "//admin/audit")[-1]["number"]
    keys = sorted(path.read_bytes() for path in (data / "keys").glob("*.jwk"))
    assert main(["restore", "--from", str(backup), "--data", str(data), "--replace"]) == 0
    assert sorted(path.read_bytes() for path in (data / "keys").glob("*.jwk")) == keys
    assert main(["audit", "verify", "--data", str(data)]) == 0
    assert f"{newest} entries" in capsys.readouterr().out
    with consent_city(tmp_path, "sqlite") as city:
        assert (city.sees("clinic", "hana"), city.sees("clinic", "taro")) == (None, None)  # until it is shown anew
        city.room.tick()
        assert (city.sees("clinic", "hana"), city.sees("clinic", "taro")) == (None, 62)
