r"""What a Wi-SUN dongle with SK commands says (ROHM BP35A1, BP35C2, Tessera RL7023 and the like), out of its bytes.

    OK · FAIL ER04 · EVENT 25 FE80:… · ERXUDP FE80:… FE80:… 0E1A 0E1A 001D… 1 0012 1081…\r\n · a line of something else

The data of ERXUDP is hexadecimal (`WOPT 1`) or plain bytes, which may hold line ends: its length says where it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LINE_MAX: Final = 4096
"""Without a line end for so long it is noise, and dropped."""
DATA_MAX: Final = 1500
_END: Final = b"\r\n"
_UDP: Final = b"ERXUDP "
_LENGTH_DIGITS: Final = 4
_WORDS_BEFORE_LENGTH: Final = (7, 8, 9)
"""Sender, receiver, two ports, the sender's link address, whether it was secured; of some also a strength, a side."""


@dataclass(frozen=True, slots=True)
class Line:
    """An answer or an event: its words."""

    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """As it came."""
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Datagram:
    """What somebody sent: `Datagram("FE80:…", 3610, …)`."""

    sender: str
    port: int
    payload: bytes


class Splitter:
    """Bytes as they come, cut into lines and datagrams."""

    def __init__(self) -> None:
        self._left = b""

    def feed(self, data: bytes) -> Iterator[Line | Datagram]:
        """What is whole by now."""
        self._left += data
        while self._left:
            if self._left.startswith(_UDP):
                taken = self._datagram()
                if taken is None:
                    break
                yield from taken
                continue
            line, end, rest = self._left.partition(_END)
            if not end:
                break
            self._left = rest
            if line.strip():
                yield Line(tuple(line.decode("ascii", "replace").split()))
        if len(self._left) > LINE_MAX:
            self._left = b""

    def _datagram(self) -> list[Datagram] | None:
        """One datagram; none where it is no such thing after all; None where it is not whole yet."""
        head = self._left.split(b" ", max(_WORDS_BEFORE_LENGTH) + 1)
        for at in _WORDS_BEFORE_LENGTH:
            if len(head) <= at + 1:
                break
            length = _hexadecimal(head[at])
            if len(head[at]) != _LENGTH_DIGITS or length is None or not 0 < length <= DATA_MAX:
                continue
            begin = len(b" ".join(head[: at + 1])) + 1
            found = self._data(begin, length)
            if found is None:
                return None
            sender, port = head[1].decode("ascii", "replace"), _hexadecimal(head[3])
            return [Datagram(sender, port or 0, found)]
        if _END in self._left:
            self._left = self._left.partition(_END)[2]
            return []
        return None

    def _data(self, begin: int, length: int) -> bytes | None:
        """The data and its line end taken off; None where they are not all there."""
        for size in (2 * length, length):
            piece = self._left[begin : begin + size]
            end = self._left[begin + size : begin + size + len(_END)]
            if size == 2 * length and (end == _END and _is_hexadecimal(piece)):
                self._left = self._left[begin + size + len(_END) :]
                return bytes.fromhex(piece.decode("ascii"))
            if size == length and end == _END:
                self._left = self._left[begin + size + len(_END) :]
                return piece
        return None


def _hexadecimal(word: bytes) -> int | None:
    return int(word, 16) if _is_hexadecimal(word) else None


def _is_hexadecimal(word: bytes) -> bool:
    return bool(word) and all(one in b"0123456789ABCDEFabcdef" for one in word)
