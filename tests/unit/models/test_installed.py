"""Packages that come, go and change while a broker runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from broker.__main__ import main
from datamodels.installed import FRESH_S, Copies, Installed
from datamodels.library import built_in, read_library
from datamodels.reading import BadSource
from tests.unit.models.written import write


class Seconds:
    """A clock that is put forward."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def later(self) -> None:
        self.now += FRESH_S


def test_a_package_that_is_put_there_is_known_without_a_restart(tmp_path: Path) -> None:
    seconds, models = Seconds(), tmp_path / "models"
    installed = Installed(built_in(), models, seconds=seconds)
    assert main(["models", "install", str(write(tmp_path / "mine", "city")), "--models", str(models)]) == 0
    assert "city" not in installed.library().packages
    seconds.later()
    assert "city" in installed.library().packages
    assert installed.changes() == 1
    copies = Copies(installed, {"https://x.example/c.jsonld": {"@context": {}}})
    document = copies["https://city.example/contexts/city-v1.jsonld"]
    assert document["@context"]["Lamp"] == "https://city.example/city/Lamp"  # type: ignore[index, call-overload]
    assert len(copies) == len([*copies]) == len(installed.library().packages) + 1
    assert "https://city.example/contexts/city-v2.jsonld" not in copies
    shutil.rmtree(models / "city")
    seconds.later()
    assert "city" not in installed.library().packages


def test_what_cannot_be_read_changes_nothing_and_is_told(tmp_path: Path) -> None:
    seconds = Seconds()
    home = write(tmp_path, "city")
    installed = Installed(tmp_path, seconds=seconds)
    (home / "package.yaml").write_text("name: another")
    seconds.later()
    assert installed.library().packages["city"].version == "1.0.0"
    assert "city/package.yaml" in installed.fault()
    with pytest.raises(BadSource):
        Installed(tmp_path)


def test_leftovers_of_an_install_are_no_packages(tmp_path: Path) -> None:
    write(tmp_path, "city")
    shutil.copytree(tmp_path / "city", tmp_path / ".city.new")
    assert [*read_library(tmp_path).packages] == ["city"]


def test_a_vendors_package_uses_what_comes_with_misono(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    used = {"Lamp": {"name": {"use": "common"}, "power": {"type": "number"}}}
    home = write(tmp_path / "mine", "city", depends={"common": "1"}, models=used)
    models = tmp_path / "models"
    assert main(["models", "install", str(home), "--models", str(models)]) == 0
    library = read_library(built_in(), models)
    assert library.packages["city"].models["Lamp"].attributes["name"].iri == "https://smartdatamodels.org/name"
    assert "city 1.0.0 is in" in capsys.readouterr().out


def test_what_a_package_needs_has_to_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = write(tmp_path / "mine", "city", depends={"streets": "1"})
    write(tmp_path / "mine", "streets")
    models = tmp_path / "models"
    assert main(["models", "install", str(home), "--models", str(models)]) == 2
    assert "city/package.yaml: depends.streets: no such package" in capsys.readouterr().err
    assert main(["models", "install", str(tmp_path / "mine/streets"), "--models", str(models)]) == 0
    assert main(["models", "install", str(home), "--models", str(models)]) == 0


def test_a_version_that_breaks_needs_a_major_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = tmp_path / "models"
    assert main(["models", "install", str(write(tmp_path / "a", "city")), "--models", str(models)]) == 0
    changed = {"Lamp": {"power": {"type": "number"}}}
    minor = write(tmp_path / "b", "city", version="1.1.0", models=changed)
    assert main(["models", "install", str(minor), "--models", str(models)]) == 1
    assert "1.0.0 is there; 1.1.0 is no major version after it" in capsys.readouterr().err
    context = "https://city.example/contexts/city-v2.jsonld"
    major = write(tmp_path / "c", "city", version="2.0.0", models=changed, context=context)
    assert main(["models", "install", str(major), "--models", str(models)]) == 0
    assert read_library(models).packages["city"].version == "2.0.0"
    assert main(["models", "diff", str(tmp_path / "a/city"), str(minor)]) == 1
    told = capsys.readouterr().out
    assert "major Lamp.lit: the attribute is gone" in told
    assert "not enough, these are changes for a major version" in told


def test_what_others_stand_on_is_not_replaced_by_what_they_cannot_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = write(tmp_path / "mine", "common", version="2.0.0", context="https://city.example/contexts/common-v2.jsonld")
    assert main(["models", "install", str(home), "--models", str(tmp_path / "models")]) == 2
    assert "version 2.0.0 is there, not 1" in capsys.readouterr().err
