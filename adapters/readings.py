"""What a device measured, in one form for every protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from broker.model.values import Instant, Json

Quality: TypeAlias = Literal["good", "uncertain", "bad"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One quantity: `Reading("E7", 1200, unit="WTT", at=1763…)`.

    `quantity` is the protocol's own name of it (a JSON member, an EPC, a SunSpec point, an OCPP measurand), `unit` a
    UN/CEFACT code where the protocol fixes one, `at` the device's own clock (None: it said none).
    """

    quantity: str
    value: Json
    unit: str = ""
    at: Instant | None = None
    quality: Quality = "good"


@dataclass(frozen=True, slots=True)
class Readings:
    """What one device said at once.

    `device` names it; `part` a part of it that is an entity of its own (connector 2, EOJ 0279-1, vehicle 4711), `""`
    for the whole. `sequence` is the device's own number or id of the message where it has one: it tells a repetition.
    `at` holds for readings without an instant. `facts` are texts a mapping may put into ids (`{route}`).
    `answers` is set where this is no measurement but what became of a command.
    """

    device: str
    readings: tuple[Reading, ...]
    part: str = ""
    at: Instant | None = None
    sequence: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    answers: Answered | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What a device said of a command: `Answered("cmd-17", "OK", "on")`; `command` is the id or, unknown, its name."""

    command: str
    status: Literal["DELIVERED", "OK", "ERROR"]
    result: Json = None
