"""Whether this broker serves: `/ready`, `/health`, and what it serves: `/openapi.json`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from broker.encode.text import dump
from broker.http.messages import Response
from broker.http.openapi import openapi
from broker.http.operation import Operation
from broker.http.respond import plain
from broker.model.values import Json

_WELL = ("ok", "building", "incomplete")
"""Indexes that are being made, or that a server does not take, make the broker slower, no more."""
Pages = tuple[tuple[str, Callable[[], Response]], ...]


class Readiness:
    """Ready from the first request until the stop begins."""

    __slots__ = ("stopping",)

    def __init__(self) -> None:
        self.stopping = False

    def stop(self) -> None:
        """Say no from now on."""
        self.stopping = True


def make_pages(
    operations: Iterable[Operation],
    version: str,
    parts: Callable[[], Mapping[str, Json]],
    readiness: Readiness,
    beside: Callable[[], Mapping[str, Any]] = dict,
) -> Pages:
    """The pages outside the standard's root; `parts` tells how each part of the broker is (`{"store": "ok"}`).

    `beside` are paths of others for `/openapi.json`.
    """
    described: list[bytes] = []

    def ready() -> Response:
        return plain({"status": "stopping"}, 503) if readiness.stopping else plain({"status": "ready"})

    def health() -> Response:
        found = dict(parts())
        well = all(state in _WELL for state in found.values())
        return plain({"status": "ok" if well else "failing", "version": version, "parts": found}, 200 if well else 503)

    def document() -> Response:
        if not described:  # made once, when first asked for
            described.append(dump(openapi(operations, version, beside())))
        return Response(200, (("Content-Type", "application/json"),), described[0])

    return (("/ready", ready), ("/health", health), ("/openapi.json", document))


def text_page(text: Callable[[], str]) -> Response:
    """A page of plain text as it is now, in the version of the format that Prometheus reads."""
    return Response(200, (("Content-Type", "text/plain; version=0.0.4; charset=utf-8"),), text().encode())
