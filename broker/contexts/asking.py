"""One GET over HTTP, bounded in size, time and redirects, to an address that was checked (RFC 9110).

Nothing a server does may hold a thread or fill the memory: a body has a limit after decompression too, and the whole
exchange, redirects and trickling bytes included, ends at one deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from socket import SHUT_RDWR
from ssl import create_default_context
from threading import Timer
from time import monotonic
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from broker.addresses import Refused, pinned_address

CONTEXT_BYTES_MAX = 2 * 1024 * 1024
REDIRECTS_MAX = 5

_ACCEPT = "application/ld+json, application/json;q=0.9, */*;q=0.1"
_CHUNK_BYTES = 64 * 1024
_PORTS = {"http": 80, "https": 443}
_SAFE = "/%:=&?~+!$,;'@()*[]"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    reason: str
    headers: dict[str, str]
    body: bytes


def ask(url: str, timeout_s: float, allow_private: bool) -> tuple[dict[str, str], bytes]:  # noqa: FBT001 - one caller
    """The headers (names in lower case) and the body of what stands at `url`, after at most five redirects.

    Raises Refused, in `timeout_s` at the latest.
    """
    try:
        return _follow(url, monotonic() + timeout_s, allow_private)
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        raise Refused(f"{type(error).__name__}: {error}"[:300]) from error


def ask_once(url: str, timeout_s: float, allow_private: bool) -> bytes:  # noqa: FBT001 - as `ask`
    """The body of what stands at `url` itself: who is asked for keys has no business elsewhere.

    Raises Refused, in `timeout_s` at the latest.
    """
    try:
        answer = _ask(urlsplit(url), monotonic() + timeout_s, allow_private)
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        raise Refused(f"{type(error).__name__}: {error}"[:300]) from error
    if answer.status != 200:  # noqa: PLR2004 - the one status that brings a document
        raise Refused(f"the server answered {answer.status} {answer.reason}".rstrip())
    return answer.body


def _follow(url: str, deadline: float, allow_private: bool) -> tuple[dict[str, str], bytes]:  # noqa: FBT001
    target = url
    for _ in range(REDIRECTS_MAX + 1):
        answer = _ask(urlsplit(target), deadline, allow_private)
        if answer.status not in _REDIRECTS:
            if answer.status != 200:  # noqa: PLR2004 - the one status that brings a document
                raise Refused(f"the server answered {answer.status} {answer.reason}".rstrip())
            return answer.headers, answer.body
        target = urljoin(target, answer.headers.get("location", ""))
    raise Refused(f"it leads through more than {REDIRECTS_MAX} redirects")


def _ask(url: SplitResult, deadline: float, allow_private: bool) -> _Answer:  # noqa: FBT001
    host = url.hostname
    if url.scheme not in _PORTS or not host:
        raise Refused(f"{url.geturl()[:200]} is no http or https URL")
    port = url.port or _PORTS[url.scheme]
    host = host.encode("idna").decode() if ":" not in host else host
    name = url.netloc.rpartition("@")[2].lower().replace(url.hostname or "", host)
    address = pinned_address(host, port, _left_s(deadline), allow_private=allow_private)
    connection = _connection(url.scheme, (address, port), host, _left_s(deadline))
    # A socket's timeout begins anew with every byte that comes: only closing it bounds the whole.
    alarm = Timer(_left_s(deadline), _hang_up, (connection,))
    alarm.daemon = True
    alarm.start()
    try:
        path = quote((url.path or "/") + (f"?{url.query}" if url.query else ""), safe=_SAFE)
        connection.request(
            "GET", path, headers={"Host": name, "Accept": _ACCEPT, "User-Agent": "misono"},
            preload_content=False,
        )  # fmt: skip
        response = connection.getresponse()
        answer = _Answer(response.status, response.reason or "", _lower(response.headers), _body(response))
        _left_s(deadline)
        return answer
    finally:
        alarm.cancel()
        connection.close()


def _connection(scheme: str, address: tuple[str, int], host: str, timeout_s: float) -> HTTPConnection:
    """A connection to the address that was checked, whatever the name means by now; TLS is for the name."""
    if scheme == "http":
        return HTTPConnection(*address, timeout=timeout_s)
    return HTTPSConnection(
        *address, timeout=timeout_s, server_hostname=host, assert_hostname=host, ssl_context=create_default_context()
    )


def _body(response: HTTPResponse) -> bytes:
    chunks, size = [], 0
    for chunk in response.stream(_CHUNK_BYTES, decode_content=True):
        chunks.append(chunk)
        size += len(chunk)
        if size > CONTEXT_BYTES_MAX:
            raise Refused(f"it is longer than {CONTEXT_BYTES_MAX} bytes")
    return b"".join(chunks)


def _hang_up(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(SHUT_RDWR)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): text for name, text in headers.items()}


def _left_s(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise Refused("the server took too long")
    return left
