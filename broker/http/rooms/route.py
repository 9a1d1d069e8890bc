"""The table of such a door: methods and paths, what access is asked about each, and what answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

from broker.errors import BadRequestData, InvalidRequest, MethodNotAllowed, ResourceNotFound
from broker.http.messages import Request, Response
from broker.http.parameters import split_query
from broker.model.values import Json
from broker.ports import ANYONE, Principal

SEGMENT_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was read: path variables decoded, each parameter once, the body as JSON (None where none is)."""

    request: Request
    tenant: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json = None
    principal: Principal = ANYONE

    def number(self, name: str, default: int, most: int) -> int:
        """A parameter that is a whole number from 0 on. Raises BadRequestData."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most):
            raise BadRequestData(
                f"'{text[:50]}' is no number from 0 to {most}", pointer=name, remedy=f"{name}={default}"
            )
        return int(text)


Handler: TypeAlias = Callable[[Asked], Response]
"""It blocks, and runs in a thread."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row: `Route("GET", "/admin/devices/{adapter}/{device}", "iot_retrieve_device", handler)`.

    `operation` is what access is asked for; `asks` says that it changes nothing although its method is no GET.
    `parameters` are those that the query string may hold. `open` says that nobody is asked who he is.
    """

    method: str
    template: str
    operation: str
    handler: Handler
    body: bool = False
    asks: bool = False
    parameters: frozenset[str] = frozenset()
    open: bool = False

    @property
    def changes(self) -> bool:
        """Whether something is otherwise afterwards."""
        return self.method != "GET" and not self.asks


@dataclass(slots=True)
class _Node:
    fixed: dict[str, _Node] = field(default_factory=dict)
    variable: str = ""
    below: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class Routes:
    """The table as a tree of path segments; what is fixed wins over what varies."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        self.all: Final = tuple(routes)
        for route in self.all:
            self._add(route)

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
        """The route and its variables. Raises ResourceNotFound, MethodNotAllowed, InvalidRequest."""
        node, variables = self._root, dict[str, str]()
        for segment in _segments(raw_path):
            below = node.fixed.get(segment)
            if below is None:
                if node.below is None:
                    raise _unknown(raw_path)
                variables[node.variable] = decode(segment)
                below = node.below
            node = below
        if not node.routes:
            raise _unknown(raw_path)
        route = node.routes.get(method)
        if route is None:
            allowed = ", ".join(sorted(node.routes))
            raise MethodNotAllowed(f"{method[:20]} is not done here", allowed=allowed, remedy=allowed)
        return route, variables

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in _segments(route.template):
            if segment.startswith("{"):
                node.variable = segment[1:-1]
                node.below = node.below or _Node()
                node = node.below
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.routes[route.method] = route


def read_query(query_string: str, known: frozenset[str]) -> dict[str, str]:
    """Parameters by name. Raises InvalidRequest for one that is there twice, BadRequestData for one nobody knows."""
    found: dict[str, str] = {}
    for name, value in split_query(query_string):
        if name in found:
            raise InvalidRequest(f"the parameter {name[:50]} is there twice", remedy="once")
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise BadRequestData(f"no parameter {name[:50]}; there are {there}", pointer=name[:50], remedy=there)
        found[name] = value
    return found


def decode(segment: str) -> str:
    """A segment of a raw path as text. Raises InvalidRequest."""
    if "%" not in segment:
        return segment
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest("the path is no UTF-8", remedy="names percent-encoded in UTF-8") from error


def _segments(path: str) -> list[str]:
    segments = path.removeprefix("/").removesuffix("/").split("/")
    if any(len(segment) > SEGMENT_MAX for segment in segments):
        raise InvalidRequest("a name in the path is too long", remedy=f"{SEGMENT_MAX} bytes at most")
    return segments


def _unknown(raw_path: str) -> ResourceNotFound:
    return ResourceNotFound(f"nothing is at {raw_path[:200]}", remedy="/openapi.json lists what there is")
