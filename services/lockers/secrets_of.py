"""Codes for doors: told once, and kept as salted digests only.

code = new_code()                   "482913"
kept = sealed(code)                 {"salt": …, "digest": …}
fits(kept, "482913")                True
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import scrypt
from hmac import compare_digest
from secrets import randbelow, token_hex
from typing import Final

DIGITS: Final = 6
_COST: Final = 1 << 12


def new_code() -> str:
    """Six digits that nobody can foresee."""
    return f"{randbelow(10**DIGITS):0{DIGITS}d}"


def sealed(code: str) -> dict[str, str]:
    """What is kept of it."""
    salt = token_hex(16)
    return {"salt": salt, "digest": _digest(code, salt)}


def fits(kept: Mapping[str, str] | None, code: str) -> bool:
    """Whether it is the one that was sealed."""
    return kept is not None and compare_digest(kept["digest"], _digest(code, kept["salt"]))


def _digest(code: str, salt: str) -> str:
    return scrypt(code.encode(), salt=bytes.fromhex(salt), n=_COST, r=8, p=1).hex()
