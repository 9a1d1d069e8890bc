"""A pipeline that dies at a step of its own choice, as by a power cut, and one that goes on where it stopped.

    python tests/outside/adapters/dying.py DIR STEPS [early]

For each number up to STEPS: a process takes FRAMES frames one by one, as a link that waits for every acknowledgement,
each with two values of one entity, and kills itself at that step; another one is given what was not acknowledged, and
tells what the hub has in the end.
`early` acknowledges before a frame is taken, to see that it would be told.
A line a number: `{"step": 3, "died": true, "acknowledged": 2, "missing": [], "wrong": [], "doubled": 0}`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from adapters.frame import Frame
from adapters.store import AdapterStore
from broker.errors import NgsiError
from broker.hub.inside import HubInside
from broker.model.values import Json
from broker.ports.hub import Fragment
from broker.settings import read_settings
from broker.wiring import build
from tests.fakes.piped import piped, until

FRAMES = 6
CITY = {
    "sensors.yaml": """
adapter: sensors
link: hand
codec: {kind: json, items: all, sequence: seq, facts: {number: n}}
mapping: rooms
devices: [{id: s1}]
""",
    "rooms.yaml": """
mapping: rooms
version: 1
entities:
  - {id: "urn:ngsi-ld:Room:misono:{device}-{number}", type: Room, attributes: {warmth: t}}
""",
}


class Death:
    """Comes at a step."""

    def __init__(self, at: int) -> None:
        self._left = at

    def step(self) -> None:
        """One more step is done."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalStore(AdapterStore):
    """A store that may die before a write, within its transaction, after its commit, and after it was told."""

    death: Death | None = None

    def write(self, work: Callable[[Any], Any], then: Callable[[Any], None] | None = None) -> Future[Any]:
        death = self.death
        if death is None:
            return super().write(work, then)
        death.step()

        def mortal(db: Any) -> Any:
            done = work(db)
            death.step()
            return done

        def told(result: Any) -> None:
            death.step()
            if then is not None:
                then(result)
            death.step()

        return super().write(mortal, told)


class MortalHub(HubInside):
    """A hub whose caller may die before and after it has written."""

    death: Death | None = None

    def upsert(self, tenant: str, fragments: Sequence[Fragment]) -> list[NgsiError | None]:
        """As the port says, if it lives."""
        if self.death is not None:
            self.death.step()
        done = super().upsert(tenant, fragments)
        if self.death is not None:
            self.death.step()
        return done


def run(
    directory: Path, numbers: Sequence[int], death: Death | None, *, early: bool = False
) -> tuple[dict[int, Json], int]:
    """Take the frames of these numbers; what the hub has of all numbers at the end, and how often it was written to."""

    def acknowledge(number: int) -> None:
        with (directory / "acknowledged").open("a") as file:
            file.write(f"{number}\n")

    settings = read_settings(Namespace(config=""), {"MISONO_DATA": str(directory / "hub")})
    built = build(settings)
    hub = MortalHub(built.house)

    def make(data: Path) -> MortalStore:
        return MortalStore(data)

    with piped(directory, CITY, hub=hub, make_store=make) as pipe:
        store = pipe.assembled.running.parts.store
        assert isinstance(store, MortalStore)
        store.death = hub.death = death
        for number in numbers:
            both = [{"t": value, "seq": f"{number}/{value}", "n": str(number)} for value in (-1, number)]
            text = json.dumps({"all": both})
            if early:
                acknowledge(number)
            pipe.give("sensors", Frame(text.encode(), pipe.now(), device="s1"))
            if not early:
                acknowledge(number)
        until(lambda: pipe.assembled.running.queue.depth == 0)
        store.death = hub.death = None
        found = {number: hub.entity("", f"urn:ngsi-ld:Room:misono:s1-{number}") for number in range(FRAMES)}
        writes = hub.newest("")
    built.close()
    return {number: warmth(one) for number, one in found.items()}, writes


def warmth(entity: dict[str, Json] | None) -> Json:
    """The value that an entity has."""
    if entity is None:
        return None
    attribute = next(one for name, one in entity.items() if name.endswith("/warmth"))
    assert isinstance(attribute, dict)
    return attribute["value"]


def void(_found: object) -> None:
    """Nothing of it is needed."""


def in_child(work: Callable[[], None]) -> int:
    """Its exit code, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def attempt(directory: Path, step: int, *, early: bool) -> None:
    """Die at a step, come back, tell."""
    directory.mkdir()
    code = in_child(lambda: void(run(directory, range(FRAMES), Death(step), early=early)))
    file = directory / "acknowledged"
    acknowledged = [int(line) for line in file.read_text().split()] if file.exists() else []

    def recover() -> None:
        found, writes = run(directory, [one for one in range(FRAMES) if one not in acknowledged], None)
        missing = [number for number, value in found.items() if value is None]
        wrong = [number for number, value in found.items() if value not in (None, number)]
        told = {"step": step, "died": code == -signal.SIGKILL, "acknowledged": len(acknowledged)}
        print(json.dumps({**told, "missing": missing, "wrong": wrong, "doubled": writes - 2 * FRAMES}), flush=True)

    if code not in (0, -signal.SIGKILL) or in_child(recover):
        print(
            json.dumps(
                {"step": step, "died": False, "acknowledged": 0, "missing": ["fault"], "wrong": [], "doubled": 0}
            ),
            flush=True,
        )


if __name__ == "__main__":
    for number in range(1, int(sys.argv[2]) + 1):
        attempt(Path(sys.argv[1]) / str(number), number, early="early" in sys.argv)
