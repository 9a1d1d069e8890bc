"""The pages say what the code says: dependencies, decisions, make targets, errors, settings."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from datamodels.city.source import read_city
from tools.generate_docs import stale

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
PAGES = [ROOT / "README.md", ROOT / "README.ja.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
COPYLEFT = re.compile(r"\bA?GPL\b")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def requirements() -> set[str]:
    """The names of everything pyproject.toml asks for, whatever it is for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"].values()
    own = project["project"]
    extras = [requirement for extra in own["optional-dependencies"].values() for requirement in extra]
    grouped = [one for group in groups for one in group if not one.startswith(own["name"] + "[")]
    asked = [*own["dependencies"], *extras, *grouped]
    return {re.split(r"[<>=!~;\[ ]", row)[0].lower() for row in asked}


def rows(page: str) -> list[list[str]]:
    """The cells of every table row of a page, without its head."""
    lines = (ROOT / page).read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if not set("".join(row)) <= set("-: ")]


def test_every_dependency_has_its_line_with_licence_and_reason() -> None:
    told = {row[0].strip("`").lower(): row for row in rows("docs/dependencies.md")}
    assert requirements() <= set(told), f"no line for {sorted(requirements() - set(told))}"
    assert set(told) - {"package"} <= requirements(), f"no longer asked for: {sorted(set(told) - requirements())}"
    for name in requirements():
        assert all(told[name][:4]), f"{name}: say why, its licence and what else was looked at"
        assert not COPYLEFT.search(told[name][1]), f"{name} has a licence that this project does not take in"


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decision_is_a_page_with_date_context_decision_consequence(path: Path) -> None:
    text = path.read_text()
    assert re.match(r"# \d{4} .+\n\n\d{4}-\d\d-\d\d\n", text), "title line `# NNNN Title`, then the date"
    assert text.startswith(f"# {path.stem[:4]} ")
    for heading in ("## Context", "## Decision", "## Consequence"):
        assert re.search(rf"^{heading}", text, re.MULTILINE), f"no {heading}"
    assert len(text.splitlines()) <= 60, "at most a page"


def test_decisions_are_numbered_once() -> None:
    numbers = [path.stem[:4] for path in DECISIONS]
    assert len(set(numbers)) == len(numbers)


def test_make_targets_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE))
        assert named <= targets, f"{page.name}: no target {sorted(named - targets)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_changelog_has_the_version_or_what_comes() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text


def test_generated_pages_are_what_the_code_says() -> None:
    assert not stale(), "make docs"


@pytest.mark.parametrize("page", ["README.md", "README.ja.md"])
def test_readme_shows_the_requests_of_the_demo(page: str) -> None:
    text = (ROOT / page).read_text()
    for request in read_city(ROOT / "examples/misono").requests:
        assert f"curl -gs 'http://127.0.0.1:1026/ngsi-ld/v1/{request.path}' -H \"$CONTEXT\"" in text
