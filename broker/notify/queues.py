"""Which notification is sent when: queues, retries and breakers as states, without a clock, a thread or a socket.

    arrives ─> its chain (subscription, entity) ─ first of it ─> ready at its endpoint ─ take ─> away
    away ─ succeeded ─> closed, the next of the chain is ready
         ─ failed ─> asleep, then ready again; after the last attempt dead, and the next of the chain is ready
    endpoint: open ─ failures in a row ─> shut for a while ─> one at a time ─ success ─> open, and its sleepers wake

Only so many rows are kept in memory: a lane (subscription) or a chain that is *behind* is read again from the store
when it runs dry. Times are seconds of a clock that never goes back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from typing import Final, Literal

from broker.ports.outbox import OutboxRow

LANE_ROWS: Final = 1024  # rows of one subscription kept in memory
LANE_ROWS_TIGHT: Final = 16  # the same once TOTAL_ROWS are kept: many endpoints are down
TOTAL_ROWS: Final = 20_000  # some 100 MB of entities before and after
CHAIN_ROWS: Final = 64  # rows of one subscription and entity: a failing one shall not fill its lane


@dataclass(frozen=True, slots=True)
class Policy:
    """How often, how soon and how many at once. `failures_max` in a row shut an endpoint, `rest_max_s` at most."""

    attempts_max: int = 12
    backoff_s: float = 1.0
    backoff_max_s: float = 300.0
    failures_max: int = 5
    rest_max_s: float = 30.0
    at_once: int = 8


@dataclass(slots=True, eq=False)
class Lane:
    """One subscription's rows in memory; `last` is the highest number seen, kept or not."""

    tenant: str
    subscription: str
    behind: bool
    last: int = 0
    kept: int = 0
    gone: bool = False


@dataclass(slots=True, eq=False)
class Chain:
    """The rows of one subscription and one entity, in order; the first is what its state is about."""

    lane: Lane
    entity: str
    endpoint: Endpoint
    rows: deque[OutboxRow] = field(default_factory=deque)
    state: Literal["ready", "away", "asleep", "dry"] = "dry"
    wakes: float = 0.0
    behind_from: int | None = None

    @property
    def row(self) -> OutboxRow:
        """The row whose turn it is."""
        return self.rows[0]


@dataclass(slots=True, eq=False)
class Endpoint:
    """Where notifications go: chains that may be sent, how many are away, and the breaker."""

    uri: str
    ready: deque[Chain] = field(default_factory=deque)
    asleep: set[Chain] = field(default_factory=set)
    away: int = 0
    failures: int = 0
    rests: int = 0
    shut_until: float = 0.0
    alarm: float = 0.0


