# ruff: noqa: ARG002  the arguments are the port's
"""A small policy of consents: who asks sees of persons what is granted, and tells the witness why.

    Granted({("urn:misono:subject:a", TEMPERATURE): "urn:ngsi-ld:ConsentRecord:1"})

Attributes in PERSONAL concern the entity's subjects, or an instance's own; all subjects must have granted one. An
entity about somebody of which nothing personal is left does not exist. `emergency` names one that covers everybody;
with `all` nothing is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping

from broker.model.entity import ENTITY_MEMBERS, Document, Entity, Instance, instances, member
from broker.model.subjects import DATA_SUBJECT, subjects_of, whose
from broker.ports import UNRESTRICTED, Labels, Principal, Restriction
from broker.ports.audit import WITNESS, Basis

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
PERSONAL = frozenset(f"{NS}{name}" for name in ("pulse", "weight", "place", "knows"))


class Granted:
    """The port Access: everybody may do everything."""

    def __init__(self, grants: Mapping[tuple[str, str], str], emergency: str = "") -> None:
        self.grants, self.emergency, self.all = dict(grants), emergency, False

    def restrict(self, principal: Principal, tenant: str, operation: str) -> Restriction:
        """What is granted."""
        return UNRESTRICTED if self.all else Restriction(view=self._view)

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:
        """Nobody is turned away."""

    def admit_command(self, principal: Principal, tenant: str, entity: Entity, attribute: str) -> None:
        """Everybody commands every device."""

    def label(self, entity: Entity) -> Labels:
        """Nothing is labelled."""
        return Labels()

    def _view(self, entity: Entity) -> Entity | None:
        subjects, bases = whose(entity.document), list[Basis]()
        kept: Document = {}
        for name, value in entity.document.items():
            if name in ENTITY_MEMBERS or name not in PERSONAL:
                kept[name] = value
            elif shown := [one for one in instances(value) if self._shows(name, one, subjects, bases)]:
                kept[name] = member(shown)
        if subjects and not bases:
            return None
        witness = WITNESS.get()
        if witness is not None and bases:
            witness.saw(entity.id, bases, entity.types)
        if kept == entity.document:
            return entity
        return Entity(kept, entity.created_at, entity.modified_at, entity.expires_at, entity.version)

    def _shows(self, name: str, instance: Instance, subjects: frozenset[str], bases: list[Basis]) -> bool:
        own = DATA_SUBJECT in instance
        named = subjects_of(instance[DATA_SUBJECT]) if own else subjects
        rests = [(one, self.emergency or self.grants.get((one, name), "")) for one in sorted(named)]
        if not rests or not all(record for _, record in rests):
            return False
        dataset = instance.get("datasetId")
        bases.append(Basis(name, tuple(rests), None if dataset is None else str(dataset), bool(self.emergency), own))
        return True
