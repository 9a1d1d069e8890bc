"""Which role may do what: one row for each operation of the tables of the doors. What has no row nobody may do.

    rights.admit(principal, "misono", "create_entity")     raises Unauthorized or Forbidden

A role says what somebody may do at all; what they see of it is the policy's. SYSTEM, the hub's own parts, may do
everything. Rows are in parts by owner; the parts of services are theirs to write.
"""

from __future__ import annotations

from typing import Final

from broker.access.city_rights import CITY
from broker.access.roles import (
    ANYBODY,
    EVERYBODY,
    FOLLOWERS,
    NOBODY,
    OPEN,
    OPERATOR,
    OVERSEERS,
    READERS,
    WRITERS,
    Rows,
)
from broker.access.service_rights import SERVICES
from broker.errors import Forbidden, Unauthorized
from broker.ports import SYSTEM, Principal

ENTITIES: Final[Rows] = {
    "create_entity": WRITERS,
    "query_entities": READERS,
    "purge_entities": OPERATOR,
    "retrieve_entity": READERS,
    "delete_entity": WRITERS,
    "replace_entity": WRITERS,
    "merge_entity": WRITERS,
    "append_attributes": WRITERS,
    "update_attributes": WRITERS,
    "partial_attribute_update": WRITERS,
    "delete_attribute": WRITERS,
    "replace_attribute": WRITERS,
    "batch_entity_creation": WRITERS,
    "batch_entity_upsert": WRITERS,
    "batch_entity_update": WRITERS,
    "batch_entity_delete": WRITERS,
    "batch_entity_merge": WRITERS,
    "query_entities_by_post": READERS,
    "retrieve_entity_types": READERS,
    "retrieve_entity_type": READERS,
    "retrieve_attributes": READERS,
    "retrieve_attribute": READERS,
}
EVOLUTION: Final[Rows] = {
    "upsert_temporal_evolution": WRITERS,
    "query_temporal_evolutions": READERS,
    "retrieve_temporal_evolution": READERS,
    "delete_temporal_evolution": OPERATOR,
    "add_attribute_evolution": WRITERS,
    "delete_attribute_evolution": OPERATOR,
    "modify_attribute_instance": OPERATOR,
    "delete_attribute_instance": OPERATOR,
    "query_temporal_by_post": READERS,
}
WRITES: Final = frozenset(name for rows in (ENTITIES, EVOLUTION) for name, roles in rows.items() if roles == WRITERS)
"""What devices and operators write without seeing what is there: its answers tell ids and no values."""
FOLLOWING: Final[Rows] = {
    "create_subscription": FOLLOWERS,
    "query_subscriptions": FOLLOWERS,
    "retrieve_subscription": FOLLOWERS,
    "update_subscription": FOLLOWERS,
    "delete_subscription": FOLLOWERS,
    "follow_changes": EVERYBODY,
    "create_entity_map": FOLLOWERS,
    "create_entity_map_by_post": FOLLOWERS,
    "create_temporal_entity_map": FOLLOWERS,
    "create_temporal_entity_map_by_post": FOLLOWERS,
    "retrieve_entity_map": FOLLOWERS,
    "update_entity_map": FOLLOWERS,
    "delete_entity_map": FOLLOWERS,
    "create_snapshot": FOLLOWERS,
    "purge_snapshots": OPERATOR,
    "retrieve_snapshot": FOLLOWERS,
    "update_snapshot": FOLLOWERS,
    "delete_snapshot": FOLLOWERS,
    "clone_snapshot": FOLLOWERS,
}
SOURCES: Final[Rows] = {
    "register_source": OPERATOR,
    "query_sources": OVERSEERS,
    "retrieve_source": OVERSEERS,
    "update_source": OPERATOR,
    "delete_source": OPERATOR,
    "list_sources": OVERSEERS,
    "create_source_subscription": OPERATOR,
    "query_source_subscriptions": OPERATOR,
    "retrieve_source_subscription": OPERATOR,
    "update_source_subscription": OPERATOR,
    "delete_source_subscription": OPERATOR,
    "relay_notification": OPEN,
    "retrieve_source_identity": READERS,
}
NAMES: Final[Rows] = {
    "add_context": FOLLOWERS,
    "list_contexts": EVERYBODY,
    "serve_context": OPEN,
    "delete_context": OPERATOR,
    "serve_package_context": OPEN,
    "list_models": OPEN,
    "list_model_policies": OVERSEERS,
    "set_model_policy": OPERATOR,
    "forget_model_policy": OPERATOR,
    "show_catalogue": READERS,
    "export_entities": READERS,
}
RUNNING: Final[Rows] = {
    "list_dead_letters": OPERATOR,
    "redeliver_dead_letters": OPERATOR,
    "discard_dead_letters": OPERATOR,
    "test_delivery": OPERATOR,
    "erase_entity": OPERATOR,
    "find_person": NOBODY,
    "iot_list_command_claims": OVERSEERS,
    "iot_claim_commands": OPERATOR,
    "iot_disclaim_commands": OPERATOR,
}
ADAPTERS: Final[Rows] = {
    "iot_measure": OPEN,
    "iot_about": OVERSEERS,
    "iot_list_adapters": OVERSEERS,
    "iot_retrieve_adapter": OVERSEERS,
    "iot_list_devices": OPERATOR,
    "iot_create_devices": OPERATOR,
    "iot_retrieve_device": OPERATOR,
    "iot_change_device": OPERATOR,
    "iot_delete_device": OPERATOR,
    "iot_list_groups": OPERATOR,
    "iot_create_groups": OPERATOR,
    "iot_change_group": OPERATOR,
    "iot_delete_group": OPERATOR,
    "iot_list_mappings": OPERATOR,
    "iot_retrieve_mapping": OPERATOR,
    "iot_change_mapping": OPERATOR,
    "iot_delete_mapping": OPERATOR,
    "iot_create_command": OPERATOR,
    "iot_list_commands": OPERATOR,
    "iot_audit_commands": OVERSEERS,
    "iot_retrieve_command": OPERATOR,
    "iot_list_quarantine": OPERATOR,
    "iot_replay_quarantine": OPERATOR,
    "iot_discard_quarantine": OPERATOR,
}
RIGHTS: Final[Rows] = {
    **ENTITIES, **EVOLUTION, **FOLLOWING, **SOURCES, **NAMES, **RUNNING, **ADAPTERS,
    **SERVICES, **CITY,
}  # fmt: skip


