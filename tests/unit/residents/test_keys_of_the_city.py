"""API keys, certificates, and tokens that are bound to one."""

from __future__ import annotations

import datetime as dt
from base64 import b64encode, urlsafe_b64encode
from functools import cache
from hashlib import sha256
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from broker.errors import Unauthorized
from tests.fakes.issuing import HANA, WELL, Issuer, made
from tests.unit.residents.identities import City

SECRET = "mk_of-the-meter"  # noqa: S105  it opens nothing
DIGEST = "sha256:" + sha256(SECRET.encode()).hexdigest()


@cache
def certificate(days: int = 3650) -> bytes:
    """The DER of a certificate from 2025-12-31 on."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "meter")])
    key, begin = made("ES256"), dt.datetime(2025, 12, 31, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key)
    builder = builder.serial_number(1).not_valid_before(begin).not_valid_after(begin + dt.timedelta(days))
    return builder.sign(cast("Any", key.private_key), hashes.SHA256()).public_bytes(Encoding.DER)


def shown(content: bytes) -> str:
    """The header that a proxy sends."""
    return f":{b64encode(content).decode()}:"


def city(**keys: dict[str, Any]) -> City:
    """With these keys in its file."""
    return City(Issuer(), keys=keys)


def test_a_key_makes_somebody_what_the_file_says() -> None:
    """A device in its tenants, without any purpose, whatever headers say."""
    found = city(meter={"digest": DIGEST, "tenants": ["misono"], "subject": HANA}).who(
        x_api_key=SECRET, misono_purpose="WatchOver"
    )
    assert (found.name, found.subject) == ("key:meter", HANA)
    assert (found.roles, found.tenants) == (frozenset({"device"}), frozenset({"misono"}))
    assert found.purposes == frozenset()


@pytest.mark.parametrize("given", ["", "x", SECRET + " ", SECRET.upper(), DIGEST, DIGEST[7:], "x" * 10_000])
def test_another_key_is_refused(given: str) -> None:
    """Its digest, which the file holds, is no key."""
    with pytest.raises(Unauthorized):
        city(meter={"digest": DIGEST}).who(x_api_key=given)


def test_a_key_ends_when_the_file_says() -> None:
    """And not a moment later."""
    one = city(meter={"digest": DIGEST, "until": "2026-01-01T00:00:01Z"})
    assert one.who(x_api_key=SECRET).until == one.clock.now() + 1_000_000
    one.clock.advance(1)
    with pytest.raises(Unauthorized):
        one.who(x_api_key=SECRET)


def test_a_token_and_a_key_together_say_two_things() -> None:
    """Nobody guesses which."""
    issuer = Issuer()
    with pytest.raises(Unauthorized):
        City(issuer, keys={"meter": {"digest": DIGEST}}).who(issuer.token(), x_api_key=SECRET)


def test_a_certificate_makes_somebody_what_the_file_says() -> None:
    """By its thumbprint, as a trusted proxy tells (RFC 9440)."""
    thumbprint = "sha256:" + sha256(certificate()).hexdigest()
    one = city(bus={"certificate": thumbprint, "roles": ["recipient"], "recipient": WELL})
    found = one.who(client_cert=shown(certificate()))
    assert (found.name, found.roles, found.recipient) == ("key:bus", frozenset({"recipient"}), WELL)


@pytest.mark.parametrize(
    "given",
    ["", ":", "::", "x", ":x:", ":AAAA:", shown(b"\x30" * 20_000), shown(certificate()) + ", " + shown(certificate())],
)
def test_another_certificate_is_refused(given: str) -> None:
    """One nobody knows, none at all, or two."""
    thumbprint = "sha256:" + sha256(certificate()).hexdigest()
    with pytest.raises(Unauthorized):
        city(bus={"certificate": thumbprint}).who(client_cert=given)


@pytest.mark.parametrize("days", [1])
def test_a_certificate_that_has_ended_is_refused(days: int) -> None:
    """The proxy should have said so; the hub looks too."""
    thumbprint = "sha256:" + sha256(certificate(days)).hexdigest()
    with pytest.raises(Unauthorized, match="not valid now"):
        city(bus={"certificate": thumbprint}).who(client_cert=shown(certificate(days)))


def test_a_token_that_is_bound_to_a_certificate_comes_with_it() -> None:
    """RFC 8705: a stolen token alone is nothing."""
    issuer, one = Issuer(), city()
    bound = {"x5t#S256": urlsafe_b64encode(sha256(certificate()).digest()).rstrip(b"=").decode()}
    token = issuer.token(cnf=bound)
    assert one.who(token, client_cert=shown(certificate())).roles
    for headers in ({}, {"client_cert": shown(certificate(1))}):
        with pytest.raises(Unauthorized, match="bound to another"):
            one.who(token, **headers)
