"""The policies behind the access seam: who may see and do what is the deployment's, not the standard's."""

from __future__ import annotations

from broker.access.rights import Rights
from broker.errors import Forbidden
from broker.model.entity import Entity
from broker.ports import UNRESTRICTED, Labels, Principal, Restriction

_NO_LABELS = Labels()


class AllowAll:
    """Everybody sees and does everything: the policy where no users are configured.

    But for one thing: devices are commanded only where nobody but this machine reaches the broker (`commands`).
    """

    def __init__(self, *, commands: bool = True) -> None:
        self._commands = commands

    def restrict(self, principal: Principal, tenant: str, operation: str) -> Restriction:  # noqa: ARG002 - the port's
        """No restriction."""
        return UNRESTRICTED

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:
        """Nobody is turned away."""

    def admit_command(self, principal: Principal, tenant: str, entity: Entity, attribute: str) -> None:  # noqa: ARG002 - the port's
        """Everybody, on loopback."""
        if not self._commands:
            raise Forbidden(
                "this attribute is a command to a device, and no users are configured",
                pointer=f"/{attribute.replace('~', '~0').replace('/', '~1')}",
                clause="5.5.2",
                remedy="Listen on 127.0.0.1 (--host), or configure access.",
            )

    def label(self, entity: Entity) -> Labels:  # noqa: ARG002 - the port's
        """Nothing concerns anybody."""
        return _NO_LABELS


class ByRole(AllowAll):
    """Everybody does what their role may, and sees everything: what is left of access without consents."""

    def __init__(self, rights: Rights) -> None:
        super().__init__()
        self._rights = rights

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:
        """Raises as the rights say."""
        self._rights.admit(principal, tenant, operation)

    def admit_command(self, principal: Principal, tenant: str, entity: Entity, attribute: str) -> None:  # noqa: ARG002 - the port's
        """Operators alone."""
        self._rights.admit_command(principal)
