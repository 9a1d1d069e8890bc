"""Credentials of a registration: what they may be, and that a refusal repeats none of them."""

from __future__ import annotations

from typing import Any

import pytest

from broker.errors import BadRequestData
from broker.model.credentials import NO_CREDENTIALS, Credentials, OAuth2, read_credentials

OAUTH2 = {"tokenUrl": "https://login.example/token", "clientId": "misono", "clientSecret": "s3cret"}


def test_none_are_none() -> None:
    assert read_credentials(None) is NO_CREDENTIALS


def test_all_three_together() -> None:
    body: Any = {
        "header": {"name": "X-Api-Key", "value": "k"},
        "oauth2": {**OAUTH2, "scope": "read"},
        "certificate": "a.b",
    }
    wanted = Credentials(("X-Api-Key", "k"), OAuth2("https://login.example/token", "misono", "s3cret", "read"), "a.b")
    assert read_credentials(body) == wanted


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("s3cret", "/credentials"),
        ({}, "/credentials"),
        ({"s": "s3cret", "password": "s3cret"}, "/credentials"),
        ({"header": {"name": "X Key", "value": "s3cret"}}, "/credentials/header/name"),
        ({"header": {"name": "X-Key", "value": "s3cret\r\nHost: a"}}, "/credentials/header/value"),
        ({"header": {"name": "X-Key", "value": ""}}, "/credentials/header/value"),
        ({"header": {"value": "s3cret"}}, "/credentials/header"),
        ({"oauth2": {**OAUTH2, "tokenUrl": "file:///etc/passwd"}}, "/credentials/oauth2/tokenUrl"),
        ({"oauth2": {**OAUTH2, "clientId": 5}}, "/credentials/oauth2/clientId"),
        ({"certificate": "../s3cret"}, "/credentials/certificate"),
        ({"certificate": ".."}, "/credentials/certificate"),
    ],
)
def test_a_refusal_says_where_and_repeats_no_secret(body: Any, pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        read_credentials(body)
    assert refused.value.pointer == pointer
    assert "s3cret" not in refused.value.detail + refused.value.remedy
