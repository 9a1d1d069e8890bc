# ruff: noqa: ARG002  the arguments are the port's
"""The hiding test policy: one entity, one type, one attribute, one datasetId instance and one sub-attribute less.

An operation under it must answer as over data without these (`cut`), and must leave them in the store.
"""

from __future__ import annotations

from broker.access.view import Rules, view_of
from broker.model.entity import Entity
from broker.ports import Labels, Principal, Restriction

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
HIDDEN_ENTITY = "urn:ngsi-ld:Thing:hidden"
HIDDEN_TYPE = f"{NS}Hidden"
HIDDEN_ATTRIBUTE = f"{NS}hidden"
HIDDEN_INSTANCE = (f"{NS}speed", "urn:ngsi-ld:Dataset:hidden")
HIDDEN_SUB_ATTRIBUTE = (f"{NS}speed", f"{NS}hiddenSub")

RULES = Rules(
    entities=frozenset({HIDDEN_ENTITY}),
    types=frozenset({HIDDEN_TYPE}),
    attributes=frozenset({HIDDEN_ATTRIBUTE}),
    instances=frozenset({HIDDEN_INSTANCE}),
    sub_attributes=frozenset({HIDDEN_SUB_ATTRIBUTE}),
)
cut = view_of(RULES)


class HidingPolicy:
    """The port Access: everybody may do everything, and nobody sees what RULES hide (or what other rules do)."""

    def __init__(self, rules: Rules = RULES) -> None:
        self._restriction = Restriction(view=view_of(rules))

    def restrict(self, principal: Principal, tenant: str, operation: str) -> Restriction:
        """The same for everybody."""
        return self._restriction

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:
        """Nobody is turned away."""

    def admit_command(self, principal: Principal, tenant: str, entity: Entity, attribute: str) -> None:
        """Everybody commands every device."""

    def label(self, entity: Entity) -> Labels:
        """Nothing is labelled."""
        return Labels()
