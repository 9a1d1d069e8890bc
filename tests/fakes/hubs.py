"""Hubs that are away, refuse, or fail: fakes of the port Hub, which keep its promise otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from broker.errors import BadRequestData, NgsiError, ResourceNotFound
from broker.hub.inside import HubInside
from broker.model.subjects import whose
from broker.model.values import Instant, Json
from broker.ports.erasures import ErasedPerson
from broker.ports.hub import Followed, Fragment, HubAway, HubChange, HubForgot, Past


class FarHub:
    """A hub in this process, as an adapter beside it has it: `away`, it cannot be reached; `gone`, its log is cut."""

    def __init__(self, hub: HubInside) -> None:
        self._hub = hub
        self.away = self.gone = False
        self.claims: list[tuple[str, str, Mapping[str, Json]]] = []
        self.followed: list[tuple[str, int, frozenset[str]]] = []

    def upsert(self, tenant: str, fragments: Sequence[Fragment]) -> list[NgsiError | None]:
        """As the port says."""
        return self._reached().upsert(tenant, fragments)

    def entity(self, tenant: str, entity_id: str) -> dict[str, Json] | None:
        """As the port says."""
        return self._reached().entity(tenant, entity_id)

    def query(self, tenant: str, type_: str, q: str = "") -> Iterator[dict[str, Json]]:
        """As the port says."""
        return self._reached().query(tenant, type_, q)

    def delete(self, tenant: str, ids: Sequence[str]) -> list[NgsiError | None]:
        """As the port says."""
        return self._reached().delete(tenant, ids)

    def newest(self, tenant: str) -> int:
        """As the port says."""
        return self._reached().newest(tenant)

    def changes(self, tenant: str, after: int, wait_s: float) -> list[HubChange]:
        """As the port says."""
        return self._reached().changes(tenant, after, wait_s)

    def about(self, tenant: str, subject: str) -> dict[str, frozenset[str]]:
        """As the port says."""
        return self._reached().about(tenant, subject)

    def history(self, tenant: str, entity_id: str, since: Instant | None = None, most: int = 1_000) -> Past | None:
        """As the port says."""
        return self._reached().history(tenant, entity_id, since, most)

    def erase(self, tenant: str, subject: str, keep: frozenset[str], agreed: frozenset[str]) -> ErasedPerson:
        """As the port says."""
        return self._reached().erase(tenant, subject, keep, agreed)

    def follow(self, tenant: str, after: int, attributes: frozenset[str]) -> Followed:
        """As FollowedHub says."""
        hub = self._reached()
        self.followed.append((tenant, after, attributes))
        if self.gone:
            self.gone = False
            raise HubForgot(after + 1)
        found = hub.changes(tenant, after, 0.0)
        position = found[-1].sequence if found else after
        return Followed([one for one in found if attributes & one.after.keys()], position)

    def listen(self, told: Callable[[], None]) -> None:
        """Nobody is told: tests say when it is looked."""

    def claim(self, tenant: str, adapter: str, body: Mapping[str, Json]) -> None:
        """As CommandHub says."""
        self._reached().claim(tenant, adapter, body)
        self.claims.append((tenant, adapter, body))

    def disclaim(self, tenant: str, adapter: str) -> None:
        """As CommandHub says."""
        self._reached().disclaim(tenant, adapter)
        self.claims.append((tenant, adapter, {}))

    def _reached(self) -> HubInside:
        if self.away:
            raise HubAway("cut off")
        return self._hub


class HeldHub:
    """A hub in a dictionary; what it is asked to write is in `batches`.

    `away` says that it cannot be reached. Fragments for which `bad` holds are refused; where `whole` is set, the whole
    batch with them, as a broker does that cannot tell which one it was.
    """

    def __init__(self, bad: Callable[[Fragment], bool] | None = None, *, whole: bool = False) -> None:
        self.entities: dict[tuple[str, str], dict[str, Json]] = {}
        self.batches: list[tuple[str, list[Fragment]]] = []
        self.away = False
        self._bad, self._whole = bad, whole

    def upsert(self, tenant: str, fragments: Sequence[Fragment]) -> list[NgsiError | None]:
        """As the port says."""
        self._reach()
        self.batches.append((tenant, list(fragments)))
        found = [self._refusal(one) for one in fragments]
        refusals = [one for one in found if one is not None]
        if self._whole and refusals:
            return [refusals[0]] * len(fragments)
        for one, refusal in zip(fragments, found, strict=True):
            if refusal is None:
                self.entities.setdefault((tenant, str(one["id"])), {}).update(one)
        return found

    def entity(self, tenant: str, entity_id: str) -> dict[str, Json] | None:
        """As the port says."""
        self._reach()
        return self.entities.get((tenant, entity_id))

    def query(self, tenant: str, type_: str, q: str = "") -> Iterator[dict[str, Json]]:
        """As the port says; no q."""
        assert not q
        self._reach()
        return (one for (whose, _), one in self.entities.items() if whose == tenant and one["type"] == type_)

    def delete(self, tenant: str, ids: Sequence[str]) -> list[NgsiError | None]:
        """As the port says."""
        self._reach()
        gone = [self.entities.pop((tenant, one), None) for one in ids]
        return [ResourceNotFound("not there") if one is None else None for one in gone]

    def newest(self, _tenant: str) -> int:
        """Nobody follows here."""
        return 0

    def changes(self, _tenant: str, _after: int, _wait_s: float) -> list[HubChange]:
        """Nobody follows here."""
        return []

    def about(self, tenant: str, subject: str) -> dict[str, frozenset[str]]:
        """As the port says, of what is there now."""
        self._reach()
        found = {one: whose(held) for (place, one), held in self.entities.items() if place == tenant}
        return {one: named for one, named in found.items() if subject in named}

    def history(self, tenant: str, entity_id: str, _since: Instant | None = None, _most: int = 1_000) -> Past | None:
        """What is there now is all there was."""
        held = self.entity(tenant, entity_id)
        return None if held is None else Past(held)

    def erase(self, tenant: str, subject: str, keep: frozenset[str], agreed: frozenset[str]) -> ErasedPerson:
        """As the port says."""
        about = self.about(tenant, subject)
        gone = [
            one for one in about if about[one] <= {subject, *agreed} and self.entities[tenant, one]["type"] not in keep
        ]
        for one in gone:
            del self.entities[tenant, one]
        return ErasedPerson("1", subject, 0, {"": {"entity": len(gone)}}, tuple(gone))

    def _reach(self) -> None:
        if self.away:
            raise HubAway("cut off")

    def _refusal(self, fragment: Fragment) -> NgsiError | None:
        return BadRequestData("so not", pointer="/level") if self._bad is not None and self._bad(fragment) else None
