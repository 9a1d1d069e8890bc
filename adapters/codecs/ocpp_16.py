"""OCPP 1.6J: what a charge point calls, as readings; see ocpp_told.py for parts and facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.codecs.ocpp_message import Call, instant, text, whole
from adapters.codecs.ocpp_meter import samples_16
from adapters.codecs.ocpp_told import (
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
from adapters.frame import Frame
from adapters.readings import Reading, Readings
from adapters.settings import Members
from broker.model.values import to_text

_BOOT: Final = {
    "chargePointVendor": "vendor", "chargePointModel": "model", "chargePointSerialNumber": "serial",
    "firmwareVersion": "firmware", "meterType": "meter",
}  # fmt: skip


class Ocpp16:
    """The codec `ocpp-1.6`."""

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """As the port says."""
        return decode(frame, _TELLS)


def make_codec(settings: object) -> Ocpp16:
    """The codec; it has no settings. Raises BadSettings."""
    Members(settings, "codec").done()
    return Ocpp16()


def _boot(frame: Frame, call: Call) -> Sequence[Readings]:
    return (seen(frame, *texts(call.payload, _BOOT)),)


def _heartbeat(frame: Frame, _call: Call) -> Sequence[Readings]:
    return (seen(frame),)


def _status(frame: Frame, call: Call) -> Sequence[Readings]:
    """Connector 0 is the station itself."""
    at, connector = instant(call.payload), whole(call.payload, "connectorId")
    told = [Reading("status", text(call.payload, "status")), Reading("error", text(call.payload, "errorCode"))]
    told += texts(call.payload, {"info": "info", "vendorErrorCode": "vendor_error"})
    if connector:
        return (Readings(frame.device, tuple(told), str(connector), at), *stations(frame, at))
    return stations(frame, at) or (Readings(frame.device, tuple(told), at=at),)


def _start(frame: Frame, call: Call) -> Sequence[Readings]:
    """The number of a transaction is its central system's to give: it comes from the link."""
    at, connector = instant(call.payload), whole(call.payload, "connectorId")
    transaction = frame.about.get("transaction", "")
    started = Reading("started_at", to_text(at if at is not None else frame.received_at))
    register = Reading("Energy.Active.Import.Register", whole(call.payload, "meterStart"), "WHR")
    told = [register, started, *([Reading("transaction", transaction)] if transaction else [])]
    session = Session(frame, transaction, ()).readings(at, "", started, Reading("energy", 0, "WHR"))
    return (Readings(frame.device, tuple(told), str(connector), at), *session)


def _stop(frame: Frame, call: Call) -> Sequence[Readings]:
    at, stopped_wh = instant(call.payload), whole(call.payload, "meterStop")
    session = Session(frame, transaction_16(call), samples_16(call.payload, "transactionData"))
    ended = Reading("ended_at", to_text(at if at is not None else frame.received_at))
    why = Reading("stopped_because", text(call.payload, "reason", "Local"))
    energy = session.energy(stopped_wh)
    told = [Reading("Energy.Active.Import.Register", stopped_wh, "WHR"), ended]
    told += [Reading("session_energy", one.value, one.unit) for one in energy]
    made = session.readings(at, "", *energy, ended, why)
    return (Readings(frame.device, tuple(told), connector, at), *made) if (connector := connector_of(frame)) else made


def _meter(frame: Frame, call: Call) -> Sequence[Readings]:
    samples = samples_16(call.payload, "meterValue")
    transaction = transaction_16(call)
    told = metered(frame, whole(call.payload, "connectorId"), samples, transaction)
    times = [one.at for one in measured(samples) if one.at is not None]
    return (*told, *Session(frame, transaction, samples).readings(max(times, default=None), ""))


def transaction_16(call: Call) -> str:
    """The number of a transaction; `""` for none, which some stations write as 0 or -1. Raises BadFrame."""
    number = whole(call.payload, "transactionId", 0)
    return str(number) if number > 0 else ""


_TELLS: Final[Mapping[str, Tell]] = {
    "BootNotification": _boot,
    "Heartbeat": _heartbeat,
    "StatusNotification": _status,
    "StartTransaction": _start,
    "StopTransaction": _stop,
    "MeterValues": _meter,
}
TOLD: Final = frozenset(_TELLS)
"""The calls that say something that is measured; all others are the protocol's own business."""
