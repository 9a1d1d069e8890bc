"""Which role may do what: one row for each operation of the tables of the doors. What has no row nobody may do.

    rights.admit(principal, "misono", "create_entity")     raises Unauthorized or Forbidden

A role says what somebody may do at all; what they see of it is the policy's. SYSTEM, the hub's own parts, may do
everything. Rows are in parts by owner; the parts of services are theirs to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.errors import Forbidden, Unauthorized
from broker.ports import ROLES, SYSTEM, Principal

ANYBODY: Final = "anybody"
"""Who does not say who they are, in tenants that the file of --access calls public."""
OPEN: Final = frozenset({"open"})
"""Nobody is asked: a document for everybody, or what asks for a secret of its own."""
NOBODY: Final = frozenset[str]()

OPERATOR: Final = frozenset({"operator"})
BOARD: Final = frozenset({"board"})
AUDITOR: Final = frozenset({"auditor"})
RESIDENT: Final = frozenset({"resident"})
RECIPIENT: Final = frozenset({"recipient"})
DEVICE: Final = frozenset({"device"})
EVERYBODY: Final = ROLES
READERS: Final = ROLES | {ANYBODY}
WRITERS: Final = OPERATOR | DEVICE
"""Who writes entities; residents correct their data in their store, adapters and services are the hub's own."""
FOLLOWERS: Final = OPERATOR | RECIPIENT | RESIDENT | DEVICE
"""Who has subscriptions, entity maps and snapshots: each their own."""
OVERSEERS: Final = OPERATOR | AUDITOR

