"""GBFS 2.3 and 3.0: shared bicycles and scooters, their stations and how many are there.

    station_information  part: the station   name latitude longitude capacity address
    station_status       part: the station   vehicles vehicles_disabled docks docks_disabled installed renting returning
    vehicle_status       part: the vehicle   latitude longitude reserved disabled range vehicle_type station_id
    system_information   part: the system    name operator timezone
    system_alerts        part: the alert     summary description kind

`facts["feed"]` is that word; in 2.3 vehicle_status is called free_bike_status. Names of quantities are the same for
both versions. Texts in several languages come as objects of language and text. Other feeds (pricing plans, geofencing
zones, vehicle types) are read by nobody yet, and give no readings. https://github.com/MobilityData/gbfs
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from adapters.codecs.feeds import EACH, Piece, check_id
from adapters.codecs.json_body import check_value, parse, read_instant
from adapters.frame import BadFrame, Frame
from adapters.readings import Reading, Readings
from adapters.settings import Members
from broker.encode.text import dump
from broker.model.values import Instant, Json

Row: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One feed: where its rows are, what names them, and member -> quantity and unit; several members: versions."""

    feed: str
    rows: str
    ids: tuple[str, ...]
    quantities: Mapping[str, tuple[str, str]]


def _named(**quantities: str) -> dict[str, tuple[str, str]]:
    """`_named(capacity="capacity", current_range_meters="range MTR")`."""
    return {member: (said.partition(" ")[0], said.partition(" ")[2]) for member, said in quantities.items()}


_PLACE: Final = _named(lat="latitude", lon="longitude")
_STATIONS: Final = _Kind(
    "station_information",
    "stations",
    ("station_id",),
    _PLACE | _named(name="name", short_name="short_name", capacity="capacity", address="address", region_id="region"),
)
_STATUS: Final = _Kind(
    "station_status",
    "stations",
    ("station_id",),
    _named(
        num_bikes_available="vehicles",
        num_vehicles_available="vehicles",
        num_bikes_disabled="vehicles_disabled",
        num_vehicles_disabled="vehicles_disabled",
        num_docks_available="docks",
        num_docks_disabled="docks_disabled",
        is_installed="installed",
        is_renting="renting",
        is_returning="returning",
    ),
)
_VEHICLES: Final = _PLACE | _named(
    is_reserved="reserved",
    is_disabled="disabled",
    current_range_meters="range MTR",
    current_fuel_percent="fuel C62",
    vehicle_type_id="vehicle_type",
    station_id="station_id",
)
_KINDS: Final = {
    "station_information": _STATIONS,
    "station_status": _STATUS,
    "vehicle_status": _Kind("vehicle_status", "vehicles", ("vehicle_id",), _VEHICLES),
    "free_bike_status": _Kind("vehicle_status", "bikes", ("bike_id",), _VEHICLES),
    "system_alerts": _Kind(
        "system_alerts", "alerts", ("alert_id",), _named(summary="summary", description="description", type="kind")
    ),
}
_SYSTEM: Final = _named(name="name", operator="operator", timezone="timezone", language="language")
_LANGUAGES_MAX: Final = 40


class Gbfs:
    """See the module."""

    def decode(self, frame: Frame) -> Sequence[Readings]:
        """One Readings a station, vehicle or alert; the channel says which feed it is. Raises BadFrame."""
        whole = _whole(frame.payload)
        published = read_instant(whole["last_updated"])
        data = _object(whole.get("data"), "data")
        if frame.channel == "system_information":
            return [_system(data, frame.device, published)]
        kind = _KINDS.get(frame.channel)
        if kind is None:
            return []
        return [_of_row(kind, row, frame.device, published) for row in _rows(data, kind.rows)]


def make_codec(settings: object) -> Gbfs:
    """The codec; it has no settings. Raises BadSettings."""
    Members(settings, "codec").done()
    return Gbfs()


def cut(payload: bytes, channel: str) -> Sequence[Piece]:
    """The feed in pieces of EACH rows."""
    kind = _KINDS.get(channel)
    if kind is None:
        return [Piece(payload, channel)]
    try:
        whole = _whole(payload, anything=True)
        rows = _rows(_object(whole.get("data"), "data"), kind.rows)
    except BadFrame:
        return [Piece(payload, channel)]
    begins = range(0, len(rows), EACH)
    return [Piece(dump({**whole, "data": {kind.rows: rows[begin : begin + EACH]}}), channel) for begin in begins]


def feeds_of(payload: bytes) -> dict[str, str]:
    """The feeds that a `gbfs.json` names: name -> URL; of several languages those of the first. Raises BadFrame."""
    data = _object(_whole(payload)["data"], "data")
    listed = data.get("feeds")
    if listed is None:
        listed = next((one.get("feeds") for one in data.values() if isinstance(one, dict)), None)
    if not isinstance(listed, list):
        raise BadFrame("wrong_type", "data/feeds: a list of feeds would do")
    found = [one for one in listed if isinstance(one, dict)]
    return {str(one["name"]): str(one["url"]) for one in found if "name" in one and "url" in one}


def ttl_of(payload: bytes) -> float:
    """How many seconds the feed says it will be as it is; 0 where it does not say. Raises BadFrame."""
    ttl = _whole(payload).get("ttl")
    return float(ttl) if isinstance(ttl, int) and not isinstance(ttl, bool) and ttl > 0 else 0.0


def _whole(payload: bytes, *, anything: bool = False) -> dict[str, Json]:
    whole = _object(parse(payload), "the message")
    if not anything and not {"last_updated", "data"} <= whole.keys():
        raise BadFrame("wrong_type", "a GBFS message has last_updated and data")
    return whole


def _object(value: Json, what: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise BadFrame("wrong_type", f"{what}: an object would do")
    return value


def _rows(data: Row, name: str) -> list[Json]:
    rows = data.get(name)
    if not isinstance(rows, list):
        raise BadFrame("wrong_type", f"data/{name}: a list would do")
    return rows


def _of_row(kind: _Kind, row: Json, device: str, published: Instant) -> Readings:
    members = _object(row, f"a member of data/{kind.rows}")
    part = next((str(members[name]) for name in kind.ids if members.get(name)), "")
    if not part:
        raise BadFrame("wrong_type", f"a member of data/{kind.rows} without its {' or '.join(kind.ids)}")
    at = members.get("last_reported")
    readings = tuple(_quantities(members, kind.quantities))
    facts = {"feed": kind.feed, "id": check_id(part)}
    return Readings(device, readings, part, published if at is None else read_instant(at), facts=facts)


def _system(data: Row, device: str, published: Instant) -> Readings:
    part = data.get("system_id")
    if not isinstance(part, str) or not part:
        raise BadFrame("wrong_type", "data/system_id: a text would do")
    facts = {"feed": "system_information", "id": check_id(part)}
    return Readings(device, tuple(_quantities(data, _SYSTEM)), part, published, facts=facts)


def _quantities(members: Row, wanted: Mapping[str, tuple[str, str]]) -> Iterator[Reading]:
    for member, (quantity, unit) in wanted.items():
        if member in members:
            yield Reading(quantity, check_value(_told(members[member])), unit)


def _told(value: Json) -> Json:
    """A value; 3.0's `[{"text": …, "language": "ja"}]` as `{"ja": …}`."""
    if isinstance(value, list) and value and all(isinstance(one, dict) and "text" in one for one in value):
        texts = [one for one in value[:_LANGUAGES_MAX] if isinstance(one, dict)]
        return {str(one.get("language") or "@none"): one["text"] for one in texts}
    return value
