"""Commands on a data directory where the store is a server: they say what to do, and write nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.__main__ import main

URL = "mongodb://admin:secret@db1,db2/city?tls=true"


@pytest.mark.parametrize(
    "words", [["check"], ["backup", "--to", "there"], ["restore", "--from", "there"]], ids=lambda words: words[0]
)
def test_a_server_is_no_directory(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MISONO_STORE", URL)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "the store is mongodb://db1,db2/city, no data directory" in said
    assert "misono copy" in said
    assert "secret" not in said
    assert not list(tmp_path.iterdir())


def test_a_directory_that_is_named_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MISONO_STORE", URL)
    assert main(["check", "--data", str(tmp_path)]) == 2
    assert "no data directory" not in capsys.readouterr().err