class Rights:
    """Admits principals; `public` are the tenants in which one need not say who one is."""

    def __init__(self, public: frozenset[str] = frozenset(), rows: Rows = RIGHTS) -> None:
        self._public, self._rows = public, rows

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:
        """Raises Unauthorized where somebody has to say who they are, Forbidden where it is not for them.

        Alike for a tenant that exists and for one that does not.
        """
        may, roles = self._rows.get(operation, NOBODY), principal.roles
        if may is OPEN or SYSTEM in roles or (ANYBODY in may and tenant in self._public):
            return
        if not roles:
            raise Unauthorized(
                "this is not for everybody", challenge='Bearer realm="misono"',
                remedy="Authorization: Bearer TOKEN, or X-API-Key",
            )  # fmt: skip
        if principal.tenants is not None and tenant not in principal.tenants:
            raise Forbidden(
                "this tenant is not yours", pointer="NGSILD-Tenant", remedy="a tenant that your token names"
            )
        if may.isdisjoint(roles):
            raise Forbidden(f"{operation} is not for {', '.join(sorted(roles))}", remedy=_remedy(may))

    def admit_command(self, principal: Principal) -> None:
        """Raises Forbidden where somebody may not command devices."""
        if principal.roles.isdisjoint({SYSTEM, "operator"}):
            raise Forbidden("this attribute is a command to a device", clause="5.5.2", remedy="the role operator")


def _remedy(may: frozenset[str]) -> str:
    named = sorted(may - {ANYBODY})
    return f"one of the roles {', '.join(named)}" if named else "nothing: it is the hub's own"
