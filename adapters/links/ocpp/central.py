"""What a central system answers: to each call of either version its payload, and what the pipeline is told beside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, TypeVar

from adapters.codecs.ocpp import V16, V201
from adapters.codecs.ocpp_16 import transaction_16
from adapters.codecs.ocpp_201 import ENDED, STARTED
from adapters.codecs.ocpp_message import Call, instant, member, text, whole
from adapters.codecs.ocpp_meter import BEGIN, SOC, Sample, energy_wh, power_w, samples_16, samples_201, total
from adapters.frame import BadFrame
from adapters.links.ocpp.charging import Charging, Transaction, Whole
from adapters.links.ocpp.settings import Settings
from broker.model.values import Instant, Json, to_text
from broker.ports import Clock


@dataclass(frozen=True, slots=True)
class Answer:
    """The payload of a result, and what the frame says beside the message (`Frame.about`)."""

    payload: dict[str, Json]
    about: dict[str, str] = field(default_factory=dict)


class Central:
    """The central system behind all connections of a link."""

    def __init__(self, settings: Settings, charging: Charging, clock: Clock) -> None:
        self._settings = settings
        self._charging = charging
        self._clock = clock

    def answers(self, version: str, action: str) -> bool:
        """Whether a station may call that."""
        return action in _ANSWERS[version] or action in _PLAIN[version]

    async def answer(self, version: str, station: str, call: Call) -> Answer:
        """What a call that its schema allows is answered, once what must be kept of it is kept.

        Raises NotKept. A value that cannot be is answered all the same: the station would send it for ever.
        """
        answer = _ANSWERS[version].get(call.action)
        return Answer(dict(_PLAIN[version][call.action])) if answer is None else await answer(self, station, call)

    async def boot(self, _station: str, _call: Call) -> Answer:
        """Every station that came through the door is taken."""
        return Answer({"status": "Accepted", "currentTime": self._now(), "interval": self._settings.heartbeat_s})

    async def heartbeat(self, _station: str, _call: Call) -> Answer:
        """The time."""
        return Answer({"currentTime": self._now()})

    async def authorize_16(self, _station: str, call: Call) -> Answer:
        """Whether who shows a token may charge."""
        return Answer({"idTagInfo": self._admitted(text(call.payload, "idTag"))})

    async def authorize_201(self, _station: str, call: Call) -> Answer:
        """Whether who shows a token may charge."""
        return Answer({"idTokenInfo": self._admitted(_token(call))})

    async def status_16(self, station: str, call: Call) -> Answer:
        """The status of a connector; 0 is the station itself."""
        connector, status = whole(call.payload, "connectorId"), text(call.payload, "status")
        return Answer({}, _whole(await _done(self._charging.status(station, connector, 1, status))))

    async def status_201(self, station: str, call: Call) -> Answer:
        """The status of one of an EVSE's connectors."""
        evse, connector = whole(call.payload, "evseId"), whole(call.payload, "connectorId")
        status = text(call.payload, "connectorStatus")
        return Answer({}, _whole(await _done(self._charging.status(station, evse, connector, status))))

    async def start_16(self, station: str, call: Call) -> Answer:
        """The number of a transaction, the same one where this was told before."""
        token = text(call.payload, "idTag")
        told = Transaction(
            "",
            str(whole(call.payload, "connectorId")),
            self._time(call),
            whole(call.payload, "meterStart"),
        )
        begun = await _done(self._charging.begin(station, told, self._clock.now()))
        return Answer({"transactionId": int(begun.name), "idTagInfo": self._admitted(token)}, self._about(begun, token))

    async def stop_16(self, station: str, call: Call) -> Answer:
        """It ended."""
        name, token = transaction_16(call), text(call.payload, "idTag")
        if not name:
            return Answer({"idTagInfo": self._admitted(token)} if token else {})
        samples = _samples(lambda: samples_16(call.payload, "transactionData"))
        ended = self._time(call)
        told = _measured(Transaction(name, ended_at=self._clock.now() if ended is None else ended), samples)
        noted = await _done(self._charging.note(station, told))
        return Answer({"idTagInfo": self._admitted(token)} if token else {}, self._about(noted, token))

    async def meter_16(self, station: str, call: Call) -> Answer:
        """What was measured, of a transaction or not."""
        name = transaction_16(call)
        if not name:
            return Answer({})
        samples = _samples(lambda: samples_16(call.payload, "meterValue"))
        connector = whole(call.payload, "connectorId")
        told = _measured(Transaction(name, str(connector) if connector else ""), samples)
        return Answer({}, self._about(await _done(self._charging.note(station, told))))

    async def event_201(self, station: str, call: Call) -> Answer:
        """A transaction began, goes on or ended."""
        kind, at = text(call.payload, "eventType"), self._time(call)
        evse, token = whole(member(call.payload, "evse"), "id", 0), _token(call)
        samples = _samples(lambda: samples_201(call.payload))
        registers = [register for group in samples if (register := energy_wh(group)) is not None]
        told = Transaction(
            text(member(call.payload, "transactionInfo"), "transactionId"),
            str(evse) if evse else "",
            at if kind == STARTED else None,
            registers[0] if registers else None,
            ended_at=at if kind == ENDED else None,
        )
        noted = await _done(self._charging.note(station, _measured(told, samples)))
        return Answer({"idTokenInfo": self._admitted(token)} if token else {}, self._about(noted, token))

    def _admitted(self, token: str) -> Json:
        return {"status": "Accepted" if self._settings.tokens.admits(token) else "Invalid"}

    def _about(self, one: Transaction, token: str = "") -> dict[str, str]:
        """What is known of a transaction, as texts, and the vehicle of a token that the message itself shows."""
        told = {
            "transaction": one.name,
            "connector": one.connector,
            "started_at": "" if one.started_at is None else to_text(one.started_at),
            "begin_wh": _number(one.begin_wh),
            "peak_w": _number(one.peak_w),
            "soc_start": _number(one.soc_start),
            "vehicle": self._settings.tokens.vehicle(token) if token else "",
        }
        return {name: value for name, value in told.items() if value}

    def _now(self) -> str:
        return to_text(self._clock.now())[:-4] + "Z"  # milliseconds: some stations read no more

    def _time(self, call: Call) -> Instant | None:
        """The station's time; None where it is none, which its codec refuses."""
        try:
            return instant(call.payload)
        except BadFrame:
            return None


