"""The operation table: every method of clause 6 on every resource, once.

Both doors, /openapi.json and the tests of access are made from it.
"""

from __future__ import annotations

from broker.http import attribute_types, attributes, batch, contexts, entities, identity, query, types
from broker.http.catalogue import CATALOGUE
from broker.http.claiming import CLAIMS
from broker.http.dead_letters import DEAD_LETTERS
from broker.http.erasing import ERASURES
from broker.http.kept_table import KEPT
from broker.http.media import GEO_JSON, JSON, LD_JSON
from broker.http.models import MODELS
from broker.http.operation import Operation
from broker.http.parameters import Accepted
from broker.http.registration_table import REGISTRATIONS
from broker.http.relays import RELAYS
from broker.http.source_subscription_table import SOURCE_SUBSCRIPTIONS
from broker.http.subscription_table import SUBSCRIPTIONS
from broker.http.temporal_table import TEMPORAL
from broker.http.watched_sources import WATCHED_SOURCES

_ENTITY_MEDIA = (JSON, LD_JSON, GEO_JSON)
_FORMATS = frozenset({"normalized", "concise", "simplified", "keyValues"})
_SHOWN = _FORMATS | {"sysAttrs"}
_PAGE = frozenset({"limit", "offset", "count"})
_GEO = frozenset({"georel", "geometry", "coordinates", "geoproperty"})
_PICTURE = frozenset(
    {"attrs", "pick", "omit", "lang", "format", "options", "geometryProperty", "datasetId", "join", "joinLevel"}
)
_MAP = frozenset({"containedBy", "entityMap", "entityMapLifetime", "local"})
_ORDER = frozenset({"orderBy", "orderFrom", "orderGeometry", "collation"})
_WHICH = frozenset({"id", "idPattern", "type", "q", "csf", "scopeQ", "expandValues", "jsonKeys", "local"}) | _GEO

_RETRIEVE = Accepted(_PICTURE | _MAP | {"type"}, _SHOWN, _FORMATS)
_QUERY = Accepted(_WHICH | _PICTURE | _MAP | _ORDER | _PAGE | {"splitEntities"}, _SHOWN, _FORMATS)
_PURGE = Accepted(_WHICH | {"attrs", "keep", "drop", "geometryProperty"})
_POST_QUERY = Accepted(_PAGE | _PICTURE | _MAP | {"splitEntities"}, _SHOWN, _FORMATS)
_WRITE = Accepted(frozenset({"type", "local"}))
_LOCAL = Accepted(frozenset({"local"}))
_SIMPLIFIED = frozenset({"simplified", "keyValues"})
_MERGE = Accepted(frozenset({"format", "lang", "observedAt", "options", "type", "local"}), _SIMPLIFIED, _SIMPLIFIED)
_APPEND = Accepted(frozenset({"options", "type", "local"}), frozenset({"noOverwrite"}))
_DELETE_ATTRIBUTE = Accepted(frozenset({"datasetId", "deleteAll", "type", "local"}))
_UPSERT = Accepted(frozenset({"options", "local"}), frozenset({"replace", "update"}))
_UPDATE = Accepted(frozenset({"options", "local"}), frozenset({"noOverwrite"}))
_DETAILS = Accepted(frozenset({"details", "local"}))

_ENTITY = "/entities/{entityId}"
_ATTRS = "/entities/{entityId}/attrs"
_ATTR = "/entities/{entityId}/attrs/{attrId}"
_NONE, _REFUSED = (204, ""), (400, "ProblemDetails")
_GONE, _TAKEN = (404, "ProblemDetails"), (409, "ProblemDetails")
_PARTLY, _UPDATED = (207, "BatchOperationResult"), (207, "UpdateResult")
_LISTED = (*((status, "EntityList") for status in (200, 201, 203)), _REFUSED)
_STALE = (412, "ProblemDetails")

