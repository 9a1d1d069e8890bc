"""`misono opendata` as a person at a city office runs it: into a data directory, and into a broker that serves."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.fakes import plain
from tests.outside.served import Served

ROOT = Path(__file__).resolve().parents[3]
HEAD = ["全国地方公共団体コード", "ID", "名　称", "所在地_連結標記", "緯度", "経度", "小児対応設備の有無"]
TENANT = {"NGSILD-Tenant": "opendata"}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """1,200 AEDs in cp932 under a title."""
    path = tmp_path / "aed.csv"
    with path.open("w", encoding="cp932", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([["AED設置箇所一覧"], HEAD])
        rows.writerows(
            [
                "111091",
                f"{at:06}",
                f"施設{at}",
                f"埼玉県さいたま市緑区美園{at % 6 + 1}丁目{at}番地",
                "139.7",
                "35.9",
                "○",
            ]
            for at in range(1200)
        )
    return path


def misono(*words: str, place: Path) -> tuple[int, str]:
    """Exit code and what it printed."""
    ended = subprocess.run(
        [sys.executable, "-m", "broker", "opendata", *words],
        cwd=place, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}, timeout=120,
    )  # fmt: skip
    return ended.returncode, ended.stdout + ended.stderr


def test_a_file_goes_into_a_broker_again_and_again_and_can_be_taken_back(
    served: Served, table: Path, tmp_path: Path
) -> None:
    to = ("--to", served.root, "--tenant", "opendata")
    for _ in range(2):
        code, said = misono("import", "aed.csv", "--model", "gif:AedLocation", *to, place=tmp_path)
        assert (code, "1200 entities written" in said) == (0, True), said
    first = "urn:ngsi-ld:AedLocation:111091:000000"
    url = f"{served.root}/ngsi-ld/v1/entities"
    entity = plain.get(f"{url}/{first}", headers=TENANT).json()
    assert entity["location"]["value"]["coordinates"] == [139.7, 35.9]
    journal = tmp_path / "of-a-killed-import"
    changed = {**entity, "https://smartdatamodels.org/name": {"type": "Property", "value": "as it was before"}}
    made = [f"urn:ngsi-ld:AedLocation:111091:{at:06}" for at in range(1, 1200)]
    journal.write_bytes(orjson.dumps({"made": made, "before": [changed]}) + b"\n")
    assert misono("take-back", str(journal), *to, place=tmp_path) == (0, "1200 entities are as they were\n")
    left = plain.get(url, params={"type": entity["type"], "count": "true"}, headers=TENANT)
    assert left.headers["NGSILD-Results-Count"] == "1"
    assert left.json()[0]["https://smartdatamodels.org/name"]["value"] == "as it was before"


def test_a_row_that_is_refused_keeps_everything_out_unless_it_is_left_out(table: Path, tmp_path: Path) -> None:
    with table.open("a", encoding="cp932") as file:
        file.write("111091,999999,,埼玉県さいたま市緑区美園1,35.9,139.7,○\r\n")
    words = ("aed.csv", "--model", "AedLocation", "--data", "data", "--report", "found.tsv")
    code, said = misono("import", *words, place=tmp_path)
    assert (code, "nothing was written" in said) == (1, True)
    assert "1201 rows = 1200 entities + 0 left out + 1 refused" in said
    assert "\trefused\t名称\t" in (tmp_path / "found.tsv").read_text()
    code, said = misono("import", *words, "--leave-out", place=tmp_path)
    assert (code, "1200 entities written" in said) == (1, True), said
    code, said = misono("preview", "aed.csv", "--model", "AedLocation", place=tmp_path)
    assert code == 1
    assert "所在地_連結標記 -> address full" in said
    assert json.loads(said[said.index("{") : said.index("\n}\n") + 2])["type"] == "AedLocation"


def test_what_cannot_begin_says_why(tmp_path: Path) -> None:
    code, said = misono("import", "no.csv", "--model", "AedLocation", "--data", "data", place=tmp_path)
    assert (code, "no.csv is no file" in said) == (2, True)
    (tmp_path / "no.take-back.jsonl").touch()
    code, said = misono("import", "no.csv", "--model", "AedLocation", "--data", "data", place=tmp_path)
    assert (code, "take-back" in said) == (2, True)
    code, said = misono("sets", "--columns", place=tmp_path)
    assert (code, "gif:AedLocation  AED設置箇所一覧" in said, "緯度 -> location.latitude" in said) == (0, True, True)
