"""A backup put back on another machine has consents, books, the audit and keys; who was erased since stays erased."""

from __future__ import annotations

import shutil
import stat
import tarfile
from pathlib import Path
from typing import Any, cast

import pytest

from broker.__main__ import main
from broker.nonces import NAME as NONCES
from broker.nonces import Nonces
from broker.wiring import SystemClock
from services.store.room import StoreRoom
from tests.fakes.consent_city import ConsentCity, consent_city

LEDGER = "//services/ledger"
LATER = 4_000_000_000_000_000


def now(city: ConsentCity) -> None:
    """The city's clock shows the time: backups and the ledger of erasures are compared by it."""
    city.clock.set(SystemClock().now())


def first_shown(data: Path) -> bool:
    """Whether a signature was not used before."""
    nonces = Nonces(data / NONCES, SystemClock())
    try:
        return nonces.first(b"shown", LATER)
    finally:
        nonces.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A hub of people who consented; after its backups hana and ken are erased, and taro withdraws."""
    place = tmp_path_factory.mktemp("old")
    data, made = place / "data", dict[str, Any](place=place)
    with consent_city(place, "sqlite") as city:
        now(city)
        terms = city.terms()
        for name in ("hana", "taro"):
            city.pulse(name)
            made[name] = city.give(name, terms)["id"]
            made[f"account of {name}"] = city.ask(name, "POST", f"{LEDGER}/accounts", {"currency": "POINT"})["id"]
            body = {"to": made[f"account of {name}"], "amount": 100}
            city.ask("yamada", "POST", f"{LEDGER}/issuances", body, Idempotency_Key=name)
            assert city.sees("clinic", name) == 62
        city.pulse("ken")
        city.give("ken", terms)
        reserved = {"confirm": True, "at": city.in_days(2)}
        assert city.ask("ken", "POST", "//services/store/erasures", reserved)["state"] == "reserved"
        assert first_shown(data)
        for name, more in (("all", []), ("all.tar", []), ("bare", ["--without-keys"])):
            assert main(["backup", "--data", str(data), "--to", str(place / name), *more]) == 0
        made["newest"] = city.ask("kaneko", "GET", "//admin/audit?limit=1000")[-1]["number"]
        now(city)
        city.withdraw("taro", record=made["taro"])
        city.ask("hana", "POST", "//services/store/erasures", {"confirm": True})
        assert city.status < 300
        city.clock.advance(3 * 86_400)
        assert cast("StoreRoom", city.served.room("store")).erasing.tick() == 1
    return made


def restored(filled: dict[str, Any], data: Path, source: str, *more: str) -> None:
    assert main(["restore", "--from", str(filled["place"] / source), "--data", str(data), *more]) == 0


def erasures(filled: dict[str, Any]) -> tuple[str, str]:
    return "--erasures", str(filled["place"] / "data" / "erasures.ndjson")


def mentions(data: Path, text: str) -> list[str]:
    return sorted(path.name for path in data.rglob("*") if path.is_file() and text.encode() in path.read_bytes())


@pytest.mark.parametrize("source", ["all", "all.tar"])
def test_a_fresh_machine_has_all_of_it(
    filled: dict[str, Any], tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    restored(filled, data, source)
    said = capsys.readouterr().out
    assert "has NOT withdrawn it here" in said
    assert "audit.sqlite, services.sqlite, identity.sqlite: those of the backup" in said
    keys = sorted((data / "keys").glob("*.jwk"))
    assert [path.read_bytes() for path in keys] == [
        (filled["place"] / "data/keys" / path.name).read_bytes() for path in keys
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    assert main(["audit", "verify", "--data", str(data)]) == 0
    assert f"{filled['newest']} entries" in capsys.readouterr().out
    assert not first_shown(data)  # a signature is not good twice
    with consent_city(tmp_path, "sqlite") as city:
        now(city)
        assert city.sees("clinic", "taro") is None  # until it is shown anew
        city.room.tick()
        assert (city.sees("clinic", "hana"), city.sees("clinic", "taro")) == (62, 62)
        for name in ("hana", "taro"):
            account = city.ask(name, "GET", f"{LEDGER}/accounts/{filled[f'account of {name}']}")
            assert account["balance"] == 100
        assert city.ask("kaneko", "POST", f"{LEDGER}/verify", {})["holds"] is True
    assert main(["audit", "verify", "--data", str(data)]) == 0


def test_who_was_erased_since_is_erased_from_services_and_the_audit(
    filled: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    restored(filled, data, "all", *erasures(filled))
    assert "2 persons from services and the audit too" in capsys.readouterr().out
    assert main(["audit", "verify", "--data", str(data)]) == 0
    assert mentions(data, "subject:hana") == mentions(filled["place"] / "data", "subject:hana")  # what the law has kept
    with consent_city(tmp_path, "sqlite") as city:
        now(city)
        city.room.tick()
        assert (city.sees("clinic", "hana"), city.sees("clinic", "taro")) == (None, 62)
        assert city.ask("kaneko", "GET", "//admin/audit/disclosures?subject=urn:misono:subject:hana") == []
        assert city.ask("hana", "GET", f"{LEDGER}/accounts/{filled['account of hana']}")["status"] == 404
        for name in ("hana", "ken"):  # who had reserved it is not erased twice
            (erasure,) = city.ask(name, "GET", "//services/store/erasures")["erasures"]
            assert (erasure["state"], "certificate" in erasure) == ("done", True)
            assert city.sees(name, name) is None


def test_services_copied_beside_bring_the_withdrawals(
    filled: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for path in (filled["place"] / "data").glob("services.sqlite*"):
        shutil.copy2(path, data / path.name)
    restored(filled, data, "all", "--replace", *erasures(filled))
    said = capsys.readouterr().out
    assert "services.sqlite: those that were there" in said
    assert "NOT withdrawn" not in said
    assert main(["audit", "verify", "--data", str(data)]) == 0
    with consent_city(tmp_path, "sqlite") as city:
        now(city)
        city.room.tick()
        assert city.sees("clinic", "taro") is None
        assert city.ask("kaneko", "GET", "//admin/audit/disclosures?subject=urn:misono:subject:hana") == []


def test_keys_are_left_out_where_that_is_said(
    filled: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert not (filled["place"] / "bare" / "keys").exists()
    restored(filled, data, "bare", *erasures(filled))
    assert "there are no keys" in capsys.readouterr().out
    assert not (data / "keys").exists()
    shutil.copytree(filled["place"] / "data/keys", data / "keys", ignore=shutil.ignore_patterns("audit.head"))
    with consent_city(tmp_path, "sqlite") as city:
        now(city)
        city.room.tick()
        assert city.sees("clinic", "taro") == 62
    assert main(["audit", "verify", "--data", str(data)]) == 0


def test_nobody_else_can_read_the_keys_of_a_backup(filled: dict[str, Any]) -> None:
    keys, packed = filled["place"] / "all/keys", filled["place"] / "all.tar"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (*keys.iterdir(), packed)}
    assert (modes, stat.S_IMODE(keys.stat().st_mode)) == ({0o600}, 0o700)
    with tarfile.open(packed) as tar:
        assert {one.mode for one in tar if one.name.startswith("keys/")} == {0o600}


@pytest.mark.parametrize("name", ["keys/../hub.jwk", "keys/a/b.jwk", "keys/.jwk", "keys/0001.jwk.sh", "/keys/0001.jwk"])
def test_a_key_under_another_name_is_refused(filled: dict[str, Any], tmp_path: Path, name: str) -> None:
    backup = Path(shutil.copytree(filled["place"] / "all", tmp_path / "all"))
    manifest = backup / "manifest.json"
    text = manifest.read_text()
    assert "keys/0001.jwk" in text
    manifest.write_text(text.replace("keys/0001.jwk", name))
    assert main(["restore", "--from", str(backup), "--data", str(tmp_path / "data")]) == 2
    assert not (tmp_path / "data").exists()
