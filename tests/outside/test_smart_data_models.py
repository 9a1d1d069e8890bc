"""The 180 normalized examples of 21 Smart Data Models repositories: each goes in and comes back, or is refused by name.

The list of what is refused is in smart_data_models_refused.tsv: the URL of a @context that is not in the set (or is no
valid one), or the member and the clause. `misono import` reads the files, `misono serve` answers with them.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.outside.served import Served, serving

HERE = Path(__file__).resolve()
SHARED = Path(os.environ.get("MISONO_SHARED", HERE.parents[3] / "shared"))
SET = SHARED / "data/smart-data-models"
SPELLINGS = (
    "https://raw.githubusercontent.com/smart-data-models/dataModel.{}/master/context.jsonld",
    "https://raw.githubusercontent.com/smart-data-models/dataModel.{}/refs/heads/master/context.jsonld",
    "https://smart-data-models.github.io/dataModel.{}/context.jsonld",
)
"""The URLs under which the models name the context of one repository."""

REVERSED = {"NGSILD-Tenant": "reversed"}


def model_of(file: str | Path) -> str:
    """`…/Energy/SolarEnergy/examples/example-normalized.jsonld` is `Energy/SolarEnergy`."""
    return "/".join(Path(file).parts[-4:-2])


def expected() -> dict[str, tuple[str, str]]:
    with HERE.with_name("smart_data_models_refused.tsv").open(newline="") as file:
        return {row[0]: (row[1], row[2]) for row in list(csv.reader(file, delimiter="\t"))[1:]}


@pytest.fixture(scope="module")
def examples() -> list[Path]:
    if not SET.is_dir():
        pytest.skip(f"the Smart Data Models set is not at {SET}; MISONO_SHARED names the folder above it")
    return sorted(SET.rglob("example-normalized.jsonld"))


@pytest.fixture(scope="module")
def imported(examples: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the import: `data`, `contexts.tsv`, `report.tsv`, `summary.txt`.

    Two of the examples have one id: in the tenant `reversed`, where the last file goes in first, the other one is left.
    """
    folder = tmp_path_factory.mktemp("models")
    contexts = sorted(SET.glob("*/context.jsonld"))
    assert len(contexts) == 21
    lines = [f"{url.format(file.parent.name)}\t{file}\n" for file in contexts for url in SPELLINGS]
    (folder / "contexts.tsv").write_text("".join(lines))
    import_files(folder, "reversed", examples[::-1])
    (folder / "summary.txt").write_text(import_files(folder, "", examples))
    return folder


def import_files(folder: Path, tenant: str, files: list[Path]) -> str:
    """Import as a person would; what is printed at the end."""
    options: list[str | Path] = ["--data", folder / "data", "--contexts", folder / "contexts.tsv", "--tenant", tenant]
    command = [sys.executable, "-m", "broker", "import", "--offline", *options, "--report", folder / "report.tsv"]
    ended = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stderr
    return ended.stdout


def refusals(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "report.tsv").open(newline="") as file:
        return {model_of(row["file"]): row for row in csv.DictReader(file, delimiter="\t")}


def test_loaded_and_refused_are_all_there_are(examples: list[Path], imported: Path) -> None:
    assert len(examples) == 180
    count = len(expected())
    last = (imported / "summary.txt").read_text().splitlines()[-1]
    assert last == f"180 entities = {180 - count} loaded + {count} refused"


def test_each_refusal_names_the_url_or_the_member_and_the_clause(imported: Path) -> None:
    refused = refusals(imported)
    assert refused.keys() == expected().keys()
    for model, (place, clause) in expected().items():
        row = refused[model]
        assert row["clause"] == clause, row
        if place.startswith("https://"):
            assert row["error"] == "LdContextNotAvailable"
            assert place in row["detail"]
        else:
            assert (row["error"], row["pointer"]) == ("BadRequestData", place), row
        assert row["remedy"], row


def test_what_was_loaded_comes_back_equal(examples: list[Path], imported: Path) -> None:
    """As it stands in the file, arrays of one element and values of any shape included."""
    wrong = []
    with serving(imported / "data", "--contexts", str(imported / "contexts.tsv")) as broker:
        links: dict[str, str] = {}
        for file in examples:
            if model_of(file) in expected():
                continue
            sent: dict[str, Any] = json.loads(file.read_text())
            context = sent.pop("@context")
            found = [_retrieved(broker, sent["id"], tenant, context, links) for tenant in ({}, REVERSED)]
            if sent not in found:
                wrong.append(f"{model_of(file)}: {found}")
    assert not wrong


def _retrieved(
    broker: Served, entity_id: str, tenant: dict[str, str], context: object, links: dict[str, str]
) -> object:
    link = _hosted(broker, links, context, tenant)
    headers = {"Link": link, "Accept": "application/json", **tenant}
    return broker.http.get("/entities/" + quote(entity_id, safe=""), headers=headers).json()


def _hosted(broker: Served, links: dict[str, str], context: object, tenant: dict[str, str]) -> str:
    """The Link header of a @context hosted for a tenant; hosted at the first time."""
    key = json.dumps([context, tenant])
    if key not in links:
        headers = {"Content-Type": "application/ld+json", **tenant}
        made = broker.http.post("/jsonldContexts", content=json.dumps({"@context": context}), headers=headers)
        assert made.status_code == httpx.codes.CREATED, made.text
        url = broker.root + made.headers["Location"]
        links[key] = f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    return links[key]
