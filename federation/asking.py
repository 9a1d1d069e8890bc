"""Asking sources over HTTP: a thread each, every answer bounded in time and size."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from broker.decode.text import parse_json
from broker.encode.text import dump
from broker.errors import NgsiError
from broker.http.exchange import Exchange
from broker.model.values import Json
from federation.messages import Answered, Forward
from federation.via import via_header

ROOT = "/ngsi-ld/v1"
ANSWER_BYTES_MAX = 16 * 1024 * 1024
THREADS = 32


class HttpSources:
    """The port `federation.sources.Sources` over urllib3."""

    def __init__(self, alias: str, timeout_s: float, *, allow_private: bool) -> None:
        self._alias = alias
        self._timeout_s = timeout_s
        self._allow_private = allow_private
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="source")
        self._http = urllib3.PoolManager(maxsize=THREADS, retries=False)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def ask(self, exchange: Exchange, forwards: Sequence[Forward]) -> list[Answered]:
        """What each source answered, in order."""
        return list(self._pool.map(lambda forward: self._ask(exchange, forward), forwards))

    def _ask(self, exchange: Exchange, forward: Forward) -> Answered:
        began = time.monotonic()
        try:
            response = self._http.request(
                forward.method, _url(forward), body=None if forward.body is None else dump(forward.body),
                headers=self._headers(exchange, forward), timeout=self._timeout(forward), preload_content=False,
            )  # fmt: skip
            body = response.read(ANSWER_BYTES_MAX + 1)
            headers = {name.lower(): value for name, value in response.headers.items()}
            took_ms = 1000 * (time.monotonic() - began)
            return _answered(forward, response.status, body, headers, took_ms)
        except HTTPError as error:
            trouble = "timeout" if "Timeout" in type(error).__name__ else "unreachable"
            return Answered(forward, 0, trouble=trouble, detail=str(error))  # type: ignore[arg-type]

    def _timeout(self, forward: Forward) -> float:
        given = forward.registration.timeout_ms
        return self._timeout_s if given is None else min(given / 1000, self._timeout_s)

    def _headers(self, exchange: Exchange, forward: Forward) -> dict[str, str]:
        via = via_header(exchange.request, self._alias, exchange.call.tenant)
        headers = {"Via": via, "Accept": "application/json"}
        if forward.registration.tenant:
            headers["NGSILD-Tenant"] = forward.registration.tenant
        if isinstance(forward.context, str):
            headers["Link"] = (
                f'<{forward.context}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
            )
        if forward.body is not None:
            headers["Content-Type"] = "application/json"
        headers.update(forward.headers)
        return headers


def _url(forward: Forward) -> str:
    endpoint = forward.registration.endpoint.rstrip("/").removesuffix(ROOT)
    query = urlencode(forward.parameters)
    return f"{endpoint}{ROOT}{forward.path}" + (f"?{query}" if query else "")


def _answered(forward: Forward, status: int, body: bytes, headers: dict[str, str], took_ms: float) -> Answered:
    if len(body) > ANSWER_BYTES_MAX:
        return Answered(forward, status, None, headers, "too large", f"over {ANSWER_BYTES_MAX} bytes", took_ms)
    parsed: Json = None
    if body:
        try:
            parsed = parse_json(body)
        except NgsiError as error:
            return Answered(forward, status, None, headers, "invalid", str(error), took_ms)
    return Answered(forward, status, parsed, headers, took_ms=took_ms)
