"""An issuer of tokens for tests: its keys, what it signs, its key set as a server has it; and signed requests."""

from __future__ import annotations

import datetime as dt
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any, Final, TypeAlias, cast

from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from broker.addresses import Refused
from broker.model.values import Instant
from tests.fakes.clock import START

URL: Final = "https://id.misono.example"
AUDIENCE: Final = "https://hub.misono.example"
HANA: Final = "urn:misono:subject:hana"
WELL: Final = "urn:ngsi-ld:RecipientOrganisation:well"
Key: TypeAlias = "RSAKey | ECKey | OKPKey"
NOW_S: Final = START // 1_000_000
_numbers = count(1)


@cache
def made(algorithm: str, name: str = "") -> Key:
    """A key for an algorithm; the same for the same name: RSA keys take long to make."""
    if algorithm in ("RS256", "PS256"):
        return RSAKey.generate_key(2048, {"kid": f"{algorithm}{name}"}, private=True)
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", {"kid": f"{algorithm}{name}"}, private=True)
    return OKPKey.generate_key("Ed25519", {"kid": f"{algorithm}{name}"}, private=True)


def public(key: Key, **more: str) -> dict[str, Any]:
    """The public half as a member of a key set."""
    return {**key.as_dict(private=False), **more}


class Issuer:
    """`issuer.token(roles=["operator"])`; `issuer.fetch` is what its server answers, `asked` what it was asked for."""

    def __init__(self, *algorithms_: str, url: str = URL) -> None:
        self.url = url
        self.keys = [made(one) for one in algorithms_ or ("ES256",)]
        self.asked: list[str] = []
        self.away = False
        self.answer: bytes | None = None

    def fetch(self, url: str, allow_private: bool) -> bytes:  # noqa: ARG002  the port's
        """Its metadata, or its keys."""
        self.asked.append(url)
        if self.away:
            raise Refused("nobody answers")
        if self.answer is not None:
            return self.answer
        if url.endswith("/openid-configuration"):
            return json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}).encode()
        return json.dumps({"keys": [public(one) for one in self.keys]}).encode()

    def claims(self, now_s: float = NOW_S, **more: Any) -> dict[str, Any]:
        """What its tokens say; a member that is None is left out."""
        told = {
            "iss": self.url, "aud": AUDIENCE, "sub": "u-1", "roles": ["operator"], "tenants": [""],
            "iat": int(now_s), "exp": int(now_s) + 600, **more,
        }  # fmt: skip
        return {name: value for name, value in told.items() if value is not None}

    def token(self, header: Mapping[str, Any] | None = None, now_s: float = NOW_S, **more: Any) -> str:
        """A token of its newest key."""
        key = self.keys[-1]
        algorithm = str(key.kid).removesuffix("new")
        told = {"alg": algorithm, "typ": "at+jwt", "kid": key.kid, **(header or {})}
        text = json.dumps(self.claims(now_s, **more)).encode()
        return signed({name: one for name, one in told.items() if one is not None}, text, key)


def signed(header: Mapping[str, Any], payload: bytes, key: Any) -> str:
    """A compact JWS, however strange its header is."""
    algorithm = str(header["alg"])
    base = f"{_encoded(json.dumps(header).encode())}.{_encoded(payload)}"
    if algorithm == "none":
        return base + "."
    if algorithm == "HS256":
        return f"{base}.{_encoded(hmac.digest(key, base.encode(), 'sha256'))}"
    model = jws.JWSRegistry.algorithms[algorithm]
    return f"{base}.{_encoded(model.sign(base.encode(), key))}"


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


@dataclass
class Message:
    """A request as an identity reads it, and as the library that signs does."""

    method: str = "GET"
    raw_path: str = "/ngsi-ld/v1/entities"
    query_string: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def url(self) -> str:
        """The whole of it."""
        return f"http://hub{self.raw_path}" + (f"?{self.query_string}" if self.query_string else "")


def sign_purpose(message: Message, key: Key, name: str = "well", now: Instant = START, **other: Any) -> Message:
    """The message with its purpose signed, as docs/access.md says; `other` replaces tag, nonce and the like."""
    covered = ["@method", "@path", "misono-purpose"]
    covered += ["@query"] if message.query_string else []
    covered += [name for name in ("ngsild-tenant", "misono-recipient") if name in message.headers]
    created = other.pop("created", now // 1_000_000)
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={name: cast("Any", key.private_key)}),
    )
    told = {
        "nonce": f"nonce-{next(_numbers):06d}", "tag": "misono-purpose", "label": "misono",
        "covered_component_ids": tuple(covered), "body": message.body or None, **other,
    }  # fmt: skip
    headers = dict(message.headers)
    signer.sign(
        _Signable(message.method, message.url, headers), key_id=name,
        created=dt.datetime.fromtimestamp(created, tz=dt.UTC), **told,
    )  # fmt: skip
    lower = {header.lower(): text for header, text in headers.items()}
    return Message(message.method, message.raw_path, message.query_string, lower, message.body)


@dataclass
class _Signable:
    method: str
    url: str
    headers: dict[str, str]