_ENTITIES = (
    Operation(
        "create_entity", "5.6.1", "6.4.3.1", "POST", "/entities", entities.create_entity,
        ((201, ""), _PARTLY, _REFUSED, _TAKEN), _LOCAL, "object", "Entity", (), hot=True,
    ),
    Operation(
        "query_entities", "5.7.2", "6.4.3.2", "GET", "/entities", query.query_entities,
        _LISTED, _QUERY, writes=_ENTITY_MEDIA, hot=True,
    ),
    Operation(
        "purge_entities", "5.6.21", "6.4.3.3", "DELETE", "/entities", entities.purge_entities,
        (_NONE, _PARTLY, _REFUSED), _PURGE, writes=(),
    ),
    Operation(
        "retrieve_entity", "5.7.1", "6.5.3.1", "GET", _ENTITY, entities.retrieve_entity,
        ((200, "Entity"), (203, "Entity"), _REFUSED, _GONE), _RETRIEVE, writes=_ENTITY_MEDIA, hot=True,
    ),
    Operation(
        "delete_entity", "5.6.6", "6.5.3.2", "DELETE", _ENTITY, entities.delete_entity,
        (_NONE, _PARTLY, _REFUSED, _GONE, _STALE), _WRITE, writes=(), hot=True,
    ),
    Operation(
        "replace_entity", "5.6.18", "6.5.3.3", "PUT", _ENTITY, entities.replace_entity,
        (_NONE, _PARTLY, _REFUSED, _GONE, _STALE), _WRITE, "object", "Entity", (), hot=True,
    ),
    Operation(
        "merge_entity", "5.6.17", "6.5.3.4", "PATCH", _ENTITY, entities.merge_entity,
        (_NONE, _PARTLY, _REFUSED, _GONE, _STALE), _MERGE, "object", "EntityFragment", (), hot=True,
    ),
)  # fmt: skip

_ATTRIBUTES = (
    Operation(
        "append_attributes", "5.6.3", "6.6.3.1", "POST", _ATTRS, attributes.append_attributes,
        (_NONE, _UPDATED, _REFUSED, _GONE, _STALE), _APPEND, "object", "EntityFragment", (), hot=True,
    ),
    Operation(
        "update_attributes", "5.6.2", "6.6.3.2", "PATCH", _ATTRS, attributes.update_attributes,
        (_NONE, _UPDATED, _REFUSED, _GONE, _STALE), _WRITE, "object", "EntityFragment", (), hot=True,
    ),
    Operation(
        "partial_attribute_update", "5.6.4", "6.7.3.1", "PATCH", _ATTR, attributes.partial_attribute_update,
        (_NONE, _UPDATED, _REFUSED, _GONE, _STALE), _WRITE, "any", "AttributeFragment", (), hot=True,
    ),
    Operation(
        "delete_attribute", "5.6.5", "6.7.3.2", "DELETE", _ATTR, attributes.delete_attribute,
        (_NONE, _UPDATED, _REFUSED, _GONE, _STALE), _DELETE_ATTRIBUTE, writes=(), hot=True,
    ),
    Operation(
        "replace_attribute", "5.6.19", "6.7.3.3", "PUT", _ATTR, attributes.replace_attribute,
        (_NONE, _UPDATED, _REFUSED, _GONE, _STALE), _WRITE, "any", "AttributeFragment", (), hot=True,
    ),
)  # fmt: skip

