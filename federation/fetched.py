"""What came back over the wire, unread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from federation.messages import Trouble

REASON_CHARACTERS_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, or why there is none: `status` is 0 where nothing came. Header names are lower case."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    trouble: Trouble = ""
    detail: str = ""
    took_ms: float = 0.0


class TooLarge(Exception):
    """The answer passes the limit."""


def reason(error: Exception) -> str:
    """What went wrong, short; nothing of what was sent is in it."""
    inner = getattr(error, "os_error", None) or error
    return (str(inner) or type(error).__name__)[:REASON_CHARACTERS_MAX]


def timed_out(timeout_s: float) -> Fetched:
    """Nothing came in time."""
    return Fetched(0, trouble="timeout", detail=f"no answer within {timeout_s:g} s")


def too_large(bytes_max: int) -> Fetched:
    """More came than anybody wants to read."""
    return Fetched(0, trouble="too large", detail=f"the answer has more than {bytes_max} bytes")


def arrived(status: int, headers: Mapping[str, str], body: bytes) -> Fetched:
    """An answer, as far as it is in the clear."""
    if headers.get("content-encoding", "identity") != "identity":
        return Fetched(status, b"", headers, "invalid", "the answer is compressed, which nobody asked for")
    return Fetched(status, body, headers)
