"""What changes in the hub, handed to rooms in its order: each change once, however often the hub or a room is started.

    ground.following.register(Wish("watch", "misono", frozenset({DEF + "HeartRateObservation"}), took, begin))

`took(db, changes)` runs in the transaction that moves the wish's position on: what it writes with `db` is there exactly
once. What goes elsewhere (entities, commands) is written to tables there, and done from those afterwards. Several
processes of one hub may follow at once; one of them takes each change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Lock, Thread
from time import monotonic
from typing import Final, TypeAlias, cast

from broker.keeping import Db, KeptFile, NotKept
from broker.model.values import Json
from broker.ports.hub import Hub, HubAway, HubChange, HubForgot

log = logging.getLogger("misono.services")

WAIT_S: Final = 0.5
KEPT_EVERY: Final = 1_000
"""After so many changes that concern a wish in nothing its position is written down all the same."""
PAUSE_S: Final = 2.0
"""So long a wish that failed, or a hub that is away, is left alone."""
TABLES: Final = (
    """CREATE TABLE followed (
        name TEXT NOT NULL, tenant TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (name, tenant)
    ) STRICT, WITHOUT ROWID""",
)
Took: TypeAlias = Callable[[Db, Sequence[HubChange]], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a room follows: changes of entities of these types (IRIs) in a tenant.

    `begin` reads what is there by now: called when nothing was followed before, and where changes were missed that the
    hub no longer keeps; what changes meanwhile comes to `took` as well. `then` is told that something was taken.
    """

    name: str
    tenant: str
    types: frozenset[str]
    took: Took
    begin: Callable[[], None] = lambda: None
    then: Callable[[], None] = lambda: None


class Following:
    """All that the rooms of a hub follow."""

    def __init__(self, hub: Hub, file: KeptFile) -> None:
        self._hub, self._file = hub, file
        self._wishes: dict[str, dict[str, Wish]] = {}
        self._paused: dict[tuple[str, str], float] = {}
        self._passed: dict[tuple[str, str], int] = {}
        """Up to where nothing concerned a wish; it is not written down each time: to be read again does no harm."""
        self._lock, self._ending = Lock(), Event()
        self._threads: list[Thread] = []
        file.tables("following", TABLES)

    def register(self, wish: Wish) -> None:
        """Follow this from `start` on. Raises ValueError for a name that is taken."""
        with self._lock:
            named = self._wishes.setdefault(wish.tenant, {})
            if wish.name in named:
                raise ValueError(f"{wish.name} is followed already")
            named[wish.name] = wish

    def start(self) -> None:
        """Begin."""
        for tenant in self._wishes:
            thread = Thread(target=self._run, args=(tenant,), name=f"following-{tenant}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Take nothing more, and wait for what is being taken."""
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def state(self) -> Json:
        """`ok`, or which wishes wait after a failure."""
        waiting = sorted(name for _, name in tuple(self._paused))
        return f"changes wait for {', '.join(waiting)}" if waiting else "ok"

    def once(self, tenant: str, wait_s: float = 0.0) -> bool:
        """Take what has come, some hundred changes; waits so long for the first. Whether there was any.

        Raises HubAway.
        """
        wishes = self._ready(tenant)
        positions = {wish.name: self._position(wish) for wish in wishes}
        if not wishes:
            return False
        try:
            after = min(max(one, self._passed.get((tenant, name), 0)) for name, one in positions.items())
            changes = self._hub.changes(tenant, after, wait_s)
        except HubForgot as forgot:
            for wish in wishes:
                if positions[wish.name] < forgot.oldest:
                    self._begin(wish)
            return True
        for wish in wishes:
            self._hand(wish, positions[wish.name], changes)
        return bool(changes)

    def _run(self, tenant: str) -> None:
        while not self._ending.is_set():
            try:
                self.once(tenant, WAIT_S)
                idle = not self._ready(tenant)
            except (HubAway, NotKept) as error:
                log.info("changes are not followed now: %s", error)
                idle = True
            except Exception:  # the outermost loop of a thread: what failed is tried again
                log.exception("changes of the tenant %r cannot be followed", tenant)
                idle = True
            if idle:
                self._ending.wait(PAUSE_S)

    def _ready(self, tenant: str) -> list[Wish]:
        now = monotonic()
        with self._lock:
            wishes = [*self._wishes.get(tenant, {}).values()]
        return [one for one in wishes if self._paused.get((tenant, one.name), now) <= now]

    def _position(self, wish: Wish) -> int:
        sql = "SELECT position FROM followed WHERE name = ? AND tenant = ?"
        rows = self._file.read(sql, (wish.name, wish.tenant))
        return cast("int", rows[0][0]) if rows else self._begin(wish)

    def _begin(self, wish: Wish) -> int:
        position = self._hub.newest(wish.tenant)
        self._passed.pop((wish.tenant, wish.name), None)
        wish.begin()
        row = (wish.name, wish.tenant, position)
        self._file.write(lambda db: db.execute("INSERT OR REPLACE INTO followed VALUES (?, ?, ?)", row)).result()
        return position

    def _hand(self, wish: Wish, position: int, changes: Sequence[HubChange]) -> None:
        """Have the wish take what is new to it; one that fails is left alone for a while, the others go on."""
        key = (wish.tenant, wish.name)
        begun = max(position, self._passed.get(key, 0))
        fresh = [one for one in changes if one.sequence > begun]
        if not fresh:
            return
        wanted = [one for one in fresh if not wish.types.isdisjoint(one.types)]
        until = fresh[-1].sequence
        if not wanted and until - position < KEPT_EVERY:
            self._passed[key] = until
            return

        def work(db: Db) -> bool:
            moved = db.execute(
                "UPDATE followed SET position = ? WHERE name = ? AND tenant = ? AND position = ? RETURNING 1",
                (until, wish.name, wish.tenant, position),
            ).fetchall()
            if moved and wanted:
                wish.took(db, wanted)
            return bool(moved and wanted)

        try:
            taken = self._file.write(work).result()
        except Exception as error:  # a room's own fault must not keep the others from what they follow
            if key not in self._paused:
                log.warning("%s could not take changes: %s", wish.name, error, exc_info=True)
            self._paused[key] = monotonic() + PAUSE_S
            return
        self._paused.pop(key, None)
        if taken:
            wish.then()
