"""What the parts of one engine share of a refusal: a tenant that nobody made."""

from __future__ import annotations

from broker.errors import NonexistentTenant, ResourceNotFound


def no_tenant(tenant: str) -> NonexistentTenant:
    """The refusal of a tenant in which nothing was ever created (clause 6.3.14)."""
    return NonexistentTenant(
        f"The tenant {tenant!r} does not exist.",
        pointer="NGSILD-Tenant",
        clause="6.3.14",
        remedy="Create an entity in it first: that makes the tenant.",
    )


def no_attribute(name: str) -> ResourceNotFound:
    """The refusal of an attribute without instances in history (clauses 5.6.13 to 5.6.15)."""
    return ResourceNotFound(
        f"The history of the entity has no such instance of {name}.",
        pointer="attrId",
        clause="5.6.13.4",
        remedy="Retrieve the evolution to see what there is of it.",
    )


def no_instance(name: str, instance_id: str) -> ResourceNotFound:
    """The refusal of an instance that is not there (clauses 5.6.14, 5.6.15)."""
    return ResourceNotFound(
        f"{name} has no instance {instance_id}.",
        pointer="instanceId",
        clause="5.6.14.4",
        remedy="Retrieve the evolution to see the ids of its instances.",
    )
