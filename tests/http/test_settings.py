"""The settings: one table, four sources, refusals that say what would do (ARCHITECTURE: the launch contract)."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import fields
from pathlib import Path

import pytest

from broker.settings import TABLE, SettingError, Settings, add_options, markdown, read_settings


def read(*words: str, **environment: str) -> Settings:
    parser = ArgumentParser()
    add_options(parser)
    return read_settings(parser.parse_args(words), environment)


def test_every_field_is_a_row_and_every_row_a_field() -> None:
    assert [field.name for field in fields(Settings)] == [row.name for row in TABLE]
    assert all(row.option in markdown() and row.variable in markdown() for row in TABLE)


def test_an_option_wins_over_its_variable_that_over_the_file_that_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "misono.toml"
    file.write_text('port = 3\nalias = "file"\nworkers = 4\nallow_private = true\ntrusted_proxy = ["10.0.0.0/8"]\n')
    found = read("--config", str(file), "--port", "1", MISONO_PORT="2", MISONO_ALIAS="variable")
    assert (found.port, found.alias, found.workers, found.host) == (1, "variable", 4, "127.0.0.1")
    assert found.allow_private
    assert found.trusted_proxy == ("10.0.0.0/8",)


@pytest.mark.parametrize(
    "words",
    [
        ["--port", "0"],
        ["--port", "http"],
        ["--workers", "0"],
        ["--store", "postgres"],
        ["--store", "mongodb:///city"],
        ["--store", "memory", "--workers", "2"],
        ["--tls-cert", __file__],
        ["--client-ca", __file__],
        ["--contexts", "nowhere.tsv"],
        ["--public-url", "ftp://example.org"],
        ["--alias", "two words"],
        ["--trusted-proxy", "everybody"],
        ["--sweep-s", "0"],
        ["--forward-timeout-s", "nan"],
        ["--config", "nowhere.toml"],
    ],
)
def test_what_cannot_be_is_refused_by_its_option(words: list[str]) -> None:
    with pytest.raises(SettingError, match=words[-2] if len(words) == 2 else "--"):
        read(*words)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104  refused is the point
def test_beyond_loopback_needs_a_word(host: str) -> None:
    with pytest.raises(SettingError, match="no access is configured"):
        read("--host", host)
    assert read("--host", host, "--insecure").host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    assert read("--host", host).host == host


def test_a_file_with_an_unknown_member_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "misono.toml"
    file.write_text("prot = 1026\n")
    with pytest.raises(SettingError, match="prot"):
        read("--config", str(file))
