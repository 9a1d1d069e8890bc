"""`misono demo`, as `make demo` runs it: the district goes in, the printed requests answer, Ctrl-C ends it, twice."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fakes import plain
from tests.outside.served import free_port

ROOT = Path(__file__).resolve().parents[2]
START_S_MAX = 40.0


def demo(data: Path, port: int, log: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start it and wait until it has printed its last request."""
    command = [sys.executable, "-m", "broker", "demo", "--port", str(port), "--data", str(data), *options]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    end = time.monotonic() + START_S_MAX
    while log.read_text().count("curl") < 3:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    return process


def answers(text: str) -> tuple[str, list[int]]:
    """The URL of the @context that was printed, and how many entities each printed request gives."""
    link = re.search(r"CONTEXT='Link: (.*)'", text)
    assert link
    header = {"Link": link[1]}
    urls = re.findall(r"curl -gs '([^']+)'", text)
    return link[1], [len(plain.get(url, headers=header).raise_for_status().json()) for url in urls]


def test_demo_shows_the_district_and_shows_it_again(tmp_path: Path) -> None:
    port = free_port()
    seen = []
    for run in ("first", "second"):
        process = demo(tmp_path / "data", port, tmp_path / run)
        try:
            text = (tmp_path / run).read_text()
            assert "145 entities = 145 loaded + 0 refused" in text
            house = plain.get(f"http://127.0.0.1:{port}/ngsi-ld/v1/entities/urn:ngsi-ld:Building:misono:h1")
            seen.append((answers(text), house.headers["ETag"]))
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
    assert seen[0] == seen[1]
    assert seen[0][0][1] == [9, 3, 3]


def test_the_same_entities_go_out_and_in(tmp_path: Path) -> None:
    """Import into a directory, export, import that into another one, export again: the same but for the instants."""
    district = ROOT / "examples/misono"
    misono = [sys.executable, "-m", "broker"]
    first, second = tmp_path / "first.ndjson.gz", tmp_path / "second.jsonld"
    contexts = ["--contexts", str(district / "contexts.tsv"), "--offline"]
    commands: list[list[str | Path]] = [
        ["import", "--data", tmp_path / "a", *contexts, *sorted((district / "data").glob("*.jsonld"))],
        ["export", "--data", tmp_path / "a", *contexts, "--out", first],
        ["import", "--data", tmp_path / "b", "--offline", first],
        ["export", "--data", tmp_path / "b", "--offline", "--format", "jsonld", "--out", second],
        ["import", "--data", tmp_path / "a", "--offline", second],
    ]
    for command in commands:
        subprocess.run([*misono, *command], check=True, capture_output=True)
    plain = subprocess.run([*misono, "export", "--data", tmp_path / "a"], check=True, capture_output=True).stdout
    assert [without_instants(json.loads(line)) for line in plain.splitlines()] == [
        without_instants(body) for body in json.loads(second.read_bytes())
    ]


def without_instants(body: object) -> object:
    if isinstance(body, list):
        return [without_instants(one) for one in body]
    if not isinstance(body, dict):
        return body
    return {name: without_instants(one) for name, one in body.items() if name not in ("createdAt", "modifiedAt")}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["import", "nowhere.jsonld"], "nowhere.jsonld is no file"),
        (["export", "--data", "nowhere"], "nowhere is no data directory"),
        (["import", "--contexts", "nowhere.tsv", "pyproject.toml"], "--contexts"),
        (["demo", "--city", "docs"], "no city.yaml in docs"),
    ],
)
def test_what_cannot_begin_says_why_and_ends_with_2(words: list[str], reason: str, tmp_path: Path) -> None:
    options = ["--data", str(tmp_path)] if "--data" not in words and words[0] != "demo" else []
    ended = subprocess.run(
        [sys.executable, "-m", "broker", *words, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert reason in ended.stderr


def test_a_day_goes_by_in_the_demo(tmp_path: Path) -> None:
    """The bus drives on, the sun goes down, and nothing of it breaks a model."""
    port = free_port()
    process = demo(tmp_path / "data", port, tmp_path / "log", "--speed", "36000")
    try:
        root = f"http://127.0.0.1:{port}"
        bus = f"{root}/ngsi-ld/v1/entities/urn:ngsi-ld:Vehicle:misono:bus-1?pick=location"
        seen: set[str] = set()
        end = time.monotonic() + START_S_MAX
        while len(seen) < 4 and time.monotonic() < end:
            seen.add(plain.get(bus).text)
            time.sleep(0.1)
        assert len(seen) == 4
        assert "violations_total{" not in plain.get(f"{root}/metrics").text
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