class Queues:
    """All chains of this process. `chance()` is in [0, 1)."""

    def __init__(self, policy: Policy, chance: Callable[[], float]) -> None:
        self.policy = policy
        self._chance = chance
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._chains: dict[tuple[str, str, str], Chain] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._able: dict[Endpoint, None] = {}
        self._timers: list[tuple[float, int, Chain | Endpoint]] = []
        self._turn = count()
        self._dry_lanes: dict[Lane, None] = {}
        self._dry_chains: dict[Chain, None] = {}
        self.kept = 0

    def lane(self, tenant: str, subscription: str, *, behind: bool = False) -> Lane:
        """The subscription's lane; a new one is `behind` where the store may hold rows that were not told."""
        lane = self._lanes.get((tenant, subscription))
        if lane is None:
            lane = self._lanes[tenant, subscription] = Lane(tenant, subscription, behind)
        return lane

    def read_again(self, lane: Lane) -> None:
        """The store may hold rows of it that were not told."""
        lane.behind = True
        self._dry_lanes[lane] = None

    def arrive(self, lane: Lane, row: OutboxRow, endpoint: str, due: float) -> None:
        """A row was committed; `due` says when it may be sent, should it be the first of its chain."""
        if lane.behind or row.number <= lane.last:
            return
        if lane.kept >= self._room():
            self._leave(lane)
            return
        lane.last = row.number
        self._append(lane, row, endpoint, due)

    def fill(self, lane: Lane, rows: Iterable[tuple[OutboxRow, str, float]], *, more: bool) -> None:
        """Rows of a lane that was behind, read from the store: each with its endpoint and when it is due."""
        lane.behind = False
        for row, endpoint, due in rows:
            self.arrive(lane, row, endpoint, due)
        if more:
            self._leave(lane)

    def _leave(self, lane: Lane) -> None:
        lane.behind = True
        if lane.kept <= self._room() // 4:
            self._dry_lanes[lane] = None

    def refill(self, chain: Chain, rows: Sequence[OutboxRow], *, more: bool) -> None:
        """Rows of the lane of a chain that was behind, read from the store after `behind_from`."""
        lane = chain.lane
        seen = [row for row in rows if row.number <= lane.last]
        for row in seen:
            if row.change.entity.id == chain.entity and len(chain.rows) < CHAIN_ROWS:
                self._keep(chain, row)
            if len(chain.rows) >= CHAIN_ROWS:
                chain.behind_from = row.number
                break
        else:
            chain.behind_from = seen[-1].number if more and len(seen) == len(rows) else None
        if chain.rows:
            chain.endpoint = self._endpoint(chain.endpoint.uri)
            self._ready(chain)
        elif chain.behind_from is not None:
            self._dry_chains[chain] = None
        else:
            self._end(chain)

    @property
    def dry(self) -> bool:
        """Whether something is to be read from the store."""
        return bool(self._dry_lanes or self._dry_chains)

    def put_back(self, chains: Iterable[Chain], lanes: Iterable[Lane]) -> None:
        """These were not read yet."""
        self._dry_chains.update(dict.fromkeys(chains))
        self._dry_lanes.update(dict.fromkeys(lanes))

    def ids(self, tenant: str) -> set[str]:
        """The notifications of a tenant that are kept in memory."""
        return {row.id for chain in self._chains.values() if chain.lane.tenant == tenant for row in chain.rows}

    def comes(self, lane: Lane, row: OutboxRow) -> bool:
        """Whether a row that is not in memory will be read from the store in its turn."""
        chain = self._chains.get((lane.tenant, lane.subscription, row.change.entity.id))
        behind_from = None if chain is None else chain.behind_from
        return row.number > lane.last or (behind_from is not None and row.number > behind_from)

    def dry_lanes(self) -> list[Lane]:
        """Lanes that are behind and have room: read on after their `last`."""
        found, self._dry_lanes = [lane for lane in self._dry_lanes if lane.behind and not lane.gone], {}
        return found

    def dry_chains(self) -> list[Chain]:
        """Chains that are behind and empty: read on after their `behind_from`."""
        found, self._dry_chains = [chain for chain in self._dry_chains if not chain.lane.gone], {}
        return found

    def take(self, now: float) -> list[Chain]:
        """Chains whose row may be sent now; each comes back by `succeeded`, `failed`, `dropped` or `moved`."""
        while self._timers and self._timers[0][0] <= now:
            self._wake(heappop(self._timers)[2], now)
        taken: list[Chain] = []
        able, self._able = self._able, {}
        for endpoint in able:
            self._take_of(endpoint, now, taken)
        return taken

    def _take_of(self, endpoint: Endpoint, now: float, taken: list[Chain]) -> None:
        if endpoint.shut_until > now:
            if endpoint.ready and endpoint.alarm != endpoint.shut_until:
                endpoint.alarm = endpoint.shut_until
                heappush(self._timers, (endpoint.shut_until, next(self._turn), endpoint))
            return
        room = 1 if endpoint.rests else self.policy.at_once
        while endpoint.ready and endpoint.away < room:
            chain = endpoint.ready.popleft()
            if chain.rows and chain.state == "ready":
                chain.state = "away"
                endpoint.away += 1
                taken.append(chain)

    def wakes_at(self) -> float | None:
        """When `take` may have something next, if nothing else happens."""
        return self._timers[0][0] if self._timers else None

    def succeeded(self, chain: Chain) -> None:
        """It was delivered."""
        endpoint = chain.endpoint
        endpoint.failures = 0
        if endpoint.rests:
            endpoint.rests, endpoint.shut_until = 0, 0.0
            for sleeper in list(endpoint.asleep):
                self._ready(sleeper)
        self._next(chain)

    def failed(self, chain: Chain, now: float) -> float | None:
        """It was not: seconds until it is tried again, None where that was the last attempt."""
        row = chain.row
        if row.attempts + 1 >= self.policy.attempts_max:
            self._next(chain)
            return None
        delay = self._backoff(row.attempts, self.policy.backoff_max_s)
        chain.rows[0] = replace(row, attempts=row.attempts + 1)
        self._back(chain)
        if chain.rows:
            self._sleep(chain, now + delay)
        return delay

    def dropped(self, chain: Chain) -> None:
        """There is nothing to send: its subscription is gone or does not want it."""
        self._next(chain)

    def moved(self, chain: Chain, endpoint: str) -> None:
        """Its subscription has another endpoint by now."""
        self._back(chain)
        if chain.rows:
            chain.endpoint = self._endpoint(endpoint)
            self._ready(chain)

    def forget(self, lane: Lane) -> None:
        """Keep nothing of a lane: its subscription is gone, or another process has it. What is away comes back."""
        lane.gone = True
        self._lanes.pop((lane.tenant, lane.subscription), None)
        for chain in [one for one in self._chains.values() if one.lane is lane]:
            self.kept -= len(chain.rows) - (chain.state == "away")
            while len(chain.rows) > (chain.state == "away"):
                chain.rows.pop()
            if chain.state != "away":
                self._end(chain)
        for endpoint in [one for one in self._endpoints.values() if _idle(one)]:
            del self._endpoints[endpoint.uri]

    def lanes(self) -> list[Lane]:
        """All there are."""
        return list(self._lanes.values())

    def _append(self, lane: Lane, row: OutboxRow, uri: str, due: float) -> None:
        entity = row.change.entity.id
        key = (lane.tenant, lane.subscription, entity)
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = Chain(lane, entity, self._endpoint(uri))
        if chain.behind_from is not None:
            return
        if len(chain.rows) >= CHAIN_ROWS:
            chain.behind_from = chain.rows[-1].number
            return
        self._keep(chain, row)
        if chain.state == "dry":
            if due > 0:
                self._sleep(chain, due)
            else:
                self._ready(chain)

    def _keep(self, chain: Chain, row: OutboxRow) -> None:
        chain.rows.append(row)
        chain.lane.kept += 1
        self.kept += 1

    def _room(self) -> int:
        return LANE_ROWS if self.kept < TOTAL_ROWS else LANE_ROWS_TIGHT

    def _endpoint(self, uri: str) -> Endpoint:
        found = self._endpoints.get(uri)
        if found is None:
            found = self._endpoints[uri] = Endpoint(uri)
        return found

    def _ready(self, chain: Chain) -> None:
        chain.endpoint.asleep.discard(chain)
        chain.state = "ready"
        chain.endpoint.ready.append(chain)
        self._able[chain.endpoint] = None

    def _sleep(self, chain: Chain, until: float) -> None:
        chain.state, chain.wakes = "asleep", until
        chain.endpoint.asleep.add(chain)
        heappush(self._timers, (until, next(self._turn), chain))

    def _wake(self, one: Chain | Endpoint, now: float) -> None:
        if isinstance(one, Endpoint):
            self._able[one] = None
        elif one.state == "asleep" and one.wakes <= now:
            self._ready(one)

    def _back(self, chain: Chain) -> None:
        """It is not away any more."""
        chain.endpoint.away -= 1
        self._able[chain.endpoint] = None
        if chain.lane.gone:
            self.kept -= len(chain.rows)
            chain.rows.clear()
            self._end(chain)

    def _next(self, chain: Chain) -> None:
        """The chain's first row is closed."""
        chain.rows.popleft()
        self.kept -= 1
        lane = chain.lane
        lane.kept -= 1
        self._back(chain)
        if lane.gone:
            return
        if chain.rows:
            self._ready(chain)
        elif chain.behind_from is not None:
            chain.state = "dry"
            self._dry_chains[chain] = None
        else:
            self._end(chain)
        if lane.behind and lane.kept <= self._room() // 4:
            self._dry_lanes[lane] = None

    def _end(self, chain: Chain) -> None:
        key = (chain.lane.tenant, chain.lane.subscription, chain.entity)
        if self._chains.get(key) is chain:
            del self._chains[key]
        chain.state = "dry"
        endpoint = chain.endpoint
        endpoint.asleep.discard(chain)
        if not endpoint.failures and _idle(endpoint):
            self._endpoints.pop(endpoint.uri, None)

    def shut(self, uri: str, now: float) -> bool:
        """Whether an endpoint rests."""
        found = self._endpoints.get(uri)
        return found is not None and found.shut_until > now

    def missed(self, uri: str, now: float, cooldown_s: float | None) -> None:
        """An endpoint did not take what was sent to it."""
        endpoint = self._endpoint(uri)
        endpoint.failures += 1
        if cooldown_s is not None:
            endpoint.shut_until = max(endpoint.shut_until, now + cooldown_s)
        # Those that were away when it was shut tell nothing new.
        if endpoint.failures >= self.policy.failures_max and now >= endpoint.shut_until:
            endpoint.shut_until = now + self._backoff(endpoint.rests, self.policy.rest_max_s)
            endpoint.rests += 1

    def _backoff(self, times: int, most_s: float) -> float:
        """Twice as long each time, at most so long, and a random half of it less: not all come back at once."""
        return min(self.policy.backoff_s * 2.0 ** min(times, 30), most_s) * (1 - self._chance() / 2)


def _idle(endpoint: Endpoint) -> bool:
    return not (endpoint.away or endpoint.ready or endpoint.asleep)
