"""What becomes of a community by what its routers tell and its operators do. Pure: a fold over events.

folded = fold(State.of(("urn:…:h1", …)), Telling("urn:…:h1", at, "isolated", mains=False), Policy())

Events may be lost, come twice or late: each router's own order of tellings is what counts. What is to be asked of
routers follows from the state (`asking`), so that it can be asked again as often as it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from broker.model.values import Instant
from services.energy.islanding.states import (
    BLACK_START,
    CONNECTED,
    ISLANDED,
    ISOLATED,
    OFF_GRID,
    RESYNCHRONISING,
    way,
)
from services.energy.islanding.telling import MAINS, Known, Step, Telling, learn, works

SECOND_US: Final = 1_000_000
_OUTAGE: Final = "gridOutage"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long mains must stand, who is silent is not counted, a proposal holds, and is a black start tried."""

    stable_s: int = 300
    silent_s: int = 600
    confirm_s: int = 600
    start_s: int = 600


@dataclass(frozen=True, slots=True)
class Proposal:
    """A black start that somebody proposed, with a master; the second person confirms it."""

    master: str
    by: str
    at: Instant
    confirmed_by: str = ""
    confirmed_at: Instant = 0


@dataclass(frozen=True, slots=True)
class Drill:
    """Apart from the grid although it is there: until `until` at most, or ended before."""

    cause: str
    begun: Instant
    until: Instant


@dataclass(frozen=True, slots=True)
class State:
    """Of a community: where it is since when, why it left the grid, what is known of its routers.

    `number` counts the times that it left the grid; `begun` is when the last one began.
    """

    subject: str
    routers: Mapping[str, Known]
    state: str = CONNECTED
    since: Instant = 0
    at: Instant = 0
    number: int = 0
    begun: Instant = 0
    cause: str = ""
    proposal: Proposal | None = None
    drill: Drill | None = None
    confirmed: Proposal | None = None

    @staticmethod
    def of(subject: str, routers: Iterable[str]) -> State:
        """Nothing was told yet."""
        return State(subject, {one: Known(one) for one in routers})

    def counted(self, policy: Policy) -> list[Known]:
        """Routers that told something lately and work; all that work where none did."""
        known = [one for one in self.routers.values() if works(one)]
        recent = [one for one in known if self.at - one.told <= policy.silent_s * SECOND_US]
        return recent or known


@dataclass(frozen=True, slots=True)
class Act:
    """What an operator does: `drill`, `end`, `propose`, `confirm`; `by` is who, `master` a router."""

    kind: str
    at: Instant
    by: str
    master: str = ""
    until: Instant = 0
    cause: str = "drill"


@dataclass(frozen=True, slots=True)
class Tick:
    """Time goes by."""

    at: Instant


Event: TypeAlias = Telling | Act | Tick


@dataclass(frozen=True, slots=True)
class Folded:
    """The state afterwards, the steps of routers and the community in their order, and whether deals are to stop."""

    state: State
    steps: tuple[Step, ...] = ()
    stop: bool = False


def fold(state: State, event: Event, policy: Policy) -> Folded:
    """What one event comes to."""
    steps: tuple[Step, ...] = ()
    state = replace(state, at=max(state.at, event.at))
    if isinstance(event, Telling):
        if event.router not in state.routers:
            return Folded(state)
        known, steps = learn(state.routers[event.router], event)
        state = replace(state, routers={**state.routers, event.router: known})
    elif isinstance(event, Act):
        state = _acted(state, event)
    state = _over(state, policy)
    after, own = _gone(state, _wanted(state, policy))
    return Folded(after, (*steps, *own), after.number > state.number)


def _acted(state: State, event: Act) -> State:
    """What an operator's act changes by itself; doors have refused what is not in order."""
    if event.kind == "drill":
        return replace(state, drill=Drill(event.cause, event.at, event.until))
    if event.kind == "end":
        return replace(state, drill=None)
    if event.kind == "propose":
        return replace(state, proposal=Proposal(event.master, event.by, event.at))
    if event.kind == "confirm" and state.proposal is not None:
        sure = replace(state.proposal, confirmed_by=event.by, confirmed_at=event.at)
        return replace(state, proposal=None, confirmed=sure)
    return state


def _over(state: State, policy: Policy) -> State:
    """Without what time has ended: drills, proposals, black starts that did not come to anything."""
    if state.drill is not None and state.at >= state.drill.until:
        state = replace(state, drill=None)
    proposal, sure = state.proposal, state.confirmed
    if proposal is not None and state.at - proposal.at > policy.confirm_s * SECOND_US:
        state = replace(state, proposal=None)
    tried = sure is not None and state.at - sure.confirmed_at > policy.start_s * SECOND_US
    if sure is not None and tried and state.routers[sure.master].state not in (BLACK_START, ISLANDED):
        state = replace(state, confirmed=None)
    counted = state.counted(policy)
    if state.cause != _OUTAGE and state.number and sum(not one.mains for one in counted) * 2 > len(counted):
        state = replace(state, cause=_OUTAGE)  # a drill that has become earnest
    return state


def _wanted(state: State, policy: Policy) -> str:
    """Where the community is, by its routers."""
    counted = state.counted(policy)
    if not counted:
        return state.state
    off = sum(1 for one in counted if one.state in OFF_GRID)
    if state.state == CONNECTED:
        return ISOLATED if off * 2 > len(counted) else CONNECTED
    if state.state == RESYNCHRONISING:
        return _coming_back(state, counted)
    if _may_return(state, counted, policy):
        return RESYNCHRONISING
    return _island(state)


def _coming_back(state: State, counted: list[Known]) -> str:
    if all(one.state == CONNECTED for one in counted):
        return CONNECTED
    lost = sum(1 for one in counted if not one.mains and one.mains_since > state.since)
    return ISOLATED if lost * 2 > len(counted) or state.drill is not None else RESYNCHRONISING


def _may_return(state: State, counted: list[Known], policy: Policy) -> bool:
    if state.drill is not None:
        return False
    if all(one.state == CONNECTED for one in counted):
        return True  # they went back by themselves, while nobody could tell them
    stands = policy.stable_s * SECOND_US
    return all(_stood(one, state) >= stands for one in counted)


def _stood(known: Known, state: State) -> int:
    """How long a router has seen the mains since the community left them; what it told before tells nothing of that."""
    if not known.mains or known.seen.get(MAINS, 0) < state.begun:
        return 0
    return state.at - max(known.mains_since, state.begun)


def _island(state: State) -> str:
    """What the master says, once two persons wanted it; a line that is formed without them is not the community's."""
    if state.confirmed is None:
        return ISOLATED
    master = state.routers[state.confirmed.master].state
    if master == ISLANDED:
        return ISLANDED
    if master == BLACK_START:
        return BLACK_START
    return ISOLATED if state.state == ISLANDED else state.state


def _gone(state: State, wanted: str) -> tuple[State, tuple[Step, ...]]:
    steps: list[Step] = []
    for name in way(state.state, wanted):
        at = max(state.at, state.since)
        steps.append(Step(state.subject, name, at))
        state = _entered(state, name, at)
    return state, tuple(steps)


def _entered(state: State, name: str, at: Instant) -> State:
    was = state.state
    state = replace(state, state=name, since=at)
    if name == ISOLATED and was == CONNECTED:
        cause = state.drill.cause if state.drill is not None else _OUTAGE
        return replace(state, number=state.number + 1, begun=at, cause=cause, proposal=None, confirmed=None)
    if name == RESYNCHRONISING or (was == ISLANDED and name == ISOLATED):
        return replace(state, proposal=None, confirmed=None)
    return state
