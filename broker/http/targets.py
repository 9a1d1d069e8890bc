"""Which entity a path means, and what a write of it answers (clauses 6.5, 6.6, 6.7)."""

from __future__ import annotations

from broker.errors import InvalidRequest
from broker.http.exchange import Exchange
from broker.http.messages import Response
from broker.http.preconditions import etag, precondition
from broker.http.respond import Headers, multi_status
from broker.model.values import Json
from broker.operations.provide import AttributeTarget, Target, Written
from broker.query.ast import Node
from broker.query.bind import bind
from broker.query.types import parse_types


def target(exchange: Exchange) -> Target:
    """The entity of the path, of the types of the parameter `type`, under If-Match."""
    return Target(exchange.path["entityId"], types_of(exchange), precondition(exchange))


def types_of(exchange: Exchange) -> Node | None:
    """The parameter `type` as a bound selection (clause 4.17), None where it was not given."""
    text = exchange.parameters.text("type")
    return None if text is None else bind(parse_types(text), exchange.call.names)


def attribute_name(exchange: Exchange) -> str:
    """The IRI of the attribute in the path. Raises BadRequestData where it is no legal name (clause 4.6.2)."""
    name = exchange.path["attrId"]
    return name if name in ("scope", "id", "type") else exchange.call.names.expand(name, "attrId")


def attribute_target(exchange: Exchange) -> AttributeTarget:
    """Which instances of the attribute in the path: the default one, that of datasetId, or all (clause 6.7.3.2).

    Raises InvalidRequest for both at once.
    """
    parameters = exchange.parameters
    datasets, delete_all = parameters.words("datasetId"), parameters.flag("deleteAll")
    if len(datasets) > 1 or (datasets and delete_all):
        raise InvalidRequest(
            "one datasetId or deleteAll=true, not both", pointer="datasetId", clause="6.7.3.2",
            remedy="deleteAll=true, or one datasetId",
        )  # fmt: skip
    dataset_id = datasets[0] if datasets and datasets[0] != "@none" else None
    return AttributeTarget(attribute_name(exchange), dataset_id, delete_all)


def written(result: Written) -> Response:
    """204 with the entity's new ETag; nothing to say of an entity that is gone, or that its writer does not see."""
    return Response(204, versioned(result))


def updated(result: Written) -> Response:
    """204, or 207 with an UpdateResult where some attributes were left as they are (clause 5.2.18)."""
    if result.result.complete:
        return written(result)
    names: list[Json] = list(result.result.updated)
    left: list[Json] = [{"attributeName": one.name, "reason": one.reason} for one in result.result.not_updated]
    return multi_status({"updated": names, "notUpdated": left}, versioned(result))


def versioned(result: Written) -> Headers:
    """The entity's ETag, where there is one to tell."""
    return (etag(result.version),) if result.version else ()
