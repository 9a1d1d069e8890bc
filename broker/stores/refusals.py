"""What the parts of one engine share of a refusal: a tenant that nobody made."""

from __future__ import annotations

from broker.errors import NonexistentTenant


def no_tenant(tenant: str) -> NonexistentTenant:
    """The refusal of a tenant in which nothing was ever created (clause 6.3.14)."""
    return NonexistentTenant(
        f"The tenant {tenant!r} does not exist.",
        pointer="NGSILD-Tenant",
        clause="6.3.14",
        remedy="Create an entity in it first: that makes the tenant.",
    )
