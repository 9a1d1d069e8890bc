"""The policies behind the access seam: who may see and do what is the deployment's, not the standard's."""

from __future__ import annotations

from broker.model.entity import Entity
from broker.ports import UNRESTRICTED, Labels, Principal, Restriction

_NO_LABELS = Labels()


class AllowAll:
    """Everybody sees and does everything: the policy where no users are configured."""

    def restrict(self, principal: Principal, tenant: str, operation: str) -> Restriction:  # noqa: ARG002 - the port's
        """No restriction."""
        return UNRESTRICTED

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:
        """Nobody is turned away."""

    def label(self, entity: Entity) -> Labels:  # noqa: ARG002 - the port's
        """Nothing concerns anybody."""
        return _NO_LABELS
