"""The settings of the link `ocpp`: what is not said, and what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.link import BadSettings, Ground
from adapters.links.ocpp import make_link
from adapters.links.ocpp.settings import digest, read_settings
from adapters.provisioning.registry import Devices
from broker.model.values import Json
from tests.fakes.clock import FakeClock

TAG = "04a1B2c3"


def test_what_is_not_said_is_safe(tmp_path: Path) -> None:
    settings = read_settings({"kind": "ocpp"}, tmp_path)
    assert (settings.host, settings.port, settings.path, settings.security) == ("127.0.0.1", 9000, "/ocpp", 1)
    assert not settings.tokens.admits(TAG), "nobody charges unless somebody said who"
    assert settings.tokens.admits("MISONO"), "but by a command"


def test_tokens_are_known_by_their_digest_in_any_case(tmp_path: Path) -> None:
    rows: tuple[dict[str, Json], ...] = ({"token": TAG, "vehicle": "ev-1"}, {"digest": digest(TAG), "vehicle": "ev-1"})
    for row in rows:
        tokens = read_settings({"tokens": {"known": [row]}}, tmp_path).tokens
        assert tokens.admits(TAG.lower())
        assert tokens.vehicle(TAG.upper()) == "ev-1"
        assert not tokens.admits("other")
        assert TAG.upper() not in str(tokens).upper()
    assert read_settings({"tokens": {"any": True}}, tmp_path).tokens.admits("other")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"port": 0}, "link/port"),
    ({"security": 3}, "link/security"),
    ({"security": 2}, "link/certificate"),
    ({"certificate": "nowhere.pem"}, "nowhere.pem"),
    ({"tokens": {"known": [{}]}}, "link/tokens/known/0"),
    ({"tokens": {"known": [{"token": "a", "digest": "b"}]}}, "link/tokens/known/0"),
    ({"tokens": {"known": [{"token": "a" * 37}]}}, "link/tokens/known/0"),
    ({"tokens": {"some": True}}, "link/tokens/some"),
    ({"tokens": []}, "link/tokens"),
    ({"colour": "red"}, "link/colour"),
    ({"message_bytes": 10}, "link/message_bytes"),
]


@pytest.mark.parametrize(("given", "member"), BAD)
def test_settings_that_cannot_be_are_refused_by_name(tmp_path: Path, given: dict[str, Any], member: str) -> None:
    with pytest.raises(BadSettings, match=member):
        read_settings(given, tmp_path)


def test_a_codec_that_does_not_read_it_is_refused(tmp_path: Path) -> None:
    ground = Ground("c", {"kind": "ocpp"}, Devices(), FakeClock(), tmp_path, tmp_path, {"kind": "echonet"})
    with pytest.raises(BadSettings, match="codec/kind"):
        make_link(ground)
