"""The consents of each tenant, in this process's memory: read once, then followed by the change log.

    index = ConsentIndex(tags.item, clock)
    index.begin(store, store, store)           from now on
    index.grants("", "urn:…:org", frozenset({purpose}))   what holds now
    index.written(""), index.settled("")       around a write of what decides, in this process

What this process writes is known before the write is acknowledged; what others write, within LOOK_S. The epoch is the
position in the log up to which something changed.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from threading import Event, Lock, RLock, Thread
from typing import Final, TypeAlias

from broker.access.grants import CONSENT, RECIPIENT, Granted, ReadItem
from broker.access.household import DELEGATION, EMERGENCY
from broker.access.known_consents import Known
from broker.errors import NgsiError, ResourceNotFound
from broker.ports import INLINE, UNRESTRICTED, ChangeLog, Clock, EntityStore, OverBudgetOnce, Principal, Tenants
from broker.ports.consents import Emergency, Grants
from broker.query.ast import HasType, Or, Selection, Window

log = logging.getLogger("misono.consents")

DECIDES: Final = frozenset({CONSENT, RECIPIENT, DELEGATION, EMERGENCY})
"""Types of the entities that decisions are made from."""
LOOK_S: Final = 0.2
PAGE: Final = 500
INLINE_ROWS_MAX: Final = 100
"""More rows of the log are not read on the event loop."""
LOADS_MAX: Final = 5
_WANTED: Final = Selection(Or(tuple(HasType(one) for one in sorted(DECIDES))))


_Head: TypeAlias = tuple[int, str, Sequence[str], bool]
"""Of a row of the log: its sequence, the entity, its types, whether it was deleted."""


class _Tenant:
    """What is known of a tenant, up to `position` of its log.

    `lock` is held while it is read, which may wait for the store; `counting` by writes, which the store may wait for.
    """

    def __init__(self, known: Known) -> None:
        self.lock: Final = RLock()
        self.counting: Final = Lock()
        self.known = known
        self.position = -1
        self.version = 0
        self.epoch = 0
        self.writing = 0
        self.stale = True

    @property
    def current(self) -> bool:
        """Whether nothing was written here that is not known yet."""
        return not self.stale and not self.writing


class ConsentIndex:
    """The port Consents over the entities of a store and its change log. Any thread may ask."""

    def __init__(self, item_of: ReadItem, clock: Clock, version: Callable[[], int] = lambda: 0) -> None:
        """`version` rises when items are read otherwise: all consents are read anew then."""
        self._item_of, self._clock, self._version = item_of, clock, version
        self._held: dict[str, _Tenant] = {}
        self._making: Final = RLock()
        self._told: list[Callable[[str], None]] = []
        self._parts: tuple[EntityStore, ChangeLog, Tenants] | None = None
        self._stopping: Final = Event()
        self._thread: Thread | None = None

    def begin(self, entities: EntityStore, changes: ChangeLog, tenants: Tenants) -> None:
        """Follow what these hold from now on; until then nobody consented to anything."""
        self._parts = (entities, changes, tenants)
        self._thread = Thread(target=self._follow, name="consents", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Follow no more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def epoch(self, tenant: str) -> int:
        """As the port says."""
        held = self._of(tenant)
        return 0 if held is None else held.epoch

    def grants(self, tenant: str, recipient: str, purposes: frozenset[str]) -> Grants:
        """As the port says."""
        held = self._of(tenant)
        if held is None:
            return _NOTHING
        with held.lock:
            return held.known.grants(held.epoch, recipient, purposes, self._clock.now())

    def acting_for(self, tenant: str, subject: str) -> frozenset[str]:
        """As the port says."""
        if not subject:
            return frozenset()
        held = self._of(tenant)
        if held is None:
            return frozenset({subject})
        with held.lock:
            return held.known.acting_for(subject, self._clock.now())

    def emergencies(self, tenant: str, principal: Principal) -> tuple[Emergency, ...]:
        """As the port says."""
        held = self._of(tenant)
        if held is None:
            return ()
        with held.lock:
            return held.known.emergencies(principal.name, self._clock.now())

    def asked(self, tenant: str) -> Sequence[tuple[str, str]]:
        """Recipients and purposes for which there are consents."""
        held = self._of(tenant)
        if held is None:
            return ()
        with held.lock:
            return held.known.asked()

    def next_moment(self, tenant: str) -> int:
        """When something begins or ends next by the clock alone; far away where nothing does."""
        held = self._of(tenant)
        if held is None:
            return 1 << 62
        with held.lock:
            return held.known.next_moment(self._clock.now())

    def listen(self, told: Callable[[str], None]) -> None:
        """As the port says."""
        self._told.append(told)

    def written(self, tenant: str) -> None:
        """Something that decides is being written here: until it is settled, whoever asks looks first."""
        with self._making:
            held = self._held.get(tenant)
            if held is None:
                held = self._held[tenant] = _Tenant(Known(self._item_of))
        with held.counting:
            held.writing += 1

    def settled(self, tenant: str) -> None:
        """It is durable, or was not made; known on return, unless somebody is reading: then who asks next looks."""
        held = self._held[tenant]
        with held.counting:
            held.writing -= 1
            held.stale = True
        if held.lock.acquire(blocking=False):
            try:
                self._catch_up(tenant, held)
            finally:
                held.lock.release()

    def _of(self, tenant: str) -> _Tenant | None:
        """What is known, as it is now; None where there is no such tenant. Raises OverBudgetOnce on the event loop."""
        held, version = self._held.get(tenant), self._version()
        if held is not None and held.current and held.version == version:
            return held
        if self._parts is None or not self._parts[2].exists(tenant):
            return None
        if held is None:
            with self._making:
                held = self._held.setdefault(tenant, _Tenant(Known(self._item_of)))
        if INLINE.get():
            self._glance(tenant, held)
        else:
            self._catch_up(tenant, held)
        return held

    def _glance(self, tenant: str, held: _Tenant) -> None:
        if held.position < 0 or held.version != self._version() or not held.lock.acquire(blocking=False):
            raise OverBudgetOnce
        try:
            assert self._parts is not None
            if self._parts[1].bounds(tenant)[1] - held.position > INLINE_ROWS_MAX:
                raise OverBudgetOnce
            self._catch_up(tenant, held)
        finally:
            held.lock.release()

    def _catch_up(self, tenant: str, held: _Tenant) -> None:
        """Read what the log has that is not known yet."""
        if self._parts is None:
            return
        before, version = held.epoch, self._version()
        with held.lock:
            held.stale = False
            try:
                if held.position < 0 or held.version != version:
                    self._load(tenant, held)
                    held.version = version
                else:
                    self._read_on(tenant, held)
            except BaseException:
                held.stale = True
                raise
        if held.epoch != before:
            for told in self._told:
                told(tenant)

    def _load(self, tenant: str, held: _Tenant) -> None:
        """Everything anew. What is deleted meanwhile moves the pages: then once more."""
        assert self._parts is not None
        entities, changes, _ = self._parts
        for _ in range(LOADS_MAX):
            position = changes.bounds(tenant)[1]
            known, offset, more = Known(self._item_of), 0, True
            while more:
                page = entities.select(tenant, _WANTED, Window(PAGE, offset), UNRESTRICTED)
                for one in page.entities:
                    known.put(one.id, one.document)
                offset, more = offset + len(page.entities), page.more
            held.known, held.position, held.epoch = known, position, max(position, held.epoch + 1)
            if not self._read_on(tenant, held):
                return
        log.warning("consents of tenant %r change faster than they are read", tenant)

    def _read_on(self, tenant: str, held: _Tenant) -> bool:
        """Whether something that decides was deleted. What the log has no more is read anew."""
        assert self._parts is not None
        changes, deleted = self._parts[1], False
        if changes.bounds(tenant)[1] < held.position:  # another log: a copy was put in its place
            held.position = -1
            self._load(tenant, held)
            return False
        while True:
            try:
                rows = self._heads(tenant, held.position)
            except ResourceNotFound:
                held.position = -1
                self._load(tenant, held)
                return False
            touched = [one for one in rows if not DECIDES.isdisjoint(one[2]) or held.known.holds(one[1])]
            if touched:
                self._take(tenant, held, {one[1] for one in touched})
                held.epoch = max(touched[-1][0], held.epoch + 1)
                deleted = deleted or any(one[3] for one in touched)
            if rows:
                held.position = rows[-1][0]
            if len(rows) < PAGE:
                return deleted

    def _heads(self, tenant: str, position: int) -> list[_Head]:
        """The next rows; an engine that can tell what they are about without reading them is asked for that."""
        assert self._parts is not None
        changes = self._parts[1]
        heads: Callable[[str, int, int], list[_Head]] | None = getattr(changes, "heads_since", None)
        if heads is not None:
            return heads(tenant, position, PAGE)
        rows = changes.since(tenant, position, PAGE)
        return [(one.sequence, one.entity_id, one.types, one.after is None) for one in rows]

    def _take(self, tenant: str, held: _Tenant, ids: Iterable[str]) -> None:
        assert self._parts is not None
        wanted = sorted(ids)
        now = self._parts[0].get_many(tenant, wanted)
        for one in wanted:
            entity = now.get(one)
            if entity is None or DECIDES.isdisjoint(entity.types):
                held.known.drop(one)
            else:
                held.known.put(one, entity.document)

    def _follow(self) -> None:
        """What other processes write, and what goes by itself."""
        failed: defaultdict[str, bool] = defaultdict(bool)
        while not self._stopping.wait(LOOK_S):
            for tenant, held in list(self._held.items()):
                if self._stopping.is_set():
                    return
                try:
                    self._catch_up(tenant, held)
                    failed[tenant] = False
                except (NgsiError, OSError) as error:
                    if not failed[tenant]:
                        log.warning("consents of tenant %r cannot be read: %s", tenant, error)
                    failed[tenant] = True


_NOTHING: Final = Granted(0, {})
