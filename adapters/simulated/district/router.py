"""A digital grid router as a device: it guards itself, falls back by itself, and takes set-points that run out.

Nobody else closes or opens what protects: told to leave the mains or to go back to them, it does so when it may.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from adapters.simulated.district.battery import EMPTY, WH, Battery
from adapters.simulated.district.sites import LOADS, PRIORITY, SiteSpec

STATES: Final = ("connected", "isolated", "blackStart", "islanded", "resynchronising", "gridFault")
LEGS: Final = ("utility", "interchange", "pv", "battery", "load", "ev")
MODES: Final = ("isolate", "form", "wait", "ration", "resynchronise")
START_S, SYNC_S, STABLE_S, ALONE_S = 60, 60, 300, 900
"""To form the line; to synchronise; so long the mains must stand; after so much silence it goes back by itself."""
RESERVE: Final = 30
"""Per cent that the battery keeps for a blackout while there are mains."""
GIVING: Final = 20
"""Per cent below which nothing is given to the line."""


@dataclass(frozen=True, slots=True)
class SetPoint:
    """What the hub asks: power into the line, a mode, or how many loads are kept on; not after `until` (seconds)."""

    until: int
    power_w: int | None = None
    mode: str = ""
    loads: int | None = None


@dataclass(slots=True)
class Router:
    """One of them. Registers are joules by leg: (in, out)."""

    spec: SiteSpec
    battery: Battery
    state: str = "connected"
    since: int = 0
    faulty: bool = False
    forming: bool = False
    apart: bool = False
    back: bool = False
    heard: int = 0
    line_w: int = 0
    line_until: int = 0
    loads: int = PRIORITY
    loads_until: int = 0
    watts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEGS, 0))
    into: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEGS, 0))
    out: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEGS, 0))
    served: tuple[bool, ...] = (True,) * len(LOADS)
    unserved_j: list[int] = field(default_factory=lambda: [0] * len(LOADS))

    def take(self, asked: SetPoint, at: int) -> bool:
        """Obey what has not run out; whether it did."""
        if at > asked.until or self.faulty:
            return False
        self.heard = at
        if asked.power_w is not None:
            self.line_w, self.line_until = asked.power_w, asked.until
        if asked.loads is not None:
            self.loads, self.loads_until = asked.loads, asked.until
        if asked.mode == "isolate":
            self.apart, self.back = True, False
        elif asked.mode == "form":
            self.forming = self.state in ("isolated", "blackStart", "islanded")
        elif asked.mode == "wait":
            self.forming, self.line_w = False, 0
        elif asked.mode == "resynchronise":
            self.apart, self.back = False, True
        return True

    def guard(self, at: int, mains_s: int, line: str) -> None:
        """Change state as its protection sees it; `mains_s` is how long the mains stand (0: they do not).

        `line` is what the line is: `dead`, `starting` or `live`.
        """
        if self.faulty != (self.state == "gridFault"):
            self._become("gridFault" if self.faulty else "isolated", at)
        elif self.state == "connected":
            if not mains_s or self.apart:
                self._become("isolated", at)
        elif self.state == "resynchronising":
            self._synchronise(at, mains_s)
        elif self.state != "gridFault":
            self._alone(at, mains_s, line)

    def loads_on(self, at: int) -> int:
        """How many loads are on, by priority."""
        if self.state == "gridFault":
            return 0
        if self.state in ("connected", "resynchronising") and not self.apart:
            return len(LOADS) if self.state == "connected" else PRIORITY
        return self.loads if at <= self.loads_until else PRIORITY

    def wish(self, at: int) -> int:
        """Watts that it would put into the line (negative: take), of a set-point that holds."""
        if self.state not in ("connected", "islanded") or at > self.line_until:
            return 0
        return max(-self.spec.line_w, min(self.spec.line_w, self.line_w))

    def flow(self, watts: dict[str, int], seconds: int) -> None:
        """Let the legs flow, and count."""
        self.watts = watts
        self.battery.flow(watts["battery"], seconds)
        for leg, power in watts.items():
            if power >= 0:
                self.into[leg] += power * seconds
            else:
                self.out[leg] -= power * seconds

    def register(self, leg: str) -> tuple[int, int]:
        """The registers of a leg in Wh, which never fall."""
        return self.into[leg] // WH, self.out[leg] // WH

    def _synchronise(self, at: int, mains_s: int) -> None:
        if not mains_s or self.apart:
            self._become("isolated", at)
        elif at - self.since >= SYNC_S:
            self.back = False
            self._become("connected", at)

    def _alone(self, at: int, mains_s: int, line: str) -> None:
        silent = at - max(self.heard, self.since) >= ALONE_S
        if silent:
            self.apart = False  # a drill that nobody ends any more
        if mains_s >= STABLE_S and not self.apart and (self.back or silent):
            self._become("resynchronising", at)
        elif self.state == "isolated" and (self.forming or line != "dead") and self.battery.can_give(60, EMPTY):
            self._become("blackStart", at)
        elif self.state == "blackStart":
            self._start(at, line)
        elif self.state == "islanded" and (line == "dead" or (self.forming and not self.battery.can_give(60))):
            self.forming = False
            self._become("isolated", at)

    def _start(self, at: int, line: str) -> None:
        if self.forming:
            if at - self.since >= START_S:
                self._become("islanded", at)
        elif line == "live":
            self._become("islanded", at)
        elif line == "dead":
            self._become("isolated", at)

    def _become(self, state: str, at: int) -> None:
        self.state, self.since = state, at
        if state != "islanded":
            self.line_w = self.line_until = 0
        if state not in ("isolated", "blackStart", "islanded"):
            self.forming = False
