"""Remote @contexts over HTTP: bounded in size, time and redirects, never from private addresses unless allowed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from socket import SHUT_RDWR
from ssl import create_default_context
from threading import Timer
from time import monotonic
from typing import cast
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import orjson
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from broker.contexts.addresses import Refused, pinned_address
from broker.contexts.freshness import expires_at
from broker.errors import LdContextNotAvailable
from broker.model.values import Json
from broker.ports import Clock, ContextLoader, LoadedContext

CONTEXT_BYTES_MAX = 2 * 1024 * 1024
FETCH_S = 5.0
"""From the look-up of the name to the last byte, redirects included."""
REDIRECTS_MAX = 5

_ACCEPT = "application/ld+json, application/json;q=0.9, */*;q=0.1"
_CHUNK_BYTES = 64 * 1024
_PORTS = {"http": 80, "https": 443}
_SAFE = "/%:=&?~+!$,;'@()*[]"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class HttpLoader(ContextLoader):
    """Fetches @contexts. Any media type will do where the body is JSON: many servers say text/plain."""

    clock: Clock
    allow_private: bool = False
    timeout_s: float = FETCH_S

    def load(self, url: str) -> LoadedContext:
        """The document at `url`. Raises LdContextNotAvailable, naming the URL and the reason."""
        try:
            headers, body = self._follow(url, monotonic() + self.timeout_s)
        except Refused as reason:
            raise not_available(url, str(reason)) from reason
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise not_available(url, f"{type(error).__name__}: {error}"[:300]) from error
        try:
            document = cast("Json", orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise not_available(url, f"what came is no JSON ({error})") from error
        if not isinstance(document, dict) or "@context" not in document:
            raise not_available(url, "what came is no JSON object with a member @context")
        return LoadedContext({"@context": document["@context"]}, expires_at(headers, self.clock.now()))

    def _follow(self, url: str, deadline: float) -> tuple[dict[str, str], bytes]:
        target = url
        for _ in range(REDIRECTS_MAX + 1):
            answer = self._ask(urlsplit(target), deadline)
            if answer.status not in _REDIRECTS:
                if answer.status != 200:  # noqa: PLR2004 - the one status that brings a document
                    raise Refused(f"the server answered {answer.status} {answer.reason}".rstrip())
                return answer.headers, answer.body
            target = urljoin(target, answer.headers.get("location", ""))
        raise Refused(f"it leads through more than {REDIRECTS_MAX} redirects")

    def _ask(self, url: SplitResult, deadline: float) -> _Answer:
        host = url.hostname
        if url.scheme not in _PORTS or not host:
            raise Refused(f"{url.geturl()[:200]} is no http or https URL")
        port = url.port or _PORTS[url.scheme]
        host = host.encode("idna").decode() if ":" not in host else host
        name = url.netloc.rpartition("@")[2].lower().replace(url.hostname or "", host)
        address = pinned_address(host, port, _left_s(deadline), allow_private=self.allow_private)
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


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    reason: str
    headers: dict[str, str]
    body: bytes


def not_available(url: str, reason: str) -> LdContextNotAvailable:
    """The refusal that names the URL and why it cannot be had (clause 5.5.6)."""
    return LdContextNotAvailable(
        f"the @context {url[:500]} is not available: {reason}", pointer="@context", clause="5.5.6",
        remedy="a @context this broker can reach, a local copy (misono serve --contexts), or one hosted here",
    )  # fmt: skip


def _connection(scheme: str, address: tuple[str, int], host: str, timeout_s: float) -> HTTPConnection:
    """A connection to the address that was checked, whatever the name means by now; TLS is for the name."""
    if scheme == "http":
        return HTTPConnection(*address, timeout=timeout_s)
    return HTTPSConnection(
        *address, timeout=timeout_s, server_hostname=host, assert_hostname=host, ssl_context=create_default_context()
    )


def _body(response: urllib3.HTTPResponse) -> bytes:
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
