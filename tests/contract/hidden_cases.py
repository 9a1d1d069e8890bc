"""Requests for every operation that must be answered as if what the hiding policy hides were not there.

CASES: name of an operation -> requests, each `(method and path, body)`, with headers if it needs any, sent one after
the other. They ask for hidden entities, types, attributes, instances and sub-attributes by name, and around them.
"""

from __future__ import annotations

from typing import Any

from broker.model.values import Json
from tests.contract.hidden_claim_cases import CLAIM_CASES
from tests.contract.hidden_model_cases import MODEL_CASES
from tests.contract.hidden_seed import (
    DATASET,
    ENTITIES,
    EVER,
    MISSING,
    NEW,
    ONE,
    SHOWN_INSTANCE,
    TWO,
    UPDATE,
    VEILED,
    VEILED_INSTANCE,
    Case,
    each,
    entity,
    past,
    prop,
)
from tests.fakes.hiding import HIDDEN_ENTITY

SUBSCRIPTION = "urn:ngsi-ld:Subscription:1"
_SUBSCRIBE: list[Case] = [
    (
        "POST /subscriptions",
        {
            "id": SUBSCRIPTION,
            "type": "Subscription",
            "entities": [{"type": "Thing"}, {"type": "Hidden"}, {"type": "Thing", "id": HIDDEN_ENTITY}],
            "watchedAttributes": ["speed", "hidden"],
            "q": 'hidden=="x"',
            "notification": {"endpoint": {"uri": "http://127.0.0.1:1/"}, "attributes": ["hidden", "name"]},
        },
    )
]
_READ: list[Case] = [(f"GET /subscriptions/{SUBSCRIPTION}", None)]
_TO_SOURCES: list[Case] = [("POST /csourceSubscriptions", _SUBSCRIBE[0][1])]
_READ_TO_SOURCES: list[Case] = [(f"GET /csourceSubscriptions/{SUBSCRIPTION}", None)]

MADE_MAP = "urn:ngsi-ld:EntityMap:made"
"""Stands for the entity map that was made last."""
SNAPSHOT = "urn:ngsi-ld:Snapshot:1"
_ON_MAP, _ON_SNAPSHOT = {"NGSILD-EntityMap": MADE_MAP}, {"NGSILD-Snapshot": SNAPSHOT}
_TIMES = "timerel=before&timeAt=2100-01-01T00:00:00Z&timeproperty=modifiedAt"
_SELECTIONS = (
    "type=Thing",
    "type=Hidden",
    'type=Thing&q=hidden=="x"',
    "type=Thing&q=speed==99",
    f"type=Thing&id={ONE},{HIDDEN_ENTITY},{VEILED}",
    "attrs=rare,hidden",
)
_TAKE = (
    "POST /snapshots",
    {
        "type": "Snapshot",
        "id": SNAPSHOT,
        "snapshotQueries": [
            {"type": "Query", "entities": [{"type": "Thing"}]},
            {"type": "Query", "entities": [{"type": "Hidden"}]},
            {"type": "Query", "entities": [{"type": "Thing"}], "q": 'hidden=="x"'},
        ],
        "snapshotTemporalQueries": [
            {
                "type": "Query",
                "entities": [{"type": "Thing,Hidden"}],
                "temporalQ": {"timerel": "before", "timeAt": "2100-01-01T00:00:00Z", "timeproperty": "modifiedAt"},
            }
        ],
    },
)
_LOOK: list[Case] = [
    (f"GET /snapshots/{SNAPSHOT}", None),
    *((one, None, _ON_SNAPSHOT) for one in ("GET /entities?type=Thing,Hidden", "GET /types", "GET /attributes")),
    *((f"GET /entities/{one}", None, _ON_SNAPSHOT) for one in (ONE, HIDDEN_ENTITY, VEILED)),
    *((f"GET /temporal/entities/{one}?timeproperty=modifiedAt", None, _ON_SNAPSHOT) for one in (ONE, HIDDEN_ENTITY)),
]

SOURCE = "urn:ngsi-ld:ContextSourceRegistration:1"
REDIRECTING = "urn:ngsi-ld:ContextSourceRegistration:2"


def _registration(registration_id: str, entities: list[dict[str, str]], **more: Json) -> dict[str, Any]:
    information = [{"entities": entities, "propertyNames": ["name", "hidden"]}]
    return {
        "id": registration_id,
        "type": "ContextSourceRegistration",
        "endpoint": "http://127.0.0.1:9",
        "information": information,
        **more,
    }


