"""docker-compose.yml and what is laid over it: legal, pinned, healthy, without a default password, in our own words."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from broker.settings import TABLE, Settings, add_options, read_settings

ROOT = Path(__file__).resolve().parents[3]
FILES = ["docker-compose.yml", "examples/city/tls.yml", "examples/two-cities/docker-compose.yml"]
CITY: dict[str, Any] = YAML(typ="safe").load((ROOT / FILES[0]).read_text())
TLS: dict[str, Any] = YAML(typ="safe").load((ROOT / FILES[1]).read_text())
SERVICES: dict[str, dict[str, Any]] = CITY["services"]
BROKERS = ["broker1", "broker2"]
MONGOS = ["mongo1", "mongo2", "mongo3"]
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(?:(:[-?])([^}]*))?\}")
PORTS = {"MISONO_PORT", "MQTT_PORT"}
SECRET = re.compile(r"PASSWORD|KEY|SECRET|TOKEN")
GIVEN = {
    "MONGO_KEY": "k", "MONGO_ROOT_PASSWORD": "r00t", "MONGO_PASSWORD": "pa55", "MQTT_PASSWORD": "m9",
    "CERTIFICATES": "./certificates", "MONGO_OPTIONS": "&tls=true&tlsCAFile=/certificates/ca.pem",
}  # fmt: skip


def variables(text: str) -> list[tuple[str, str, str]]:
    """Each `${NAME:-default}` and `${NAME:?message}` of a file: name, sign, what stands behind it."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [(name, sign, rest) for name, sign, rest in VARIABLE.findall(lines)]


def filled(text: str) -> str:
    """What a container gets, with the required variables given."""
    return VARIABLE.sub(lambda found: GIVEN.get(found[1], found[3] if found[2] == ":-" else ""), text)


def settings_in(service: str) -> Settings:
    """What a broker of the city is told."""
    environment = {name: filled(str(value)) for name, value in SERVICES[service]["environment"].items()}
    parser = ArgumentParser()
    add_options(parser)
    command, *words = SERVICES[service]["command"]
    assert command == "serve"
    return read_settings(parser.parse_args(words), environment)


@pytest.mark.parametrize("file", FILES)
def test_the_compose_specification_allows_it(file: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(ROOT / file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_validator_refuses_what_the_specification_does_not_know(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("services: {broker: {image: misono, helthcheck: {test: [CMD, true]}}}\n")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(wrong)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "helthcheck" in ended.stdout


@pytest.mark.parametrize("broker", BROKERS)
def test_what_a_broker_is_told_is_in_the_settings_table(broker: str) -> None:
    told = SERVICES[broker]["environment"]
    assert set(told) <= {row.variable for row in TABLE}
    settings = settings_in(broker)
    assert (
        settings.store
        == "mongodb://misono:pa55@mongo1,mongo2,mongo3/misono?replicaSet=misono&authSource=admin"
        + (GIVEN["MONGO_OPTIONS"])
    )
    assert settings.insecure, "a container does not listen on loopback"


@pytest.mark.parametrize("file", FILES)
def test_every_variable_of_ours_is_in_the_settings_table(file: str) -> None:
    named = set(re.findall(r"MISONO_[A-Z_]+", (ROOT / file).read_text()))
    assert named <= {row.variable for row in TABLE} | PORTS


@pytest.mark.parametrize("file", FILES)
def test_no_secret_has_a_default(file: str) -> None:
    text = (ROOT / file).read_text()
    for name, sign, rest in variables(text):
        if SECRET.search(name):
            assert (sign, bool(rest)) == (":?", True), f"{name} must be required, and say how to make one"
        else:
            assert sign in (":-", ":?"), f"{name} is neither required nor has a default"
    for name, value in re.findall(r"(?m)^\s+([A-Z_]*(?:PASSWORD|KEY|SECRET|TOKEN)[A-Z_]*): *(\S.*)$", text):
        assert value.startswith("${"), f"{name} is written down"


def test_the_example_names_what_is_required_and_gives_nothing() -> None:
    text = (ROOT / "examples/city/env.example").read_text()
    required = {name for name, sign, _ in variables((ROOT / FILES[0]).read_text()) if sign == ":?"}
    assert set(re.findall(r"(?m)^([A-Z_]+)=$", text)) == required
    assert not re.findall(r"(?m)^[A-Z_]+=.+$", text)
    assert ".env" in (ROOT / ".gitignore").read_text().split()


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+\.\d+(-alpine)?", image), image
    if "build" in SERVICES[name]:
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        assert image == f"misono:{version}"


def test_the_image_of_a_broker_stands_on_a_pinned_one() -> None:
    assert re.search(r"(?m)^FROM python:\d+\.\d+\.\d+-slim-bookworm$", (ROOT / "Dockerfile").read_text())


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"mongo-set"}))
def test_what_runs_says_whether_it_is_well_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert service["restart"] == "unless-stopped"


def test_each_waits_for_what_it_needs() -> None:
    def waits(name: str) -> dict[str, str]:
        return {other: how["condition"] for other, how in SERVICES[name].get("depends_on", {}).items()}

    assert waits("mongo-set") == dict.fromkeys(MONGOS, "service_healthy")
    for broker in BROKERS:
        assert waits(broker)["mongo-set"] == "service_completed_successfully"
    assert waits("proxy") == dict.fromkeys(BROKERS, "service_healthy")


@pytest.mark.parametrize("name", SERVICES)
def test_volumes_networks_and_files_are_there(name: str) -> None:
    for service in (SERVICES[name], TLS["services"].get(name, {})):
        for volume in service.get("volumes", ()):
            source = filled(volume).split(":")[0]
            assert source in CITY["volumes"] or (ROOT / source).exists() or source == GIVEN["CERTIFICATES"], source
    assert set(SERVICES[name].get("networks", ())) <= set(CITY["networks"])


def test_only_this_machine_and_only_what_is_for_it_is_reached() -> None:
    published = {name: filled(port) for name, service in SERVICES.items() for port in service.get("ports", ())}
    assert published == {"proxy": "127.0.0.1:1026:1026", "mosquitto": "127.0.0.1:1883:1883"}
    assert CITY["networks"]["store"] == {"internal": True}
    assert all(SERVICES[name]["networks"] == ["store"] for name in MONGOS)


@pytest.mark.parametrize("name", MONGOS)
def test_members_know_each_other_by_key_and_with_tls_by_certificate(name: str) -> None:
    plain = SERVICES[name]["command"]
    assert plain[:5] == ["mongod", "--replSet", "misono", "--keyFile", "/etc/mongo.key"]
    secured = TLS["services"][name]["command"]
    assert secured[: len(plain)] == plain, "an override replaces the command: it must say all of it"
    assert secured[secured.index("--tlsMode") + 1] == "requireTLS"
    assert secured[-1] == f"/certificates/{name}.pem"


def test_what_is_laid_over_it_names_no_other_service() -> None:
    assert set(TLS["services"]) == set(SERVICES)
