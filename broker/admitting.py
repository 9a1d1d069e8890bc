"""Access as `misono serve --access FILE` has it: who asks, what they may see, what is kept of it. For `wiring`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from broker.access.policies import AllowAll
from broker.model.values import Json
from broker.ports import Access, Clock, EntityStore
from broker.ports.audit import Audit, Unaudited
from broker.ports.consents import Consents, NoConsents
from broker.ports.evolution import EvolutionStore
from broker.ports.identity import Identity
from broker.settings import Settings, is_loopback

if TYPE_CHECKING:
    from broker.stores.opening import Store
    from datamodels.at_need import AtNeed


class BadAccess(Exception):
    """The file of --access is not in order; the text names the member and what would do."""


@dataclass(slots=True)
class Admitted:
    """The parts of access. Without --access: everybody is anyone, and sees and does everything, on loopback."""

    access: Access
    identity: Identity | None = None
    consents: Consents = field(default_factory=NoConsents)
    audit: Audit = field(default_factory=Unaudited)
    city: Mapping[str, Json] = field(default_factory=dict)
    """The file, whole; every section is read by whom it concerns."""

    def begin(
        self,
        entities: EntityStore,
        history: EvolutionStore,
        store: Store,  # noqa: ARG002  as above
        closing: ExitStack,  # noqa: ARG002  as above
    ) -> tuple[EntityStore, EvolutionStore]:
        """Follow consents in the store from now on, in this process; both, guarded against what nobody may write."""
        return entities, history


def admit(settings: Settings, clock: Clock, packages: AtNeed, given: Access | None = None) -> Admitted:  # noqa: ARG001  the parts to come take them
    """The access of these settings, or the one that is given. Raises BadAccess."""
    if given is not None:
        return Admitted(given)
    return Admitted(AllowAll(commands=is_loopback(settings.host)), city=_read(settings))


def _read(settings: Settings) -> Mapping[str, Json]:
    if settings.access is None:
        return {}
    try:
        return cast("Mapping[str, Json]", tomllib.loads(settings.access.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise BadAccess(f"--access {settings.access} cannot be read: {error}") from error