_REGISTER: list[Case] = [
    (
        "POST /csourceRegistrations",
        _registration(SOURCE, [{"type": "Thing", "id": HIDDEN_ENTITY}, {"type": "Hidden"}]),
    ),
    ("POST /csourceRegistrations", _registration(REDIRECTING, [{"type": "Thing", "id": MISSING}], mode="redirect")),
    ("POST /csourceRegistrations", _registration(REDIRECTING, [{"type": "Thing", "id": ONE}], mode="exclusive")),
]
_READ_SOURCES: list[tuple[str, Any]] = [(f"GET /csourceRegistrations/{one}", None) for one in (SOURCE, REDIRECTING)]

CASES: dict[str, list[Case]] = {
    "create_entity": [("POST /entities", entity(NEW, speed=prop(1))), ("POST /entities", entity(ONE))],
    "query_entities": [
        (f"GET /entities?{query}", None)
        for query in (
            "type=Thing",
            "type=Thing&count=true&limit=1",
            "type=Thing&count=true&limit=1&offset=1",
            "type=Thing,Hidden&options=sysAttrs",
            "type=Hidden",
            f"type=Thing&id={ONE},{HIDDEN_ENTITY},{VEILED}",
            "type=Thing&idPattern=.*hidden",
            "type=Thing&attrs=hidden",
            "type=Thing&pick=id,hidden",
            "attrs=rare",
            'q=hidden=="x"',
            'type=Thing&q=hidden!="x"',
            "type=Thing&q=speed==99",
            "type=Thing&q=speed>1",
            'type=Thing&q=speed.hiddenSub=="secret"',
            "type=Thing&q=speed.sub==1",
            'type=Thing&join=inline&joinLevel=1&q=near{Thing:name=="three"}',
            "type=Thing&orderBy=hidden",
            "type=Thing&orderBy=speed;desc",
            f"type=Thing&datasetId={DATASET}",
            "type=Thing&join=inline",
            "type=Thing&join=flat&joinLevel=2",
            "type=Thing&format=simplified",
            "type=Thing&georel=near;maxDistance==2000&geometry=Point&coordinates=[139.735,35.87]",
            "scopeQ=/east&type=Thing",
        )
    ],
    "query_entities_by_post": [
        ("POST /entityOperations/query?count=true", {"type": "Query", **query})
        for query in (
            {"entities": [{"type": "Thing"}]},
            {"entities": [{"type": "Hidden"}]},
            {"entities": [{"id": HIDDEN_ENTITY, "type": "Thing"}]},
            {"entities": [{"type": "Thing"}], "q": 'hidden=="x"'},
            {"entities": [{"type": "Thing"}], "attrs": ["hidden"]},
        )
    ],
    "retrieve_entity": [
        *each("GET", "/entities/{}"),
        *each("GET", "/entities/{}?options=sysAttrs"),
        *each("GET", "/entities/{}?pick=hidden"),
        *each("GET", "/entities/{}?join=inline"),
        *each("GET", f"/entities/{{}}?datasetId={DATASET}"),
    ],
    "delete_entity": each("DELETE", "/entities/{}"),
    "replace_entity": each("PUT", "/entities/{}", {"type": "Thing", "speed": prop(6), "color": prop("red")}),
    "merge_entity": each("PATCH", "/entities/{}", {**UPDATE, "speed": {"value": 7}}),
    "append_attributes": [
        *each("POST", "/entities/{}/attrs", UPDATE),
        *each("POST", "/entities/{}/attrs?options=noOverwrite", {"name": prop("no"), "size": prop(1)}),
    ],
    "update_attributes": each("PATCH", "/entities/{}/attrs", UPDATE),
    "partial_attribute_update": [
        *each("PATCH", "/entities/{}/attrs/speed", {"value": 8}),
        *each("PATCH", "/entities/{}/attrs/hidden", {"value": 8}),
        *each("PATCH", "/entities/{}/attrs/speed", {"value": 8, "datasetId": DATASET}),
    ],
    "replace_attribute": [
        *each("PUT", "/entities/{}/attrs/name", prop("replaced")),
        *each("PUT", "/entities/{}/attrs/hidden", prop("replaced")),
    ],
    "delete_attribute": [
        *each("DELETE", "/entities/{}/attrs/name"),
        *each("DELETE", "/entities/{}/attrs/hidden"),
        *each("DELETE", f"/entities/{{}}/attrs/speed?datasetId={DATASET}"),
    ],
    "purge_entities": [
        ('DELETE /entities?type=Thing&q=hidden=="x"', None),
        ("DELETE /entities?type=Hidden", None),
        ("DELETE /entities?type=Thing&drop=name", None),
        ("DELETE /entities?type=Thing", None),
    ],
    "batch_entity_creation": [
        ("POST /entityOperations/create", [entity(NEW, name=prop("n")), entity(ONE)]),
    ],
    "batch_entity_upsert": [
        ("POST /entityOperations/upsert?options=update", [entity(NEW, name=prop("n")), entity(ONE, name=prop("u"))]),
        ("POST /entityOperations/upsert", [entity(TWO, name=prop("r")), entity(MISSING)]),
    ],
    "batch_entity_update": [("POST /entityOperations/update", [entity(one, **UPDATE) for one in ENTITIES])],
    "batch_entity_merge": [("POST /entityOperations/merge", [entity(one, **UPDATE) for one in ENTITIES])],
    "batch_entity_delete": [("POST /entityOperations/delete", list(ENTITIES))],
    "retrieve_entity_types": [("GET /types", None), ("GET /types?details=true", None)],
    "retrieve_entity_type": [(f"GET /types/{name}", None) for name in ("Thing", "Hidden", "Other", "Missing")],
    "retrieve_attributes": [("GET /attributes", None), ("GET /attributes?details=true", None)],
    "retrieve_attribute": [(f"GET /attributes/{name}", None) for name in ("speed", "hidden", "rare", "name", "none")],
    "retrieve_source_identity": [("GET /info/sourceIdentity", None)],
    "add_context": [("POST /jsonldContexts", {"@context": {"a": "https://x.org/a"}})],
    "list_contexts": [("GET /jsonldContexts", None)],
    "serve_context": [("GET /jsonldContexts/urn:missing", None)],
    "delete_context": [("DELETE /jsonldContexts/urn:missing", None)],
    "create_subscription": [*_SUBSCRIBE, *_SUBSCRIBE, *_READ],
    "query_subscriptions": [*_SUBSCRIBE, ("GET /subscriptions?count=true", None)],
    "retrieve_subscription": [*_SUBSCRIBE, *_READ],
    "update_subscription": [
        *_SUBSCRIBE,
        (f"PATCH /subscriptions/{SUBSCRIPTION}", {"entities": [{"type": "Hidden"}], "watchedAttributes": ["rare"]}),
        *_READ,
    ],
    "delete_subscription": [*_SUBSCRIBE, (f"DELETE /subscriptions/{SUBSCRIPTION}", None), ("GET /subscriptions", None)],
    "register_source": [*_REGISTER, *_REGISTER, *_READ_SOURCES],
    "query_sources": [
        *_REGISTER,
        *(
            (f"GET /csourceRegistrations?count=true&{query}", None)
            for query in ("type=Thing", "type=Hidden", "type=*", "attrs=hidden", 'q=hidden=="x"', f"id={HIDDEN_ENTITY}")
        ),
    ],
    "retrieve_source": [*_REGISTER, *_READ_SOURCES],
    "update_source": [
        *_REGISTER,
        (f"PATCH /csourceRegistrations/{SOURCE}", {"information": [{"entities": [{"type": "Hidden"}]}]}),
        (f"PATCH /csourceRegistrations/{REDIRECTING}", {"mode": "inclusive"}),
        *_READ_SOURCES,
    ],
    "delete_source": [*_REGISTER, *(("DELETE" + path[3:], None) for path, _ in _READ_SOURCES), *_READ_SOURCES],
    "create_source_subscription": [*_TO_SOURCES, *_TO_SOURCES, *_READ_TO_SOURCES],
    "query_source_subscriptions": [*_TO_SOURCES, ("GET /csourceSubscriptions?count=true", None)],
    "retrieve_source_subscription": [*_TO_SOURCES, *_READ_TO_SOURCES],
    "update_source_subscription": [
        *_TO_SOURCES,
        (f"PATCH /csourceSubscriptions/{SUBSCRIPTION}", {"entities": [{"type": "Hidden"}]}),
        *_READ_TO_SOURCES,
    ],
    "delete_source_subscription": [
        *_TO_SOURCES,
        (f"DELETE /csourceSubscriptions/{SUBSCRIPTION}", None),
        ("GET /csourceSubscriptions", None),
    ],
    "relay_notification": [
        ("POST /federation/relay/nobody", {"type": "Notification", "data": [entity(one)]}) for one in ENTITIES
    ],
    "upsert_temporal_evolution": [
        ("POST /temporal/entities", entity(NEW, speed=[past(1), past(2, 2)])),
        ("POST /temporal/entities", entity(ONE, speed=past(4), color=past("red"))),
        (f"GET /temporal/entities/{ONE}", None),
    ],
    "query_temporal_evolutions": [
        (f"GET /temporal/entities?{query}&timerel=after&timeAt=2000-01-01T00:00:00Z&timeproperty=createdAt", None)
        for query in (
            "type=Thing",
            "type=Thing&count=true&limit=1&offset=1",
            "type=Hidden",
            "type=Thing,Hidden&options=sysAttrs,temporalValues",
            f"type=Thing&id={ONE},{HIDDEN_ENTITY},{VEILED}&orderBy=id;desc",
            "attrs=hidden",
            "attrs=rare",
            "type=Thing&pick=id,hidden",
            'q=hidden=="x"',
            "type=Thing&q=speed==99",
            'type=Thing&q=speed.hiddenSub=="secret"',
            f"type=Thing&datasetId={DATASET}",
            "type=Thing&lastN=1",
            "type=Thing&scopeQ=/east",
            "type=Thing&aggrMethods=max,totalCount",
            "type=Thing&georel=near;maxDistance==2000&geometry=Point&coordinates=[139.735,35.87]",
        )
    ],
    "query_temporal_by_post": [
        ("POST /temporal/entityOperations/query?count=true", {"type": "Query", "temporalQ": EVER, **query})
        for query in (
            {"entities": [{"type": "Thing"}]},
            {"entities": [{"type": "Hidden"}]},
            {"entities": [{"type": "Thing"}], "attrs": ["hidden"]},
            {"entities": [{"type": "Thing"}], "aggrParams": {"aggrMethods": ["totalCount"]}},
        )
    ],
    "retrieve_temporal_evolution": [
        *each("GET", "/temporal/entities/{}"),
        *each("GET", "/temporal/entities/{}?options=sysAttrs&lastN=1"),
        *each("GET", "/temporal/entities/{}?attrs=hidden"),
        *each("GET", "/temporal/entities/{}?format=temporalValues"),
        *each("GET", "/temporal/entities/{}?aggrMethods=totalCount,distinctCount"),
        *each("GET", f"/temporal/entities/{{}}?datasetId={DATASET}"),
    ],
    "delete_temporal_evolution": [
        *each("DELETE", "/temporal/entities/{}"),
        *each("GET", "/temporal/entities/{}"),
    ],
    "add_attribute_evolution": [
        *each("POST", "/temporal/entities/{}/attrs", {"speed": [past(7), past(8, 8)], "color": past("red")}),
        *each("GET", "/temporal/entities/{}"),
    ],
    "delete_attribute_evolution": [
        *each("DELETE", "/temporal/entities/{}/attrs/hidden"),
        *each("DELETE", "/temporal/entities/{}/attrs/name"),
        *each("DELETE", f"/temporal/entities/{{}}/attrs/speed?datasetId={DATASET}"),
        *each("DELETE", "/temporal/entities/{}/attrs/speed?deleteAll=true"),
    ],
    "modify_attribute_instance": [
        *each("PATCH", "/temporal/entities/{}/attrs/speed/" + SHOWN_INSTANCE, past(9)),
        *each("PATCH", "/temporal/entities/{}/attrs/speed/" + VEILED_INSTANCE, past(9)),
        *each("PATCH", "/temporal/entities/{}/attrs/hidden/" + SHOWN_INSTANCE, past(9)),
        *each("GET", "/temporal/entities/{}"),
    ],
    "delete_attribute_instance": [
        *each("DELETE", "/temporal/entities/{}/attrs/speed/" + VEILED_INSTANCE),
        *each("DELETE", "/temporal/entities/{}/attrs/hidden/" + SHOWN_INSTANCE),
        *each("DELETE", "/temporal/entities/{}/attrs/speed/" + SHOWN_INSTANCE),
        *each("GET", "/temporal/entities/{}"),
    ],
    "list_dead_letters": [("GET /admin/dead-letters", None), ("GET /admin/dead-letters?after=1&limit=1", None)],
    "redeliver_dead_letters": [("POST /admin/dead-letters/redeliver", {"numbers": [1, 2]})],
    "discard_dead_letters": [("POST /admin/dead-letters/discard", {"subscriptionId": MISSING})],
    "test_delivery": [("POST /admin/test-deliveries", {"subscriptionId": MISSING})],
    "list_sources": [("GET /federation/sources", None)],
    "show_catalogue": [("GET /catalogue", None)],
    **MODEL_CASES,
    **CLAIM_CASES,
    "erase_entity": [
        *(("POST /admin/erasures", {"entityId": one}) for one in (HIDDEN_ENTITY, VEILED, ONE, MISSING)),
        *each("GET", "/temporal/entities/{}"),
    ],
    "find_person": [("POST /admin/persons", {"subject": "urn:misono:subject:nobody"})],
    "create_entity_map": [
        *((f"GET /entityMaps?{query}", None) for query in _SELECTIONS),
        ("GET /entityMaps?type=Thing", None),
        ("GET /entities?type=Thing&count=true", None, _ON_MAP),
        (f"DELETE /entities/{ONE}", None),
        ("GET /entities?type=Thing&limit=1", None, _ON_MAP),
        (f"GET /entityMaps/{MADE_MAP}", None),
    ],
    "create_entity_map_by_post": [
        ("POST /entityMaps", {"type": "Query", "entities": [{"type": kind}]}) for kind in ("Thing", "Hidden")
    ],
    "retrieve_entity_map": [
        ("GET /entities?type=Thing&entityMap=true", None),
        (f"GET /entityMaps/{MADE_MAP}", None),
        *((f"GET /entities/{one}", None, _ON_MAP) for one in (ONE, HIDDEN_ENTITY, VEILED)),
        (f"GET /entities/{HIDDEN_ENTITY}?entityMap=true", None),
    ],
    "update_entity_map": [
        ("GET /entityMaps?type=Thing", None),
        (f"PATCH /entityMaps/{MADE_MAP}", {"expiresAt": "2026-01-01T00:30:00Z"}),
        (f"GET /entityMaps/{MADE_MAP}", None),
    ],
    "delete_entity_map": [
        ("GET /entityMaps?type=Thing", None),
        (f"DELETE /entityMaps/{MADE_MAP}", None),
        (f"GET /entityMaps/{MADE_MAP}", None),
    ],
    "create_temporal_entity_map": [
        *((f"GET /temporal/entityMaps?{query}&{_TIMES}", None) for query in _SELECTIONS),
        (f"GET /temporal/entityMaps?type=Thing&{_TIMES}", None),
        (f"GET /temporal/entities?type=Thing&count=true&{_TIMES}", None, _ON_MAP),
        (f"GET /entityMaps/{MADE_MAP}", None),
        (f"GET /temporal/entities/{ONE}?entityMap=true&{_TIMES}", None),
    ],
    "create_temporal_entity_map_by_post": [
        (
            "POST /temporal/entityMaps",
            {
                "type": "Query",
                "entities": [{"type": "Thing,Hidden"}],
                "temporalQ": {"timerel": "before", "timeAt": "2100-01-01T00:00:00Z", "timeproperty": "modifiedAt"},
            },
        )
    ],
    "create_snapshot": [_TAKE, _TAKE, *_LOOK],
    "retrieve_snapshot": [(f"GET /snapshots/{SNAPSHOT}", None), _TAKE, *_LOOK],
    "update_snapshot": [
        _TAKE,
        (f"PATCH /snapshots/{SNAPSHOT}", {"snapshotPriority": 1}),
        (f"PATCH /entities/{ONE}/attrs", UPDATE, _ON_SNAPSHOT),
        *_LOOK,
    ],
    "delete_snapshot": [_TAKE, (f"DELETE /snapshots/{SNAPSHOT}", None), *_LOOK],
    "purge_snapshots": [
        _TAKE,
        ("DELETE /snapshots?q=snapshotPriority>5", None),
        ("DELETE /snapshots?q=snapshotPriority==5", None),
        *_LOOK,
    ],
    "clone_snapshot": [
        _TAKE,
        (f"POST /snapshots/{SNAPSHOT}/clone", {"type": "Snapshot", "id": f"{SNAPSHOT}:copy"}),
        (f"GET /snapshots/{SNAPSHOT}:copy", None),
        ("GET /entities?type=Thing,Hidden", None, {"NGSILD-Snapshot": f"{SNAPSHOT}:copy"}),
    ],
}
