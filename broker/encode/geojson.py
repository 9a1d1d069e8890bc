"""Entities as GeoJSON: Features and FeatureCollections (clauses 4.5.16, 4.5.17, 5.2.29 to 5.2.31, 6.3.15)."""

from __future__ import annotations

from collections.abc import Iterable

from broker.encode.entity import Representation, encode_entity
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Entity
from broker.model.kinds import is_geometry
from broker.model.values import Json


def encode_feature(
    entity: Entity, representation: Representation, names: ActiveContext, geometry: Json
) -> dict[str, Json]:
    """A Feature: `{"id": …, "type": "Feature", "geometry": {…}, "properties": {"type": "House", …}}`.

    `geometry` is `geometry_of` the entity before a projection took anything from it.
    """
    properties = encode_entity(entity, representation, names)
    feature: dict[str, Json] = {}
    if "id" in properties:
        feature["id"] = properties.pop("id")
    feature.update({"type": "Feature", "geometry": geometry, "properties": properties})
    return feature


def encode_collection(features: Iterable[dict[str, Json]]) -> dict[str, Json]:
    """A FeatureCollection; its Features have no @context of their own (clause 4.5.16.3)."""
    return {"type": "FeatureCollection", "features": list(features)}


def geometry_of(entity: Entity, geometry_property: str, dataset_ids: frozenset[str] = frozenset()) -> Json:
    """The geometry of the GeoProperty with this IRI, None where there is none (clause 4.5.16.1).

    Of several instances the one of a dataset asked for is taken, else the default one.
    """
    wanted = dataset_ids or {"@none"}
    for instance in entity.instances(geometry_property):
        if instance.get("datasetId", "@none") in wanted:
            value = instance.get("value")
            return value if instance["type"] == "GeoProperty" and is_geometry(value) else None
    return None
