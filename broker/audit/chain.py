"""A chain of hashes over what was done: each link takes in the one before it, so that nothing in it can be changed.

    first = link(START, 1, 1763…, digest(b"salt", {"event": "made"}))
    second = link(first, 2, 1763…, digest(…))

What a link says can be erased (a person's right) without breaking the chain: the link holds a salted digest of it, and
the salt goes with it, so that nobody can guess what it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from broker.model.values import Instant, Json

START: Final = hashlib.sha256(b"misono audit").digest()
"""What stands before the first link."""
SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Link:
    """One row of an audit; `told` and `salt` are None once what it says is erased."""

    number: int
    at: Instant
    digest: bytes
    hash: bytes
    salt: bytes | None = None
    told: Mapping[str, Json] | None = None


class Broken(Exception):
    """The chain is not as it was written; the text says from which link on, and what is wrong there."""


def digest(salt: bytes, told: Mapping[str, Json]) -> bytes:
    """What a link holds of what it says."""
    return hashlib.sha256(salt + canonical(told)).digest()


def link(before: bytes, number: int, at: Instant, of: bytes) -> bytes:
    """The hash of a link, which the next one takes in."""
    return hashlib.sha256(b"%b\n%d\n%d\n%b" % (before, number, at, of)).digest()


def canonical(told: Mapping[str, Json]) -> bytes:
    """The same text for the same values, however they came."""
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass")


def verify(links: Iterable[Link], before: bytes = START, number: int = 0) -> bytes:
    """The hash of the last link, where all of them are as they were written after link `number`. Raises Broken."""
    for one in links:
        if one.number != number + 1:
            raise Broken(f"link {number + 1} is missing: {one.number} follows {number}")
        if link(before, one.number, one.at, one.digest) != one.hash:
            raise Broken(f"link {one.number} was changed, or the one before it")
        if one.told is not None and (one.salt is None or digest(one.salt, one.told) != one.digest):
            raise Broken(f"what link {one.number} says was changed")
        before, number = one.hash, one.number
    return before
