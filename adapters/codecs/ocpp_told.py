"""What a message of OCPP becomes once it is read: readings of the station, of a connector, of a session.

Parts: `""` is the station, `"1"` its connector (1.6) or EVSE (2.0.1), `"0"` its own meter, `"session"` a transaction,
whose facts are `transaction` and, where it is known, `connector`. What a message alone cannot tell, its link knows,
which keeps transactions, and says it in `Frame.about`: `transaction`, `connector`, `started_at`, `begin_wh`, `peak_w`,
`soc_start`, `vehicle`, and of a status `status`, `free`, `of`, `whole`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from adapters.codecs.ocpp_answers import answer_of
from adapters.codecs.ocpp_message import Call, Refusal, number, read_call
from adapters.codecs.ocpp_meter import (
    BEGIN,
    END,
    EXPORT_REGISTER,
    POWER,
    REGISTER,
    SOC,
    Sample,
    energy_wh,
    power_w,
    total,
)
from adapters.frame import BadFrame, Frame
from adapters.readings import Answered, Reading, Readings
from broker.model.values import Instant, Json, to_text

SESSION: Final = "session"
WHOLE: Final = ""
MAIN: Final = "0"
"""The part of a station's own meter."""
_TOTALS: Final = (POWER, REGISTER, EXPORT_REGISTER)
Tell: TypeAlias = Callable[[Frame, Call], Sequence[Readings]]


def decode(frame: Frame, tells: Mapping[str, Tell]) -> Sequence[Readings]:
    """The readings of a frame, by the action that it calls. Raises BadFrame."""
    message = read_call(frame)
    if isinstance(message, Call):
        if message.action not in tells:
            raise BadFrame("unmapped", f"{message.action} says nothing that is measured")
        return tells[message.action](frame, message)
    command = frame.about.get("command", "")
    if not command:
        raise BadFrame("wrong_type", "an answer to nothing that was asked")
    if isinstance(message, Refusal):
        answered = Answered(command, "ERROR", f"{message.code} {message.description}".strip())
    else:
        answered = answer_of(command, message.payload)
    return (Readings(frame.device, (), answers=answered),)


def seen(frame: Frame, *more: Reading) -> Readings:
    """The station is there, and what else it says of itself."""
    return Readings(frame.device, (Reading("seen", to_text(frame.received_at)), *more), WHOLE)


def texts(payload: Mapping[str, Json], names: Mapping[str, str]) -> list[Reading]:
    """Members that are texts, as readings under names of our own."""
    found = ((name, payload.get(member)) for member, name in names.items())
    return [Reading(name, value) for name, value in found if isinstance(value, str) and value]


def stations(frame: Frame, at: Instant | None) -> list[Readings]:
    """How the station as a whole is, where its link says it."""
    about = frame.about
    counts = [Reading(name, int(about[name])) for name in ("free", "of") if about.get(name, "").isdecimal()]
    status = [Reading("status", about["whole"])] if about.get("whole") else []
    return [Readings(frame.device, (*counts, *status), WHOLE, at)] if counts or status else []


def connector_of(frame: Frame) -> str:
    """The part of a transaction's connector; the station where nobody knows."""
    return frame.about.get("connector", "")


def measured(samples: Iterable[Sequence[Sample]], transaction: str = "") -> list[Reading]:
    """What was measured, with totals over phases; the charge of a vehicle is its transaction's where there is one."""
    readings = [reading for group in samples for reading in (*(one.reading for one in group), *_totals(group))]
    return [one for one in readings if one.quantity != SOC] if transaction else readings


def _totals(group: Sequence[Sample]) -> list[Reading]:
    """Power and energy of all phases, where they were measured one by one."""
    told = {one.reading.quantity for one in group}
    found = [(name, total(group, name)) for name in _TOTALS if name not in told]
    return [Reading(name, *sum_, group[0].reading.at) for name, sum_ in found if sum_ is not None]


def metered(frame: Frame, connector: int, samples: Iterable[Sequence[Sample]], transaction: str = "") -> list[Readings]:
    """What a meter says, at the newest of its times; none where it says nothing."""
    readings = tuple(measured(samples, transaction))
    at = max((one.at for one in readings if one.at is not None), default=None)
    return [Readings(frame.device, readings, str(connector) if connector else MAIN, at)] if readings else []


class Session:
    """A transaction as one message tells of it: what its link knew before, and the samples that came now."""

    def __init__(self, frame: Frame, transaction: str, samples: Sequence[Sequence[Sample]]) -> None:
        self._frame = frame
        self._transaction = transaction
        self._samples = samples

    def readings(self, at: Instant | None, sequence: str, *more: Reading) -> list[Readings]:
        """It as an entity of its own: none where the transaction has no name yet."""
        if not self._transaction:
            return []
        facts = {"transaction": self._transaction}
        if connector := connector_of(self._frame):
            facts["connector"] = connector
        told = (*self._known(), *self._measured(), *more)
        return [Readings(self._frame.device, _last_of_each(told), SESSION, at, sequence, facts)]

    def energy(self, register_wh: float | None) -> list[Reading]:
        """What went into the vehicle up to that register."""
        begin = number(self._frame.about.get("begin_wh"))
        if begin is None or register_wh is None:
            return []
        return [Reading("energy", round(register_wh - begin), "WHR")]

    def _known(self) -> list[Reading]:
        about = self._frame.about
        told = [Reading(name, about[name]) for name in ("started_at", "vehicle") if about.get(name)]
        numbers = (("peak_w", "peak_power", "WTT"), ("soc_start", "soc_start", "P1"))
        for name, quantity, unit in numbers:
            value = number(about.get(name))
            if value is not None:
                told.append(Reading(quantity, value, unit))
        return told

    def _measured(self) -> list[Reading]:
        """Energy, peak and states of charge, of the samples that came now."""
        told: list[Reading] = []
        for group in self._samples:
            at = group[0].reading.at if group else None
            told += [Reading(one.quantity, one.value, one.unit, at) for one in self.energy(energy_wh(group))]
            told += _charge(group, at)
        peaks = [power for group in self._samples if (power := power_w(group)) is not None]
        known = number(self._frame.about.get("peak_w"))
        if peaks:
            told.append(Reading("peak_power", max([*peaks, 0, *([known] if known is not None else [])]), "WTT"))
        return told


def _charge(group: Sequence[Sample], at: Instant | None) -> list[Reading]:
    """The state of charge at the beginning, at the end, or meanwhile: then it is the last one that is known."""
    found = total(group, SOC)
    if found is None:
        return []
    context = next((one.context for one in group if one.reading.quantity == SOC), "")
    return [Reading("soc_start" if context == BEGIN else "soc_end" if context == END else "soc", *found, at)]


def _last_of_each(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    return tuple({one.quantity: one for one in readings}.values())
