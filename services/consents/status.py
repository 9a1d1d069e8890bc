"""The status list: which consents hold, as one signed document (as IETF's Token Status List has it), for everybody.

Bit N is that of the consent whose receipt names index N: 0 it holds, 1 it does not. Who asks for the whole list does
not tell which receipt they hold.
"""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64encode
from threading import Lock
from typing import Final

from broker.signing import Signer
from services.consents.book import Book, number_of
from services.consents.states import HOLDING

TYP: Final = "statuslist+jwt"
TTL_S: Final = 1
LEAST_BITS: Final = 1_024
"""A list of few would tell how many there are."""
_HOLD: Final = (
    "SELECT number FROM consents_record WHERE state IN (SELECT value FROM json_each(?)) AND (due IS NULL OR due > ?)"
)


class StatusList:
    """Makes the list, and keeps it while nothing changes, for a second."""

    def __init__(self, book: Book, signer: Signer, public_url: str) -> None:
        self._book, self._signer, self._url = book, signer, public_url
        self._lock = Lock()
        self._kept: tuple[tuple[int, int], str] | None = None

    def token(self) -> str:
        """The list, signed."""
        with self._lock:
            now = self._book.now()
            key = (self._book.file.generation(), now // (TTL_S * 1_000_000))
            if self._kept is None or self._kept[0] != key:
                self._kept = (key, self._made(now))
            return self._kept[1]

    def _made(self, now: int) -> str:
        most = number_of(self._book.rows("SELECT coalesce(max(number), 0) FROM consents_record"))
        bits = bytearray(b"\xff" * (-(-max(most + 1, LEAST_BITS) // 8)))
        holding = '["' + '","'.join(sorted(HOLDING)) + '"]'
        for (number,) in self._book.rows(_HOLD, holding, now):
            place = int(str(number))
            bits[place >> 3] &= ~(1 << (place & 7)) & 0xFF
        packed = urlsafe_b64encode(zlib.compress(bytes(bits), 9)).rstrip(b"=").decode()
        seconds = now // 1_000_000
        return self._signer.sign(
            {
                "sub": f"{self._url}/services/consents/status", "iat": seconds, "exp": seconds + 3_600, "ttl": TTL_S,
                "status_list": {"bits": 1, "lst": packed},
            },
            TYP,
        )  # fmt: skip
