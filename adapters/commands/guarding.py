"""The guard around the EntityStore: who changes an attribute that commands a device is asked for the right to it.

    apply(commands) ─> [the entity commands no device: as it is]
                       decide ─> Put(entity) ─> its command attributes differ ─> access.admit_command ─> sealed

It stands where every write comes by: requests, batches, merges, imports through a running broker, adapters, services.
What is refused there changes nothing. Deleting such an attribute, or its entity, commands nothing and is not asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from adapters.commands.claimed import NOTHING, Claims, Sealing
from adapters.commands.seals import COMMAND_ID, commander, content, sealed, sealed_before, text, written
from broker.errors import NonexistentTenant
from broker.model.entity import Document, Entity, Instance, instances, member
from broker.model.values import Instant, Json
from broker.ports import Access, Command, Decision, EntityStore, Principal, Put

if TYPE_CHECKING:
    from adapters.commands.targets import Target, Targets
    from datamodels.gate import Decide


class Commandable(Protocol):
    """An entity whose attributes command devices."""

    def names(self) -> Iterable[str]:
        """Attributes (IRIs) that may."""

    def key(self, name: str, types: list[str]) -> bytes | None:
        """With what a change of one is sealed, where the entity is of these types; None: it commands nothing."""


class Bell:
    """Whether commands were written: who follows the log need not read it while none were.

    `pending` begins in the write's decision and ends when the write is durable, or was not made; so a change that is in
    the log has either rung before, or is still pending.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._pending: dict[int, str] = {}
        self._rung: set[str] = set()
        self._numbers = count()
        self._listening: list[Callable[[], None]] = []

    def listen(self, told: Callable[[], None]) -> None:
        """Be told of every ring; be quick."""
        self._listening.append(told)

    def begin(self, tenant: str) -> int:
        """A write of a command is on its way."""
        with self._lock:
            number = next(self._numbers)
            self._pending[number] = tenant
            return number

    def end(self, number: int) -> None:
        """It is durable, or was not made."""
        with self._lock:
            self._rung.add(self._pending.pop(number))
        for told in self._listening:
            told()

    def quiet(self, tenant: str) -> bool:
        """Whether every command of the tenant that the log has by now was heard before; a ring is heard once."""
        with self._lock:
            heard = tenant in self._rung
            self._rung.discard(tenant)
            return not heard and tenant not in self._pending.values()


class Guard:
    """What is asked at each write: claims of all adapters, and before those what adapters in this process command."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.bell: Final = Bell()
        self.targets: Targets | None = None
        self.claims: Claims | None = None
        self.alone: Callable[[], bool] = _by_itself
        """Whether nobody but this process makes commands in its store, so that the bell tells of all of them."""
        self.began: Final[dict[str, int]] = {}
        """Where the log of a tenant was before anything that the guard asked for was written there."""
        self._key: bytes = b""
        self._newest: Callable[[str], int] = _from_the_first

    def watch(self, targets: Targets, key: bytes, newest: Callable[[str], int]) -> None:
        """From now on, what changes these is asked for, and sealed; `newest` tells where a tenant's log is."""
        self._key, self._newest = key, newest
        self.targets = targets

    def keep(self, claims: Claims, alone: Callable[[], bool]) -> None:
        """From now on, what is claimed is asked for too."""
        self.claims, self.alone = claims, alone

    def asks(self, tenant: str) -> Callable[[str], Commandable | None] | None:
        """What tells of an entity's id how it commands; None where nothing in the tenant does."""
        claimed = NOTHING if self.claims is None else self.claims.of(tenant)
        targets, key = self.targets, self._key
        if targets is None and not claimed:
            return None

        def asked(entity_id: str) -> Commandable | None:
            sealings = claimed.get(entity_id)
            target = None if targets is None else targets.of(tenant, entity_id)
            if sealings is None and target is None:
                return None
            return _Commands(sealings or {}, target, key)

        return asked

    def begin(self, tenant: str) -> None:
        """Something is about to be written in the tenant: whoever follows it for the first time begins before that."""
        if self.targets is not None and tenant not in self.began:
            try:
                self.began[tenant] = self._newest(tenant)
            except NonexistentTenant:
                self.began[tenant] = 0


class _Commands:
    """What claims say of an entity, and, where they say nothing yet, what this process knows of it."""

    __slots__ = ("_key", "_sealings", "_target")

    def __init__(self, sealings: Mapping[str, Sealing], target: Target | None, key: bytes) -> None:
        self._sealings, self._target, self._key = sealings, target, key

    def names(self) -> Iterable[str]:
        return self._sealings.keys() if self._target is None else self._sealings.keys() | self._target.rules.keys()

    def key(self, name: str, types: list[str]) -> bytes | None:
        sealing = self._sealings.get(name)
        if sealing is not None and not sealing.types.isdisjoint(types):
            return sealing.key
        found = self._target is not None and self._target.rule(name, types) is not None
        return self._key if found else None


