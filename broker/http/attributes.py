"""`/entities/{entityId}/attrs` and `/entities/{entityId}/attrs/{attrId}` (clauses 6.6, 6.7)."""

from __future__ import annotations

from broker.decode.attribute import decode_attribute
from broker.decode.entity import decode_fragment
from broker.errors import BadRequestData
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Deferred
from broker.http.targets import attribute_name, attribute_target, target, updated, written
from broker.model.entity import INSTANCE_MEMBERS, Instance
from broker.model.values import Json
from broker.operations import evolve, provide


def append_attributes(exchange: Exchange) -> Answer:
    """POST …/attrs: 204, 207 (clause 6.6.3.1)."""
    fragment = decode_fragment(exchange.body, exchange.call.names, nulls=False)
    overwrite = "noOverwrite" not in exchange.parameters.words("options")
    where = target(exchange)
    pending = provide.append_attributes(exchange.house.broker, exchange.call, where, fragment, overwrite=overwrite)
    return Deferred(pending, updated)


def update_attributes(exchange: Exchange) -> Answer:
    """PATCH …/attrs: 204, 207 (clause 6.6.3.2)."""
    fragment = decode_fragment(exchange.body, exchange.call.names, nulls=True)
    pending = provide.update_attributes(exchange.house.broker, exchange.call, target(exchange), fragment)
    return Deferred(pending, updated)


def partial_attribute_update(exchange: Exchange) -> Answer:
    """PATCH …/attrs/{attrId}: 204 (clause 6.7.3.1)."""
    name = attribute_name(exchange)
    fragment = decode_attribute(exchange.body, exchange.call.names, name=name, nulls=True, partial=True)
    if not isinstance(fragment, dict):
        raise BadRequestData(
            "the body is not one attribute instance", clause="5.6.4",
            remedy='{"value": 21.5}, with a datasetId for an instance that is not the default one',
        )  # fmt: skip
    one: Instance = fragment
    pending = provide.partial_attribute_update(exchange.house.broker, exchange.call, target(exchange), name, one)
    return Deferred(pending, written)


def replace_attribute(exchange: Exchange) -> Answer:
    """PUT …/attrs/{attrId}: 204 (clause 6.7.3.3)."""
    name = attribute_name(exchange)
    value = read_replacement(exchange, name)
    pending = provide.replace_attribute(exchange.house.broker, exchange.call, target(exchange), name, value)
    return Deferred(pending, written)


def read_replacement(exchange: Exchange, name: str) -> Json:
    """The attribute in the body, which may be wrapped in its own name: `{"speed": {"type": "Property", …}}`.

    Nothing else could be meant by that: an attribute that has no value, and itself for a sub-attribute.
    """
    body, names = exchange.body, exchange.call.names
    if isinstance(body, dict):
        inner = [key for key in body if key not in ("id", "@id", "@context")]
        if len(inner) == 1 and inner[0] not in INSTANCE_MEMBERS and names.expand(inner[0]) == name:
            body = body[inner[0]]
    return decode_attribute(body, names, name=name, nulls=False, partial=False)


def delete_attribute(exchange: Exchange) -> Answer:
    """DELETE …/attrs/{attrId}: 204; the default instance, that of datasetId, or all (clause 6.7.3.2)."""
    which, where = attribute_target(exchange), target(exchange)
    return Deferred(evolve.delete_current_attribute(exchange.house.broker, exchange.call, where, which), written)
