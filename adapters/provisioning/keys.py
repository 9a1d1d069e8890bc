"""API keys: only their digests are kept, and nobody is shown more than the last four characters."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from broker.model.values import Json

KEY_MAX: Final = 512
_SHOWN: Final = 4
_LENGTH_SHOWN: Final = 12
"""A key shorter than this is not shown at all: four characters of eight are half of it."""
NOBODY: Final = "-"
"""In the place of a digest: no key opens it."""
_BYTES: Final = 24
_DIGEST: Final = 64
_HEX: Final = frozenset("0123456789abcdef")


def digest_of(key: str) -> str:
    """SHA-256 of a key, hexadecimal; `""` for none."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest() if key else ""


def is_digest(text: Json) -> bool:
    """Whether a text is what `digest_of` gives."""
    return isinstance(text, str) and len(text) == _DIGEST and _HEX.issuperset(text)


def opens(key: str, digest: str) -> bool:
    """Whether the key is the one of that digest, in a time that says nothing of it."""
    return hmac.compare_digest(digest_of(key), digest)


def hint_of(key: str) -> str:
    """What people are shown of a key: `…9f3a`; `""` of one that is too short to show any of it."""
    return f"…{key[-_SHOWN:]}" if len(key) >= _LENGTH_SHOWN else ""


def shown(digest: str, hint: str) -> str:
    """A key in a list or an answer: `****9f3a`, `****`; `""` where there is none."""
    return f"****{hint.removeprefix('…')}" if digest and digest != NOBODY else ""


def new_key() -> str:
    """A key that nobody can guess."""
    return secrets.token_urlsafe(_BYTES)
