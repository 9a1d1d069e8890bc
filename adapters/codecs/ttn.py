"""What The Things Stack v3 says of a device of LoRaWAN, over MQTT (`v3/APP@TENANT/devices/ID/up`) or a webhook.

Settings and payloads: lorawan.py. Uplinks become readings; so do locations that the network worked out (`latitude`,
`longitude`, `altitude`, from `location/solved`). Joins, acknowledgements and service data say nothing that is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.codecs.json_body import parse, read_instant
from adapters.codecs.lorawan import (
    Reader,
    Uplink,
    object_in,
    payload_in,
    radio_of,
    reader_of,
    said,
    text_in,
    whole_in,
)
from adapters.frame import BadFrame, Frame
from adapters.readings import Reading, Readings
from broker.model.values import Json

_SAY_NOTHING: Final = (
    "join_accept", "downlink_ack", "downlink_nack", "downlink_sent", "downlink_failed", "downlink_queued",
    "downlink_queue_invalidated", "service_data",
)  # fmt: skip
_PLACE: Final = (("latitude", "DD"), ("longitude", "DD"), ("altitude", "MTR"))


class Ttn:
    """See the module."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """As the port says."""
        body = parse(frame.payload)
        if not isinstance(body, dict):
            raise BadFrame("wrong_type", "a message of The Things Stack is a JSON object")
        ids = object_in(body, "end_device_ids")
        names = said({name: text_in(ids, name) for name in ("device_id", "dev_eui")})
        application = text_in(object_in(ids, "application_ids"), "application_id")
        if "uplink_message" in body:
            return [self._reader.readings(_uplink(body, names, text_in(ids, "dev_addr"), application))]
        if "location_solved" in body:
            return [self._located(body, names)]
        if not any(name in body for name in _SAY_NOTHING):
            raise BadFrame("wrong_type", "neither an uplink nor another message of The Things Stack")
        return []

    def _located(self, body: Mapping[str, Json], names: Mapping[str, str]) -> Readings:
        place = object_in(object_in(body, "location_solved"), "location")
        readings = tuple(
            [
                Reading(name, value, unit)
                for name, unit in _PLACE
                if isinstance(value := place.get(name), int | float) and not isinstance(value, bool)
            ]
        )
        at = read_instant(body["received_at"]) if "received_at" in body else None
        return Readings(self._reader.device(names), readings, at=at)


def make_codec(settings: object) -> Ttn:
    """The codec of the member `codec`. Raises BadSettings."""
    return Ttn(reader_of(settings, "device_id"))


def _uplink(body: Mapping[str, Json], names: Mapping[str, str], address: str, application: str) -> Uplink:
    uplink = object_in(body, "uplink_message")
    received = text_in(uplink, "received_at") or text_in(body, "received_at")
    radio, gateway = radio_of(
        uplink.get("rx_metadata"), lambda one: text_in(object_in(one, "gateway_ids"), "gateway_id")
    )
    session = text_in(uplink, "session_key_id") or address
    version = object_in(uplink, "version_ids")
    profile = "/".join(filter(None, (text_in(version, "brand_id"), text_in(version, "model_id"))))
    return Uplink(
        names,
        payload_in(uplink, "frm_payload"),
        whole_in(uplink, "f_port"),
        read_instant(received) if received else None,
        f"{session}:{whole_in(uplink, 'f_cnt')}:{received}",
        profile,
        uplink.get("decoded_payload"),
        radio,
        said({"application": application, "gateway": gateway, "profile": profile, **names}),
    )
