"""One request to one source without an event loop: what most forwards are, at a third of the price.

Plain HTTP/1.1 on kept-alive sockets, in the thread that waits for the answer anyway; what needs more (several sources
at once, TLS, tokens) goes by `fetching`. The bounds are the same: one deadline for everything, an answer cut off at its
limit, no redirect, no decompression, connections only to the address that was looked at. Framing is read strictly: a
source whose answer is not HTTP as RFC 9112 has it has not answered.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from time import monotonic, perf_counter
from typing import Final
from urllib.parse import urlsplit

from broker.addresses import Refused, pinned_addresses
from federation.fetched import Fetched, TooLarge, arrived, reason, timed_out, too_large
from federation.outgoing import Outgoing

IDLE_S: Final = 30.0
IDLE_MAX: Final = 256
HEAD_BYTES_MAX: Final = 64 * 1024
_CHUNK: Final = 64 * 1024
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: |$)")
_UNFIT: Final = re.compile(r"[\x00-\x20\x7f]")
_BREAK: Final = re.compile(r"[\r\n\0]")
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")
_LINE_MAX: Final = 4096
_INTERIM_MAX: Final = 4
_EMPTY: Final = frozenset({204, 304})
_SWITCHING: Final = 101
_SUCCESS_FROM: Final = 200


class _Invalid(Exception):
    """What came is no HTTP."""


class _Gone(Exception):
    """The source closed a kept-alive connection before it answered."""


@dataclass(slots=True)
class _Connection:
    """A socket, and what has been read of it and not been used yet."""

    socket: socket.socket
    reused: bool
    deadline: float
    left: bytearray = field(default_factory=bytearray)

    def send(self, data: bytes) -> None:
        self.socket.settimeout(self._remaining())
        self.socket.sendall(data)

    def more(self) -> bool:
        """Read on; False at the end of the stream."""
        self.socket.settimeout(self._remaining())
        data = self.socket.recv(_CHUNK)
        self.left += data
        return bool(data)

    def until(self, end: bytes, most: int) -> bytes:
        """What stands before `end`, which goes too."""
        start = 0
        while (at := self.left.find(end, start)) < 0:
            start = max(len(self.left) - len(end), 0)
            if len(self.left) > most:
                break
            if not self.more():
                raise (
                    _Invalid("the answer ends in its header")
                    if self.left
                    else _Gone("the source closed the connection")
                )
        if not 0 <= at <= most:
            raise _Invalid("a header of the answer is too long")
        found = bytes(self.left[:at])
        del self.left[: at + len(end)]
        return found

    def exactly(self, size: int) -> bytes:
        """The next bytes."""
        while len(self.left) < size:
            if not self.more():
                raise _Invalid("the answer ends before its end")
        found = bytes(self.left[:size])
        del self.left[:size]
        return found

    def _remaining(self) -> float:
        return _left(self.deadline)


def _left(deadline: float) -> float:
    """Seconds until then. Raises TimeoutError where there are none."""
    seconds = deadline - monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class Direct:
    """Asks from any thread; keeps connections."""

    def __init__(self, answer_bytes: int, *, allow_private: bool) -> None:
        self._answer_bytes = answer_bytes
        self._allow_private = allow_private
        self._lock = Lock()
        self._idle: dict[tuple[str, int], list[tuple[socket.socket, float]]] = {}
        self._count = 0

    def fetch(self, outgoing: Outgoing, timeout_s: float) -> Fetched:
        """What the source answered within its time, or why there is nothing."""
        began = perf_counter()
        deadline = monotonic() + timeout_s
        try:
            fetched = self._fetch(outgoing, deadline)
        except TimeoutError:
            fetched = timed_out(timeout_s)
        except TooLarge:
            fetched = too_large(self._answer_bytes)
        except Refused as error:
            private = "private" in str(error)
            fetched = Fetched(0, trouble="refused" if private else "unreachable", detail=reason(error))
        except _Invalid as error:
            fetched = Fetched(0, trouble="invalid", detail=reason(error))
        except ValueError as error:
            fetched = Fetched(0, trouble="refused", detail=reason(error))
        except (_Gone, OSError) as error:
            fetched = Fetched(0, trouble="unreachable", detail=reason(error))
        took_ms = 1000 * (perf_counter() - began)
        return Fetched(fetched.status, fetched.body, fetched.headers, fetched.trouble, fetched.detail, took_ms)

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            for kept in self._idle.values():
                for one, _ in kept:
                    one.close()
            self._idle.clear()

    def _fetch(self, outgoing: Outgoing, deadline: float) -> Fetched:
        host, port, authority, target = address_of(outgoing.url)
        data = _request(outgoing, authority, target)
        for fresh in (False, True):
            connection = self._connection((host, port), deadline, fresh=fresh)
            try:
                connection.send(data)
                return self._answer((host, port), connection)
            except (_Gone, ConnectionError):
                connection.socket.close()
                # it was closed just as it was used; only what may be asked twice is
                if fresh or not connection.reused or not outgoing.safe:
                    raise
            except BaseException:
                connection.socket.close()
                raise
        raise _Gone("the source closed the connection")

    def _connection(self, place: tuple[str, int], deadline: float, *, fresh: bool) -> _Connection:
        kept = None if fresh else self._kept(place)
        if kept is not None:
            return _Connection(kept, reused=True, deadline=deadline)
        return _Connection(self._connected(place, deadline), reused=False, deadline=deadline)

    def _connected(self, place: tuple[str, int], deadline: float) -> socket.socket:
        """A new connection, to the first address of the host that takes one."""
        addresses = pinned_addresses(*place, _left(deadline), allow_private=self._allow_private)
        for at, address in enumerate(addresses):
            # a dead first address leaves time for the others
            seconds = _left(deadline) / (len(addresses) - at)
            try:
                made = socket.create_connection((address, place[1]), seconds)
            except OSError:
                if at == len(addresses) - 1:
                    raise
                continue
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made
        raise OSError(f"the host {place[0]} has no address")

    def _kept(self, place: tuple[str, int]) -> socket.socket | None:
        """A connection that is idle and alive."""
        while True:
            with self._lock:
                kept = self._idle.get(place)
                if not kept:
                    return None
                one, since = kept.pop()
                self._count -= 1
            if monotonic() - since < IDLE_S and _is_silent(one):
                return one
            one.close()

    def _keep(self, place: tuple[str, int], one: socket.socket) -> None:
        with self._lock:
            if self._count < IDLE_MAX:
                self._count += 1
                self._idle.setdefault(place, []).append((one, monotonic()))
                return
        one.close()

    def _answer(self, place: tuple[str, int], connection: _Connection) -> Fetched:
        for _ in range(_INTERIM_MAX):
            newer, status, headers = _read_head(connection.until(b"\r\n\r\n", HEAD_BYTES_MAX))
            if status >= _SUCCESS_FROM:
                break
            if status == _SWITCHING:
                raise _Invalid("the source speaks another protocol")
        else:
            raise _Invalid("the source never comes to its answer")
        body, ends = self._body(connection, status, headers)
        stays = headers.get("connection", "").lower() != "close" if newer else False
        if stays and ends and not connection.left:
            self._keep(place, connection.socket)
        else:
            connection.socket.close()
        return arrived(status, headers, body)

    def _body(self, connection: _Connection, status: int, headers: Mapping[str, str]) -> tuple[bytes, bool]:
        """The body, and whether the connection can be used again after it (RFC 9112, 6.3)."""
        if status in _EMPTY:
            return b"", True
        coding = headers.get("transfer-encoding")
        if coding is not None:
            if coding.lower() != "chunked":
                raise _Invalid("the answer has a transfer coding that nobody asked for")
            return self._chunks(connection), "content-length" not in headers
        length = headers.get("content-length")
        if length is not None:
            return self._of_length(connection, length), True
        while len(connection.left) <= self._answer_bytes:
            if not connection.more():
                return bytes(connection.left), False
        raise TooLarge

    def _of_length(self, connection: _Connection, length: str) -> bytes:
        if not (length.isascii() and length.isdigit()):
            raise _Invalid("the answer has no one length")
        if int(length) > self._answer_bytes:
            raise TooLarge
        return connection.exactly(int(length))

    def _chunks(self, connection: _Connection) -> bytes:
        body = bytearray()
        while True:
            size = _SIZE.fullmatch(connection.until(b"\r\n", _LINE_MAX))
            if size is None:
                raise _Invalid("a chunk of the answer has no size")
            count = int(size[1], 16)
            if not count:
                break
            if len(body) + count > self._answer_bytes:
                raise TooLarge
            body += connection.exactly(count)
            if connection.exactly(2) != b"\r\n":
                raise _Invalid("a chunk of the answer is longer than its size")
        for _ in range(_INTERIM_MAX * 16):
            if not connection.until(b"\r\n", _LINE_MAX):
                return bytes(body)
        raise _Invalid("the answer has too many trailers")


@lru_cache(maxsize=4096)
def _place_of(root: str) -> tuple[str, int, str]:
    parts = urlsplit(root)
    return parts.hostname or "", parts.port or 80, parts.netloc


def address_of(url: str) -> tuple[str, int, str, str]:
    """Host, port, what the header Host says, and the target: `("a.org", 80, "a.org", "/ngsi-ld/v1/entities?id=…")`."""
    at = url.find("/", len("http://"))
    host, port, authority = _place_of(url if at < 0 else url[:at])
    return host, port, authority, "/" if at < 0 else url[at:]


def _request(outgoing: Outgoing, authority: str, target: str) -> bytes:
    if _UNFIT.search(authority + target) or any(map(_BREAK.search, outgoing.headers.values())):
        raise ValueError("the request cannot be written: its URL or a header holds a blank or a line break")
    lines = [f"{outgoing.method} {target} HTTP/1.1\r\nHost: {authority}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in outgoing.headers.items()]
    if outgoing.body is not None:
        lines.append(f"Content-Length: {len(outgoing.body)}\r\n")
    head = "".join(lines)
    return f"{head}\r\n".encode("latin-1") + (outgoing.body or b"")


def _read_head(head: bytes) -> tuple[bool, int, dict[str, str]]:
    """Whether it is HTTP/1.1, the status, and the headers, those of one name joined."""
    first, *lines = head.split(b"\r\n")
    status = _STATUS.match(first)
    if status is None:
        raise _Invalid("the answer is no HTTP")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip():
            raise _Invalid("a header of the answer is none")
        lowered, text = name.lower(), value.strip()
        headers[lowered] = f"{headers[lowered]}, {text}" if lowered in headers else text
    return status[1] == b"1", int(status[2]), headers


def _is_silent(one: socket.socket) -> bool:
    """Whether nothing came on an idle connection, neither its end nor what nobody asked for."""
    one.setblocking(False)  # noqa: FBT003  the library's own signature
    try:
        one.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
