"""The rows of the operation table for histories (clauses 5.6.11 to 5.6.16, 5.7.3, 5.7.4)."""

from __future__ import annotations

from broker.http import temporal, temporal_attributes
from broker.http.operation import Operation
from broker.http.parameters import Accepted
from broker.http.recalling import FORMATS

_GEO = frozenset({"georel", "geometry", "coordinates", "geoproperty"})
_WHICH = frozenset({"id", "idPattern", "type", "q", "csf", "scopeQ", "expandValues", "jsonKeys", "local"}) | _GEO
_TIME = frozenset({"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration"})
_PICTURE = frozenset({"attrs", "pick", "omit", "lang", "format", "options", "datasetId"})
_MAP = frozenset({"entityMap", "entityMapLifetime", "splitEntities"})
_REST = frozenset({"limit", "offset", "count", "orderBy", "orderFrom", "orderGeometry", "collation"})
_FORMATS = frozenset(FORMATS)
_OPTIONS = _FORMATS | {"sysAttrs"}
_RETRIEVE = Accepted(_TIME | _PICTURE | _MAP | {"local"}, _OPTIONS, _FORMATS)
_QUERY = Accepted(_WHICH | _TIME | _PICTURE | _MAP | _REST, _OPTIONS, _FORMATS)
_POST_QUERY = Accepted(frozenset({"limit", "offset", "count", "format", "options", "local"}) | _MAP, _OPTIONS, _FORMATS)
_LOCAL = Accepted(frozenset({"local"}))
_DELETE_ATTRIBUTE = Accepted(frozenset({"datasetId", "deleteAll", "local"}))

_EVOLUTIONS = "/temporal/entities"
_EVOLUTION = f"{_EVOLUTIONS}/{{entityId}}"
_ATTRS = f"{_EVOLUTION}/attrs"
_ATTR = f"{_ATTRS}/{{attrId}}"
_INSTANCE = f"{_ATTR}/{{instanceId}}"
_NONE, _REFUSED, _GONE = (204, ""), (400, "ProblemDetails"), (404, "ProblemDetails")
_ONE = ((200, "EntityTemporal"), (203, "EntityTemporal"), (206, "EntityTemporal"), _REFUSED, _GONE)
_LIST = (*((status, "EntityTemporalList") for status in (200, 201, 203, 206)), _REFUSED)

TEMPORAL: tuple[Operation, ...] = (
    Operation(
        "upsert_temporal_evolution", "5.6.11", "6.18.3.1", "POST", _EVOLUTIONS, temporal.upsert_evolution,
        ((201, ""), _NONE, _REFUSED), _LOCAL, "object", "EntityTemporal", (), hot=True,
    ),
    Operation(
        "query_temporal_evolutions", "5.7.4", "6.18.3.2", "GET", _EVOLUTIONS, temporal.query_evolutions, _LIST, _QUERY,
    ),
    Operation(
        "retrieve_temporal_evolution", "5.7.3", "6.19.3.1", "GET", _EVOLUTION, temporal.retrieve_evolution, _ONE,
        _RETRIEVE, hot=True,
    ),
    Operation(
        "delete_temporal_evolution", "5.6.16", "6.19.3.2", "DELETE", _EVOLUTION, temporal.delete_evolution,
        (_NONE, _REFUSED, _GONE), _LOCAL, writes=(),
    ),
    Operation(
        "add_attribute_evolution", "5.6.12", "6.20.3.1", "POST", _ATTRS, temporal_attributes.add_attributes,
        (_NONE, _REFUSED, _GONE), _LOCAL, "object", "EntityTemporal", (), hot=True,
    ),
    Operation(
        "delete_attribute_evolution", "5.6.13", "6.21.3.1", "DELETE", _ATTR, temporal_attributes.delete_attribute,
        (_NONE, _REFUSED, _GONE), _DELETE_ATTRIBUTE, writes=(),
    ),
    Operation(
        "modify_attribute_instance", "5.6.14", "6.22.3.1", "PATCH", _INSTANCE, temporal_attributes.modify_instance,
        (_NONE, _REFUSED, _GONE), _LOCAL, "object", "AttributeFragment", (),
    ),
    Operation(
        "delete_attribute_instance", "5.6.15", "6.22.3.2", "DELETE", _INSTANCE, temporal_attributes.delete_instance,
        (_NONE, _REFUSED, _GONE), _LOCAL, writes=(),
    ),
    Operation(
        "query_temporal_by_post", "5.7.4", "6.24.3.1", "POST", "/temporal/entityOperations/query",
        temporal.query_evolutions_by_post, _LIST, _POST_QUERY, "object", "Query", asks=True,
    ),
)  # fmt: skip
