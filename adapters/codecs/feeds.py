"""What feeds of many have in common: bounds, and a message cut into messages of the same kind. Pure.

A feed tells of hundreds of vehicles at once. Its link cuts it into pieces that a frame can hold; each piece is a whole
message, so that a codec reads pieces and small feeds alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from adapters.frame import BadFrame
from broker.model.values import Instant

EACH: Final = 50
"""Of vehicles, stations, rows in a piece: at 15 readings each well below what a frame may hold."""
FEED_BYTES_MAX: Final = 64 << 20
_SECONDS_MAX: Final = 253_402_300_799
_TEXT_MAX: Final = 2_000
_ID_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a feed that is a message by itself; `channel` says which of several feeds or files it is of."""

    payload: bytes
    channel: str = ""


class Cut(Protocol):
    """A feed, cut."""

    def __call__(self, payload: bytes, channel: str) -> Sequence[Piece]:
        """The pieces, in order; an unreadable feed is one piece, for the codec to refuse."""


def of_seconds(seconds: float) -> Instant | None:
    """The instant of seconds since the epoch; None for 0, which feeds say where they know none. Raises BadFrame."""
    if not 0 <= seconds <= _SECONDS_MAX:
        raise BadFrame("clock", f"{seconds} is no time: seconds since 1970 would do")
    return round(seconds * 1_000_000) or None


def check_id(text: str) -> str:
    """The id of a vehicle, a station, a stop. Raises BadFrame."""
    if not 0 < len(text) <= _ID_MAX or not text.isprintable():
        raise BadFrame("wrong_type", f"{text[:40]!r} is no id: 1 to {_ID_MAX} printable characters would do")
    return text


def short(text: str) -> str:
    """The text, cut where it is very long."""
    return text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…"
