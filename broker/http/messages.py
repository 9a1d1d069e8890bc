"""A request and a response as plain values: what both doors give to a handler and get from it.

Nothing changes them once made. They are not `frozen` because CPython makes frozen instances at half the speed, and
there are several of them in every request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(slots=True)
class Request:
    """One HTTP request. Header names are lower case; `path` holds the decoded path variables of the operation."""

    method: str
    raw_path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes = b""
    path: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Response:
    """What goes out. Header names are spelled as they are sent; a 204 has no body and no Content-Length."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(slots=True)
class Deferred:
    """A write on its way to the disk: the door awaits `pending` without holding a thread, then calls `render`.

    `render(result)` runs on the door's side; a pending that fails with NgsiError becomes its problem body.
    """

    pending: Future[Any]
    render: Callable[[Any], Response]


Answer: TypeAlias = Response | Deferred
