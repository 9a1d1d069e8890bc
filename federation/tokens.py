"""Tokens of OAuth 2.0 client credentials (RFC 6749, 4.4), kept until shortly before they end."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final, TypeAlias
from urllib.parse import quote_plus

from broker.decode.text import parse_json
from broker.errors import NgsiError
from broker.model.values import Json

MARGIN_S: Final = 30.0  # a token that ends sooner is not used any more
LIFETIME_S: Final = 300.0  # where the server does not say
LIFETIME_MAX_S: Final = 86_400.0
TOKENS_MAX: Final = 1024
_OK: Final = 200
_TOKEN_CHARACTERS_MAX: Final = 16_384

Form: TypeAlias = Callable[[str, Mapping[str, str], str], Awaitable[tuple[int, bytes]]]
"""POSTs a form: `(url, fields, authorization)` gives status and body."""
_Key: TypeAlias = tuple[str, ...]


class NoToken(Exception):
    """The authorization server gave none; the text says why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    ends_at: float


class Tokens:
    """Asks for a token once, however many requests wait for it. Used on one event loop."""

    def __init__(self, form: Form, now: Callable[[], float] = monotonic) -> None:
        self._form, self._now = form, now
        self._known: dict[_Key, _Token] = {}
        self._locks: dict[_Key, asyncio.Lock] = {}

    async def token(self, credentials: Mapping[str, Json]) -> str:
        """A token for these client credentials. Raises NoToken, and what `form` raises."""
        key = _key(credentials)
        known = self._known.get(key)
        if known is None or known.ends_at <= self._now():
            async with self._locks.setdefault(key, asyncio.Lock()):
                known = self._known.get(key)
                if known is None or known.ends_at <= self._now():
                    known = await self._ask(credentials)
                    if len(self._known) >= TOKENS_MAX:
                        self._known.clear()
                    self._known[key] = known
        return known.text

    def forget(self, credentials: Mapping[str, Json], token: str) -> None:
        """The source did not take this token."""
        known = self._known.get(_key(credentials))
        if known is not None and known.text == token:
            del self._known[_key(credentials)]

    async def _ask(self, credentials: Mapping[str, Json]) -> _Token:
        fields = {"grant_type": "client_credentials"}
        fields.update({name: str(credentials[name]) for name in ("scope", "audience") if credentials.get(name)})
        pair = f"{quote_plus(str(credentials['clientId']))}:{quote_plus(str(credentials['clientSecret']))}"
        asked_at = self._now()
        status, body = await self._form(
            str(credentials["tokenUrl"]), fields, f"Basic {b64encode(pair.encode()).decode()}"
        )
        if status != _OK:
            raise NoToken(f"no token: the authorization server answered {status}")
        try:
            parsed = parse_json(body)
        except NgsiError:
            raise NoToken("no token: the authorization server's answer is no JSON") from None
        return _read(parsed, asked_at)


def _read(parsed: Json, asked_at: float) -> _Token:
    answer = parsed if isinstance(parsed, dict) else {}
    text, seconds = answer.get("access_token"), answer.get("expires_in", LIFETIME_S)
    usable = isinstance(text, str) and 0 < len(text) <= _TOKEN_CHARACTERS_MAX and text.isascii() and text.isprintable()
    if not usable or str(answer.get("token_type", "bearer")).lower() != "bearer":
        raise NoToken("no token: the authorization server's answer holds no bearer token")
    lifetime = float(seconds) if isinstance(seconds, int | float) else LIFETIME_S
    return _Token(str(text), asked_at + min(lifetime, LIFETIME_MAX_S) - MARGIN_S)


def _key(credentials: Mapping[str, Json]) -> _Key:
    return tuple(
        str(credentials.get(name, "")) for name in ("tokenUrl", "clientId", "clientSecret", "scope", "audience")
    )
