"""The JSON schemas of /openapi.json, by name (clause 5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.model.registration import OPERATION_GROUPS, OPERATIONS
from broker.model.subscription import TRIGGERS

_URI = {"type": "string", "format": "uri"}
_NAME = {"type": "string", "minLength": 1}
_URIS = {"type": "array", "items": _URI}
_NAMES = {"type": "array", "items": _NAME}
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
_DATETIME = {"type": "string", "format": "date-time"}
_TYPES = {"oneOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1}]}
_SCOPES = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_CONTEXT = {"oneOf": [_URI, {"type": "object"}, {"type": "array"}]}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Mapping[str, Any], *required: str, more: object = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": dict(properties)}
    if required:
        schema["required"] = list(required)
    if more is not None:
        schema["additionalProperties"] = more
    return schema


_MEMBERS = {"type": _TYPES, "scope": _SCOPES, "expiresAt": _DATETIME, "@context": _CONTEXT}

_PAIRS = {"type": "array", "items": _object({"key": _NAME, "value": {"type": "string"}}, "key", "value")}
_ENDPOINT = _object(
    {
        "uri": _URI,
        "accept": {"enum": ["application/json", "application/ld+json", "application/geo+json"]},
        "timeout": _POSITIVE,
        "cooldown": _POSITIVE,
        "receiverInfo": _PAIRS,
        "notifierInfo": _PAIRS,
    },
    "uri",
)
_NOTIFICATION = _object(
    {
        "endpoint": _ENDPOINT,
        "attributes": _NAMES,
        "pick": _NAMES,
        "omit": _NAMES,
        "format": {"enum": ["normalized", "concise", "simplified", "keyValues"]},
        "join": {"enum": ["flat", "inline", "@none"]},
        "joinLevel": {"type": "integer", "minimum": 1},
        "showChanges": {"type": "boolean"},
        "sysAttrs": {"type": "boolean"},
    },
    "endpoint",
)
_SUBSCRIPTION = {
    "id": _URI,
    "type": {"const": "Subscription"},
    "subscriptionName": {"type": "string"},
    "description": {"type": "string"},
    "entities": {"type": "array", "items": {"type": "object"}, "minItems": 1},
    "watchedAttributes": {**_NAMES, "minItems": 1},
    "notificationTrigger": {"type": "array", "items": {"enum": list(TRIGGERS)}, "minItems": 1},
    "timeInterval": _POSITIVE,
    "throttling": _POSITIVE,
    "q": _NAME,
    "geoQ": {"type": "object"},
    "scopeQ": _NAME,
    "csf": _NAME,
    "datasetId": {"type": "array", "items": _NAME, "minItems": 1},
    "expandValues": {"type": "string"},
    "jsonKeys": {"type": "string"},
    "lang": _NAME,
    "isActive": {"type": "boolean"},
    "expiresAt": _DATETIME,
    "localOnly": {"type": "boolean"},
    "splitEntities": {"type": "boolean"},
    "ngsildConformance": {"type": "string"},
    "jsonldContext": _URI,
    "notification": _NOTIFICATION,
    "@context": _CONTEXT,
}

_INTERVAL = _object({"startAt": _DATETIME, "endAt": _DATETIME}, "startAt")
_INFORMATION = _object(
    {
        "entities": {
            "type": "array",
            "items": _object({"type": _TYPES, "id": _URI, "idPattern": _NAME}),
            "minItems": 1,
        },
        "propertyNames": {**_NAMES, "minItems": 1},
        "relationshipNames": {**_NAMES, "minItems": 1},
    }
)
_REGISTRATION = {
    "id": _URI,
    "type": {"const": "ContextSourceRegistration"},
    "registrationName": _NAME,
    "description": _NAME,
    "endpoint": _URI,
    "information": {"type": "array", "items": _INFORMATION, "minItems": 1},
    "mode": {"enum": ["inclusive", "exclusive", "redirect", "auxiliary"]},
    "operations": {"type": "array", "items": {"enum": sorted((*OPERATIONS, *OPERATION_GROUPS))}, "minItems": 1},
    "tenant": _NAME,
    "contextSourceAlias": _NAME,
    "contextSourceInfo": _PAIRS,
    "datasetId": {"type": "array", "items": _NAME, "minItems": 1},
    "scope": _SCOPES,
    "expiresAt": _DATETIME,
    "location": {"type": "object"},
    "observationSpace": {"type": "object"},
    "operationSpace": {"type": "object"},
    "observationInterval": _INTERVAL,
    "managementInterval": _INTERVAL,
    "refreshRate": {"type": "string"},
    "management": _object(
        {
            "timeout": _POSITIVE,
            "cooldown": _POSITIVE,
            "cacheDuration": {"type": "string"},
            "localOnly": {"type": "boolean"},
        }
    ),
    "contract": {"type": "object", "additionalProperties": {"type": "string"}},
    "credentials": _object({"kind": {"enum": ["header", "oauth2", "mtls"]}}, "kind"),
    "passTenant": {"type": "boolean"},
    "@context": _CONTEXT,
}

SCHEMAS: Mapping[str, Any] = {
    "Json": {},
    "Entity": {
        "description": "An entity (5.2.4): id, type, and its attributes by name.",
        **_object({"id": _URI, **_MEMBERS}, "id", "type", more=_ref("Attribute")),
    },
    "EntityFragment": {
        "description": "A part of an entity: the attributes to change.",
        **_object({"id": _URI, **_MEMBERS}, more=_ref("Attribute")),
    },
    "Attribute": {
        "description": "A Property, Relationship, GeoProperty, LanguageProperty, VocabProperty, ListProperty, "
        "ListRelationship or JsonProperty (5.2.5 to 5.2.7, 5.2.32, 5.2.35 to 5.2.38), concise or normalized; "
        "an array of them, one a datasetId.",
    },
    "AttributeFragment": {"description": "An attribute, or the members of one to change."},
    "EntityList": {"type": "array", "items": _ref("Entity")},
    "IdList": {"type": "array", "items": _URI},
    "Query": {
        "description": "A query (5.2.23).",
        **_object(
            {
                "type": {"const": "Query"},
                "entities": {"type": "array", "items": {"type": "object"}},
                "q": {"type": "string"},
                "scopeQ": {"type": "string"},
                "geoQ": {"type": "object"},
                "pick": _NAMES,
                "omit": _NAMES,
                "attrs": _NAMES,
                "lang": {"type": "string"},
                "temporalQ": {"type": "object"},
                "aggrParams": {"type": "object"},
                "@context": _CONTEXT,
            },
            "type",
        ),
    },
    "EntityTemporal": {
        "description": "The history of an entity (5.2.20): instances of its attributes by name, each an array, or a "
        "series of values and times (4.5.9), or aggregated values (4.5.19).",
        **_object({"id": _URI, **_MEMBERS, "scope": {}}, more=_ref("Attribute")),
    },
    "EntityTemporalList": {"type": "array", "items": _ref("EntityTemporal")},
    "EntityMap": {
        "description": "Which entities a sequence of requests is about (5.2.39).",
        **_object(
            {
                "id": _URI,
                "type": {"const": "EntityMap"},
                "expiresAt": _DATETIME,
                "entityMap": {"type": "object", "additionalProperties": _NAMES},
                "linkedMaps": {"type": "object"},
            },
            "id", "type", "expiresAt", "entityMap",
        ),
    },
    "Snapshot": {
        "description": "A frozen result of queries and what has become of it (5.2.41).",
        **_object(
            {
                "id": _URI,
                "type": {"const": "Snapshot"},
                "snapshotQueries": {"type": "array", "items": _ref("Query"), "minItems": 1},
                "snapshotTemporalQueries": {"type": "array", "items": _ref("Query"), "minItems": 1},
                "snapshotLifetime": {"type": "string"},
                "snapshotPriority": {"type": "integer", "minimum": 1, "maximum": 10},
                "snapshotStatus": {"enum": ["preparing", "success", "partial", "failure", "empty"]},
                "endpoint": _URI,
                "receiverInfo": {"type": "array", "items": {"type": "object"}},
                "expiresAt": _DATETIME,
                "lastUsedAt": _DATETIME,
                "@context": _CONTEXT,
            },
            "type",
        ),
    },
    "EntityMapFragment": _object({"type": {"const": "EntityMap"}, "expiresAt": _DATETIME}),
    "Subscription": {
        "description": "A subscription (5.2.12).",
        **_object(_SUBSCRIPTION, "type", "notification"),
    },
    "SubscriptionFragment": {
        "description": "The members of a subscription to change; null removes one.",
        **_object(_SUBSCRIPTION),
    },
    "Notification": {
        "description": "What a source tells of a subscription (5.3.1).",
        **_object(
            {
                "id": _URI,
                "type": {"const": "Notification"},
                "subscriptionId": _URI,
                "notifiedAt": _DATETIME,
                "data": {"type": "array", "items": {"type": "object"}},
            },
            "data",
        ),
    },
    "SubscriptionList": {"type": "array", "items": _ref("Subscription")},
    "CSourceRegistration": {
        "description": "A registration of a context source (5.2.9), with terms and credentials of this hub's own.",
        **_object(_REGISTRATION, "type", "endpoint", "information"),
    },
    "CSourceRegistrationFragment": {
        "description": "The members of a registration to change; null removes one.",
        **_object(_REGISTRATION),
    },
    "CSourceRegistrationList": {"type": "array", "items": _ref("CSourceRegistration")},
    "BatchOperationResult": {
        "description": "What went well and what did not (5.2.16).",
        **_object(
            {"success": _URIS, "errors": {"type": "array", "items": _ref("BatchEntityError")}},
            "success", "errors",
        ),
    },
    "BatchEntityError": _object({"entityId": {"type": "string"}, "error": _ref("ProblemDetails")}, "error"),
    "UpdateResult": {
        "description": "Which attributes were updated and which were not (5.2.18).",
        **_object(
            {
                "updated": _NAMES,
                "notUpdated": {
                    "type": "array",
                    "items": _object({"attributeName": _NAME, "reason": {"type": "string"}}, "attributeName", "reason"),
                },
            },
            "updated", "notUpdated",
        ),
    },
    "EntityTypeList": {
        "description": "The types known (5.2.24); with details=true an array of EntityType (5.2.25).",
        "oneOf": [_object({"id": _URI, "type": {"const": "EntityTypeList"}, "typeList": _NAMES}), {"type": "array"}],
    },
    "EntityTypeInfo": _object(
        {
            "id": _URI,
            "type": {"const": "EntityTypeInfo"},
            "typeName": _NAME,
            "entityCount": {"type": "integer", "minimum": 0},
            "attributeDetails": {"type": "array", "items": {"type": "object"}},
        },
        "id", "type", "typeName", "entityCount", "attributeDetails",
    ),
    "AttributeList": {
        "description": "The attributes known (5.2.27); with details=true an array of Attribute (5.2.28).",
        "oneOf": [
            _object({"id": _URI, "type": {"const": "AttributeList"}, "attributeList": _NAMES}),
            {"type": "array"},
        ],
    },
    "AttributeInfo": _object({"id": _URI, "type": {"const": "Attribute"}, "attributeName": _NAME}, "id", "type"),
    "ContextSourceIdentity": _object(
        {
            "id": _URI,
            "type": {"const": "ContextSourceIdentity"},
            "contextSourceAlias": _NAME,
            "contextSourceUptime": {"type": "string"},
            "contextSourceTimeAt": _DATETIME,
        },
        "id", "type", "contextSourceAlias", "contextSourceUptime", "contextSourceTimeAt",
    ),
    "CommandClaim": _object(
        {
            "key": {"type": "string", "pattern": "^[0-9a-f]{64}$", "writeOnly": True},
            "rows": {
                "type": "array",
                "minItems": 1,
                "items": _object(
                    {
                        "commands": {"type": "object", "additionalProperties": {"type": "array", "items": _URI}},
                        "entities": {"type": "array", "items": _URI},
                    },
                    "commands", "entities",
                ),
            },
        },
        "key", "rows",
    ),
    "Context": _object({"@context": _CONTEXT}),
    "ContextList": {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "object"}]}},
    "DeadLetterList": {"type": "array", "items": _object({"number": {"type": "integer"}}, "number")},
    "DeadLetters": {
        "oneOf": [
            _object({"numbers": {"type": "array", "items": {"type": "integer"}}}, "numbers"),
            _object({"subscriptionId": _URI}, "subscriptionId"),
        ]
    },
    "Erasure": {
        "oneOf": [
            _object({"entityId": _URI}, "entityId"),
            _object({"subject": _URI, "keep": _URIS, "agreed": _URIS}, "subject"),
        ]
    },
    "Person": _object({"subject": _URI}, "subject"),
    "ModelPolicy": _object({"mode": {"enum": ["off", "warn", "reject"]}}, "mode"),
    "TestDelivery": _object({"subscriptionId": _URI}, "subscriptionId"),
    "ProblemDetails": {
        "description": "Why a request was refused (RFC 7807, 5.5.3): where, by which clause, and what would work.",
        **_object(
            {
                "type": _URI,
                "title": {"type": "string"},
                "detail": {"type": "string"},
                "status": {"type": "integer"},
                "pointer": {"type": "string", "description": "JSON pointer of the member, or the parameter or header"},
                "clause": {"type": "string"},
                "remedy": {"type": "string"},
            },
            "type", "title", "detail", "status",
        ),
    },
}  # fmt: skip
