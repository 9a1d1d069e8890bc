"""Whom copies are about: what goes into a snapshot keeps the marks by which it will be judged, seen or not.

A view may hide whom something is about, and a projection may leave it out. A copy without it would be judged as if it
were about nobody; whoever reads the copy sees the marks only where they may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from broker.model.entity import ENTITY_MEMBERS, Document, Entity, Instance, instances, member
from broker.model.evolution import Evolution
from broker.model.subjects import DATA_SUBJECT, JUDGED_BY
from broker.model.values import Json
from broker.operations.broker import Broker
from broker.ports import UNRESTRICTED
from broker.query.temporal import TemporalQuery

_WHOLE = TemporalQuery(instances_max=2**31 - 1)


def marked_entities(broker: Broker, tenant: str, shown: Sequence[Entity]) -> list[Entity]:
    """What is shown of entities, each with its marks as they are here."""
    ids = [str(one.document["id"]) for one in shown if "id" in one.document]
    whole = broker.entities.get_many(tenant, ids)
    return [_marked(one, whole.get(str(one.document.get("id")))) for one in shown]


def marked_evolution(broker: Broker, tenant: str, shown: Evolution) -> Evolution:
    """What is shown of a history, with its marks as they are here."""
    found = broker.history.evolution(tenant, shown.id, _WHOLE, UNRESTRICTED).evolutions
    if not found:
        return shown
    by_id = {one.get("instanceId"): one for held in found[0].attributes.values() for one in held}
    attributes: dict[str, Sequence[Instance]] = {
        name: [_with_marks(one, by_id.get(one.get("instanceId"))) for one in held]
        for name, held in shown.attributes.items()
    }
    if DATA_SUBJECT in found[0].attributes:
        attributes[DATA_SUBJECT] = found[0].attributes[DATA_SUBJECT]
    return replace(shown, attributes=attributes)


def _marked(shown: Entity, whole: Entity | None) -> Entity:
    if whole is None:
        return shown
    document: Document = {}
    for name, value in shown.document.items():
        known = None if name in ENTITY_MEMBERS else whole.document.get(name)
        document[name] = value if known is None or known is value else _attribute(value, known)
    if DATA_SUBJECT in whole.document:
        document[DATA_SUBJECT] = whole.document[DATA_SUBJECT]
    return Entity(document, shown.created_at, shown.modified_at, shown.expires_at, shown.version)


def _attribute(shown: Json, whole: Json) -> Json:
    by_dataset = {one.get("datasetId"): one for one in instances(whole)}
    return member([_with_marks(one, by_dataset.get(one.get("datasetId"))) for one in instances(shown)])


def _with_marks(shown: Instance, whole: Mapping[str, Json] | None) -> Instance:
    lacking = {name: whole[name] for name in JUDGED_BY if name in whole and name not in shown} if whole else {}
    return {**shown, **lacking} if lacking else shown