_BATCH = (
    Operation(
        "batch_entity_creation", "5.6.7", "6.14.3.1", "POST", "/entityOperations/create", batch.batch_entity_creation,
        ((201, "IdList"), _PARTLY, _REFUSED), _LOCAL, "array", "EntityList", (), hot=True,
    ),
    Operation(
        "batch_entity_upsert", "5.6.8", "6.15.3.1", "POST", "/entityOperations/upsert", batch.batch_entity_upsert,
        ((201, "IdList"), _NONE, _PARTLY, _REFUSED), _UPSERT, "array", "EntityList", (), hot=True,
    ),
    Operation(
        "batch_entity_update", "5.6.9", "6.16.3.1", "POST", "/entityOperations/update", batch.batch_entity_update,
        (_NONE, _PARTLY, _REFUSED), _UPDATE, "array", "EntityList", (), hot=True,
    ),
    Operation(
        "batch_entity_delete", "5.6.10", "6.17.3.1", "POST", "/entityOperations/delete", batch.batch_entity_delete,
        (_NONE, _PARTLY, _REFUSED), _LOCAL, "array", "IdList", (), hot=True,
    ),
    Operation(
        "batch_entity_merge", "5.6.20", "6.31.3.1", "POST", "/entityOperations/merge", batch.batch_entity_merge,
        (_NONE, _PARTLY, _REFUSED), _LOCAL, "array", "EntityList", (), hot=True,
    ),
    Operation(
        "query_entities_by_post", "5.7.2", "6.23.3.1", "POST", "/entityOperations/query", query.query_entities_by_post,
        _LISTED, _POST_QUERY, "object", "Query", _ENTITY_MEDIA, asks=True,
    ),
)  # fmt: skip

_DISCOVERY = (
    Operation(
        "retrieve_entity_types", "5.7.5", "6.25.3.1", "GET", "/types", types.retrieve_entity_types,
        ((200, "EntityTypeList"), _REFUSED), _DETAILS,
    ),
    Operation(
        "retrieve_entity_type", "5.7.7", "6.26.3.1", "GET", "/types/{type}", types.retrieve_entity_type,
        ((200, "EntityTypeInfo"), _REFUSED, _GONE), _LOCAL,
    ),
    Operation(
        "retrieve_attributes", "5.7.8", "6.27.3.1", "GET", "/attributes", attribute_types.retrieve_attributes,
        ((200, "AttributeList"), _REFUSED), _DETAILS,
    ),
    Operation(
        "retrieve_attribute", "5.7.10", "6.28.3.1", "GET", "/attributes/{attrId}", attribute_types.retrieve_attribute,
        ((200, "AttributeInfo"), _REFUSED, _GONE), _LOCAL,
    ),
    Operation(
        "retrieve_source_identity", "5.15.1", "6.33.3.1", "GET", "/info/sourceIdentity", identity.retrieve_identity,
        ((200, "ContextSourceIdentity"),),
    ),
)  # fmt: skip

_CONTEXTS = (
    Operation(
        "add_context", "5.13.2", "6.29.3.1", "POST", "/jsonldContexts", contexts.add_context,
        ((201, ""), _REFUSED), body="object", schema="Context", writes=(), context_is_body=True,
    ),
    Operation(
        "list_contexts", "5.13.3", "6.29.3.2", "GET", "/jsonldContexts", contexts.list_contexts,
        ((200, "ContextList"), _REFUSED), Accepted(frozenset({"details", "kind"})),
    ),
    Operation(
        "serve_context", "5.13.4", "6.30.3.1", "GET", "/jsonldContexts/{contextId}", contexts.serve_context,
        ((200, "Context"), _REFUSED, _GONE, (422, "ProblemDetails")), Accepted(frozenset({"details"})),
    ),
    Operation(
        "delete_context", "5.13.5", "6.30.3.2", "DELETE", "/jsonldContexts/{contextId}", contexts.delete_context,
        (_NONE, _REFUSED, _GONE, (504, "ProblemDetails")), Accepted(frozenset({"reload"})), writes=(),
    ),
)  # fmt: skip

OPERATIONS: tuple[Operation, ...] = (
    *_ENTITIES,
    *_ATTRIBUTES,
    *_BATCH,
    *_DISCOVERY,
    *_CONTEXTS,
    *SUBSCRIPTIONS,
    *REGISTRATIONS,
    *TEMPORAL,
    *KEPT,
    *DEAD_LETTERS,
    *ERASURES,
    *CATALOGUE,
    *CLAIMS,
    *MODELS,
    *WATCHED_SOURCES,
    *SOURCE_SUBSCRIPTIONS,
    *RELAYS,
)