_Answering: TypeAlias = Callable[[Central, str, Call], Awaitable[Answer]]
_ANSWERS: Final[Mapping[str, Mapping[str, _Answering]]] = {
    V16: {
        "Authorize": Central.authorize_16,
        "BootNotification": Central.boot,
        "Heartbeat": Central.heartbeat,
        "MeterValues": Central.meter_16,
        "StartTransaction": Central.start_16,
        "StatusNotification": Central.status_16,
        "StopTransaction": Central.stop_16,
    },
    V201: {
        "Authorize": Central.authorize_201,
        "BootNotification": Central.boot,
        "Heartbeat": Central.heartbeat,
        "StatusNotification": Central.status_201,
        "TransactionEvent": Central.event_201,
    },
}
_NOTHING: Final[Mapping[str, Json]] = {}
_PLAIN: Final[Mapping[str, Mapping[str, Mapping[str, Json]]]] = {
    V16: {
        "DataTransfer": {"status": "UnknownVendorId"},
        "DiagnosticsStatusNotification": _NOTHING,
        "FirmwareStatusNotification": _NOTHING,
        "LogStatusNotification": _NOTHING,
        "SecurityEventNotification": _NOTHING,
        "SignCertificate": {"status": "Rejected"},
        "SignedFirmwareStatusNotification": _NOTHING,
    },
    V201: {
        "ClearedChargingLimit": _NOTHING,
        "DataTransfer": {"status": "UnknownVendorId"},
        "FirmwareStatusNotification": _NOTHING,
        "LogStatusNotification": _NOTHING,
        "MeterValues": _NOTHING,
        "NotifyChargingLimit": _NOTHING,
        "NotifyCustomerInformation": _NOTHING,
        "NotifyDisplayMessages": _NOTHING,
        "NotifyEVChargingNeeds": {"status": "Rejected"},
        "NotifyEVChargingSchedule": {"status": "Accepted"},
        "NotifyEvent": _NOTHING,
        "NotifyMonitoringReport": _NOTHING,
        "NotifyReport": _NOTHING,
        "PublishFirmwareStatusNotification": _NOTHING,
        "ReportChargingProfiles": _NOTHING,
        "ReservationStatusUpdate": _NOTHING,
        "SecurityEventNotification": _NOTHING,
        "SignCertificate": {"status": "Rejected"},
    },
}
"""Calls that are taken without anything coming of them."""


T = TypeVar("T")


async def _done(future: Future[T]) -> T:
    return await asyncio.wrap_future(future)


def _token(call: Call) -> str:
    return text(member(call.payload, "idToken"), "idToken")


def _samples(read: Callable[[], list[list[Sample]]]) -> list[list[Sample]]:
    """None where they cannot be read: their codec refuses them, and says why."""
    try:
        return read()
    except BadFrame:
        return []


def _measured(told: Transaction, samples: Sequence[Sequence[Sample]]) -> Transaction:
    """With the most power, and the charge at the beginning, of what was measured."""
    powers = [power for group in samples if (power := power_w(group)) is not None]
    began = [group for group in samples if any(one.context == BEGIN for one in group)]
    charges = [found[0] for group in began if (found := total(group, SOC)) is not None]
    return replace(told, peak_w=max([*powers, 0.0]) if powers else None, soc_start=charges[0] if charges else None)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.15g}"


def _whole(whole_: Whole) -> dict[str, str]:
    return {"status": whole_.evse, "free": str(whole_.free), "of": str(whole_.of), "whole": whole_.status}
