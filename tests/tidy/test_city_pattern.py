"""The pattern of the city's services, as docs/city-services.md has it: what each of them has, and what none does."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from broker.access.configured import SECTIONS
from broker.access.rights import RIGHTS
from services.table import SWITCHED

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(name for name in SWITCHED if name != "energy")
"""The energy community is made of parts of its own."""


def modules(name: str) -> list[Path]:
    return sorted((ROOT / "services" / name).glob("*.py"))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_switched_on_by_its_section(name: str) -> None:
    example = tomllib.loads((ROOT / "examples/misono/access.toml").read_text())
    assert name in SECTIONS
    assert name in example
    assert SWITCHED[name] == f"services.{name}.room"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_rows_of_rights_of_its_own_name(name: str) -> None:
    assert [operation for operation in RIGHTS if operation.startswith(f"{name}_")]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_tells_its_story_with_mqtt_and_refusals(name: str) -> None:
    told = (ROOT / f"specs/city/{name}.feature").read_text()
    assert "over MQTT comes" in told
    assert len(re.findall(r"it is refused as \w+", told)) > 1
    assert (ROOT / f"specs/city/test_{name}_features.py").exists()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_told_of_in_both_languages(name: str) -> None:
    page = (ROOT / "docs/city-services.md").read_text()
    _, found, rest = page.partition(f"(`[{name}]`)")
    assert found
    assert "\nja: " in rest.partition("\n## ")[0]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_keeps_cases_and_shows_them_by_the_pattern(name: str) -> None:
    room = (ROOT / f"services/{name}/room.py").read_text()
    assert "CityRoom(" in room
    assert "Cases(ground" in room


@pytest.mark.parametrize("name", ["pattern", *SERVICES])
def test_a_service_has_no_clock_and_no_hub_of_its_own(name: str) -> None:
    """Time comes from ground.clock, and entities are written by the pattern alone."""
    for path in modules(name):
        tree = ast.parse(path.read_text())
        called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not called & {"upsert", "today", "utcnow"}, path
        assert "time" not in imported, path


@pytest.mark.parametrize("name", SERVICES)
def test_who_serves_an_organisation_asks_for_consent(name: str) -> None:
    """Where rights let a recipient in, the service looks at consents."""
    lets_in = any("recipient" in may for operation, may in RIGHTS.items() if operation.startswith(f"{name}_"))
    asks = any("lets(" in path.read_text() for path in modules(name))
    assert asks or not lets_in
