"""The rows of the operation table for what is kept of queries: entity maps and snapshots (clauses 5.14, 5.16)."""

from __future__ import annotations

from broker.http import entity_maps
from broker.http.media import GEO_JSON, JSON, LD_JSON
from broker.http.operation import Operation
from broker.http.parameters import Accepted

_GEO = frozenset({"georel", "geometry", "coordinates", "geoproperty", "geometryProperty"})
_WHICH = frozenset({"id", "idPattern", "type", "q", "csf", "scopeQ", "expandValues", "jsonKeys", "local"}) | _GEO
_PICTURE = frozenset({"attrs", "pick", "omit", "lang", "format", "options", "datasetId"})
_REST = frozenset(
    {
        "limit", "offset", "count", "entityMap", "entityMapLifetime", "splitEntities", "join", "joinLevel",
        "containedBy", "orderBy", "orderFrom", "orderGeometry", "collation",
    }
)  # fmt: skip
_FORMATS = frozenset({"normalized", "concise", "simplified", "keyValues"})
_MAPPED = Accepted(_WHICH | _PICTURE | _REST, _FORMATS | {"sysAttrs"}, _FORMATS)
_REFUSED, _GONE, _TAKEN = (400, "ProblemDetails"), (404, "ProblemDetails"), (409, "ProblemDetails")
_ENTITY_MEDIA = (JSON, LD_JSON, GEO_JSON)
_MAP = "/entityMaps/{entityMapId}"

MAPS = (
    Operation(
        "create_entity_map", "5.14.4", "6.34.3.1", "GET", "/entityMaps", entity_maps.create_entity_map,
        ((201, "EntityMap"), _REFUSED), _MAPPED,
    ),
    Operation(
        "create_entity_map_by_post", "5.14.4", "6.34.3.2", "POST", "/entityMaps",
        entity_maps.create_entity_map_by_post, ((201, "EntityMap"), _REFUSED), _MAPPED, "object", "Query",
    ),
    Operation(
        "retrieve_entity_map", "5.14.1", "6.32.3.1", "GET", _MAP, entity_maps.retrieve_entity_map,
        ((200, "EntityMap"), _REFUSED, _GONE),
    ),
    Operation(
        "update_entity_map", "5.14.2", "6.32.3.2", "PATCH", _MAP, entity_maps.update_entity_map,
        ((204, ""), _REFUSED, _GONE), body="object", schema="EntityMapFragment", writes=(),
    ),
    Operation(
        "delete_entity_map", "5.14.3", "6.32.3.3", "DELETE", _MAP, entity_maps.delete_entity_map,
        ((204, ""), _REFUSED, _GONE), writes=(),
    ),
)  # fmt: skip

KEPT: tuple[Operation, ...] = MAPS
