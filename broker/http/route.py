"""Which operation a request is for, found on the raw path (clause 6.2).

Ids and names may hold `%2F %23 %3F %25`: segments are cut before they are decoded. One trailing slash says the same
as none. A path names no two templates: below any segment stand fixed names or one variable, never both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from broker.errors import BadRequestData, InvalidRequest, MethodNotAllowed, ResourceNotFound
from broker.http.operation import STANDARD, Operation

API_ROOT = STANDARD
_PREFIX = API_ROOT + "/"
_BLANK_IS_BAD_DATA = frozenset({"merge_entity", "replace_entity"})
"""Operations for which a path ending in `/entities/` is an empty id (clauses 5.6.17, 5.6.18), not another resource."""


@dataclass(slots=True)
class _Node:
    fixed: dict[str, _Node] = field(default_factory=dict)
    variable: _Node | None = None
    name: str = ""
    operations: dict[str, Operation] = field(default_factory=dict)


class Routes:
    """The operation table as a tree of path segments."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        self._beside: dict[str, _Node] = {}
        for operation in operations:
            root = self._root
            if operation.root != API_ROOT:
                root = self._beside.setdefault(operation.root + "/", _Node())
            _add(root, operation)
        self._beside = dict(sorted(self._beside.items(), reverse=True))  # longer roots before those they begin with

    def find(self, method: str, raw_path: str) -> tuple[Operation, dict[str, str]]:
        """The operation and its decoded path variables: `(retrieve_entity, {"entityId": "urn:x:a/b"})`.

        Raises ResourceNotFound for an unknown path, MethodNotAllowed with the methods it knows (clause 6.3.2),
        BadRequestData for an empty entity id, InvalidRequest for a path that is no UTF-8.
        """
        node, variables = self._walk(raw_path)
        operation = node.operations.get(method)
        if operation is None:
            raise _refusal(node, method, raw_path)
        return operation, variables

    def _walk(self, raw_path: str) -> tuple[_Node, dict[str, str]]:
        node, prefix, variables = self._root, _PREFIX, dict[str, str]()
        if not raw_path.startswith(_PREFIX):
            node, prefix = self._below(raw_path)
        segments = raw_path[len(prefix) :].split("/")
        if not segments[-1]:
            segments.pop()
        for segment in segments:
            below = node.fixed.get(segment)
            if below is None:
                below = node.variable
                if below is None:
                    raise _unknown(raw_path)
                variables[below.name] = decode_segment(segment) if "%" in segment else segment
            node = below
        if not node.operations:
            raise _unknown(raw_path)
        return node, variables

    def _below(self, raw_path: str) -> tuple[_Node, str]:
        """The tree of another root than the standard's, and that root."""
        for prefix, node in self._beside.items():
            if raw_path.startswith(prefix):
                return node, prefix
        raise _unknown(raw_path)


def _add(node: _Node, operation: Operation) -> None:
    for segment in operation.template[1:].split("/"):
        if segment.startswith("{"):
            if node.variable is None:
                node.variable = _Node(name=segment[1:-1])
            node = node.variable
        else:
            node = node.fixed.setdefault(segment, _Node())
    node.operations[operation.method] = operation


def decode_segment(segment: str) -> str:
    """`a%2Fb` gives `a/b`. Raises InvalidRequest where the bytes are no UTF-8."""
    try:
        return unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            "the path holds percent-encoded bytes that are no UTF-8", pointer=segment[:200], clause="6.2",
            remedy="encode the id or name as UTF-8, then percent-encode it",
        ) from error  # fmt: skip


def _unknown(raw_path: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"there is no resource at {raw_path[:200]}", clause="6.2",
        remedy=f"the resources stand under {API_ROOT}; /openapi.json lists them",
    )  # fmt: skip


def _refusal(node: _Node, method: str, raw_path: str) -> MethodNotAllowed | BadRequestData:
    below = None if node.variable is None else node.variable.operations.get(method)
    if raw_path.endswith("/") and below is not None and below.name in _BLANK_IS_BAD_DATA:
        return BadRequestData(
            "the entity id in the path is empty", pointer="entityId", clause=below.clause,
            remedy=f"{method} {API_ROOT}/entities/urn:ngsi-ld:Building:1",
        )  # fmt: skip
    allowed = ", ".join(sorted(node.operations))
    return MethodNotAllowed(
        f"{method[:20]} is not defined on this resource", clause="6.3.2", remedy=f"one of: {allowed}", allowed=allowed
    )