Rows = Mapping[str, frozenset[str]]

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
CONSENT: Final[Rows] = {
    "consent_list_terms": EVERYBODY,
    "consent_publish_terms": RECIPIENT | OPERATOR,
    "consent_retrieve_terms": EVERYBODY,
    "consent_change_terms": RECIPIENT | OPERATOR,
    "consent_end_terms": RECIPIENT | OPERATOR,
    "consent_show_notice": RESIDENT,
    "consent_show_conditions": EVERYBODY,
    "consent_publish_conditions": OPERATOR,
    "consent_agree_conditions": RESIDENT,
    "consent_list_records": RESIDENT,
    "consent_give": RESIDENT,
    "consent_show_matrix": RESIDENT,
    "consent_retrieve_record": RESIDENT,
    "consent_list_events": RESIDENT,
    "consent_accept": RESIDENT,
    "consent_refuse": RESIDENT,
    "consent_defer": RESIDENT,
    "consent_renew": RESIDENT,
    "consent_change": RESIDENT,
    "consent_withdraw": RESIDENT,
    "consent_ask": RECIPIENT,
    "consent_list_requests": RESIDENT,
    "consent_list_delegations": RESIDENT,
    "consent_note_delegation": RESIDENT | OPERATOR,
    "consent_end_delegation": RESIDENT | OPERATOR,
    "consent_list_emergencies": OVERSEERS | BOARD,
    "consent_begin_emergency": OPERATOR,
    "consent_end_emergency": OPERATOR,
    "consent_retrieve_receipt": RESIDENT,
    "consent_show_receipt": RESIDENT,
    "consent_export_record": RESIDENT,
    "consent_export": RESIDENT,
    "consent_verify_receipt": OPEN,
    "consent_status_list": OPEN,
    "serve_keys": OPEN,
    "consent_list_granted": RECIPIENT,
    "consent_end_granted": RECIPIENT,
    "consent_follow_changes": RECIPIENT,
    "consent_list_deletions": RESIDENT | RECIPIENT | OVERSEERS,
    "consent_confirm_deletion": RECIPIENT,
}
STORE: Final[Rows] = {
    "store_show_summary": RESIDENT,
    "store_list_entities": RESIDENT,
    "store_retrieve_entity": RESIDENT,
    "store_retrieve_history": RESIDENT,
    "store_list_disclosures": RESIDENT,
    "store_correct": RESIDENT,
    "store_list_corrections": RESIDENT,
    "store_export": RESIDENT,
    "store_share": RESIDENT,
    "store_list_shares": RESIDENT,
    "store_end_share": RESIDENT,
    "store_erase": RESIDENT,
    "store_list_erasures": RESIDENT,
    "store_retrieve_erasure": RESIDENT,
    "store_cancel_erasure": RESIDENT,
    "store_open_share": OPEN,
    "store_verify_certificate": OPEN,
}
BANK: Final[Rows] = {
    "bank_list_recipients": OPERATOR | BOARD | AUDITOR | RESIDENT | RECIPIENT,
    "bank_register_recipient": OPERATOR,
    "bank_retrieve_recipient": OPERATOR | BOARD | AUDITOR | RESIDENT | RECIPIENT,
    "bank_change_recipient": OPERATOR,
    "bank_activate_recipient": OPERATOR,
    "bank_suspend_recipient": OPERATOR,
    "bank_end_recipient": OPERATOR,
    "bank_list_members": OPERATOR | BOARD | AUDITOR,
    "bank_appoint_member": OPERATOR,
    "bank_end_member": OPERATOR,
    "bank_list_reviews": OPERATOR | BOARD | AUDITOR,
    "bank_propose_review": OPERATOR,
    "bank_retrieve_review": OPERATOR | BOARD | AUDITOR,
    "bank_vote": BOARD,
    "bank_decide": BOARD,
    "bank_list_decisions": OPERATOR | BOARD | AUDITOR | RESIDENT | RECIPIENT,
    "bank_retrieve_decision": OPERATOR | BOARD | AUDITOR | RESIDENT | RECIPIENT,
    "bank_revoke_decision": BOARD,
    "bank_list_offers": OPERATOR | BOARD | AUDITOR | RESIDENT | RECIPIENT,
    "bank_draft_offer": OPERATOR,
    "bank_retrieve_offer": OPERATOR | BOARD | AUDITOR | RESIDENT | RECIPIENT,
    "bank_change_offer": OPERATOR,
    "bank_offer_policy": OPERATOR | BOARD | AUDITOR | RESIDENT | RECIPIENT,
    "bank_publish_offer": OPERATOR,
    "bank_suspend_offer": OPERATOR,
    "bank_close_offer": OPERATOR,
    "bank_list_requests": OPERATOR | BOARD | AUDITOR | RECIPIENT,
    "bank_submit_request": RECIPIENT,
    "bank_retrieve_request": OPERATOR | BOARD | AUDITOR | RECIPIENT,
    "bank_withdraw_request": RECIPIENT,
    "bank_accept_request": OPERATOR,
    "bank_reject_request": OPERATOR,
    "bank_list_agreements": OPERATOR | BOARD | AUDITOR | RECIPIENT,
    "bank_retrieve_agreement": OPERATOR | BOARD | AUDITOR | RECIPIENT,
    "bank_agreement_policy": OPERATOR | BOARD | AUDITOR | RECIPIENT,
    "bank_end_agreement": OPERATOR | RECIPIENT,
    "bank_deliver": RECIPIENT,
    "bank_list_deliveries": OPERATOR | AUDITOR | RECIPIENT,
    "bank_match_request": OPERATOR | RECIPIENT,
    "bank_my_offers": RESIDENT,
    "bank_my_records": RESIDENT,
    "bank_my_receipts": RESIDENT,
    "bank_export_records": AUDITOR | RECIPIENT,
    "bank_record_receipt": OPERATOR,
    "bank_list_complaints": OPERATOR | AUDITOR | RESIDENT,
    "bank_complain": RESIDENT,
    "bank_retrieve_complaint": OPERATOR | AUDITOR | RESIDENT,
    "bank_acknowledge_complaint": OPERATOR,
    "bank_answer_complaint": OPERATOR,
    "bank_escalate_complaint": RESIDENT,
    "bank_close_complaint": RESIDENT,
    "bank_list_incidents": OPERATOR | BOARD | AUDITOR | RECIPIENT,
    "bank_find_incident": OPERATOR | RECIPIENT,
    "bank_retrieve_incident": OPERATOR | BOARD | AUDITOR | RECIPIENT,
    "bank_change_incident": OPERATOR,
    "bank_incident_report": OPERATOR | BOARD | AUDITOR,
    "bank_report_promptly": OPERATOR,
    "bank_report_finally": OPERATOR,
    "bank_tell_people": OPERATOR,
    "bank_close_incident": OPERATOR,
    "bank_summary": OPEN,
    "bank_conformance": OPERATOR | BOARD | AUDITOR,
}
LEDGER: Final[Rows] = {
    "ledger_open_account": RESIDENT | RECIPIENT | OPERATOR,
    "ledger_list_accounts": RESIDENT | RECIPIENT | OVERSEERS,
    "ledger_retrieve_account": RESIDENT | RECIPIENT | OVERSEERS,
    "ledger_read_statement": RESIDENT | RECIPIENT | OVERSEERS,
    "ledger_set_state": OPERATOR,
    "ledger_transfer": RESIDENT | RECIPIENT,
    "ledger_issue": OPERATOR,
    "ledger_retrieve_transaction": RESIDENT | RECIPIENT | OVERSEERS,
    "ledger_reverse": OPERATOR,
    "ledger_verify": OVERSEERS,
}
PRICING: Final[Rows] = {
    "pricing_list_rules": EVERYBODY,
    "pricing_retrieve_rules": EVERYBODY,
    "pricing_estimate": EVERYBODY,
    "pricing_list_quotes": RECIPIENT | OVERSEERS,
    "pricing_ask_quote": RECIPIENT,
    "pricing_retrieve_quote": RECIPIENT | OVERSEERS,
    "pricing_accept_quote": RECIPIENT,
    "pricing_verify_quote": OPEN,
    "pricing_my_reserves": RESIDENT,
    "pricing_set_reserve": RESIDENT,
    "pricing_my_income": RESIDENT,
    "pricing_my_payments": RESIDENT,
    "pricing_list_experiments": OPERATOR | BOARD,
    "pricing_simulate": OPERATOR | BOARD,
}
SAFE: Final[Rows] = {
    "safe_list_datasets": EVERYBODY - DEVICE,
    "safe_total": RECIPIENT,
    "safe_noisy": RECIPIENT,
    "safe_view": RECIPIENT,
    "safe_list_methods": OPEN,
}
AUDIT: Final[Rows] = {
    "audit_list_entries": AUDITOR,
    "audit_list_disclosures": AUDITOR,
    "audit_sign_root": OVERSEERS,
    "audit_list_roots": OPEN,
    "audit_prove_consistency": OPEN,
    "audit_prove_entry": AUDITOR | RESIDENT,
    "audit_list_own_disclosures": RESIDENT,
    "audit_retrieve_disclosure": RECIPIENT | OPERATOR,
}
EXPLAINING: Final[Rows] = {"explain_access": OVERSEERS, "explain_seers": OVERSEERS}

RIGHTS: Final[Rows] = {
    **ENTITIES, **EVOLUTION, **FOLLOWING, **SOURCES, **NAMES, **RUNNING, **ADAPTERS,
    **CONSENT, **STORE, **BANK, **LEDGER, **PRICING, **SAFE, **AUDIT, **EXPLAINING,
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
