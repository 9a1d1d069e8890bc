"""A data portal harvests a hub: its catalogue over plain HTTP, then each dataset from where the catalogue says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rdflib import DCAT, RDF, Graph

from tests.fakes import plain
from tests.outside.federation.hubs import house, hub, load
from tests.outside.served import Served

HOUSES = 2_500


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with hub(tmp_path_factory.mktemp("harvest") / "hub", "misono") as found:
        load(found, [house(f"{number}", rooms=number % 7) for number in range(HOUSES)])
        yield found


def test_what_is_harvested_can_be_imported_again(served: Served, tmp_path: Path) -> None:
    found = Graph().parse(data=plain.get(f"{served.root}/catalogue", headers={"Accept": "text/turtle"}).content)
    (dataset,) = found.subjects(RDF.type, DCAT.Dataset)
    downloads = sorted(
        str(one) for each in found.objects(dataset, DCAT.distribution) for one in found.objects(each, DCAT.downloadURL)
    )
    assert len(downloads) == 2
    taken = {url.rpartition("=")[2]: plain.get(url) for url in downloads}
    assert len(taken["jsonld"].json()) == HOUSES
    lines = taken["ndjson"].content
    assert len(lines.splitlines()) == HOUSES

    (tmp_path / "houses.ndjson").write_bytes(lines)
    command = [
        sys.executable,
        "-m",
        "broker",
        "import",
        "--data",
        str(tmp_path / "copy"),
        str(tmp_path / "houses.ndjson"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{HOUSES} loaded + 0 refused" in done.stdout + done.stderr


def test_every_url_of_the_catalogue_answers(served: Served) -> None:
    found = Graph().parse(data=plain.get(f"{served.root}/catalogue", headers={"Accept": "text/turtle"}).content)
    urls = {
        str(one)
        for name in (DCAT.accessURL, DCAT.downloadURL, DCAT.endpointDescription)
        for one in found.objects(None, name)
    }
    assert len(urls) == 5
    for url in urls:
        assert plain.get(url, timeout=30).status_code == 200, url
