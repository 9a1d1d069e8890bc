"""docs/new-city.md as a new user would follow it: copy a folder, edit it, try it, pack it, install it, ask it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import plain
from tests.outside.served import serving

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/new-city.md").read_text()
MISONO = [sys.executable, "-m", "broker"]


def block(kind: str, containing: str) -> str:
    """The first fenced block of this kind that has this text."""
    found: list[str] = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return next(one for one in found if containing in one)


def misono(words: str, place: Path, code: int = 0) -> str:
    """What a line of the page prints, run in a place of its own."""
    line = words.removeprefix(".venv/bin/misono ").split()
    ended = subprocess.run(
        [*MISONO, *line], cwd=place, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture
def tsubame(tmp_path: Path) -> Path:
    """The folder, made as the page says."""
    shutil.copytree(ROOT / "examples/aizu", tmp_path / "tsubame")
    for line in block("sh", "cp -r").splitlines()[1:]:
        for name in line.removeprefix("rm ").split():
            (tmp_path / name).unlink()
    home = tmp_path / "tsubame"
    (home / "city.yaml").write_text(block("yaml", "name: tsubame"))
    (home / "contexts.tsv").write_text("https://tsubame.example/contexts/tsubame-v1.jsonld\tcontext.jsonld\n")
    misono(block("sh", "package context").strip(), tmp_path)
    (home / "data/tsubame.jsonld").write_text(block("json", "tsubame:hall"))
    (home / "rules/gate.yaml").write_text("types: {Building: warn, WeatherObserved: reject}\n")
    return home


def test_the_page_holds(tsubame: Path, tmp_path: Path) -> None:
    check, _ = block("sh", "package check").splitlines()
    assert "tsubame 1.0.0: 2 entities, 0 faults" in misono(check, tmp_path)
    key, build = block("sh", "package key").splitlines()
    public = misono(key, tmp_path).splitlines()[-1]
    assert public in misono(build, tmp_path)
    first = (tmp_path / "tsubame-1.0.0.misono").read_bytes()
    misono(build, tmp_path)
    assert (tmp_path / "tsubame-1.0.0.misono").read_bytes() == first
    install, _ = block("sh", "package install").splitlines()
    untrusted = misono(install.partition(" --trust")[0], tmp_path, 2)
    assert public in untrusted
    assert not (tmp_path / "var").exists()
    misono(install.replace("ed25519:…", public), tmp_path)
    misono(install.partition(" --trust")[0], tmp_path)  # the signer is known now
    contexts = tmp_path / "var/cities/tsubame/contexts.tsv"
    with serving(tmp_path / "var/hub", "--contexts", str(contexts)) as served:
        link = '<https://tsubame.example/contexts/tsubame-v1.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
        found = plain.get(f"{served.root}/ngsi-ld/v1/entities?type=Building", headers={"Link": link}).json()
        assert [one["category"]["value"] for one in found] == [["civic"]]
        told = plain.get(f"{served.root}/ngsi-ld/v1/entities/urn:ngsi-ld:CityPackage:tsubame?format=simplified").json()
        assert told["https://misono.example/def/signedBy"] == public
        policies = plain.get(f"{served.root}/admin/models/policies").json()["policies"]
        assert {(one["model"].split()[0], one["mode"]) for one in policies} == {
            ("Building", "warn"), ("WeatherObserved", "reject"),
        }  # fmt: skip


def test_what_was_changed_after_signing_is_not_installed(tsubame: Path, tmp_path: Path) -> None:
    misono("package key k.pem", tmp_path)
    public = misono("package build tsubame --key k.pem --to .", tmp_path).split()[-1]
    archive = tmp_path / "tsubame-1.0.0.misono"
    content = archive.read_bytes()
    assert content.count("燕市役所".encode()) == 1
    archive.write_bytes(content.replace("燕市役所".encode(), "都市役所".encode()))
    told = misono(f"package install tsubame-1.0.0.misono --cities c --data d --trust {public}", tmp_path, 2)
    assert "misono package: " in told
    assert not (tmp_path / "c/tsubame").exists()
    assert not (tmp_path / "d").exists()


def test_an_older_version_is_not_installed(tsubame: Path, tmp_path: Path) -> None:
    misono("package key k.pem", tmp_path)
    public = misono("package build tsubame --key k.pem --to .", tmp_path).split()[-1]
    text = (tsubame / "city.yaml").read_text()
    (tsubame / "city.yaml").write_text(text.replace("version: 1.0.0", "version: 1.1.0"))
    misono("package build tsubame --key k.pem --to .", tmp_path)
    misono(f"package install tsubame-1.1.0.misono --cities c --only-files --trust {public}", tmp_path)
    told = misono("package install tsubame-1.0.0.misono --cities c --only-files", tmp_path, 2)
    assert "1.1.0 is there, which is newer than 1.0.0" in told
    assert json.loads((tmp_path / "c/tsubame/context.jsonld").read_bytes())["@context"]


@pytest.mark.parametrize("city", ["misono", "aizu"])
def test_cities_of_the_examples_are_in_order(city: str, tmp_path: Path) -> None:
    assert ", 0 faults" in misono(f"package check {ROOT / 'examples' / city}", tmp_path)
