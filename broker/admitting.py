"""Access as `misono serve --access FILE` has it: who asks, what they may see, what is kept of it. For `wiring`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from broker.access.configured import LOCAL, Configured, read_configured
from broker.access.consenting import Consenting
from broker.access.identity import Identified, Tokens
from broker.access.issuers import PAUSE_S, IssuerKeys
from broker.access.keys import Keys, UnusableKey
from broker.access.policies import AllowAll, ByRole
from broker.access.rights import Rights
from broker.access.section import BadSection
from broker.access.signed import Signed
from broker.model.terms import Personal
from broker.model.values import Json
from broker.nonces import NAME as NONCES
from broker.nonces import Nonces
from broker.ports import Access, Clock, EntityStore
from broker.ports.audit import Audit, Unaudited
from broker.ports.consents import Consents, NoConsents
from broker.ports.evolution import EvolutionStore
from broker.ports.identity import Identity
from broker.settings import Settings, is_loopback

if TYPE_CHECKING:
    from broker.signing import Signer
    from broker.stores.opening import Store
    from datamodels.at_need import AtNeed

ISSUER: Final = "issuer"
"""The folder of the local issuer's keys in the data directory."""
FETCH_S: Final = 5.0
LOCAL_PAUSE_S: Final = 1.0


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
    personal: frozenset[str] = frozenset()
    """Tenants of persons: what is deleted there is overwritten."""
    consenting: Consenting | None = None
    ends: tuple[Callable[[], None], ...] = ()
    """What is let go of at the end."""
    tagged: Callable[[], Personal] | None = None
    """What the installed models say tells of persons."""

    def of_persons(self, described: frozenset[str]) -> Callable[[], Personal]:
        """What tells of persons between hubs: these types, and with access what the models say as they are now."""
        tagged, alone = self.tagged, Personal(described)
        if tagged is None:
            return lambda: alone

        def both() -> Personal:
            found = tagged()
            return replace(found, types=found.types | described, all_attributes=True) if described else found

        return both

    def begin(
        self,
        entities: EntityStore,
        history: EvolutionStore,
        store: Store,
        closing: ExitStack,
    ) -> tuple[EntityStore, EvolutionStore]:
        """Follow consents in the store from now on, in this process; both, guarded against what nobody may write."""
        for end in self.ends:
            closing.callback(end)
        if self.consenting is None:
            return entities, history
        return self.consenting.begin(entities, history, store, closing.callback)


def admit(settings: Settings, clock: Clock, packages: AtNeed, given: Access | None = None) -> Admitted:
    """The access of these settings, or the one that is given. Raises BadAccess."""
    if given is not None:
        return Admitted(given)
    if settings.access is None:
        return Admitted(AllowAll(commands=is_loopback(settings.host)))
    city = read_city(settings.access)
    nonces = Nonces(None if settings.store == "memory" else settings.data / NONCES, clock)
    try:
        configured = read_configured(city)
        identity = _identity(settings, clock, packages, configured, nonces)
    except (BadSection, UnusableKey) as error:
        raise BadAccess(f"--access {settings.access}: {error}") from error
    local = configured.issuers.get(LOCAL)
    if local is not None and not (local.beyond_loopback or is_loopback(settings.host)):
        raise BadAccess(
            f"--access {settings.access}: [issuers.local] makes anybody who reads --data whoever they want, and "
            f"--host {settings.host} is reached from elsewhere: leave it out, or say beyond_loopback = true"
        )
    from datamodels.tags import Tags  # noqa: PLC0415  a broker without access shall not carry it

    tags, kept = Tags(packages), configured.personal
    consenting = Consenting(ByRole(Rights(configured.public)), tags, clock, kept)
    parts = consenting.policy, identity, consenting.index
    ends = (nonces.close,)
    return Admitted(*parts, city=city, personal=kept, consenting=consenting, ends=ends, tagged=tags.personal)


def read_city(path: Path) -> dict[str, Json]:
    """The file of --access, whole. Raises BadAccess."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadAccess(f"--access {path} cannot be read: {error}") from error


def local_keys(data: Path) -> Signer:
    """The keys of the local issuer, made where there are none."""
    from broker.signing import Signer  # noqa: PLC0415  a broker without access shall not carry it

    return Signer.opened(data / ISSUER)


def purposes_of(packages: AtNeed) -> Mapping[str, str]:
    """Purposes by name (IRIs), as the installed models have them."""
    package = packages.now().packages.get("misono-consent")
    return {word.name: word.iri for word in package.vocabularies["purpose"].words} if package else {}


def _identity(settings: Settings, clock: Clock, packages: AtNeed, configured: Configured, nonces: Nonces) -> Identified:
    private = settings.allow_private

    def fetch(url: str, allow_private: bool) -> bytes:  # noqa: FBT001  as the port has it
        from broker.contexts.asking import ask_once  # noqa: PLC0415  only who has issuers elsewhere carries it

        return ask_once(url, FETCH_S, allow_private or private)

    def own(_url: str, _allow_private: bool) -> bytes:  # noqa: FBT001  as the port has it
        return json.dumps(local_keys(settings.data).jwks()).encode()

    issuers = {
        name: IssuerKeys(one, own if one.local else fetch, clock, LOCAL_PAUSE_S if one.local else PAUSE_S)
        for name, one in configured.issuers.items()
    }
    words, keys = partial(purposes_of, packages), Keys(configured.keys, clock)
    return Identified(Tokens(issuers, words, clock), keys, Signed(keys.signing, clock, nonces.first), words)
