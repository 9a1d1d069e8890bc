"""What is wrong with a city's folder is said with file, entity and member, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from datamodels.city.checking import Checked, library_of
from datamodels.city.source import files_of, read_city
from datamodels.reading import BadSource
from tests.unit.models.city_folders import HALL, HEAD, TERMS, write_city

NAMES_DO_NOT_MOVE = f"""
start: 2026-11-23T03:00:00Z
curves: {{a: {[0] * 24}}}
series: [{{type: Building, attribute: name, curve: a}}]
"""


def faults(home: Path) -> list[str]:
    city = read_city(home)
    return [*Checked(city, library_of(city)).faults()]


def test_a_city_in_order_has_no_faults(tmp_path: Path) -> None:
    assert faults(write_city(tmp_path / "tsubame")) == []


def without(name: str) -> dict[str, Any]:
    return {member: value for member, value in HALL.items() if member != name}


@pytest.mark.parametrize(
    ("entity", "told"),
    [
        (without("category"), "required (Building 1.0.0)"),
        (HALL | {"floorsAboveGround": {"type": "Property", "value": "four"}}, "/floorsAboveGround/value type"),
        (HALL | {"type": "Castle"}, "no package of the city has a model of"),
        (HALL | {"flors": {"type": "Property", "value": 4}}, "flors is no term of its @context"),
    ],
)
def test_entities_are_as_their_models_say(entity: dict[str, Any], told: str, tmp_path: Path) -> None:
    found = faults(write_city(tmp_path / "tsubame", entity))
    assert [
        one for one in found if told in one and "data/buildings.jsonld [0] urn:ngsi-ld:Building:tsubame:hall" in one
    ]


def test_an_id_stands_once(tmp_path: Path) -> None:
    assert "stands before it" in faults(write_city(tmp_path / "tsubame", HALL, HALL))[0]


@pytest.mark.parametrize(
    ("file", "body", "told"),
    [
        ("rules/gate.yaml", "types: {Castle: warn}", "Castle is no term of context.jsonld"),
        ("labels/ja.yaml", "city: 燕", "city is in one language only"),
        (
            "day.yaml",
            NAMES_DO_NOT_MOVE,
            "no Building of the data has a number as its name",
        ),
        (
            "day.yaml",
            "start: 2026-11-23T03:00:00Z\nroutes: [{id: 'urn:a:bus', through: [[139, 35], [140, 36]]}]",
            "no entity urn:a:bus",
        ),
    ],
)
def test_rules_labels_and_day_name_what_there_is(file: str, body: str, told: str, tmp_path: Path) -> None:
    home = write_city(tmp_path / "tsubame")
    (home / file).parent.mkdir(exist_ok=True)
    (home / file).write_text(body)
    assert any(told in one for one in faults(home))


@pytest.mark.parametrize(
    ("file", "body", "told"),
    [
        ("rules/gate.yaml", "types: {Building: perhaps}", "types.Building: one of off, warn, reject"),
        ("city.yaml", HEAD + "mayor: somebody\n", "no member of this name"),
        ("city.yaml", HEAD.replace("name: tsubame", "name: ../tsubame"), "name: a text like"),
        ("city.yaml", HEAD.replace("version: 1.0.0", "version: 1"), "version: a text like"),
        ("day.yaml", "start: yesterday", "start, zone"),
        ("adapters/meters.yaml", "- a list", "a mapping"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_file(file: str, body: str, told: str, tmp_path: Path) -> None:
    home = write_city(tmp_path / "tsubame")
    (home / file).parent.mkdir(exist_ok=True)
    (home / file).write_text(body)
    with pytest.raises(BadSource) as refusal:
        read_city(home)
    assert told in str(refusal.value)
    assert str(refusal.value).startswith(file)


def test_a_file_that_no_package_has_is_not_packed(tmp_path: Path) -> None:
    home = write_city(tmp_path / "tsubame")
    (home / "key.pem").write_text("secret")
    with pytest.raises(BadSource, match=r"key\.pem"):
        files_of(home)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    home = write_city(tmp_path / "tsubame")
    (home / "data/more.jsonld").symlink_to(home / "city.yaml")
    with pytest.raises(BadSource, match=r"data/more\.jsonld: a link"):
        files_of(home)


def test_a_package_that_is_not_there_is_said(tmp_path: Path) -> None:
    head = HEAD.replace('sdm-building: "1"', 'sdm-building: "9", sdm-castles: "1"')
    found = faults(write_city(tmp_path / "tsubame", head=head))
    assert [one for one in found if one.startswith("packages.sdm-castles: there is none")]
    assert [one for one in found if one.startswith("packages.sdm-building: version ") and one.endswith("not 9")]


def test_a_term_means_what_the_packages_say(tmp_path: Path) -> None:
    home = write_city(tmp_path / "tsubame", terms=TERMS | {"peopleCapacity": "https://tsubame.example/def/seats"})
    assert "peopleCapacity is https://tsubame.example/def/seats here" in faults(home)[0]


def test_entities_lead_to_entities_of_the_right_type(tmp_path: Path) -> None:
    operation = {
        "id": "urn:ngsi-ld:BuildingOperation:tsubame:1",
        "type": "BuildingOperation",
        "refBuilding": {"type": "Relationship", "object": "urn:ngsi-ld:BuildingOperation:tsubame:1"},
        "startDate": {"type": "Property", "value": "2026-11-23T03:00:00Z"},
        "endDate": {"type": "Property", "value": "2026-11-24T03:00:00Z"},
        "@context": "https://misono.example/contexts/sdm-building-v1.jsonld",
    }
    found = faults(write_city(tmp_path / "tsubame", HALL, operation))
    assert any("/refBuilding/object leads to" in one and "which is no Building" in one for one in found), found


def test_a_city_s_own_models_are_held_too(tmp_path: Path) -> None:
    head = HEAD.replace('sdm-building: "1"', 'sdm-building: "1", tsubame-castles: "1"')
    castle = {"id": "urn:a:castle", "type": "Castle", "towers": {"type": "Property", "value": -1}}
    terms = {name: f"https://tsubame.example/def/{name}" for name in ("Castle", "towers")}
    home = write_city(tmp_path / "tsubame", HALL, castle, head=head, terms=TERMS | terms)
    models = home / "models/tsubame-castles"
    (models / "models").mkdir(parents=True)
    text = "{ja: 城, en: Castle}"
    (models / "package.yaml").write_text(
        f"name: tsubame-castles\nversion: 1.0.0\ntitle: {text}\ndescription: {text}\nlicence: Apache-2.0\n"
        "namespace: https://tsubame.example/def/\ncontext: https://tsubame.example/contexts/castles-v1.jsonld\n"
    )
    (models / "models/Castle.yaml").write_text(
        f"model: Castle\nversion: 1.0.0\nlabel: {text}\ndescription: {text}\n"
        f"attributes:\n  towers: {{type: integer, least: 0, presence: required, label: {text}, description: {text}}}\n"
    )
    found = faults(home)
    assert any("urn:a:castle: /towers/value minimum (Castle 1.0.0)" in one for one in found), found
    (home / "data/buildings.jsonld").write_text(
        json.dumps([HALL, castle | {"towers": {"type": "Property", "value": 3}}])
    )
    assert not any("urn:a:castle" in one for one in faults(home))


def test_keys_that_open_something_stay_out_of_a_package(tmp_path: Path) -> None:
    home = write_city(tmp_path / "tsubame")
    public = (
        '[keys.well]\nroles = ["recipient"]\njwk = { kty = "OKP", crv = "Ed25519", x = "11qYAYKxCrfVS_7TyWQHOg" }\n'
    )
    (home / "access.toml").write_text(public)
    assert "access.toml" in files_of(home)
    (home / "access.toml").write_text(public.replace("x =", 'd = "nWGxne_9WmC6hEr0", x ='))
    with pytest.raises(BadSource, match=r"access\.toml: keys\.well\.jwk: a private key"):
        files_of(home)
    (home / "access.toml").write_text("[keys")
    with pytest.raises(BadSource, match=r"access\.toml"):
        files_of(home)
