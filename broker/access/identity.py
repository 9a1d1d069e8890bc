"""The port Identity over tokens, keys, certificates and signatures: from a request to a principal.

What was checked once is remembered by its digest until it ends: a request with a token that is known costs one look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from threading import Lock
from typing import Final
from urllib.parse import unquote

from broker.access.claimed import principal_of, purposes
from broker.access.configured import Key
from broker.access.issuers import IssuerKeys
from broker.access.keys import API_KEY, CERTIFICATE, Keys, check_bound
from broker.access.signed import Signed
from broker.access.tokens import BadToken, Token, check_token, read_token
from broker.errors import Unauthorized
from broker.model.terms import HEADERS
from broker.ports import ANYONE, Clock, Principal
from broker.ports.identity import Asking

REMEMBERED_MAX: Final = 4096
BEARER: Final = "bearer "
CHALLENGE: Final = 'Bearer realm="misono"'
_RECIPIENT: Final = HEADERS["recipient"].lower()
_PURPOSE: Final = HEADERS["purpose"].lower()
_SECOND: Final = 1_000_000

Words = Callable[[], Mapping[str, str]]
"""Purposes by name, as the installed models have them."""


class Tokens:
    """Bearer tokens of the issuers that are believed."""

    def __init__(self, issuers: Mapping[str, IssuerKeys], words: Words, clock: Clock) -> None:
        self._issuers = {one.issuer.url: one for one in issuers.values()}
        self._words, self._clock = words, clock
        self._known: dict[bytes, tuple[Principal, int, IssuerKeys, int]] = {}
        self._remembering = Lock()

    def principal(self, text: str, certificate: str = "") -> Principal:
        """Whose token it is, shown with that Client-Cert. Raises BadToken, and as `IssuerKeys.find`."""
        name, now = sha256(f"{text}\n{certificate}".encode()).digest(), self._clock.now()
        known = self._known.get(name)
        if known is not None:
            principal, until, keys, generation = known
            if now < until and generation == keys.generation:
                return principal
        token = read_token(text)
        check_bound(token.claims, certificate)
        return self._checked(token, name, now)

    def _checked(self, token: Token, name: bytes, now: int) -> Principal:
        keys = self._issuers.get(token.issuer)
        if keys is None:
            raise BadToken("nobody here believes its issuer (iss)")
        key = keys.find(token.key_id, token.algorithm)
        generation = keys.generation
        token.check_signature(key)
        until = int(check_token(token, keys.issuer, now / _SECOND) * _SECOND)
        principal = principal_of(token.claims, keys.issuer, self._words(), until)
        with self._remembering:
            while len(self._known) >= REMEMBERED_MAX:
                del self._known[next(iter(self._known))]
            self._known[name] = principal, until, keys, generation
        return principal


class Identified:
    """The port Identity."""

    def __init__(self, tokens: Tokens, keys: Keys, signed: Signed, words: Words) -> None:
        self._tokens, self._keys, self._signed, self._words = tokens, keys, signed, words

    def identify(self, asking: Asking) -> Principal:
        """Who this is; ANYONE where they do not say. Raises as the port says."""
        headers = asking.headers
        try:
            principal = self._principal(headers)
            key = self._signed.signer(asking) if "signature-input" in headers else None
            if key is not None:
                principal = self._signed_by(key, principal, headers)
            elif _PURPOSE in headers:
                principal = replace(principal, purposes=principal.purposes & self._named(headers))
            if headers.get(_RECIPIENT, principal.recipient) != principal.recipient:
                principal = replace(principal, purposes=frozenset())
        except BadToken as reason:
            raise refused(reason) from None
        return principal

    def _principal(self, headers: Mapping[str, str]) -> Principal:
        given, secret, certificate = headers.get("authorization"), headers.get(API_KEY), headers.get(CERTIFICATE)
        if given is not None and secret is not None:
            raise BadToken("a token and a key say who asks: one of them is wanted")
        if given is not None:
            if given[: len(BEARER)].lower() != BEARER:
                raise BadToken("Authorization is no bearer token")
            return self._tokens.principal(given[len(BEARER) :].strip(), certificate or "")
        if secret is not None:
            return self._keys.of_secret(secret)
        return ANYONE if certificate is None else self._keys.of_certificate(certificate)

    def _signed_by(self, key: Key, principal: Principal, headers: Mapping[str, str]) -> Principal:
        """With the purposes that their organisation signed, and no others; without a token, who has the key."""
        if principal is ANYONE:
            principal = self._keys.principal(key)
        elif not key.recipient or key.recipient != principal.recipient:
            raise BadToken("the purpose is signed by another organisation")
        return replace(principal, purposes=purposes(_listed(headers), self._words()))

    def _named(self, headers: Mapping[str, str]) -> frozenset[str]:
        """What a header names that nobody signed: it can take purposes away, never give one."""
        words = self._words()
        return frozenset(words.get(name, name) for name in _listed(headers))


def _listed(headers: Mapping[str, str]) -> list[str]:
    named = [one.strip() for one in unquote(headers.get(_PURPOSE, "")).split(",")]
    return [one for one in named if one]


def refused(reason: BadToken) -> Unauthorized:
    """The refusal of what somebody said and could not show."""
    return Unauthorized(
        f"the token is not believed: {reason}", challenge=f'{CHALLENGE}, error="invalid_token"', remedy="a new token"
    )
