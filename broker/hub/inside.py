"""The Hub in the broker's own process: no HTTP, no JSON text, the same operations, access and gate as the doors.

HubInside(house).upsert("", [{"id": "urn:x:1", "type": "https://…/House", "https://…/level": {…}}]) -> [None]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from threading import Condition
from typing import Final, cast

from broker.errors import Gone, NgsiError, NonexistentTenant, ServiceUnavailable
from broker.http.exchange import House
from broker.model.entity import ENTITY_MEMBERS, INSTANCE_MEMBERS, Document, Instance, instances, member
from broker.model.evolution import Evolution
from broker.model.values import Instant, Json
from broker.operations.batch import BatchResult, batch_delete, batch_upsert
from broker.operations.broker import Call
from broker.operations.claim import claim_commands, disclaim_commands
from broker.operations.erase_person import Person, about_person, erase_person
from broker.operations.follow import EXPIRES_AT, Image, Seen, Wanted, read_changes, see, see_restricted, start_after
from broker.ports import Principal
from broker.ports.erasures import ErasedPerson
from broker.ports.hub import Fragment, HubAway, HubChange, HubForgot, Past
from broker.query.ast import And, HasType, Node, Selection, Window
from broker.query.bind import bind
from broker.query.q import parse_q
from broker.query.temporal import TemporalQuery

PAGE: Final = 100
CHANGES_MAX: Final = 256
_PLACE = re.compile(r"/([0-9]+)")
_NO_ATTRIBUTES: Final = ENTITY_MEMBERS | {EXPIRES_AT}
_STAMPS: Final = frozenset({"createdAt", "modifiedAt"})


class HubInside:
    """The port Hub over the operations; `principal` is who adapters and services are to access.

    `takes_over` says that nobody else runs adapters in this store: what they claimed with a key that is lost is theirs.
    """

    def __init__(
        self,
        house: House,
        principal: Principal | None = None,
        committed: Condition | None = None,
        *,
        takes_over: bool = False,
    ) -> None:
        self._house = house
        self._broker = house.broker
        self._names = house.core
        self._principal, self._takes_over = principal or Principal("hub"), takes_over
        self._committed = committed or Condition()
        if committed is None:
            house.broker.changes.listen_to_commits(self._wake)

    def upsert(self, tenant: str, fragments: Sequence[Fragment]) -> list[NgsiError | None]:
        """As the port says."""
        call = self._call(tenant, "batch_entity_upsert")
        pending = batch_upsert(self._broker, call, cast("Json", list(fragments)), "update")
        return _places(_result(pending), len(fragments))

    def entity(self, tenant: str, entity_id: str) -> dict[str, Json] | None:
        """As the port says."""
        call = self._call(tenant, "retrieve_entity")
        if not self._broker.tenants.exists(tenant):
            return None
        found = call.restriction.show(self._broker.entities.get(tenant, entity_id))
        return None if found is None else plain(found.document)

    def query(self, tenant: str, type_: str, q: str = "") -> Iterator[dict[str, Json]]:
        """As the port says."""
        call = self._call(tenant, "query_entities")
        where: Node = HasType(type_)
        if q:
            where = And((where, bind(parse_q(q), self._names)))
        offset, more = 0, self._broker.tenants.exists(tenant)
        while more:
            page = self._broker.entities.select(tenant, Selection(where), Window(PAGE, offset), call.restriction)
            yield from (plain(one.document) for one in page.entities)
            offset, more = offset + len(page.entities), page.more and bool(page.entities)

    def delete(self, tenant: str, ids: Sequence[str]) -> list[NgsiError | None]:
        """As the port says."""
        call = self._call(tenant, "batch_entity_delete")
        if not ids:
            return []
        return _places(_result(batch_delete(self._broker, call, list(ids))), len(ids))

    def about(self, tenant: str, subject: str) -> dict[str, frozenset[str]]:
        """As the port says."""
        return about_person(self._broker, self._call(tenant, "find_person"), subject)

    def history(self, tenant: str, entity_id: str, since: Instant | None = None, most: int = 1_000) -> Past | None:
        """As the port says."""
        call = self._call(tenant, "retrieve_temporal_evolution")
        if not self._broker.tenants.exists(tenant):
            return None
        query = TemporalQuery(sys_attrs=False, instances_max=most)
        if since is not None:
            query = replace(query, timerel="after", at=since)
        page = self._broker.history.evolution(tenant, entity_id, query, call.restriction)
        return None if not page.evolutions else Past(_past(page.evolutions[0]), page.cut and page.cut[1] + 1)

    def erase(self, tenant: str, subject: str, keep: frozenset[str], agreed: frozenset[str]) -> ErasedPerson:
        """As the port says."""
        return erase_person(self._broker, self._call(tenant, "erase_entity"), Person(subject, keep, agreed))

    def claim(self, tenant: str, adapter: str, body: Mapping[str, Json]) -> None:
        """As CommandHub says."""
        call = self._call(tenant, "iot_claim_commands")
        _waited(claim_commands(self._broker, call, adapter, dict(body), inside=self._takes_over))

    def disclaim(self, tenant: str, adapter: str) -> None:
        """As CommandHub says."""
        call = self._call(tenant, "iot_disclaim_commands")
        try:
            _waited(disclaim_commands(self._broker, call, adapter))
        except NonexistentTenant:
            return

    def acting_as(self, principal: Principal) -> HubInside:
        """The same hub, for somebody else: what they may not do is refused to them."""
        return HubInside(self._house, principal, self._committed)

    def newest(self, tenant: str) -> int:
        """As the port says."""
        return self._broker.changes.bounds(tenant)[1] if self._broker.tenants.exists(tenant) else 0

    def changes(self, tenant: str, after: int, wait_s: float) -> list[HubChange]:
        """As the port says."""
        call = self._call(tenant, "follow_changes")
        with self._committed:
            if self.newest(tenant) == after:
                self._committed.wait(wait_s)
        if not self._broker.tenants.exists(tenant):
            return []
        try:
            start_after(self._broker.changes, tenant, after)
            rows = read_changes(self._broker.changes, tenant, after, CHANGES_MAX)
        except Gone as gone:
            raise HubForgot(gone.oldest) from gone
        if call.restriction.view is None:
            return [_change(seen) for seen in see(rows, Wanted())]
        return [_change(seen) for seen in see_restricted(self._broker, call, rows, Wanted())]

    def _wake(self, _tenant: str) -> None:
        with self._committed:
            self._committed.notify_all()

    def _call(self, tenant: str, operation: str) -> Call:
        access = self._broker.access
        access.admit(self._principal, tenant, operation)
        return Call(tenant, self._names, self._principal, access.restrict(self._principal, tenant, operation))


def plain(document: Document) -> dict[str, Json]:
    """A document as the port gives it: names expanded, without system attributes."""
    return {
        name: value if name in ENTITY_MEMBERS else member([_plain(one) for one in instances(value)])
        for name, value in document.items()
    }


def _plain(instance: Instance) -> Instance:
    if INSTANCE_MEMBERS.issuperset(instance) and _STAMPS.isdisjoint(instance):
        return instance
    return {
        name: value if name in INSTANCE_MEMBERS else member([_plain(one) for one in instances(value)])
        for name, value in instance.items()
        if name not in _STAMPS
    }


def _change(seen: Seen) -> HubChange:
    return HubChange(seen.sequence, seen.id, seen.types, seen.at, _image(seen.before), _image(seen.after))


def _past(found: Evolution) -> dict[str, Json]:
    types: list[Json] = list(found.types)
    attributes = {name: cast("Json", list(held)) for name, held in found.attributes.items() if held}
    return {"id": found.id, "type": types if len(types) > 1 else types[0], **attributes}


def _image(image: Image | None) -> dict[str, Json]:
    """The attributes of one side of a change."""
    members = {name: value for name, value in (image or {}).items() if name not in _NO_ATTRIBUTES}
    return plain(members)


def _result(pending: Future[BatchResult]) -> BatchResult | NgsiError:
    """What became of a batch; a refusal of the whole. Raises HubAway where the store takes nothing now."""
    try:
        return pending.result()
    except ServiceUnavailable as busy:
        raise HubAway(str(busy)) from busy
    except NgsiError as refusal:
        return refusal


def _waited(pending: Future[bool]) -> None:
    """Raises the refusal, HubAway where the store takes nothing now."""
    try:
        pending.result()
    except ServiceUnavailable as busy:
        raise HubAway(str(busy)) from busy


def _places(result: BatchResult | NgsiError, number: int) -> list[NgsiError | None]:
    if isinstance(result, NgsiError):
        return [result] * number
    places: list[NgsiError | None] = [None] * number
    for failure in result.errors:
        place = _PLACE.match(failure.refusal.pointer)
        assert place is not None
        if isinstance(failure.refusal, ServiceUnavailable):
            raise HubAway(str(failure.refusal))
        places[int(place[1])] = failure.refusal
    return places
