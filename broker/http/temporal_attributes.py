"""`/temporal/entities/{entityId}/attrs` and what is below it (clauses 6.20, 6.21, 6.22)."""

from __future__ import annotations

from broker.decode.temporal import decode_history, decode_replacement
from broker.errors import MethodNotAllowed
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Deferred
from broker.http.targets import attribute_name, attribute_target
from broker.http.temporal import changed
from broker.operations import evolve
from broker.operations.evolve import InstanceTarget


def add_attributes(exchange: Exchange) -> Answer:
    """POST …/attrs: 204, 404 (clause 6.20.3.1)."""
    history = decode_history(exchange.body, exchange.call.names)
    pending = evolve.add_attributes(exchange.house.broker, exchange.call, exchange.path["entityId"], history)
    return Deferred(pending, changed)


def delete_attribute(exchange: Exchange) -> Answer:
    """DELETE …/attrs/{attrId}: 204, 404 (clause 6.21.3.1)."""
    target = attribute_target(exchange)
    pending = evolve.delete_attribute(exchange.house.broker, exchange.call, exchange.path["entityId"], target)
    return Deferred(pending, changed)


def modify_instance(exchange: Exchange) -> Answer:
    """PATCH …/attrs/{attrId}/{instanceId}: 204, 404 (clause 6.22.3.1)."""
    if not exchange.path["attrId"]:
        raise MethodNotAllowed(
            "an empty name leaves the resource of an attribute, which is deleted only",
            clause="6.21.3", remedy="one of: DELETE", allowed="DELETE",
        )  # fmt: skip
    target = _instance_target(exchange)
    instance = decode_replacement(exchange.body, exchange.call.names, target.name)
    pending = evolve.modify_instance(exchange.house.broker, exchange.call, exchange.path["entityId"], target, instance)
    return Deferred(pending, changed)


def delete_instance(exchange: Exchange) -> Answer:
    """DELETE …/attrs/{attrId}/{instanceId}: 204, 404 (clause 6.22.3.2)."""
    target = _instance_target(exchange)
    pending = evolve.delete_instance(exchange.house.broker, exchange.call, exchange.path["entityId"], target)
    return Deferred(pending, changed)


def _instance_target(exchange: Exchange) -> InstanceTarget:
    return InstanceTarget(attribute_name(exchange), exchange.path["instanceId"])
