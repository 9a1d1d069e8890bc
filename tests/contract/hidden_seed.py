"""What the hiding policy is asked about: entities, hidden and not, and short ways to write requests."""

from __future__ import annotations

from typing import Any, TypeAlias

from broker.model.entity import Document
from broker.model.values import Json
from tests.fakes.hiding import HIDDEN_ATTRIBUTE, HIDDEN_ENTITY, HIDDEN_INSTANCE, HIDDEN_TYPE, NS

Case: TypeAlias = tuple[str, Any] | tuple[str, Any, dict[str, str]]

ONE, TWO, NEW = "urn:ngsi-ld:Thing:1", "urn:ngsi-ld:Thing:2", "urn:ngsi-ld:Thing:new"
VEILED = "urn:ngsi-ld:Thing:veiled"
SPEED, DATASET = HIDDEN_INSTANCE
MISSING = "urn:ngsi-ld:Thing:missing"
SHOWN_INSTANCE, VEILED_INSTANCE = "urn:the:shown", "urn:the:veiled"
"""In a path below `…/attrs/{attrId}/`: the default instance, and that of DATASET, whatever their ids are."""


def prop(value: Json, **more: Json) -> dict[str, Json]:
    return {"type": "Property", "value": value, **more}


def point(longitude: float) -> dict[str, Json]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, 35.87]}}


def past(value: Json, second: int = 0) -> dict[str, Json]:
    """A Property's instance of some time."""
    return prop(value, observedAt=f"2026-01-01T00:00:0{second}Z")


def link(target: str) -> dict[str, Json]:
    return {"type": "Relationship", "object": target}


PLACE = "https://uri.etsi.org/ngsi-ld/location"
SEED: list[Document] = [
    {
        "id": ONE,
        "type": f"{NS}Thing",
        "scope": "/east",
        f"{NS}name": prop("one"),
        SPEED: [prop(5, **{f"{NS}hiddenSub": prop("secret"), f"{NS}sub": prop(1)}), prop(99, datasetId=DATASET)],
        HIDDEN_ATTRIBUTE: prop("x"),
        f"{NS}near": link(HIDDEN_ENTITY),
        PLACE: point(139.73),
    },
    {
        "id": TWO,
        "type": [f"{NS}Thing", f"{NS}Other"],
        f"{NS}name": prop("two"),
        SPEED: prop(3),
        HIDDEN_ATTRIBUTE: prop("a"),
        f"{NS}near": link(ONE),
        PLACE: point(139.74),
    },
    {"id": HIDDEN_ENTITY, "type": f"{NS}Thing", f"{NS}name": prop("three"), SPEED: prop(4), PLACE: point(139.735)},
    {"id": VEILED, "type": [f"{NS}Thing", HIDDEN_TYPE], f"{NS}name": prop("four"), f"{NS}rare": prop(1)},
]

EVER: dict[str, Json] = {"timerel": "after", "timeAt": "2000-01-01T00:00:00Z", "timeproperty": "createdAt"}
ENTITIES = (ONE, TWO, HIDDEN_ENTITY, VEILED, MISSING)
UPDATE = {"name": prop("new"), "color": prop("red")}


def each(method: str, path: str, body: Any = None) -> list[Case]:
    """The request for every entity, hidden and missing ones too."""
    return [(f"{method} {path.format(entity)}", body) for entity in ENTITIES]


def entity(entity_id: str, **attributes: Json) -> dict[str, Json]:
    return {"id": entity_id, "type": "Thing", **attributes}
