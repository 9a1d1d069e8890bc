"""The rows of such doors for `/openapi.json`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from broker.http.rooms.route import Route

_VARIABLE: Final = re.compile(r"\{(\w+)\}")
_JSON: Final = "application/json"
_PROBLEM: Final = {"$ref": "#/components/schemas/ProblemDetails"}
_AGENTS: Final = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "message": {"type": "string"}},
    "required": ["name", "message"],
}
_NUMBERS: Final = frozenset({"limit", "offset", "after"})
_TENANT: Final = {
    "name": "NGSILD-Tenant", "in": "header", "description": "the tenant; none: the default one",
    "schema": {"type": "string", "maxLength": 128},
}  # fmt: skip
_OF_AGENTS: Final = (
    {"name": "fiware-service", "in": "header", "description": "the tenant", "schema": {"type": "string"}},
    {"name": "fiware-servicepath", "in": "header", "description": "`/` where none is named; `/*` in lists: all",
     "schema": {"type": "string"}},
)  # fmt: skip


def describe(routes: Iterable[Route]) -> dict[str, dict[str, Any]]:
    """OpenAPI's path items, by path."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> dict[str, Any]:
    of_agents = route.template.startswith("/iot/")
    refusal = {"description": "refused", "content": {_JSON: {"schema": _AGENTS if of_agents else _PROBLEM}}}
    described: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.template}").strip("_"),
        "summary": _summary(route),
        "description": "FIWARE IoT Agent API." if of_agents else "For operators.",
        "tags": [route.template.split("/")[2]],
        "parameters": [*_parameters(route), *(_OF_AGENTS if of_agents else (_TENANT,))],
        "responses": {"2XX": {"description": "done"}, "default": refusal},
    }
    if route.body:
        described["requestBody"] = {"required": True, "content": {_JSON: {"schema": {}}}}
    return described


def _parameters(route: Route) -> list[Mapping[str, Any]]:
    path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _VARIABLE.findall(route.template)
    ]
    query = [
        {"name": name, "in": "query", "schema": {"type": "integer" if name in _NUMBERS else "string"}}
        for name in sorted(route.parameters)
    ]
    return [*path, *query]


def _summary(route: Route) -> str:
    """`List devices` for `iot_list_devices`."""
    return route.operation.removeprefix("iot_").replace("_", " ").capitalize()
