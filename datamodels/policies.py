"""What is held in a tenant: by type, as an operator said, and for all other types as this broker was started.

Policies are documents of the tenant (kind `model_policy`, id the type's IRI): all processes see a change within
FRESH_S, the one that made it at once. The place of a snapshot has those of its tenant.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from broker.errors import NonexistentTenant
from broker.model.values import Instant, Json
from broker.ports.held import Drop, Held, HeldCommand, HeldStore, Hold, Leave
from broker.ports.places import home_of

Mode: TypeAlias = Literal["off", "warn", "reject"]
MODES: Final[tuple[Mode, ...]] = ("off", "warn", "reject")
KIND: Final = "model_policy"
FRESH_S: Final = 0.25
_TENANTS_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Modes:
    """The modes of one tenant: those that were said, and the one of all other types."""

    said: Mapping[str, Mode]
    rest: Mode = "off"

    def of(self, iri: str) -> Mode:
        """The mode of an entity type."""
        return self.said.get(iri, self.rest)

    def __bool__(self) -> bool:
        return self.rest != "off" or any(mode != "off" for mode in self.said.values())


class HeldPolicies:
    """Policies kept as held documents; asked at every write, so a look into the store every FRESH_S must do."""

    def __init__(self, held: HeldStore, rest: Mode, seconds: Callable[[], float] = time.monotonic) -> None:
        self._held, self._rest, self._seconds = held, rest, seconds
        self._known: dict[str, tuple[float, int, Modes]] = {}

    def modes(self, tenant: str) -> Modes:
        """What is held in the tenant now; in one that nobody made, what holds for all types."""
        tenant, now = home_of(tenant), self._seconds()
        known = self._known.get(tenant)
        if known is not None and now - known[0] < FRESH_S:
            return known[2]
        try:
            generation = self._held.held_generation(tenant, KIND)
            if known is None or known[1] != generation:
                said = {one.id: cast("Mode", one.body["mode"]) for one in self._held.all_held(tenant, KIND)}
                known = (now, generation, Modes(said, self._rest))
        except NonexistentTenant:
            return Modes({}, self._rest)
        if len(self._known) >= _TENANTS_MAX:
            self._known.clear()
        self._known[tenant] = (now, known[1], known[2])
        return known[2]

    def say(self, tenant: str, iri: str, mode: Mode | None) -> Future[bool]:
        """Set the mode of a type, durable when the future is done, and makes the tenant; None forgets it.

        The result is False where there was nothing to forget.
        """

        def decide(current: Held | None, _now: Instant) -> Hold | Drop | Leave:
            if mode is None:
                return Leave(result=False) if current is None else Drop(result=True)
            body: dict[str, Json] = {"mode": mode}
            return Hold(body, result=True)

        tenant = home_of(tenant)
        done = self._held.apply_held(tenant, [HeldCommand(KIND, iri, decide, creates=mode is not None)])
        said: Future[bool] = Future()

        def finish(pending: Future[list[object]]) -> None:
            self._known.pop(tenant, None)
            error = pending.exception()
            if error is None:
                said.set_result(pending.result() == [True])
            else:
                said.set_exception(error)

        done.add_done_callback(finish)
        return said
