"""The parts of access that consents decide, put together: the policy, the index that it asks, the rules of writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from broker.access.consent_index import DECIDES, ConsentIndex
from broker.access.consented import Admission, ConsentPolicy
from broker.access.formerly import Formerly
from broker.access.kept import Kept, KeptHistory
from broker.access.labels import Profiles, Tags
from broker.access.writing import PROJECTIONS, WriteRules
from broker.ports import ChangeLog, Clock, EntityStore, Tenants
from broker.ports.consents import Item
from broker.ports.evolution import EvolutionStore


class KnownTags(Tags, Protocol):
    """What packages say of types, and of items."""

    def item(self, text: str, granularity: str) -> Item | None:
        """The item that a text names, with the granularity where it says none."""


class Log(ChangeLog, EntityStore, Tenants, Protocol):
    """What is read and followed."""


class Consenting:
    """One hub's; `projections` are the types that its services write alone."""

    projections: Final = PROJECTIONS

    def __init__(self, admission: Admission, tags: KnownTags, clock: Clock, personal: frozenset[str]) -> None:
        self.index: Final = ConsentIndex(tags.item, clock, tags.version)
        self.policy: Final = ConsentPolicy(self.index, clock, admission, tags, personal)
        self._rules, self._tags = WriteRules(Profiles(tags), personal), tags

    def begin(
        self, entities: EntityStore, history: EvolutionStore, log: Log, closing: Callable[[Callable[[], None]], object]
    ) -> tuple[EntityStore, EvolutionStore]:
        """Follow consents from now on until `closing` says so; both, whose writes keep the rules from now on."""
        self._tags.version()  # packages are read now, and not while the first request waits
        self.index.begin(log, log, log)
        closing(self.index.stop)
        formerly = Formerly(history, entities, self._rules)
        kept = Kept(entities, self._rules, DECIDES, self.index, formerly)
        return kept, KeptHistory(history, self._rules, formerly)
