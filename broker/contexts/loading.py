"""Remote @contexts over HTTP: bounded in size, time and redirects, never from private addresses unless allowed."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import cast
from urllib.parse import SplitResult, urljoin, urlsplit

import orjson
import urllib3
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
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class HttpLoader(ContextLoader):
    """Fetches @contexts. Any media type will do where the body is JSON: many servers say text/plain."""

    clock: Clock
    allow_private: bool = False
    timeout_s: float = FETCH_S

    def load(self, url: str) -> LoadedContext:
        """The document at `url`. Raises LdContextNotAvailable, naming the URL and the reason."""
        deadline = monotonic() + self.timeout_s
        try:
            headers, body = self._follow(url, deadline)
        except Refused as reason:
            raise not_available(url, str(reason)) from reason
        except (HTTPError, OSError) as error:
            raise not_available(url, _short(error)) from error
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
            response = self._ask(urlsplit(target), deadline)
            try:
                if response.status not in _REDIRECTS:
                    if response.status != 200:  # noqa: PLR2004 - the one status that brings a document
                        raise Refused(f"the server answered {response.status} {response.reason or ''}".rstrip())
                    return {name.lower(): text for name, text in response.headers.items()}, _body(response, deadline)
                target = urljoin(target, response.headers.get("location", ""))
            finally:
                response.close()
        raise Refused(f"it leads through more than {REDIRECTS_MAX} redirects")

    def _ask(self, url: SplitResult, deadline: float) -> urllib3.BaseHTTPResponse:
        host = url.hostname
        if url.scheme not in ("http", "https") or host is None:
            raise Refused(f"{url.geturl()[:200]} is no http or https URL")
        port = url.port or (443 if url.scheme == "https" else 80)
        address = pinned_address(host, port, _left_s(deadline), allow_private=self.allow_private)
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        return _pool(url.scheme, address, host, port).urlopen(
            "GET", path, redirect=False, retries=False, preload_content=False,
            timeout=urllib3.Timeout(total=_left_s(deadline)),
            headers={"Host": url.netloc.rpartition("@")[2], "Accept": _ACCEPT, "User-Agent": "misono"},
        )  # fmt: skip


def not_available(url: str, reason: str) -> LdContextNotAvailable:
    """The refusal that names the URL and why it cannot be had (clause 5.5.6)."""
    return LdContextNotAvailable(
        f"the @context {url[:500]} is not available: {reason}", pointer="@context", clause="5.5.6",
        remedy="a @context this broker can reach, a local copy (misono serve --contexts), or one hosted here",
    )  # fmt: skip


def _pool(scheme: str, address: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
    """One connection to the address that was checked, whatever the name means by now."""
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, maxsize=1)
    return urllib3.HTTPSConnectionPool(address, port, maxsize=1, server_hostname=host, assert_hostname=host)


def _body(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    chunks, size = [], 0
    for chunk in response.stream(_CHUNK_BYTES, decode_content=True):
        chunks.append(chunk)
        size += len(chunk)
        if size > CONTEXT_BYTES_MAX:
            raise Refused(f"it is longer than {CONTEXT_BYTES_MAX} bytes")
        _left_s(deadline)
    return b"".join(chunks)


def _left_s(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise Refused("the server took too long")
    return left


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition(" (Caused by")[0][:300]
