"""OCPP 2.0.1: what a charging station calls, as readings; see ocpp_told.py for parts and facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.codecs.ocpp_message import Call, instant, member, text, whole
from adapters.codecs.ocpp_meter import energy_wh, samples_201
from adapters.codecs.ocpp_told import (
    WHOLE,
    Session,
    Tell,
    connector_of,
    decode,
    measured,
    metered,
    seen,
    stations,
    texts,
)
from adapters.frame import BadFrame, Frame
from adapters.readings import Reading, Readings
from adapters.settings import Members
from broker.model.values import to_text

_STATION: Final = {"vendorName": "vendor", "model": "model", "serialNumber": "serial", "firmwareVersion": "firmware"}
STARTED, UPDATED, ENDED = "Started", "Updated", "Ended"


class Ocpp201:
    """The codec `ocpp-2.0.1`."""

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """As the port says."""
        return decode(frame, _TELLS)


def make_codec(settings: object) -> Ocpp201:
    """The codec; it has no settings. Raises BadSettings."""
    Members(settings, "codec").done()
    return Ocpp201()


def _boot(frame: Frame, call: Call) -> Sequence[Readings]:
    station = texts(member(call.payload, "chargingStation"), _STATION)
    return (seen(frame, *station, *texts(call.payload, {"reason": "boot_reason"})),)


def _heartbeat(frame: Frame, _call: Call) -> Sequence[Readings]:
    return (seen(frame),)


def _status(frame: Frame, call: Call) -> Sequence[Readings]:
    """An EVSE charges one vehicle at a time: its connectors' statuses together are its own, as its link says."""
    at, evse = instant(call.payload), whole(call.payload, "evseId")
    whole(call.payload, "connectorId")
    status = frame.about.get("status") or text(call.payload, "connectorStatus")
    told = Readings(frame.device, (Reading("status", status),), str(evse) if evse else WHOLE, at)
    return (told, *stations(frame, at)) if evse else (stations(frame, at) or (told,))


def _event(frame: Frame, call: Call) -> Sequence[Readings]:
    """Events are numbered within their transaction: a repetition has the number that it had."""
    at, kind = instant(call.payload), text(call.payload, "eventType")
    if kind not in (STARTED, UPDATED, ENDED):
        raise BadFrame("wrong_type", "eventType: Started, Updated or Ended")
    info = member(call.payload, "transactionInfo")
    transaction = text(info, "transactionId")
    if not transaction:
        raise BadFrame("wrong_type", "transactionInfo/transactionId: a text is due")
    sequence = f"{transaction}/{whole(call.payload, 'seqNo')}"
    samples = samples_201(call.payload)
    session = Session(frame, transaction, samples)
    told = measured(samples, transaction)
    told += texts(info, {"chargingState": "charging_state"})
    edges = _edges(frame, call, kind)
    connector = [*edges, *([Reading("transaction", transaction)] if kind == STARTED else [])]
    if kind == ENDED:
        last = [register for group in samples if (register := energy_wh(group)) is not None]
        connector += [
            Reading("session_energy", one.value, one.unit) for one in session.energy(last[-1] if last else None)
        ]
        edges += texts(info, {"stoppedReason": "stopped_because"})
    part = str(whole(member(call.payload, "evse"), "id", 0) or "") or connector_of(frame)
    made = session.readings(at, sequence, *edges)
    if not part or not (told or connector):
        return made
    return (Readings(frame.device, (*told, *connector), part, at, sequence), *made)


def _edges(frame: Frame, call: Call, kind: str) -> list[Reading]:
    """When it began or ended, in the message that says that it did."""
    at = instant(call.payload)
    moment = to_text(at if at is not None else frame.received_at)
    return [] if kind == UPDATED else [Reading("started_at" if kind == STARTED else "ended_at", moment)]


def _meter(frame: Frame, call: Call) -> Sequence[Readings]:
    return metered(frame, whole(call.payload, "evseId"), samples_201(call.payload))


_TELLS: Final[Mapping[str, Tell]] = {
    "BootNotification": _boot,
    "Heartbeat": _heartbeat,
    "StatusNotification": _status,
    "TransactionEvent": _event,
    "MeterValues": _meter,
}
TOLD: Final = frozenset(_TELLS)
"""The calls that say something that is measured; all others are the protocol's own business."""
