"""The port Identity over tokens, keys, certificates and signatures: from a request to a principal.

What was checked once is remembered by its digest until it ends: a request with a token that is known costs one look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Final
from urllib.parse import unquote

from broker.access.claimed import principal_of, purposes
from broker.access.configured import Configured
from broker.access.issuers import IssuerKeys
from broker.access.tokens import BadToken, check_token, read_token
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

    def principal(self, text: str) -> Principal:
        """Whose token it is. Raises BadToken, and as `IssuerKeys.find`."""
        name, now = sha256(text.encode()).digest(), self._clock.now()
        known = self._known.get(name)
        if known is not None:
            principal, until, keys, generation = known
            if now < until and generation == keys.generation:
                return principal
        return self._checked(text, name, now)

    def _checked(self, text: str, name: bytes, now: int) -> Principal:
        token = read_token(text)
        keys = self._issuers.get(token.issuer)
        if keys is None:
            raise BadToken("nobody here believes its issuer (iss)")
        key = keys.find(token.key_id, token.algorithm)
        generation = keys.generation
        token.check_signature(key)
        until = int(check_token(token, keys.issuer, now / _SECOND) * _SECOND)
        principal = principal_of(token.claims, keys.issuer, self._words(), until)
        while len(self._known) >= REMEMBERED_MAX:
            self._known.pop(next(iter(self._known)), None)
        self._known[name] = principal, until, keys, generation
        return principal


class Identified:
    """The port Identity."""

    def __init__(self, configured: Configured, tokens: Tokens, words: Words) -> None:
        self._configured, self._tokens, self._words = configured, tokens, words

    def identify(self, asking: Asking) -> Principal:
        """Who this is; ANYONE where they do not say. Raises as the port says."""
        headers = asking.headers
        try:
            principal = self._principal(asking)
            if _PURPOSE in headers or _RECIPIENT in headers:
                principal = self._within(principal, headers)
        except BadToken as reason:
            raise refused(reason) from None
        return principal

    def _principal(self, asking: Asking) -> Principal:
        given = asking.headers.get("authorization")
        if given is None:
            return ANYONE
        if given[: len(BEARER)].lower() != BEARER:
            raise BadToken("Authorization is no bearer token")
        return self._tokens.principal(given[len(BEARER) :].strip())

    def _within(self, principal: Principal, headers: Mapping[str, str]) -> Principal:
        """Headers that nobody signed can take purposes away, never give one; for another recipient there are none."""
        stated = principal.purposes
        if headers.get(_RECIPIENT, principal.recipient) != principal.recipient:
            stated = frozenset()
        if _PURPOSE in headers:
            named = [one.strip() for one in unquote(headers[_PURPOSE]).split(",")]
            stated &= purposes((one for one in named if one), self._words())
        return replace(principal, purposes=stated)


def refused(reason: BadToken) -> Unauthorized:
    """The refusal of what somebody said and could not show."""
    return Unauthorized(
        f"the token is not believed: {reason}", challenge=f'{CHALLENGE}, error="invalid_token"', remedy="a new token"
    )
