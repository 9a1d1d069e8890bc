"""The rows of the operation table for what is kept of queries: entity maps and snapshots (clauses 5.14, 5.16)."""

from __future__ import annotations

from broker.http import entity_maps, snapshots
from broker.http.operation import Operation
from broker.http.parameters import Accepted
from broker.http.recalling import FORMATS

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
_TIME = frozenset({"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration"})
_SERIES = frozenset(FORMATS)
_TEMPORAL = Accepted(_WHICH | _PICTURE | _REST | _TIME, _SERIES | {"sysAttrs"}, _SERIES)
_SNAPSHOT = "/snapshots/{snapshotId}"
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

TEMPORAL_MAPS = (
    Operation(
        "create_temporal_entity_map", "5.14.5", "6.35.3.1", "GET", "/temporal/entityMaps",
        entity_maps.create_temporal_entity_map, ((201, "EntityMap"), _REFUSED), _TEMPORAL,
    ),
    Operation(
        "create_temporal_entity_map_by_post", "5.14.5", "6.35.3.2", "POST", "/temporal/entityMaps",
        entity_maps.create_temporal_entity_map_by_post, ((201, "EntityMap"), _REFUSED), _TEMPORAL, "object", "Query",
    ),
)  # fmt: skip

SNAPSHOTS = (
    Operation(
        "create_snapshot", "5.16.1", "6.36.3.1", "POST", "/snapshots", snapshots.create_snapshot,
        ((201, ""), _REFUSED, _TAKEN), body="object", schema="Snapshot", writes=(),
    ),
    Operation(
        "purge_snapshots", "5.16.7", "6.36.3.2", "DELETE", "/snapshots", snapshots.purge_snapshots,
        ((204, ""), (207, "BatchOperationResult"), _REFUSED, _GONE), Accepted(frozenset({"q"})), writes=(),
    ),
    Operation(
        "retrieve_snapshot", "5.16.3", "6.37.3.1", "GET", _SNAPSHOT, snapshots.retrieve_snapshot,
        ((200, "Snapshot"), _REFUSED, _GONE),
    ),
    Operation(
        "update_snapshot", "5.16.4", "6.37.3.2", "PATCH", _SNAPSHOT, snapshots.update_snapshot,
        ((200, "Snapshot"), _REFUSED, _GONE), body="object", schema="Snapshot",
    ),
    Operation(
        "delete_snapshot", "5.16.5", "6.37.3.3", "DELETE", _SNAPSHOT, snapshots.delete_snapshot,
        ((204, ""), _REFUSED, _GONE), writes=(),
    ),
    Operation(
        "clone_snapshot", "5.16.2", "6.38.3.1", "POST", f"{_SNAPSHOT}/clone", snapshots.clone_snapshot,
        ((201, ""), _REFUSED, _GONE, _TAKEN), body="object", schema="Snapshot", writes=(),
    ),
)  # fmt: skip

KEPT: tuple[Operation, ...] = (*MAPS, *TEMPORAL_MAPS, *SNAPSHOTS)
