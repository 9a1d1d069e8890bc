"""`misono federate`: two served hubs, joined by the command as an operator runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.federation.hubs import house, hub, ids, load
from tests.outside.served import Served

SETTINGS = """
title = {ja = "会津", en = "Aizu"}
licence = "https://creativecommons.org/licenses/by/4.0/"
[[dataset]]
type = "Resident"
personal = true
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    directory: Path = tmp_path_factory.mktemp("federate")
    described = directory / "aizu.toml"
    described.write_text(SETTINGS, encoding="utf-8")
    with (
        hub(directory / "misono", "misono") as misono,
        hub(directory / "aizu", "aizu", "--catalogue", str(described)) as aizu,
    ):
        load(misono, [house("misono", rooms=1)])
        load(aizu, [house("aizu", rooms=2), {"id": "urn:ngsi-ld:Resident:1", "type": "Resident"}])
        yield misono, aizu


def federate(there: str, here: str, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "broker", "federate", there, "--here", here, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_it_shows_and_then_makes(pair: tuple[Served, Served], tmp_path: Path) -> None:
    misono, aizu = pair
    code, said = federate(aizu.root, misono.root)
    assert code == 0
    assert "Nothing was made" in said
    assert "by/4.0" in said
    assert "NON_PUBLIC: needs --recipient and --purpose" in said
    assert ids(misono.http.get("/entities?type=House")) == ["urn:ngsi-ld:House:misono"]

    proof = tmp_path / "proof.json"
    proof.write_text(json.dumps({"kind": "header", "name": "Authorization", "value": "Bearer secret"}))
    terms = ("--recipient", "Saitama City", "--purpose", "防災", "--reuse", "none")
    code, said = federate(aizu.root, misono.root, *terms, "--credentials", str(proof))
    assert "secret" not in said
    code, said = federate(aizu.root, misono.root, *terms, "--credentials", str(proof), "--both", "--yes")
    assert (code, said.count(": made")) == (0, 3)
    assert sorted(ids(misono.http.get("/entities?type=House"))) == [
        "urn:ngsi-ld:House:aizu",
        "urn:ngsi-ld:House:misono",
    ]
    assert sorted(ids(aizu.http.get("/entities?type=House"))) == ["urn:ngsi-ld:House:aizu", "urn:ngsi-ld:House:misono"]
    assert ids(misono.http.get("/entities?type=Resident")) == ["urn:ngsi-ld:Resident:1"]
    shown = misono.http.get("/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:aizu:House").json()
    assert shown["contract"]["purpose"] == "防災"
    assert shown["contract"]["licence"] == "https://creativecommons.org/licenses/by/4.0/"
    assert shown["credentials"]["value"] == "***"

    code, said = federate(aizu.root, misono.root, *terms, "--yes")
    assert (code, said.count("there already")) == (1, 2)


def test_a_hub_is_not_joined_with_itself(pair: tuple[Served, Served]) -> None:
    code, said = federate(pair[0].root + "/ngsi-ld/v1/", pair[0].root)
    assert (code, "is this hub itself" in said) == (2, True)


def test_two_hubs_of_one_name_are_not_joined(pair: tuple[Served, Served], tmp_path: Path) -> None:
    with hub(tmp_path / "other", "misono") as other:
        code, said = federate(other.root, pair[0].root)
    assert (code, "--alias" in said) == (2, True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "ftp://x.example", "http://user:secret@127.0.0.1"])
def test_where_no_hub_is_it_says_so(pair: tuple[Served, Served], url: str) -> None:
    code, said = federate(url, pair[0].root)
    assert code == 2
    assert "Traceback" not in said


def test_types_that_nobody_offers_are_named(pair: tuple[Served, Served]) -> None:
    code, said = federate(pair[1].root, pair[0].root, "--types", "House,Castle")
    assert (code, "Castle" in said) == (2, True)
