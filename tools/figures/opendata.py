"""How long 100,000 rows of public facilities take, errors in 1 %: checked whole, written whole, every finding told."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.figures.figure import Sample, Samples

_ROOT = Path(__file__).resolve().parents[2]
_ROWS = 100_000
_WRONG_EACH = 100
_HEAD = [
    "全国地方公共団体コード", "ID", "地方公共団体名", "名　称", "名称_カナ", "POIコード", "所在地_連結標記", "緯度",
    "経度", "電話番号", "利用可能曜日", "開始時間", "終了時間", "URL", "備考",
]  # fmt: skip


def imported() -> Samples:
    """Seconds from start to end of `misono opendata import`, and what came of the rows."""
    with tempfile.TemporaryDirectory() as home:
        _write(Path(home) / "facilities.csv")
        command = [
            sys.executable, "-m", "broker", "opendata", "import", "facilities.csv", "--model", "gif:PublicFacility",
            "--data", "data", "--report", "found.tsv",
        ]  # fmt: skip
        whole, _ = _run(command, home)
        written = (Path(home) / "data").exists() and "nothing was written" not in whole
        begun = time.perf_counter()
        said, code = _run([*command, "--leave-out"], home)
        seconds = time.perf_counter() - begun
        told = (Path(home) / "found.tsv").read_text(encoding="utf-8").count("\trefused\t")
    right = _ROWS - _ROWS // _WRONG_EACH
    entered = code == 1 and f"{right} entities written" in said
    return {
        "import_s": Sample(seconds, _ROWS),
        "import_missing": Sample(0 if entered else right),
        "import_untold": Sample(_ROWS // _WRONG_EACH - told),
        "import_half_written": Sample(int(written)),
    }


def _run(command: list[str], home: str) -> tuple[str, int]:
    ended = subprocess.run(
        command, cwd=home, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(_ROOT)}
    )
    return ended.stdout + ended.stderr, ended.returncode


def _write(path: Path) -> None:
    """A file in cp932 under a title; of each hundred rows one has no name, and others have what can be repaired."""
    chance = random.Random(7)  # noqa: S311 - the same file each time
    with path.open("w", encoding="cp932", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([["公共施設一覧"], ["令和8年11月1日現在"], _HEAD])
        for at in range(_ROWS):
            north, east = f"{35.85 + chance.random() / 10:.6f}", f"{139.65 + chance.random() / 10:.6f}"
            place = (east, north) if at % 50 == 1 else (north, east)
            name = "" if at % _WRONG_EACH == 0 else f"美園施設{at}"
            address = f"埼玉県さいたま市緑区美園{at % 6 + 1}丁目{at % 40 + 1}番地{at % 9}"
            known = ["111091", f"{at:010}", "さいたま市緑区", name, "ﾐｿﾉｼｾﾂ", "1001", address, *place]
            hours = ["月～金", "9:00", "24:00" if at % 3 else "17:00"]  # noqa: RUF001 - as files have it
            rows.writerow([*known, "(048)829-1111", *hours, f"https://city.example/facilities/{at}", "不明"])
