"""The file of --access: what it must say, and that nothing in it is misread in silence."""

from __future__ import annotations

import tomllib
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from broker.access.configured import read_configured
from broker.access.section import BadSection
from broker.admitting import BadAccess, admit
from broker.settings import read_settings
from datamodels.at_need import AtNeed
from tests.fakes.clock import FakeClock

ISSUER: dict[str, Any] = {"issuer": "https://id.example", "audience": "hub", "roles": ["resident"]}
DIGEST = "sha256:" + "0" * 64
EXAMPLE = Path(__file__).parents[3] / "examples/misono/access.toml"


@pytest.mark.parametrize(
    ("city", "named"),
    [
        ({"issuer": {}}, "issuer"),
        ({"issuers": []}, "issuers"),
        ({"issuers": {"city": "https://id.example"}}, "issuers.city"),
        ({"issuers": {"city": {**ISSUER, "audience": ""}}}, "audience"),
        ({"issuers": {"city": {**ISSUER, "audience": []}}}, "audience"),
        ({"issuers": {"city": {"issuer": "https://id.example", "audience": "hub"}}}, "roles"),
        ({"issuers": {"city": {**ISSUER, "roles": ["system"]}}}, "roles"),
        ({"issuers": {"city": {**ISSUER, "roles": []}}}, "roles"),
        ({"issuers": {"city": {**ISSUER, "issuer": "http://id.example"}}}, "issuer"),
        ({"issuers": {"city": {**ISSUER, "jwks": "http://id.example/keys"}}}, "jwks"),
        ({"issuers": {"city": {**ISSUER, "algorithms": ["HS256"]}}}, "algorithms"),
        ({"issuers": {"city": {**ISSUER, "algorithms": ["none"]}}}, "algorithms"),
        ({"issuers": {"city": {**ISSUER, "role_names": {"admin": "root"}}}}, "role_names"),
        ({"issuers": {"city": {**ISSUER, "subjects": {"u-1": "Hana"}}}}, "subjects"),
        ({"issuers": {"city": {**ISSUER, "skew_s": 3600}}}, "skew_s"),
        ({"issuers": {"city": {**ISSUER, "skew_s": "60"}}}, "skew_s"),
        ({"issuers": {"city": {**ISSUER, "tenant": ["misono"]}}}, "tenant"),
        ({"issuers": {"city": {**ISSUER, "claims": {"role": "x"}}}}, "role"),
        ({"issuers": {"a": ISSUER, "b": ISSUER}}, "same issuer"),
        ({"tenants": {"misono": {"Personal": True}}}, "Personal"),
        ({"tenants": {"misono": {"personal": "yes"}}}, "personal"),
        ({"keys": {"meter": {}}}, "digest"),
        ({"keys": {"meter": {"digest": "mk_secret"}}}, "digest"),
        ({"keys": {"meter": {"digest": DIGEST, "certificate": DIGEST}}}, "digest"),
        ({"keys": {"meter": {"digest": DIGEST, "roles": ["resident"]}}}, "roles"),
        ({"keys": {"meter": {"digest": DIGEST, "roles": ["auditor"]}}}, "roles"),
        ({"keys": {"meter": {"digest": DIGEST, "recipient": "urn:x"}}}, "recipient"),
        ({"keys": {"meter": {"digest": DIGEST, "roles": ["recipient"]}}}, "recipient"),
        ({"keys": {"meter": {"digest": DIGEST, "subject": "hana"}}}, "subject"),
        ({"keys": {"meter": {"digest": DIGEST, "until": "tomorrow"}}}, "until"),
        ({"keys": {"meter": {"jwk": {"kty": "OKP", "d": "AA"}}}}, "secret"),
    ],
)
def test_what_is_not_in_order_is_named(city: dict[str, Any], named: str) -> None:
    """The member, and what would do."""
    with pytest.raises(BadSection, match=named):
        read_configured(city)


def test_paths_of_claims() -> None:
    """Dots lead deeper; names that are URLs have dots of their own."""
    claims: dict[str, Any] = {
        "roles": "realm_access.roles",
        "tenants": ["https://id.example/tenants"],
        "recipient": "org",
    }
    found = read_configured({"issuers": {"city": {**ISSUER, "claims": claims}}}).issuers["city"].claims
    assert found.roles == ("realm_access", "roles")
    assert (found.tenants, found.recipient) == (("https://id.example/tenants",), ("org",))


def test_the_example_is_in_order() -> None:
    """examples/misono/access.toml."""
    found = read_configured(tomllib.loads(EXAMPLE.read_text()))
    assert found.issuers["local"].local
    assert "misono" in found.personal


def _admit(tmp_path: Path, text: str, **options: str) -> object:
    file = tmp_path / "access.toml"
    file.write_text(text)
    environment = {"MISONO_ACCESS": str(file), "MISONO_DATA": str(tmp_path)}
    settings = read_settings(Namespace(config=""), environment | {f"MISONO_{k.upper()}": v for k, v in options.items()})
    return admit(settings, FakeClock(), AtNeed(lambda: pytest.fail("the models are not needed for that")))


def test_a_local_issuer_is_for_this_machine(tmp_path: Path) -> None:
    """Whoever reads --data is whoever they want: not where others reach the hub, unless that is said."""
    assert _admit(tmp_path, "[issuers.local]\n", host="127.0.0.1")
    with pytest.raises(BadAccess, match="beyond_loopback"):
        _admit(tmp_path, "[issuers.local]\n", host="0.0.0.0")  # noqa: S104  that is the point
    assert _admit(tmp_path, "[issuers.local]\nbeyond_loopback = true\n", host="0.0.0.0")  # noqa: S104  as above


@pytest.mark.parametrize("text", ["[issuers", "\x00", '[keys.a]\njwk = {kty = "oct"}\n'])
def test_a_file_that_cannot_be_used_ends_the_start(tmp_path: Path, text: str) -> None:
    """With the reason."""
    with pytest.raises(BadAccess):
        _admit(tmp_path, text)
