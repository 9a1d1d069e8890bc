"""What ChirpStack v4 says of a device of LoRaWAN, over MQTT (`application/APP/device/EUI/event/up`) or HTTP.

Settings and payloads: lorawan.py. Uplinks become readings; so do the events `status` (`battery`, `margin`) and
`location` (`latitude`, `longitude`, `altitude`). The other events say nothing that is measured. Tags of the device are
facts, for ids: `{tag_room}`.
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
from broker.model.values import Instant, Json

_EVENTS: Final = frozenset({"up", "status", "location", "join", "ack", "txack", "log", "integration"})
_TOLD_BY: Final = (
    ("integration", ("integrationName",)),
    ("txack", ("downlinkId",)),
    ("ack", ("acknowledged", "queueItemId")),
    ("log", ("level", "code")),
    ("up", ("rxInfo", "fPort", "fCnt", "data")),
    ("status", ("margin", "batteryLevel", "batteryLevelUnavailable", "externalPowerSource")),
    ("location", ("location",)),
    ("join", ("deviceInfo",)),
)
"""Which event it is, where neither topic nor request says so: by a member; zeros are left out of these messages."""
_MEASURED: Final = (
    ("batteryLevel", "battery", "P1"), ("margin", "radio.margin", "2N"),
    ("latitude", "latitude", "DD"), ("longitude", "longitude", "DD"), ("altitude", "altitude", "MTR"),
)  # fmt: skip
_TAGS_MAX: Final = 100


class ChirpStack:
    """See the module."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """As the port says."""
        body = parse(frame.payload)
        if not isinstance(body, dict):
            raise BadFrame("wrong_type", "an event of ChirpStack is a JSON object")
        event = _event(frame, body)
        info = object_in(body, "deviceInfo")
        eui = text_in(info, "devEui")
        names = said({"device_id": eui, "dev_eui": eui, "name": text_in(info, "deviceName")})
        time = text_in(body, "time")
        at = read_instant(time) if time else None
        if event == "up":
            return [self._reader.readings(_uplink(body, names, info, at))]
        if event in ("status", "location"):
            told = object_in(body, "location") if event == "location" else body
            device = self._reader.device(names)
            return [Readings(device, _measured(told), at=at, sequence=text_in(body, "deduplicationId"))]
        return []


def make_codec(settings: object) -> ChirpStack:
    """The codec of the member `codec`. Raises BadSettings."""
    return ChirpStack(reader_of(settings, "dev_eui"))


def _event(frame: Frame, body: Mapping[str, Json]) -> str:
    """What the request's parameter or the topic's last level says, else what the members tell. Raises BadFrame."""
    event = frame.about.get("event") or frame.channel.rstrip("/").rpartition("/")[2]
    if event in _EVENTS:
        return event
    for name, told in _TOLD_BY:
        if not body.keys().isdisjoint(told):
            return name
    raise BadFrame("wrong_type", f"{event[:40]!r} is no event of ChirpStack")


def _uplink(body: Mapping[str, Json], names: Mapping[str, str], info: Mapping[str, Json], at: Instant | None) -> Uplink:
    radio, gateway = radio_of(body.get("rxInfo"), lambda one: text_in(one, "gatewayId"))
    profile, application = text_in(info, "deviceProfileName"), text_in(info, "applicationName")
    tags = object_in(info, "tags")
    if len(tags) > _TAGS_MAX:
        raise BadFrame("oversized", f"{len(tags)} tags, more than {_TAGS_MAX}")
    return Uplink(
        names,
        payload_in(body, "data"),
        whole_in(body, "fPort"),
        at,
        text_in(body, "deduplicationId") or f"{text_in(body, 'devAddr')}:{whole_in(body, 'fCnt')}:{at or ''}",
        profile,
        body.get("object"),
        radio,
        said(
            {f"tag_{name}": text_in(tags, name) for name in tags}
            | {"application": application, "gateway": gateway, "profile": profile, **names}
        ),
    )


def _measured(told: Mapping[str, Json]) -> tuple[Reading, ...]:
    """What a status or a location measures; a level that is not known is of bad quality."""
    unknown = told.get("batteryLevelUnavailable") is True
    found = [
        Reading(name, value, unit)
        for member, name, unit in _MEASURED
        if isinstance(value := told.get(member), int | float) and not isinstance(value, bool)
    ]
    if unknown:
        return (Reading("battery", None, "P1", quality="bad"), *(one for one in found if one.quantity != "battery"))
    return tuple(found)
