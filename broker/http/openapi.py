"""/openapi.json: OpenAPI 3.1, made from the operation table, the parameter table and the schemas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from broker.http.media import GEO_JSON, JSON, TURTLE
from broker.http.operation import Operation
from broker.http.parameters import TABLE
from broker.http.schemas import SCHEMAS

_VARIABLE = re.compile(r"\{(\w+)\}")
_ALWAYS = (400, 404, 405, 413, 503)
"""Statuses any operation may answer: a parameter or header at fault, an unknown tenant, a full queue."""
_BARE = (411, 415)
_PROBLEM = {"description": "refused", "content": {JSON: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}}
_TENANT = {
    "name": "NGSILD-Tenant", "in": "header", "description": "the tenant (6.3.14); none: the default one",
    "schema": {"type": "string", "maxLength": 128},
}  # fmt: skip
_LINK = {
    "name": "Link", "in": "header", "schema": {"type": "string"},
    "description": 'the @context (6.3.5): `<URL>; rel="http://www.w3.org/ns/json-ld#context"`',
}  # fmt: skip
_PREFER = {
    "name": "Prefer", "in": "header", "schema": {"type": "string"},
    "description": "`ngsi-ld=1.6` for the answer in an earlier version (4.3.6.8), `body=json` for GeoJSON without "
    "@context (6.3.6), `timing` for a header Server-Timing with the stages read, context, run, commit, write in ms",
}  # fmt: skip
_SNAPSHOT = {
    "name": "NGSILD-Snapshot", "in": "header", "schema": {"type": "string"},
    "description": "the snapshot that the operation is done to (6.3.22)",
}  # fmt: skip
_ENTITY_MAP = {
    "name": "NGSILD-EntityMap", "in": "header", "schema": {"type": "string"},
    "description": "the entity map that says which entities this is about (6.4.3.2), its URL or its id",
}  # fmt: skip
_CONDITIONS = tuple(
    {
        "name": name,
        "in": "header",
        "description": "version of the entity, as ETag gave it",
        "schema": {"type": "string"},
    }
    for name in ("If-Match", "If-None-Match")
)


def openapi(operations: Iterable[Operation], version: str, beside: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole document; `beside` are paths of others."""
    paths: dict[str, Any] = dict(beside or {})
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Misono",
            "version": version,
            "description": "NGSI-LD (ETSI GS CIM 009 V1.9.1).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Clauses {operation.clause} and {operation.http_clause}."
        if operation.clause
        else "For operators.",
        "tags": [operation.template.split("/")[1]],
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body != "none":
        schema = {"$ref": f"#/components/schemas/{operation.schema}"}
        content = {media_type: {"schema": schema} for media_type in operation.reads}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _VARIABLE.findall(operation.template)
    ]
    query = [
        {
            "name": name, "in": "query", "schema": operation.accepts.schema(name),
            "description": f"{TABLE[name].about} ({TABLE[name].clause})",
        }
        for name in sorted(operation.accepts.names)
    ]  # fmt: skip
    conditions = _CONDITIONS if any(status == HTTPStatus.PRECONDITION_FAILED for status, _ in operation.answers) else ()
    places = [*([_SNAPSHOT] if operation.on_snapshots else ()), *([_ENTITY_MAP] if operation.on_maps else ())]
    return [*path, *query, _TENANT, _LINK, _PREFER, *conditions, *places]


def _responses(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, schema in operation.answers:
        found[str(status)] = _response(operation, status, schema)
    refusals = list(_ALWAYS)
    if operation.writes:
        refusals.append(406)
    if operation.body != "none" or "GET" in operation.method:
        refusals.append(504)
    for status in refusals:
        found.setdefault(str(status), _PROBLEM)
    if operation.body != "none":
        found |= {str(status): {"description": HTTPStatus(status).phrase + ", without a body"} for status in _BARE}
    found["default"] = _PROBLEM
    return dict(sorted(found.items()))


def _response(operation: Operation, status: int, schema: str) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if schema:
        succeeded = status < HTTPStatus.MULTIPLE_CHOICES and status != HTTPStatus.MULTI_STATUS
        media_types = operation.writes if succeeded and operation.writes else (JSON,)
        described["content"] = {media_type: _media(media_type, schema) for media_type in media_types}
    return described


def _media(media_type: str, schema: str) -> dict[str, Any]:
    """A GeoJSON answer is a Feature or a FeatureCollection (5.2.29, 5.2.30), Turtle is no JSON; else see the schema."""
    return {} if media_type in (GEO_JSON, TURTLE) else {"schema": {"$ref": f"#/components/schemas/{schema}"}}
