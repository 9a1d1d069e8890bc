"""The house style that no linter knows: sizes, names, citations, and what has no place in a repository."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("broker", "datamodels", "adapters", "federation", "linkeddata", "specs", "tests", "tools", "examples")
PRUNED = {".git", ".venv", "var", "dist", "__pycache__", "node_modules"}
TEXT = {".py", ".md", ".toml", ".sh", ".json", ".jsonld", ".feature", ".txt", ".tsv", ".svg", ".yml", ""}
CLAUSES = frozenset((ROOT / "specs/clauses.txt").read_text().split())
BANNED_NAME = re.compile(r"(^|_)(utils?|helpers?|common|misc|managers?|services?|base)s?$")
CITATION = re.compile(r"\(clauses? ([^)]*)\)")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+){1,4}(?![\w.]*\w)")
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home|Users|tmp)/[\w.]")
LINES_PER_MODULE, LINES_PER_BODY = 400, 40


def files() -> Iterator[Path]:
    """Every text file of this repository, whatever version control knows of it."""
    pending = [ROOT]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.is_dir():
                if path.name not in PRUNED and not (path.name.startswith(".") and path.name != ".ci"):
                    pending.append(path)
            elif path.suffix in TEXT:
                yield path


MODULES = [path for path in files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in OURS]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_is_short_named_for_what_it_is_and_says_what_lives_in_it(path: Path) -> None:
    text = path.read_text()
    assert not BANNED_NAME.search(path.stem), "name the thing, not its role"
    assert len(text.splitlines()) <= LINES_PER_MODULE
    assert ast.get_docstring(ast.parse(text)), "say in one sentence what lives here"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_bodies_are_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = body_lines(node)
            assert lines <= LINES_PER_BODY, f"{node.name} has {lines} lines"


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function with its signature and without its docstring."""
    first = node.body[0]
    docstring = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node) else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_cited_clauses_exist(path: Path) -> None:
    cited = {number for text in CITATION.findall(path.read_text()) for number in NUMBER.findall(text)}
    assert cited <= CLAUSES, f"no such clause: {sorted(cited - CLAUSES)}"


@pytest.mark.parametrize("path", [path for path in MODULES if "tests" in path.parts], ids=name_of)
def test_nothing_is_skipped_or_expected_to_fail(path: Path) -> None:
    """A test may only call `pytest.skip` itself, for something this machine lacks, and says what."""
    marks = re.findall(r"pytest\.mark\.(?:skip|xfail)\w*|unittest\.skip\w*|importorskip", path.read_text())
    assert not marks or path == Path(__file__).resolve()


@pytest.mark.parametrize("path", sorted(files()), ids=name_of)
def test_no_path_of_somebody_s_machine(path: Path) -> None:
    found = MACHINE_PATH.search(path.read_text(errors="replace"))
    assert not found or path == Path(__file__).resolve(), found


def test_fakes_not_mocks() -> None:
    for path in MODULES:
        imported = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert not imported & {"mock", "Mock", "MagicMock", "patch"}, path


BENCH_NAMES = frozenset(
    {"SmartMeter", "serialNumber", "temperature", "voltage", "activePower", "energy", "frequency", "refBuilding"}
)


@pytest.mark.parametrize("path", [path for path in MODULES if "broker" in path.parts], ids=name_of)
def test_nothing_is_made_for_the_data_of_the_bench(path: Path) -> None:
    tree = ast.parse(path.read_text())
    named = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert not named & BENCH_NAMES