def _by_itself() -> bool:
    """Where nobody said otherwise."""
    return True


def _from_the_first(_: str) -> int:
    """Before there is a log."""
    return 0


class Guarded:
    """An EntityStore whose writes pass the guard; everything else is the store's own."""

    def __init__(self, store: EntityStore, guard: Guard) -> None:
        self._store, self._guard = store, guard
        self.get, self.get_many = store.get, store.get_many
        self.select, self.scan = store.select, store.scan
        self.types, self.attributes, self.extents = store.types, store.attributes, store.extents

    def apply(self, tenant: str, commands: Sequence[Command]) -> Future[list[object]]:
        """As the store's; a command of a device by somebody without the right is refused with Forbidden."""
        asked_of = self._guard.asks(tenant)
        if asked_of is None:
            return self._store.apply(tenant, commands)
        told = ((place, asked_of(one.id)) for place, one in enumerate(commands))
        found = [(place, commandable) for place, commandable in told if commandable is not None]
        if not found:
            return self._store.apply(tenant, commands)
        self._guard.begin(tenant)
        asked = list(commands)
        decided = []
        for place, commandable in found:
            one = commands[place]
            decide = _Deciding(one, commandable, tenant, self._guard)
            decided.append(decide)
            asked[place] = Command(one.id, decide, one.creates, one.expected, one.by)
        try:
            pending = self._store.apply(tenant, asked)
        except BaseException:
            _ended(decided)
            raise
        pending.add_done_callback(lambda _: _ended(decided))
        return pending


def _ended(decided: Sequence[_Deciding]) -> None:
    for one in decided:
        one.end()


class _Deciding:
    """A decision whose commands are asked for and sealed. It may be made more than once."""

    __slots__ = ("_by", "_commandable", "_decide", "_guard", "_number", "_tenant")

    def __init__(self, command: Command, commandable: Commandable, tenant: str, guard: Guard) -> None:
        self._decide: Decide = command.decide
        self._by: Principal = command.by
        self._commandable, self._tenant, self._guard = commandable, tenant, guard
        self._number: int | None = None

    def __call__(self, current: Entity | None, now: Instant) -> Decision:
        decision = self._decide(current, now)
        if not isinstance(decision, Put):
            return decision
        entity = decision.entity
        before: Document = {} if current is None else current.document
        changed = self._changed(before, entity)
        if not changed:
            return decision
        for name in changed:
            self._guard.access.admit_command(self._by, self._tenant, entity, name)
        if self._number is None:
            self._number = self._guard.bell.begin(self._tenant)
        ordered = {name: self._ordered(entity, (name, key), before.get(name), now) for name, key in changed.items()}
        return Put(_with(entity, {**entity.document, **ordered}), decision.result)

    def end(self) -> None:
        """The write is durable, or was not made."""
        if self._number is not None:
            self._guard.bell.end(self._number)
            self._number = None

    def _changed(self, before: Document, entity: Entity) -> dict[str, bytes]:
        """Command attributes that were written, by IRI, and their keys; not those that came back as they were read."""
        found = {}
        for name in self._commandable.names():
            if name not in entity.document or entity.document[name] is before.get(name):
                continue
            key = self._commandable.key(name, entity.types)
            if key is not None and any(_differs(one, had) for one, had in _pairs(entity, name, before.get(name))):
                found[name] = key
        return found

    def _ordered(self, entity: Entity, named: tuple[str, bytes], before: Json, now: Instant) -> Json:
        name, key = named
        of = (self._tenant, entity.id, name)
        pairs = [*_pairs(entity, name, before)]
        return member([one if not _differs(one, had) else self._sealed((key, of), one, had, now) for one, had in pairs])

    def _sealed(
        self, how: tuple[bytes, tuple[str, str, str]], one: Instance, had: Instance | None, now: Instant
    ) -> Instance:
        """The instance as an order of this moment, unless it is a copy of an earlier one, or the same one once more."""
        key, of = how
        if had is None:
            if commander(key, of, one) is not None:
                return one
        elif (given := text(one, COMMAND_ID)) and given == text(had, COMMAND_ID):
            if content(one) == content(had) and commander(key, of, had) is not None:
                return had
            one = {name: value for name, value in one.items() if name != COMMAND_ID}  # the earlier order's own
        return sealed(key, of, one, self._by.name, (now, sealed_before(had)))


def _pairs(entity: Entity, name: str, before: Json) -> Iterator[tuple[Instance, Instance | None]]:
    """Each instance of an attribute, and the one that it takes the place of."""
    had = {one.get("datasetId"): one for one in instances(before)}
    for one in entity.instances(name):
        yield one, had.get(one.get("datasetId"))


def _differs(one: Instance, had: Instance | None) -> bool:
    return had is None or (one is not had and written(one) != written(had))


def _with(entity: Entity, document: Document) -> Entity:
    return Entity(document, entity.created_at, entity.modified_at, entity.expires_at, entity.version)
