"""The containers of two cities: hubs whose commands our settings take, each known to the other by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from specs.door import settings_of

COMPOSE = Path(__file__).resolve().parents[3] / "examples/two-cities/docker-compose.yml"
SERVICES = YAML(typ="safe").load(COMPOSE.read_text())["services"]


@pytest.mark.parametrize("name", ["misono", "aizu"])
def test_a_service_serves_under_its_own_name(name: str) -> None:
    command, *words = SERVICES[name]["command"].split()
    settings = settings_of(*words)
    assert command == "serve"
    assert (settings.alias, settings.public_url) == (name, f"http://{name}:1026")
    assert settings.allow_private, "containers have private addresses"
    assert f"{name}:{settings.data}" in SERVICES[name]["volumes"]


def test_only_this_machine_reaches_them() -> None:
    ports = [port for service in SERVICES.values() for port in service["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len(set(ports)) == len(ports)
